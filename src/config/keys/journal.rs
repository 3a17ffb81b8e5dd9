//! Where events are kept, and how they are made provable.

use super::{Absent, Kind, Table, key, words};
use crate::domain::gap::GapRule;
use crate::features::audit::settings::{ArchiveLock, KeepJustification, KeepPatient, KeepQuery};

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
            "spool",
            Kind::Path("/var/spool/leastway"),
            Absent::Means("none"),
            "A folder on another disk, where entries go while the journal's takes none: full, read-only, failing or hanging. The \
             chain goes on in it, and comes home when the disk is back. A start needs its disk.",
        ),
        key(
            "stall_after",
            Kind::Duration("100ms", "10m"),
            Absent::Is("\"10s\""),
            "After so long in one write or sync a disk counts as one that takes nothing, where there is a `spool` or a `gap`.",
        ),
        key(
            "gap",
            Kind::Word(words!(GapRule)),
            Absent::Is("\"never\""),
            "What goes on where no disk takes entries: `never` anything; or `treatment-reads`, GET and HEAD of people who treat \
             somebody, but no export and nothing administrative. These requests leave no event each: they are counted, and \
             the first entry behind the gap tells who, where and how many.",
        ),
        key(
            "warn_free_percent",
            Kind::Whole(0, 90),
            Absent::Is("20"),
            "Below so much free room on the disk of the journal, or of the spool, it is told.",
        ),
        key(
            "warn_full_within",
            Kind::Duration("0s", "30d"),
            Absent::Is("\"24h\""),
            "If by what was written lately such a disk is full within this time, it is told.",
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
        key(
            "archive",
            Kind::Table(&ARCHIVE),
            Absent::Means("all segments stay in `directory`"),
            "Where full segments are kept elsewhere.",
        ),
    ],
};

static ARCHIVE: Table = Table {
    header: "[journal.archive]",
    doc: "Keeps full segments elsewhere: packed, read back and verified, each with a manifest by which it can be verified alone. \
          They are kept there as long as `journal.sealed.retain_years` and `legal_hold` say. Counts from a restart on.",
    keys: &[
        key(
            "to",
            Kind::Text("s3://clinic-journal/gateway-1"),
            Absent::Refused,
            "Where: `s3://BUCKET/PREFIX`, or `file:FOLDER` on other media, which has to be there. Each journal has a prefix or a folder \
             of its own.",
        ),
        key(
            "keep_local",
            Kind::Duration("2d", "36500d"),
            Absent::Is("\"396d\""),
            "How old an archived segment is before it is removed from the journal's folder, once its copy was read back again and \
             no export needs it. 396 days are 13 months.",
        ),
        key(
            "endpoint",
            Kind::Text("https://s3.clinic.example"),
            Absent::Means("`https://s3.REGION.amazonaws.com`"),
            "The server of the bucket: `https`, or plain on this machine. The bucket stands in the path.",
        ),
        key(
            "region",
            Kind::Text("eu-central-1"),
            Absent::Is("\"us-east-1\""),
            "The region that signatures name.",
        ),
        key(
            "access_key",
            Kind::Secret,
            Absent::Means("a problem for `s3:`"),
            "The account that may put, read and list objects, lock and hold them, and remove them by version.",
        ),
        key("secret_key", Kind::Secret, Absent::Means("a problem for `s3:`"), "What the account signs with."),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `endpoint`.",
        ),
        key(
            "lock",
            Kind::Word(words!(ArchiveLock)),
            Absent::Is("\"compliance\""),
            "How objects are locked until their retention is over (S3 Object Lock): `compliance`, from the account's owner too; \
             `governance`, from all who may not bypass it; `none`, where the bucket cannot.",
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
            "The folder of the keys, that by which events name patients among them; made if it is not there. Kept apart from copies \
             of the journal, it keeps them closed.",
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
            "For how many years after its month a key is kept, which the gateway then destroys, and a segment is kept in the archive. \
             Six are the least (45 CFR 164.316(b)(2)(i)).",
        ),
        key(
            "legal_hold",
            Kind::Texts("2026-11"),
            Absent::Is("[]"),
            "Months whose keys cannot be destroyed for as long as they stand here, nor segments be removed, here or in the archive. \
             Counts from a reload on.",
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
            Absent::Means("`url`, `syslog` or `bucket`"),
            "A file on other media, at the end of which each is written.",
        ),
        key(
            "url",
            Kind::Text("https://evidence.clinic.example/leastway"),
            Absent::Means("`file`, `syslog` or `bucket`"),
            "An address to which each is posted, as `text/plain`; no redirect is followed, and any 2xx is a receipt.",
        ),
        key(
            "syslog",
            Kind::Text("tcp+tls://siem.clinic.example:6514"),
            Absent::Means("`file`, `url` or `bucket`"),
            "A receiver of syslog (RFC 5424 and 5425) to which each is sent as one message, with the note on one line. Without a port: 6514.",
        ),
        key(
            "bucket",
            Kind::Text("s3://clinic-witness/gateway-1"),
            Absent::Means("`file`, `url` or `syslog`"),
            "A bucket of S3, or of what speaks its language, into which each is put as `PREFIX/checkpoints/SIZE`, and locked for \
             `journal.sealed.retain_years`. Say a longer `every`: each is an object that stays.",
        ),
        key("token", Kind::Secret, Absent::Means("none"), "The bearer token that is brought to `url`."),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `url`, `syslog` or `endpoint`.",
        ),
        key(
            "endpoint",
            Kind::Text("https://s3.clinic.example"),
            Absent::Means("`https://s3.REGION.amazonaws.com`"),
            "The server of `bucket`: `https`, or plain on this machine.",
        ),
        key(
            "region",
            Kind::Text("eu-central-1"),
            Absent::Is("\"us-east-1\""),
            "The region that signatures for `bucket` name.",
        ),
        key(
            "access_key",
            Kind::Secret,
            Absent::Means("a problem for `bucket`"),
            "The account that may put objects, and read their retention. Not the archive's: whoever has that one should not reach the \
             witness.",
        ),
        key(
            "secret_key",
            Kind::Secret,
            Absent::Means("a problem for `bucket`"),
            "What the account signs with.",
        ),
        key(
            "lock",
            Kind::Word(words!(ArchiveLock)),
            Absent::Is("\"compliance\""),
            "How objects of `bucket` are locked, as those of the archive are.",
        ),
    ],
};
