//! What an event tells of patients: whose record it was about, whom its reply listed, whether anything may have gone, whether
//! that is a disclosure.

use super::action::Action;
use super::event::{Event, Opening, Outcome, Verdict};
use super::patient::{PatientDigest, PatientDigests};

impl Opening {
    /// Whether it is about the record of this patient: the request names them, or one of several that it holds does.
    pub fn concerns(&self, patient: &PatientDigest) -> bool {
        self.patient.as_ref() == Some(patient)
            || self.taken.as_ref().is_some_and(|taken| taken.opened.contains(patient))
    }

    /// The same of a patient, by whichever key.
    pub fn concerns_any(&self, patient: &PatientDigests) -> bool {
        patient.each().any(|digest| self.concerns(digest))
    }
}

impl Event {
    /// Whether it is about this patient: their record, or a reply that listed them.
    pub fn concerns(&self, patient: &PatientDigests) -> bool {
        self.opening.concerns_any(patient) || self.lists(patient) == Some(true)
    }

    /// Whether a record of its reply named this patient; none where nobody can tell.
    pub fn lists(&self, patient: &PatientDigests) -> Option<bool> {
        let listed = self.closing.as_ref()?.listed.as_ref()?;
        // Whether it can be told is the list's to say, not the patient's.
        let is_known = listed.holds(&patient.now()).is_some();
        is_known.then(|| patient.each().any(|digest| listed.holds(digest) == Some(true)))
    }

    /// Whether somebody has meant to be in the record of this patient, who did not only stand in a list or a file.
    pub fn opens(&self, patient: &PatientDigests) -> bool {
        self.opening.concerns_any(patient) && self.is_deliberate()
    }

    /// Whether anything may have gone to the caller. Where the end is unknown, it may have.
    pub fn may_have_gone(&self) -> bool {
        self.opening.verdict == Verdict::Permit
            && self.closing.as_ref().is_none_or(|closing| match closing.outcome {
                Outcome::Completed | Outcome::Aborted => true,
                Outcome::Refused | Outcome::Withheld | Outcome::Failed => false,
            })
    }

    /// Whether somebody has meant to be in the record: not a page that asks by itself, nor a list in which it stood.
    pub fn is_deliberate(&self) -> bool {
        let is_one_meant = |action: Action| match action {
            Action::View
            | Action::Create
            | Action::Update
            | Action::Delete
            | Action::Export
            | Action::Print
            | Action::WholeRecord
            | Action::Disclose
            | Action::Admin
            | Action::Query
            | Action::ConfigExport
            | Action::StartJob
            | Action::FetchResult => true,
            Action::Search | Action::List | Action::PollJob => false,
        };
        !self.opening.keep_alive_ignored && self.opening.action.is_none_or(is_one_meant)
    }

    /// Whether something went out that an accounting of disclosures lists (45 CFR 164.528(a)(1)). What may have gone is
    /// listed, too.
    pub fn is_disclosure(&self) -> bool {
        // A file where one only looks was an export all the same.
        let is_found_file = self.closing.as_ref().is_some_and(|closing| closing.found_file);
        let is_accounted = self.opening.subject.as_ref().is_some_and(|it| it.purpose.is_accounted());
        (self.opening.accounted || (is_found_file && is_accounted)) && self.may_have_gone()
    }
}
