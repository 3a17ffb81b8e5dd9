//! Where events are kept, and how they are made provable.

use super::{Absent, Kind, Table, key};

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
            Absent::Means("`url`"),
            "A file on other media, at the end of which each is written.",
        ),
        key(
            "url",
            Kind::Text("https://evidence.clinic.example/leastway"),
            Absent::Means("`file`"),
            "An address to which each is posted, as `text/plain`; no redirect is followed, and any 2xx is a receipt.",
        ),
        key("token", Kind::Secret, Absent::Means("none"), "The bearer token that is brought to `url`."),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `url`.",
        ),
    ],
};
