//! Whom people ask who were refused.

use super::{Absent, Kind, Table, key};

pub(super) static HELP: Table = Table {
    header: "[help]",
    doc: "Whom people ask who were refused by a rule or a limit, and by when they have an answer. Both are told with every such \
          refusal: whoever keeps health information from somebody should have said in advance how that is resolved, and \
          in which time (45 CFR 171.203).",
    keys: &[
        key(
            "contact",
            Kind::Text("the privacy office, ext. 4711"),
            Absent::Means("the supervisor or the help desk"),
            "Whom they ask: people or a desk, in one line.",
        ),
        key(
            "answer_within",
            Kind::Duration("1m", "30d"),
            Absent::Means("nothing is said"),
            "By when they have an answer.",
        ),
    ],
};
