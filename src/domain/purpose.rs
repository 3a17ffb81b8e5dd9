//! Why someone works: purposes of use with their HL7 codes, and the legal basis of each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::closed_list;

closed_list! {
    /// A purpose of use (HL7 v3 `PurposeOfUse`).
    Purpose {
        /// Care of a patient.
        Treatment = "treatment",
        /// Emergency care by someone who is provisioned for it.
        EmergencyTreatment = "emergency_treatment",
        /// Care coordination.
        CareCoordination = "care_coordination",
        /// Emergency access by someone who is not provisioned for it.
        BreakGlass = "break_glass",
        /// Billing and claims.
        Payment = "payment",
        /// Health care operations.
        Operations = "operations",
        /// Quality improvement.
        Quality = "quality",
        /// Patient administration.
        PatientAdministration = "patient_administration",
        /// Administration of systems.
        SystemAdministration = "system_administration",
        /// Training.
        Training = "training",
        /// Research.
        Research = "research",
        /// Public health reporting.
        PublicHealth = "public_health",
        /// The patient's own request, 45 CFR 164.524.
        PatientRequest = "patient_request",
        /// A legal process.
        Legal = "legal",
        /// Marketing or a sale, as a patient has authorized it, 45 CFR 164.508(a)(3) and (4).
        Marketing = "marketing",
    }
}

closed_list! {
    /// The legal basis of a purpose: it decides which outcomes are lawful.
    Basis {
        /// 45 CFR 164.502(b)(2)(i).
        Treatment = "treatment",
        /// Emergency access, 45 CFR 164.312(a)(2)(ii).
        Emergency = "emergency",
        /// 45 CFR 164.501, payment.
        Payment = "payment",
        /// 45 CFR 164.501, health care operations.
        Operations = "operations",
        /// 45 CFR 164.512(b) and (i).
        ResearchOrPublicHealth = "research_or_public_health",
        /// 45 CFR 164.502(b)(2)(ii).
        Individual = "individual",
        /// 45 CFR 164.502(b)(2)(v).
        RequiredByLaw = "required_by_law",
        /// 45 CFR 164.502(b)(2)(iii).
        Authorization = "authorization",
    }
}

closed_list! {
    /// What kind of number proves that something may be done under a purpose.
    Number {
        /// Of a patient's request, 45 CFR 164.524(b).
        Request = "request",
        /// Of a study's approval: a waiver of authorization, or the authorizations, 45 CFR 164.512(i).
        Protocol = "protocol",
        /// Of an order, a subpoena or another document, 45 CFR 164.512(e) and (f).
        Document = "document",
        /// Of a patient's authorization, 45 CFR 164.508.
        Authorization = "authorization",
    }
}

/// What a person has to say of something that they do under a purpose. Empty: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The number by which it may be done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<Number>,
    /// To whom it goes: whoever keeps an accounting of disclosures has to know (45 CFR 164.528(b)(2)).
    pub recipient: bool,
}

impl Needs {
    /// Nothing.
    pub const NONE: Self = Self { number: None, recipient: false };

    /// Whether nothing has to be said.
    pub const fn is_none(self) -> bool {
        self.number.is_none() && !self.recipient
    }
}

/// In words: `a request number and a recipient`; nothing where nothing has to be said.
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.map(|number| match number {
            Number::Request => "a request number",
            Number::Protocol => "a protocol number",
            Number::Document => "a document number",
            Number::Authorization => "an authorization number",
        });
        let asked: Vec<_> = number.into_iter().chain(self.recipient.then_some("a recipient")).collect();
        f.write_str(&asked.join(" and "))
    }
}

