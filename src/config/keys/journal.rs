//! Where events are kept, and how they are made provable.

use super::{Absent, Kind, Table, key, words};
use crate::features::audit::settings::{KeepJustification, KeepPatient, KeepQuery};

pub(super) static JOURNAL: Table = Table {
    header: "[journal]",
    doc: "Where events are kept: an append-only log in which a change shows.",
    keys: &[
        key(
            "directory",
            Kind::Path("data/journal"),
            Absent::Is("\"data/journal\""),
            "The folder of the segments; made if it is not there.",
        ),
        key(
            "segment_bytes",
            Kind::Size("1MiB", "1GiB"),
            Absent::Is("\"64MiB\""),
            "The size of a segment, allocated ahead of use.",
        ),
        key(
            "sync",
            Kind::Text("before_release"),
            Absent::Is("\"before_release\""),
            "When entries reach the disk: `before_release` of the reply, or within a duration of `1ms` to `1s`: \
             a crash may then lose the events of the last moments.",
        ),
        key(
            "origin",
            Kind::Text("leastway.clinic.example/gateway-1"),
            Absent::Means("a name made at the first start"),
            "The name of this journal in its checkpoints, for those who check them: no blanks, no `+`. Each node has its own.",
        ),
        key(
            "checkpoint_every",
            Kind::Duration("100ms", "1h"),
            Absent::Is("\"1s\""),
            "How often a checkpoint is signed while entries come: the journal's size and root, which prove to others that \
             nothing before was changed.",
        ),
        key(
            "signing_key",
            Kind::Secret,
            Absent::Means("one of its own, made at the first start"),
            "The Ed25519 key that signs checkpoints, as `PRIVATE+KEY+NAME+…` of signed notes. With one from elsewhere \
             `leastway audit rotate-key` has no part.",
        ),
        key(
            "heartbeat",
            Kind::Duration("1s", "1d"),
            Absent::Is("\"5m\""),
            "After so long without an entry, one is written that proves the silence and tells the state of the clock.",
        ),
        key(
            "witness",
            Kind::Tables(&WITNESS),
            Absent::Means("none"),
            "Who is told the newest checkpoint, out of reach of whoever could change the journal.",
        ),
        key(
            "sealed",
            Kind::Table(&SEALED),
            Absent::Means("its defaults"),
            "What events tell only to whoever says why.",
        ),
    ],
};

static SEALED: Table = Table {
    header: "[journal.sealed]",
    doc: "What events keep under seal, by a key for each month. Reading it is an event of its own, and once a month's key is \
          destroyed nobody reads what was sealed in it; the journal verifies as before.",
    keys: &[
        key(
            "keys",
            Kind::Path("data/seals"),
            Absent::Means("`seals` beside the journal's folder"),
            "The folder of the keys; made if it is not there. Kept apart from copies of the journal, it keeps them closed.",
        ),
        key(
            "patient",
            Kind::Word(words!(KeepPatient)),
            Absent::Is("\"sealed\""),
            "`hash`: the keyed digest by which a patient is found, and nothing else; `sealed`: that, and what the application \
             calls them, under seal.",
        ),
        key(
            "query",
            Kind::Word(words!(KeepQuery)),
            Absent::Is("\"sealed\""),
            "`names` of a query's parameters; or those, and the query under `sealed`, but for what may open something, such as \
             codes and tokens.",
        ),
        key(
            "justification",
            Kind::Word(words!(KeepJustification)),
            Absent::Is("\"sealed\""),
            "What a person says in their own words: `sealed`, or `clear` for every reader. Its code, number and recipient are \
             always clear.",
        ),
        key(
            "retain_years",
            Kind::Whole(6, 100),
            Absent::Is("10"),
            "For how many years after its month a key cannot be destroyed. Six are the least (45 CFR 164.316(b)(2)(i)).",
        ),
        key(
            "legal_hold",
            Kind::Texts("2026-11"),
            Absent::Is("[]"),
            "Months whose keys cannot be destroyed for as long as they stand here. Counts from a reload on.",
        ),
    ],
};

static WITNESS: Table = Table {
    header: "[[journal.witness]]",
    doc: "Notes checkpoints of the journal. `leastway audit verify --checkpoint` holds the journal against them, and finds \
          what was cut off its end, and one that was replaced whole.",
    keys: &[
        key("name", Kind::Text("compliance"), Absent::Refused, "What it is called in metrics and messages."),
        key(
            "every",
            Kind::Duration("1s", "1d"),
            Absent::Is("\"60s\""),
            "How often it is told the newest checkpoint.",
        ),
        key(
            "file",
            Kind::Path("/mnt/evidence/gateway-1.checkpoints"),
            Absent::Means("`url` or `syslog`"),
            "A file on other media, at the end of which each is written.",
        ),
        key(
            "url",
            Kind::Text("https://evidence.clinic.example/leastway"),
            Absent::Means("`file` or `syslog`"),
            "An address to which each is posted, as `text/plain`; no redirect is followed, and any 2xx is a receipt.",
        ),
        key(
            "syslog",
            Kind::Text("tcp+tls://siem.clinic.example:6514"),
            Absent::Means("`file` or `url`"),
            "A receiver of syslog (RFC 5424 and 5425) to which each is sent as one message, with the note on one line. Without a port: 6514.",
        ),
        key("token", Kind::Secret, Absent::Means("none"), "The bearer token that is brought to `url`."),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `url` or `syslog`.",
        ),
    ],
};
