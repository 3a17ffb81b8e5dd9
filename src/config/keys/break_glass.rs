//! How the glass is broken.

use super::{Absent, Kind, Table, key, words};
use crate::domain::break_glass::{BreakReason, BreakText};

pub(super) static BREAK_GLASS: Table = Table {
    header: "[break_glass]",
    doc: "How the people of a role with `break_glass = true` open a patient's chart in an emergency (45 CFR \
          164.312(a)(2)(ii)): with a reason, for a while, and reviewed. Psychotherapy and counselling notes stay closed (45 \
          CFR 164.508(a)(2), 42 CFR 2.31(b)).",
    keys: &[
        key("lasts", Kind::Duration("15m", "12h"), Absent::Is("\"4h\""), "How long the chart is open."),
        key(
            "memory",
            Kind::Duration("0s", "30d"),
            Absent::Is("\"7d\""),
            "For how long the same person is not asked again about the same patient: what is opened then joins the same review.",
        ),
        key(
            "reasons",
            Kind::Words(words!(BreakReason)),
            Absent::Means("all of them, in this order"),
            "The reasons that are offered, in order: one tap each. `other` is said in words.",
        ),
        key(
            "text",
            Kind::Word(words!(BreakText)),
            Absent::Is("\"later\""),
            "When people write in their own words why: before the chart opens, or by `text_within`.",
        ),
        key(
            "text_within",
            Kind::Duration("1h", "7d"),
            Absent::Is("\"12h\""),
            "By when a text that was left out is there: the end of a shift.",
        ),
        key(
            "assurance",
            Kind::Text("mfa"),
            Absent::Means("the session is enough"),
            "The class of assurance that has to be proven first.",
        ),
        key(
            "fresh",
            Kind::Duration("1m", "12h"),
            Absent::Means("`15m` where `assurance` is asked for"),
            "How long ago `assurance` may have been proven: whoever has proven it since is not asked again.",
        ),
        key(
            "closed",
            Kind::Texts("vip"),
            Absent::Is("[]"),
            "Categories that stay closed beside those that the law closes. A route that has one of them does not open, and fields of one are withheld.",
        ),
        key(
            "discloser",
            Kind::Text("SUD programme, ext. 4712"),
            Absent::Means("people are asked"),
            "Who discloses records of a substance use disorder programme: one of the four things that are written into the \
             patient's record (42 CFR 2.51(c)).",
        ),
        key(
            "triage_days",
            Kind::Whole(1, 30),
            Absent::Is("1"),
            "Within how many business days somebody has looked.",
        ),
        key(
            "close_days",
            Kind::Whole(1, 90),
            Absent::Is("5"),
            "Within how many business days it is settled.",
        ),
    ],
};
