//! Purposes: what pages call them.

use super::{Absent, Kind, Table, key};

pub(super) static PURPOSE: Table = Table {
    header: "[purpose.NAME]",
    doc: "A purpose of use, by one of the names in a role's `purposes`. Whoever works for several of them is asked once in a \
          session which it is.",
    keys: &[key(
        "title",
        Kind::Text("I am at the billing desk"),
        Absent::Means("words in the reader's language"),
        "What people read where they choose; the same in every language.",
    )],
};
