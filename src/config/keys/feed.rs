//! Facts about people and patients from declared feeds.

use super::{Absent, Kind, Table, key, words};
use crate::domain::told::FeedKind;
use crate::features::facts::settings::Format;

pub(super) static FEED: Table = Table {
    header: "[feed.NAME]",
    doc: "What is known of people and patients: who cares for whom, who is at work, where somebody works, where a patient is. \
          Taken whole or not at all: a row that cannot be read leaves in force what was known before.",
    keys: &[
        key("kind", Kind::Word(words!(FeedKind)), Absent::Refused, "What its rows are about."),
        key(
            "file",
            Kind::Path("feeds/care-team.csv"),
            Absent::Means("`url`"),
            "The file with its rows, read again when it has changed. Put a new one in its place by renaming it: half a file \
             may look whole. Its time of writing says how old it is.",
        ),
        key(
            "url",
            Kind::Text("https://ehr.clinic.example/care-team.csv"),
            Absent::Means("`file`"),
            "The address that is asked for them; no redirect is followed. `Last-Modified`, or else `Date`, says how old they \
             are.",
        ),
        key("every", Kind::Duration("10s", "1d"), Absent::Is("\"5m\""), "How often `url` is asked."),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `url`.",
        ),
        key("token", Kind::Secret, Absent::Means("none"), "The bearer token that is brought to `url`."),
        key(
            "username",
            Kind::Text("leastway"),
            Absent::Means("none"),
            "The name that is brought to `url` with `password`.",
        ),
        key("password", Kind::Secret, Absent::Means("none"), "The password for `username`."),
        key(
            "format",
            Kind::Word(words!(Format)),
            Absent::Means("as the name ends"),
            "How rows are written. In CSV a cell that holds several has them between semicolons.",
        ),
        key("provider", Kind::Text("clinic"), Absent::Means("the only provider"), "Whose people it names."),
        key(
            "person",
            Kind::Text("email"),
            Absent::Is("\"sub\""),
            "What of a person is compared with its names: `sub`, or an attribute by our word in `provider.claims`.",
        ),
        key(
            "applications",
            Kind::Texts("ehr"),
            Absent::Means("the only application"),
            "Whose patients it names: as these applications call them in `{patient}`.",
        ),
        key(
            "columns",
            Kind::Map("person"),
            Absent::Means("those that the kind needs, under our words"),
            "Where each thing stands: our word = the column. `person`, `patient`, `relationship`, `from`, `until`; `location`, \
             `department`, `facility`; `own_patient`, `household`; `flags`; `as_of`, when the rows were made. A moment has an \
             offset or is in the `time_zone`; `until` is the first at which it holds no more, and of a day it is its end.",
        ),
        key(
            "relationship",
            Kind::Text("treatment_team"),
            Absent::Means("`relationships`"),
            "What a person and a patient of a row have to do with each other, where no column says it.",
        ),
        key(
            "relationships",
            Kind::Map("attending"),
            Absent::Means("`relationship`"),
            "Our words = what stands in the column `relationship`. Other rows are left out, and counted.",
        ),
        key(
            "flags",
            Kind::Map("vip"),
            Absent::Means("none"),
            "Our words = what stands in the column `flags`. Whoever is not listed has none.",
        ),
        key(
            "max_age",
            Kind::Duration("1s", "3650d"),
            Absent::Is("\"24h\""),
            "How old it may be. What is older counts as not told (`attribute-stale`); under a treatment purpose a reason makes \
             up for it.",
        ),
        key("rows_max", Kind::Whole(1, 20_000_000), Absent::Is("2000000"), "The most rows that are taken."),
        key(
            "bytes_max",
            Kind::Size("1KiB", "2GiB"),
            Absent::Is("\"256MiB\""),
            "The most bytes that are read.",
        ),
    ],
};