impl Purpose {
    /// The code of the HL7 v3 code system `ActReason`.
    pub const fn hl7_code(self) -> &'static str {
        match self {
            Self::Treatment => "TREAT",
            Self::EmergencyTreatment => "ERTREAT",
            Self::CareCoordination => "COC",
            Self::BreakGlass => "BTG",
            Self::Payment => "HPAYMT",
            Self::Operations => "HOPERAT",
            Self::Quality => "HQUALIMP",
            Self::PatientAdministration => "PATADMIN",
            Self::SystemAdministration => "HSYSADMIN",
            Self::Training => "TRAIN",
            Self::Research => "HRESCH",
            Self::PublicHealth => "PUBHLTH",
            Self::PatientRequest => "PATRQT",
            Self::Legal => "HLEGAL",
            Self::Marketing => "HMARKT",
        }
    }

    /// Its legal basis.
    pub const fn basis(self) -> Basis {
        match self {
            Self::Treatment | Self::EmergencyTreatment | Self::CareCoordination => Basis::Treatment,
            Self::BreakGlass => Basis::Emergency,
            Self::Payment => Basis::Payment,
            Self::Operations
            | Self::Quality
            | Self::PatientAdministration
            | Self::SystemAdministration
            | Self::Training => Basis::Operations,
            Self::Research | Self::PublicHealth => Basis::ResearchOrPublicHealth,
            Self::PatientRequest => Basis::Individual,
            Self::Legal => Basis::RequiredByLaw,
            Self::Marketing => Basis::Authorization,
        }
    }

    /// Whether it is an emergency.
    pub const fn is_emergency(self) -> bool {
        match self {
            Self::EmergencyTreatment | Self::BreakGlass => true,
            Self::Treatment
            | Self::CareCoordination
            | Self::Payment
            | Self::Operations
            | Self::Quality
            | Self::PatientAdministration
            | Self::SystemAdministration
            | Self::Training
            | Self::Research
            | Self::PublicHealth
            | Self::PatientRequest
            | Self::Legal
            | Self::Marketing => false,
        }
    }

    /// What has to be said before this is done for it. A study, a legal matter and marketing are lawful by their paper only,
    /// so it is asked for before anything is seen; for the others, before something is taken away.
    pub const fn needs(self, action: Action) -> Needs {
        let leaves = action.takes_away();
        match self {
            Self::Research => Needs { number: Some(Number::Protocol), recipient: false },
            Self::Legal => Needs { number: Some(Number::Document), recipient: leaves },
            Self::Marketing => Needs { number: Some(Number::Authorization), recipient: leaves },
            Self::PatientRequest if leaves => Needs { number: Some(Number::Request), recipient: false },
            Self::PublicHealth if leaves => Needs { number: None, recipient: true },
            Self::PatientRequest
            | Self::PublicHealth
            | Self::Treatment
            | Self::EmergencyTreatment
            | Self::CareCoordination
            | Self::BreakGlass
            | Self::Payment
            | Self::Operations
            | Self::Quality
            | Self::PatientAdministration
            | Self::SystemAdministration
            | Self::Training => Needs::NONE,
        }
    }

    /// Whether an accounting of disclosures lists what is disclosed for it. What goes to the patient, what a patient has
    /// authorized, and treatment, payment and operations are not listed (45 CFR 164.528(a)(1)).
    pub const fn is_accounted(self) -> bool {
        match self.basis() {
            Basis::ResearchOrPublicHealth | Basis::RequiredByLaw => true,
            Basis::Treatment
            | Basis::Emergency
            | Basis::Payment
            | Basis::Operations
            | Basis::Individual
            | Basis::Authorization => false,
        }
    }
}

impl Basis {
    /// Where the law says it.
    pub const fn reference(self) -> &'static str {
        match self {
            Self::Treatment => "45 CFR 164.502(b)(2)(i)",
            Self::Emergency => "45 CFR 164.312(a)(2)(ii)",
            Self::Payment | Self::Operations => "45 CFR 164.514(d)",
            Self::ResearchOrPublicHealth => "45 CFR 164.512(b) and (i)",
            Self::Individual => "45 CFR 164.502(b)(2)(ii)",
            Self::RequiredByLaw => "45 CFR 164.502(b)(2)(v)",
            Self::Authorization => "45 CFR 164.502(b)(2)(iii)",
        }
    }

    /// Whether a limit on the number of records may stop a reply under this basis. Care goes on:
    /// under treatment and emergency a limit advises; an individual's own record has no limit; of what is required by
    /// law or authorized the document says how much it is.
    pub const fn volume_may_deny(self) -> bool {
        match self {
            Self::Payment | Self::Operations | Self::ResearchOrPublicHealth => true,
            Self::Treatment
            | Self::Emergency
            | Self::Individual
            | Self::RequiredByLaw
            | Self::Authorization => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_recipient_is_asked_for_where_the_law_asks_for_it_and_nowhere_else() {
        let number = |number| Needs { number: Some(number), recipient: false };
        for (purpose, looking, taking) in [
            (Purpose::Treatment, Needs::NONE, Needs::NONE),
            (Purpose::Operations, Needs::NONE, Needs::NONE),
            (Purpose::PatientRequest, Needs::NONE, number(Number::Request)),
            (Purpose::PublicHealth, Needs::NONE, Needs { number: None, recipient: true }),
            (Purpose::Research, number(Number::Protocol), number(Number::Protocol)),
            (Purpose::Legal, number(Number::Document), Needs { recipient: true, ..number(Number::Document) }),
            (
                Purpose::Marketing,
                number(Number::Authorization),
                Needs { recipient: true, ..number(Number::Authorization) },
            ),
        ] {
            assert_eq!(
                (purpose.needs(Action::View), purpose.needs(Action::Export)),
                (looking, taking),
                "{purpose}"
            );
        }
    }

    #[test]
    fn an_accounting_lists_neither_care_payment_operations_nor_what_the_patient_has_or_has_authorized() {
        let listed: Vec<_> = Purpose::ALL.iter().filter(|purpose| purpose.is_accounted()).collect();
        assert_eq!(listed, [&Purpose::Research, &Purpose::PublicHealth, &Purpose::Legal]);
    }
}
