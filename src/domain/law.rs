//! The laws that protect kinds of data beyond the general rule of HIPAA, and what follows of each for a purpose.
//!
//! What a law leaves to facts that a proxy cannot know (training under supervision, a defence in court) stays closed.

use super::closed_list;
use super::purpose::{Basis, Purpose};
use super::reason::Reason;

closed_list! {
    /// What protects a kind of data.
    Law {
        /// Nothing beyond HIPAA's rule for all.
        General = "general",
        /// The house's own policy.
        Policy = "policy",
        /// A state's law.
        State = "state",
        /// A restriction that the house has agreed to, or has to (45 CFR 164.522(a)).
        Restriction = "restriction",
        /// Records of a substance use disorder programme (42 CFR part 2).
        SudRecords = "sud_records",
        /// Notes of substance use disorder counselling (42 CFR 2.11 and 2.31(b)).
        SudCounselingNotes = "sud_counseling_notes",
        /// Psychotherapy notes (45 CFR 164.508(a)(2)).
        PsychotherapyNotes = "psychotherapy_notes",
    }
}

/// To whom a law opens something under a purpose, before any rule of the house is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// To everybody whom the rules permit.
    ToAll,
    /// To who wrote it.
    ToOriginator,
    /// Where the patient has consented.
    WithConsent,
    /// To nobody.
    ToNobody,
}

/// The relationship of a feed by which somebody is known to have written notes about a patient.
pub const ORIGINATOR: &str = "originator";

/// What goes with the records of a substance use disorder programme, in the short form of 42 CFR 2.32(a)(2) as it stands since
/// the final rule of 2024 (89 FR 12472), which put "use or" in.
pub const PART_2_NOTICE: &str = "42 CFR part 2 prohibits unauthorized use or disclosure of these records.";

impl Law {
    /// Where it is written.
    pub const fn reference(self) -> &'static str {
        match self {
            Self::General => "45 CFR 164.502",
            Self::Policy => "policy of the house",
            Self::State => "state law",
            Self::Restriction => "45 CFR 164.522(a)",
            Self::SudRecords => "42 CFR part 2",
            Self::SudCounselingNotes => "42 CFR 2.11 and 2.31(b)",
            Self::PsychotherapyNotes => "45 CFR 164.508(a)(2)",
        }
    }

    /// To whom it opens what it protects under a purpose.
    pub const fn opens(self, purpose: Purpose) -> Opens {
        match self {
            Self::General | Self::Policy => Opens::ToAll,
            Self::State => of_state(purpose),
            Self::Restriction => of_restriction(purpose),
            Self::SudRecords => of_programme(purpose),
            Self::SudCounselingNotes | Self::PsychotherapyNotes => of_notes(purpose),
        }
    }

    /// Whether a rule that lists no categories leaves it out: it has to be named.
    pub const fn has_to_be_named(self) -> bool {
        match self {
            Self::SudCounselingNotes | Self::PsychotherapyNotes => true,
            Self::General | Self::Policy | Self::State | Self::Restriction | Self::SudRecords => false,
        }
    }

    /// Whether it protects more than HIPAA does all data: a law of its own, or an agreed restriction.
    pub const fn is_of_its_own(self) -> bool {
        match self {
            Self::General | Self::Policy => false,
            Self::State
            | Self::Restriction
            | Self::SudRecords
            | Self::SudCounselingNotes
            | Self::PsychotherapyNotes => true,
        }
    }

    /// Whether what it protects may be withheld from somebody who may see the rest. Care is given what it needs but for
    /// what has a law of its own; an emergency, and the patients themselves (45 CFR 164.524(a)(1)(i)), all but such notes.
    pub const fn may_be_withheld(self, basis: Basis) -> bool {
        match basis {
            Basis::Treatment => self.is_of_its_own(),
            Basis::Emergency | Basis::Individual => self.has_to_be_named(),
            Basis::Payment
            | Basis::Operations
            | Basis::ResearchOrPublicHealth
            | Basis::RequiredByLaw
            | Basis::Authorization => true,
        }
    }

    /// Whether the notice of 42 CFR 2.32 goes with it.
    pub const fn has_notice(self) -> bool {
        match self {
            Self::SudRecords | Self::SudCounselingNotes => true,
            Self::General | Self::Policy | Self::State | Self::Restriction | Self::PsychotherapyNotes => {
                false
            }
        }
    }

    /// Why somebody is denied who may not have it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::General | Self::Policy => Reason::DeniedByRule,
            Self::State => Reason::StateLaw,
            Self::Restriction => Reason::PatientRestriction,
            Self::SudRecords => Reason::SudRecords,
            Self::SudCounselingNotes => Reason::SudCounselingNotes,
            Self::PsychotherapyNotes => Reason::PsychotherapyNotes,
        }
    }
}

