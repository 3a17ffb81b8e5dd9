//! The catalogue: which safeguards of the HIPAA rules a pack can speak of, and what it shows of each.

use crate::domain::closed_list;

closed_list! {
    /// A safeguard, by its place in title 45 of the Code of Federal Regulations.
    Safeguard {
        /// Information system activity review.
        ActivityReview = "164.308(a)(1)(ii)(D)",
        /// Termination procedures.
        Termination = "164.308(a)(3)(ii)(C)",
        /// Access establishment and modification.
        AccessModification = "164.308(a)(4)(ii)(C)",
        /// Log-in monitoring.
        LogInMonitoring = "164.308(a)(5)(ii)(C)",
        /// Response and reporting of security incidents.
        IncidentResponse = "164.308(a)(6)(ii)",
        /// Evaluation.
        Evaluation = "164.308(a)(8)",
        /// Workstation use.
        WorkstationUse = "164.310(b)",
        /// Access control.
        AccessControl = "164.312(a)(1)",
        /// Unique user identification.
        UniqueUser = "164.312(a)(2)(i)",
        /// Emergency access procedure.
        EmergencyAccess = "164.312(a)(2)(ii)",
        /// Automatic logoff.
        AutomaticLogoff = "164.312(a)(2)(iii)",
        /// Encryption and decryption.
        Encryption = "164.312(a)(2)(iv)",
        /// Audit controls.
        AuditControls = "164.312(b)",
        /// Integrity.
        Integrity = "164.312(c)(1)",
        /// Person or entity authentication.
        Authentication = "164.312(d)",
        /// Transmission security.
        TransmissionSecurity = "164.312(e)(1)",
        /// Documentation of policies, procedures and actions.
        Documentation = "164.316(b)(1)",
        /// Minimum necessary.
        MinimumNecessary = "164.502(b)",
        /// Psychotherapy notes.
        PsychotherapyNotes = "164.508(a)(2)",
        /// Minimum necessary uses: who needs which categories, under which conditions.
        Uses = "164.514(d)(2)",
        /// Minimum necessary disclosures.
        Disclosures = "164.514(d)(3)",
        /// Disclosure of an entire record.
        EntireRecord = "164.514(d)(5)",
        /// Restrictions that were agreed with a patient.
        Restrictions = "164.522(a)",
        /// Access of individuals to what is about them.
        IndividualAccess = "164.524",
        /// Accounting of disclosures.
        Accounting = "164.528",
        /// Changes to policies and procedures.
        PolicyChanges = "164.530(i)",
    }
}

closed_list! {
    /// Something that a pack can hold.
    Exhibit {
        /// The report of what people did.
        UserActivity = "user-activity",
        /// The report of what was done with privileges.
        Privileged = "privileged",
        /// The report of who has left.
        Leavers = "leavers",
        /// The report of what the gateway recognizes, and where it is blind.
        Coverage = "coverage",
        /// A sample of decisions, for an auditor to follow one by one.
        Decisions = "decisions",
        /// Requests that were denied.
        Refusals = "refusals",
        /// Replies that were held back because they were more than is allowed.
        Withheld = "withheld",
        /// What took records away, permitted or not.
        Exports = "exports",
        /// What was done in an emergency.
        Emergencies = "emergencies",
        /// Sign-ins, step-ups and sign-outs.
        SignIns = "sign-ins",
        /// Sessions that were ended or locked.
        SessionsEnded = "sessions-ended",
        /// What was found in the stream of events, and what reviewers made of it.
        Reviews = "reviews",
        /// What was read of that which events keep under seal.
        SealsOpened = "seals-opened",
        /// Disclosures that an accounting lists.
        Disclosures = "disclosures",
        /// What was asked for of categories that have a law of their own.
        ProtectedCategories = "protected-categories",
        /// What was done because the patients themselves had asked.
        PatientRequests = "patient-requests",
        /// The rules in force during the period, and what changed from one to the next.
        Policies = "policies",
        /// Whether the journal is as it was written.
        Verification = "verification",
        /// What the journal was at moments of the period, signed.
        Checkpoints = "checkpoints",
    }
}

impl Exhibit {
    /// Whether every pack has it: without them, no other could be believed.
    pub const fn is_in_every_pack(self) -> bool {
        match self {
            Self::Policies | Self::Verification | Self::Checkpoints => true,
            Self::UserActivity
            | Self::Privileged
            | Self::Leavers
            | Self::Coverage
            | Self::Decisions
            | Self::Refusals
            | Self::Withheld
            | Self::Exports
            | Self::Emergencies
            | Self::SignIns
            | Self::SessionsEnded
            | Self::Reviews
            | Self::SealsOpened
            | Self::Disclosures
            | Self::ProtectedCategories
            | Self::PatientRequests => false,
        }
    }
}

impl Safeguard {
    /// Its citation.
    pub fn citation(self) -> String {
        format!("45 CFR {self}")
    }

    /// What a pack shows of it, the most telling first.
    pub const fn exhibits(self) -> &'static [Exhibit] {
        use Exhibit as E;
        match self {
            Self::ActivityReview => &[E::Reviews, E::UserActivity, E::Privileged],
            Self::Termination => &[E::Leavers, E::SessionsEnded],
            Self::AccessModification => &[E::Policies, E::Privileged, E::Leavers],
            Self::LogInMonitoring => &[E::SignIns, E::Reviews],
            Self::IncidentResponse => &[E::Reviews, E::SessionsEnded, E::Verification],
            Self::Evaluation => &[E::Coverage, E::Policies, E::Verification],
            Self::WorkstationUse => &[E::Policies, E::SessionsEnded],
            Self::AccessControl => &[E::Decisions, E::Policies, E::Refusals, E::Coverage],
            Self::UniqueUser => &[E::Decisions, E::SignIns],
            Self::EmergencyAccess => &[E::Emergencies, E::Reviews],
            Self::AutomaticLogoff => &[E::SessionsEnded, E::Policies],
            Self::Encryption => &[E::SealsOpened, E::Policies],
            Self::AuditControls => &[E::Verification, E::Checkpoints, E::Coverage, E::Decisions, E::Reviews],
            Self::Integrity => &[E::Verification, E::Checkpoints, E::Refusals],
            Self::Authentication => &[E::SignIns, E::Policies],
            Self::TransmissionSecurity => &[E::Policies],
            Self::Documentation => &[E::Policies, E::Privileged, E::Verification],
            Self::MinimumNecessary => &[E::Withheld, E::Exports, E::Policies, E::UserActivity],
            Self::PsychotherapyNotes | Self::Restrictions => &[E::ProtectedCategories, E::Policies],
            Self::Uses => &[E::Policies, E::Decisions, E::Refusals],
            Self::Disclosures => &[E::Exports, E::Disclosures, E::Withheld],
            Self::EntireRecord => &[E::Exports, E::Withheld],
            Self::IndividualAccess => &[E::PatientRequests],
            Self::Accounting => &[E::Disclosures],
            Self::PolicyChanges => &[E::Policies, E::Privileged],
        }
    }
}

/// What a pack about these holds: each once, in the order of the list.
pub fn exhibits_of(safeguards: &[Safeguard]) -> Vec<Exhibit> {
    let shows = |exhibit: &Exhibit| safeguards.iter().any(|safeguard| safeguard.exhibits().contains(exhibit));
    let is_in = |exhibit: &Exhibit| exhibit.is_in_every_pack() || shows(exhibit);
    Exhibit::ALL.iter().copied().filter(is_in).collect()
}
