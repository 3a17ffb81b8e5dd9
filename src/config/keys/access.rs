//! Roles: who may do what, under which conditions, and how much.

use super::{Absent, Kind, Table, key, words};
use crate::domain::action::Action;
use crate::domain::asked::Format;
use crate::domain::limit::OnExceed;
use crate::domain::purpose::Purpose;

/// More than any reply will hold; a larger number is a slip of the finger.
const NUMBER_MAX: u64 = 1_000_000_000;

const NUMBER: Kind = Kind::Whole(0, NUMBER_MAX);
const BYTES: Kind = Kind::Size("1KiB", "1TiB");
const NO_LIMIT: Absent = Absent::Means("no limit");

const BY_PURPOSE: Absent =
    Absent::Means("`block` under a purpose that lets a limit deny, `advise` under the others");

pub(super) static ROLE: Table = Table {
    header: "[role.NAME]",
    doc: "A class of persons (45 CFR 164.514(d)(2)).",
    keys: &[
        key(
            "groups",
            Kind::Texts("EHR-FrontDesk"),
            Absent::Refused,
            "The provider's groups that give it; any one.",
        ),
        key(
            "providers",
            Kind::Texts("clinic"),
            Absent::Means("the only provider"),
            "The providers whose groups these are. With several providers it has to be said: a group of the same name at \
             another gives nothing.",
        ),
        key(
            "purposes",
            Kind::Words(words!(Purpose)),
            Absent::Refused,
            "Why its people work. Whoever has several, by this role or another, says once in a session which it is.",
        ),
        key(
            "not_self",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether its people are kept from their own chart, and from those of their household, by a feed of people.",
        ),
        key(
            "break_glass",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether its people may break the glass, as `[break_glass]` says: for each `may` for treatment that asks for a \
             `relationship` or an unmarked patient there is one more rule, `NAME/position/break-glass`, that opens one patient's \
             chart without it in an emergency. All other conditions are as they were.",
        ),
        key("may", Kind::Tables(&MAY), Absent::Means("only what Cedar files say"), "What it may do."),
        key("limit", Kind::Table(&LIMIT), Absent::Means("no numbers"), "How much."),
    ],
};

static MAY: Table = Table {
    header: "[[role.NAME.may]]",
    doc: "One thing that a role may do. Its id is `NAME/position`, counting from 1.",
    keys: &[
        key("application", Kind::Text("ehr"), Absent::Refused, "In which application."),
        key("actions", Kind::Words(words!(Action)), Absent::Refused, "Which actions."),
        key(
            "routes",
            Kind::Texts("patient.*"),
            Absent::Means("all"),
            "On which routes: names, in which a `*` at the end matches the rest.",
        ),
        key(
            "categories",
            Kind::Texts("demographics"),
            Absent::Means("all but psychotherapy and counselling notes"),
            "On which categories: every category of the route has to be listed. What the law of one closes stays closed \
             (`[category.NAME]`).",
        ),
        key(
            "withhold",
            Kind::Texts("ssn"),
            Absent::Is("[]"),
            "Which fields of replies are withheld, by the names of `field` in its routes; so are fields of a category that is not \
             among `categories`, where these are listed. Where several rules permit, what any of them withholds is withheld. \
             Under treatment only fields of a category that has a law of its own; for an emergency or at the patient's request \
             only notes.",
        ),
        key(
            "credential",
            Kind::Text("admin"),
            Absent::Means("the application's default"),
            "The account under which the application is asked, where every rule that permits names the same one.",
        ),
        key(
            "shadow",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether it is only tried: decided beside the rules in force and told in events, never enforced.",
        ),
        key("when", Kind::Table(&WHEN), Absent::Means("always"), "Under which conditions; all have to hold."),
    ],
};

pub(super) static SHADOW: Table = Table {
    header: "[shadow]",
    doc: "Rules that are tried: decided beside those in force, told in events as `shadow`, never enforced. Only where they \
          stand in place of others need they be written here; a single rule is tried by `shadow = true` in its `may`, or by \
          `@shadow` before it in Cedar.",
    keys: &[
        key(
            "include",
            Kind::Texts("candidate/roles.toml"),
            Absent::Is("[]"),
            "Files with the `role` tables that are tried in place of all roles; none: the roles in force.",
        ),
        key(
            "policies",
            Kind::Texts("candidate/*.cedar"),
            Absent::Is("[]"),
            "Cedar files that are tried in place of all of `policies`; none: those in force.",
        ),
    ],
};

