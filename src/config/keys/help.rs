//! Whom people ask who were refused.

use super::{Absent, Kind, Table, key};

pub(super) static HELP: Table = Table {
    header: "[help]",
    doc: "Whom people ask who were refused by a rule or a limit, by when they have an answer, and which risk the rules meet. All of it \
          is told with every such refusal: whoever keeps health information from somebody should have said in advance for which \
          risk, how that is resolved, and in which time (45 CFR 171.203). `validate` warns where a role's limit blocks an export and \
          `answer_within` is not said.",
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
        key(
            "risk",
            Kind::Text("RA-2026-04, 3.2"),
            Absent::Means("nothing is said"),
            "Where the risk is written down that the rules meet: a reference to the risk analysis (45 CFR 164.308(a)(1)(ii)(A)), in one \
             line.",
        ),
    ],
};
