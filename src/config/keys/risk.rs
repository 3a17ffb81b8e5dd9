//! Risks: what makes it more that is asked of a person.

use super::{Absent, Kind, Table, key, words};
use crate::domain::action::Action;
use crate::domain::risk::{Level, Sign, Then};

pub(super) static RISK: Table = Table {
    header: "[risk.NAME]",
    doc: "Something unusual that raises what is asked of a person (never of a program): it can make a step-up of a yes, and nothing \
          else. Of whom nothing is known, everything is new. What is known is learned when a person proves what the risk asks \
          for, and forgotten after 90 days without use.",
    keys: &[
        key(
            "when",
            Kind::Word(words!(Sign)),
            Absent::Refused,
            "What it is told by. `new_device`: the person was not proven in this browser before (a cookie names browsers, on \
             each host its own). `new_network`: nor in this network (the first 24 bits of an IPv4 address, 48 of an IPv6 \
             address). `unusual_hour`: nor at this hour of a working day or a weekend, nor the one before or after. `denials`: \
             the policy has denied them more than usual. `told`: somebody else says so (CAEP `risk-level-change`). \
             `detection`: a rule of detection with `then = \"step_up\"` has found something.",
        ),
        key(
            "then",
            Kind::Word(words!(Then)),
            Absent::Refused,
            "`step_up`: the person proves `assurance` once more, and is told why. `note`: events say so (`risks`) and nothing is \
             asked; what is unusual is then known after the next sign-in. Begin with `note` to see how often it would ask.",
        ),
        key(
            "assurance",
            Kind::Text("mfa"),
            Absent::Means("none, with `note`"),
            "The class of assurance that clears it. With `denials`, `told` and `detection` the person authenticates anew, and `auth_time` has to say so.",
        ),
        key(
            "fresh",
            Kind::Duration("1m", "12h"),
            Absent::Is("\"5m\""),
            "How long ago `assurance` may have been proven when the person comes back from the provider.",
        ),
        key("applications", Kind::Texts("ehr"), Absent::Means("all"), "Where it counts."),
        key("actions", Kind::Words(words!(Action)), Absent::Means("all"), "On which actions it counts."),
        key(
            "routes",
            Kind::Texts("report.*"),
            Absent::Means("all but public ones"),
            "On which routes it counts: names, in which a `*` at the end matches the rest.",
        ),
        key(
            "unless_device",
            Kind::Texts("ward"),
            Absent::Means("on every device"),
            "Classes of devices, by `[device.NAME]`, on which it never stands.",
        ),
        key(
            "networks",
            Kind::Texts("10.0.0.0/8"),
            Absent::Is("[]"),
            "With `new_network`: networks that are new for nobody.",
        ),
        key(
            "hours",
            Kind::Text("06:00-22:00"),
            Absent::Means("those at which the person was at work before"),
            "With `unusual_hour`: the hours that are usual for everybody.",
        ),
        key(
            "more_than",
            Kind::Whole(1, 100),
            Absent::Is("5"),
            "With `denials`: so many. What a page asks for by itself (`background`) does not count, and what is denied within two seconds counts once.",
        ),
        key("within", Kind::Duration("1m", "1h"), Absent::Is("\"10m\""), "With `denials`: in this time."),
        key(
            "lasts",
            Kind::Duration("5m", "24h"),
            Absent::Is("\"1h\""),
            "With `denials` and `detection`: for how long it stands then, if it is not cleared. A restart clears it with `denials`.",
        ),
        key(
            "level",
            Kind::Word(words!(Level)),
            Absent::Is("\"medium\""),
            "With `told`: as much as this, or more.",
        ),
    ],
};