static WHEN: Table = Table {
    header: "role.NAME.may.when",
    doc: "The conditions of a rule. A condition on something unknown does not hold.",
    keys: &[
        key("assurance", Kind::Text("mfa"), Absent::Means("any"), "The class of assurance that is needed."),
        key(
            "fresh",
            Kind::Duration("1s", "30d"),
            Absent::Means("any age"),
            "How long ago `assurance` may have been proven.",
        ),
        key("justification", Kind::YesNo, Absent::Is("false"), "Whether a reason has to be given."),
        key("hours", Kind::Text("06:00-20:00"), Absent::Means("any"), "Between which times of the day."),
        key(
            "location",
            Kind::Texts("ward-3"),
            Absent::Means("any"),
            "Where the person has to work; told by a feed of people, or else by the claim `location`.",
        ),
        key(
            "device",
            Kind::Texts("ward"),
            Absent::Means("any, or none"),
            "The class of the device, by `[device.NAME]`.",
        ),
        key(
            "device_location",
            Kind::Texts("ward-3"),
            Absent::Means("anywhere"),
            "Where the device has to stand; told by a feed of devices.",
        ),
        key(
            "device_department",
            Kind::Texts("cardiology"),
            Absent::Means("in any"),
            "In which department the device has to stand; told by a feed of devices.",
        ),
        key(
            "device_facility",
            Kind::Texts("main-house"),
            Absent::Means("in any"),
            "In which house the device has to stand; told by a feed of devices.",
        ),
        key(
            "purpose",
            Kind::Words(words!(Purpose)),
            Absent::Means("any of the role"),
            "The purpose of the session.",
        ),
        key(
            "relationship",
            Kind::Texts("treatment_team"),
            Absent::Means("any, or none"),
            "What the person has to do with the patient, by the words of `[feed.NAME]`; any one. `location`, `department` and \
             `facility`: both are told to be at the same; `shift_department` and the like: the person is at work now where the patient \
             is; `device_department` and the like: the device stands there.",
        ),
        key(
            "on_shift",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether the person has to be at work, by a feed of shifts.",
        ),
        key(
            "department",
            Kind::Texts("cardiology"),
            Absent::Means("any"),
            "In which department the person has to work; told by a feed of people, or a claim.",
        ),
        key(
            "facility",
            Kind::Texts("main-house"),
            Absent::Means("any"),
            "In which house the person has to work; told by a feed of people, or a claim.",
        ),
        key(
            "not_flagged",
            Kind::Texts("vip"),
            Absent::Means("they may be"),
            "What the patient may not be marked with, by the words of a feed of patients.",
        ),
    ],
};