/// A patient may authorize marketing with any of their data (45 CFR 164.508(a)(3)), but these laws ask that the authorization
/// names the kind of data, and a number does not tell what it names.
const fn of_state(purpose: Purpose) -> Opens {
    match purpose {
        Purpose::Marketing => Opens::ToNobody,
        Purpose::Treatment
        | Purpose::EmergencyTreatment
        | Purpose::CareCoordination
        | Purpose::BreakGlass
        | Purpose::Payment
        | Purpose::Operations
        | Purpose::Quality
        | Purpose::PatientAdministration
        | Purpose::SystemAdministration
        | Purpose::Training
        | Purpose::Research
        | Purpose::PublicHealth
        | Purpose::PatientRequest
        | Purpose::Legal => Opens::ToAll,
    }
}

/// What was paid out of pocket stays away from the payer (45 CFR 164.522(a)(1)(vi)). A restriction does not stand in the way of
/// an emergency ((a)(1)(iii)), nor of what 45 CFR 164.512 permits or the law requires ((a)(1)(v)).
const fn of_restriction(purpose: Purpose) -> Opens {
    match purpose {
        Purpose::Payment | Purpose::Marketing => Opens::ToNobody,
        Purpose::Treatment
        | Purpose::EmergencyTreatment
        | Purpose::CareCoordination
        | Purpose::BreakGlass
        | Purpose::Operations
        | Purpose::Quality
        | Purpose::PatientAdministration
        | Purpose::SystemAdministration
        | Purpose::Training
        | Purpose::Research
        | Purpose::PublicHealth
        | Purpose::PatientRequest
        | Purpose::Legal => Opens::ToAll,
    }
}

/// Without the patient's consent: care within the programme (42 CFR 2.12(c)(3)), those who serve its systems (2.12(c)(4)), a
/// medical emergency (2.51), research (2.52), audit and evaluation (2.53), the patients themselves (2.23) and a court's order
/// (subpart E). For payment and operations it takes their consent (2.31 and 2.33). A public health authority is told only what
/// identifies nobody (2.54), and a general authorization does not reach as far as these records (2.32(a)(1)).
const fn of_programme(purpose: Purpose) -> Opens {
    match purpose {
        Purpose::Treatment
        | Purpose::EmergencyTreatment
        | Purpose::CareCoordination
        | Purpose::BreakGlass
        | Purpose::Quality
        | Purpose::SystemAdministration
        | Purpose::Research
        | Purpose::PatientRequest
        | Purpose::Legal => Opens::ToAll,
        Purpose::Payment | Purpose::Operations | Purpose::PatientAdministration | Purpose::Training => {
            Opens::WithConsent
        }
        Purpose::PublicHealth | Purpose::Marketing => Opens::ToNobody,
    }
}

/// Who wrote them, for treatment; everybody else by an authorization, or by what the law requires. Neither an emergency nor the
/// patient's own right of access (45 CFR 164.524(a)(1)(i)) opens them.
const fn of_notes(purpose: Purpose) -> Opens {
    match purpose.basis() {
        Basis::Treatment => Opens::ToOriginator,
        Basis::RequiredByLaw | Basis::Authorization => Opens::ToAll,
        Basis::Emergency
        | Basis::Payment
        | Basis::Operations
        | Basis::ResearchOrPublicHealth
        | Basis::Individual => Opens::ToNobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_their_originators_and_open_by_paper_alone() {
        for law in [Law::PsychotherapyNotes, Law::SudCounselingNotes] {
            for purpose in Purpose::ALL {
                let is_one_of = |those: &[Purpose]| those.contains(purpose);
                let opens = if is_one_of(&[
                    Purpose::Treatment,
                    Purpose::EmergencyTreatment,
                    Purpose::CareCoordination,
                ]) {
                    Opens::ToOriginator
                } else if is_one_of(&[Purpose::Legal, Purpose::Marketing]) {
                    Opens::ToAll
                } else {
                    Opens::ToNobody
                };
                assert_eq!(law.opens(*purpose), opens, "{law} under {purpose}");
            }
            assert!(law.has_to_be_named());
        }
    }

    #[test]
    fn records_of_a_programme_are_opened_as_part_2_permits() {
        let of = |opens| Purpose::ALL.iter().filter(move |purpose| Law::SudRecords.opens(**purpose) == opens);
        let words = |opens| of(opens).map(|purpose| purpose.as_str()).collect::<Vec<_>>();
        assert_eq!(
            words(Opens::WithConsent),
            ["payment", "operations", "patient_administration", "training"]
        );
        assert_eq!(words(Opens::ToNobody), ["public_health", "marketing"]);
        assert_eq!(words(Opens::ToOriginator), Vec::<&str>::new());
    }

    #[test]
    fn care_is_kept_from_what_has_a_law_of_its_own_and_an_emergency_from_notes_alone() {
        let may = |basis| {
            let may = Law::ALL.iter().filter(move |law| law.may_be_withheld(basis));
            may.map(|law| law.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(
            may(Basis::Treatment),
            ["state", "restriction", "sud_records", "sud_counseling_notes", "psychotherapy_notes"]
        );
        assert_eq!(may(Basis::Emergency), ["sud_counseling_notes", "psychotherapy_notes"]);
        assert_eq!(may(Basis::Individual), may(Basis::Emergency));
        assert_eq!(may(Basis::Operations).len(), Law::ALL.len());
    }
}
