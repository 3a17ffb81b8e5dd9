//! Categories: kinds of data with their law.

use super::{Absent, Kind, Table, key, words};
use crate::domain::category::Sensitivity;
use crate::domain::law::Law;

pub(super) static CATEGORY: Table = Table {
    header: "[category.NAME]",
    doc: "A kind of data, as routes, rules and fields name it: one of the house's own, or more about one that is built in: \
          `psychotherapy`, `sud_counseling`, `sud`, `mental_health`, `hiv`, `reproductive`, `violence`, `genetic`, `restricted`, \
          `employee`, `vip`, and the plain `billing`, `clinical`, `configuration`, `credential`, `demographics`, `directory`, \
          `identity`, `imaging`, `insurance`, `interfaces`, `laboratory`, `medication`, `schedule` and `to-be-sorted`.",
    keys: &[
        key(
            "sensitivity",
            Kind::Words(words!(Sensitivity)),
            Absent::Means("as it is built in; none, for one of the house's own"),
            "How sensitive it is, by codes of HL7 v3 `ActCode`: events, applications and `policy explain` are told.",
        ),
        key(
            "law",
            Kind::Word(words!(Law)),
            Absent::Means("as it is built in; `policy`, for one of the house's own"),
            "What protects it; of one that is built in no file says another. `psychotherapy_notes` (45 CFR 164.508(a)(2)) and \
             `sud_counseling_notes` (42 CFR 2.31(b)): open to their originator, by the relationship `originator` of a feed, for \
             treatment, and under `legal` and `marketing` by a number; to nobody else, whatever rules permit, and a `may` has to \
             name them. `sud_records` (42 CFR part 2): not for `public_health` and `marketing`; with `consent` for `payment`, \
             `operations`, `patient_administration` and `training`; replies say so (42 CFR 2.32). `restriction` (45 CFR \
             164.522(a)): not for `payment` and `marketing`. `state`: not for `marketing`. `policy`, `general`: by rules alone.",
        ),
        key(
            "consent",
            Kind::Text("sud-consent"),
            Absent::Means("closed where the law asks for consent"),
            "With `sud_records`: what marks a patient who has consented to payment and operations (42 CFR 2.31 and 2.33), by the \
             words of a feed of patients.",
        ),
        key(
            "break_glass",
            Kind::YesNo,
            Absent::Means("it opens, unless its law or `break_glass.closed` closes it"),
            "Whether it opens to who breaks the glass. Has to be said, here or in `break_glass.closed`, of a category of the house's \
             own that has a law, where a role has `break_glass`. No file opens what the law closes.",
        ),
    ],
};