static LIMIT: Table = Table {
    header: "[role.NAME.limit]",
    doc: "The numbers that 45 CFR 164.514(d) asks for. Under a treatment, emergency, individual or legal purpose, \
          or by an authorization, they only ever advise (45 CFR 164.502(b)(2)). What ends in `_per_hour`, `_per_shift` or \
          `_per_day` adds up over 60 minutes, 12 hours or 24 hours, all of them rolling. A shift is 12 hours whatever a feed of \
          shifts tells: a window that began with each entry of a roster would give the numbers anew at its beginning, and to whoever \
          may write the roster as often as they like.",
    keys: &[
        key(
            "records_per_response",
            Kind::Whole(0, NUMBER_MAX),
            Absent::Means("no limit"),
            "Records in one reply that is looked at.",
        ),
        key(
            "records_per_response_at_most",
            Kind::Whole(0, NUMBER_MAX),
            Absent::Means("no limit"),
            "Records in one reply that is looked at beyond which it never passes, whatever was given as a reason or proven; at least \
             `records_per_response`. Not for a role that works under a purpose whose volume may only be advised of.",
        ),
        key(
            "patients_per_response",
            NUMBER,
            NO_LIMIT,
            "Distinct patients in one reply that is looked at, on routes whose `reply` says what names the patient.",
        ),
        key(
            "records_per_export",
            Kind::Whole(0, NUMBER_MAX),
            Absent::Means("no limit"),
            "Records in one reply that is taken away.",
        ),
        key(
            "records_per_export_at_most",
            Kind::Whole(0, NUMBER_MAX),
            Absent::Means("no limit"),
            "Records in one reply that is taken away beyond which it never passes, whatever was given as a reason or proven; at \
             least `records_per_export`. What cannot be counted is left to `on_unknown_count`. Not for a role that works under a \
             purpose whose volume may only be advised of.",
        ),
        key(
            "patients_per_export",
            NUMBER,
            NO_LIMIT,
            "Distinct patients in one reply that is taken away, on routes whose `reply` says what names the patient. Where it does, and \
             they cannot be counted, that is left to `on_unknown_count`.",
        ),
        key(
            "bytes_per_export",
            BYTES,
            NO_LIMIT,
            "One reply that is taken away, in bytes as they are sent: what is compressed counts compressed, as in `bytes_exported_per_hour`.",
        ),
        key(
            "records_per_hour",
            NUMBER,
            NO_LIMIT,
            "Records that are looked at in 60 minutes, on routes that count: many small pages add up.",
        ),
        key("records_per_shift", NUMBER, NO_LIMIT, "The same in 12 hours."),
        key("records_per_day", NUMBER, NO_LIMIT, "The same in 24 hours."),
        key(
            "patients_listed_per_hour",
            NUMBER,
            NO_LIMIT,
            "Distinct patients that lists name in 60 minutes, on routes whose `reply` says what names the patient. \
             Whom a list has named may be named again.",
        ),
        key("patients_listed_per_shift", NUMBER, NO_LIMIT, "The same in 12 hours."),
        key("patients_listed_per_day", NUMBER, NO_LIMIT, "The same in 24 hours."),
        key(
            "patients_opened_per_hour",
            NUMBER,
            NO_LIMIT,
            "Distinct patients opened in 60 minutes. A patient who is open may be opened again.",
        ),
        key("patients_opened_per_shift", NUMBER, NO_LIMIT, "The same in 12 hours."),
        key("patients_opened_per_day", NUMBER, NO_LIMIT, "The same in 24 hours."),
        key(
            "exports_per_hour",
            NUMBER,
            NO_LIMIT,
            "Replies taken away in 60 minutes. A file from a route that is only looked at is one of them.",
        ),
        key("exports_per_shift", NUMBER, NO_LIMIT, "The same in 12 hours."),
        key("exports_per_day", NUMBER, NO_LIMIT, "The same in 24 hours."),
        key(
            "records_exported_per_hour",
            NUMBER,
            NO_LIMIT,
            "Records in all that is taken away in 60 minutes.",
        ),
        key("records_exported_per_shift", NUMBER, NO_LIMIT, "The same in 12 hours."),
        key("records_exported_per_day", NUMBER, NO_LIMIT, "The same in 24 hours."),
        key(
            "bytes_exported_per_hour",
            BYTES,
            NO_LIMIT,
            "What is taken away in 60 minutes, in bytes as they are sent: what is compressed counts compressed.",
        ),
        key("bytes_exported_per_shift", BYTES, NO_LIMIT, "The same in 12 hours."),
        key("bytes_exported_per_day", BYTES, NO_LIMIT, "The same in 24 hours."),
        key(
            "page_size",
            Kind::Whole(1, NUMBER_MAX),
            Absent::Means("what the route says"),
            "The largest page that may be asked for, on routes with a `cap`. It is lowered, never refused.",
        ),
        key(
            "days_back",
            Kind::Whole(0, 36_600),
            Absent::Means("no limit"),
            "How many days back the first day of a span may lie, on routes with `ask.span`.",
        ),
        key(
            "formats",
            Kind::Words(words!(Format)),
            Absent::Means("those of the route"),
            "The formats that may be asked for, on routes with `ask.format`.",
        ),
        key(
            "on_exceed",
            Kind::Word(words!(OnExceed)),
            BY_PURPOSE,
            "What happens beyond a number: it is noted, a reason or a step-up is asked for, the reply passes without each `field` \
             that `identifies`, only as many records pass as may (`truncate`, where the route declares that), or it does not pass.",
        ),
        key(
            "on_unknown_count",
            Kind::Word(words!(OnExceed)),
            BY_PURPOSE,
            "What happens when the records of a reply that is taken away cannot be counted.",
        ),
    ],
};
