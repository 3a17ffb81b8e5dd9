//! Why someone works: purposes of use with their HL7 codes, and the legal basis of each.

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
        }
    }
}

impl Basis {
    /// Whether a limit on the number of records may stop a reply under this basis. Care goes on:
    /// under treatment and emergency a limit advises; an individual's own record has no limit.
    pub const fn volume_may_deny(self) -> bool {
        match self {
            Self::Payment | Self::Operations | Self::ResearchOrPublicHealth => true,
            Self::Treatment | Self::Emergency | Self::Individual | Self::RequiredByLaw => false,
        }
    }
}
