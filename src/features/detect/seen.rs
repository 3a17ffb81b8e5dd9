//! An event, reduced to what the rules count.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, RoleName};
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::listed::Listed;
use crate::domain::network::Network;
use crate::domain::patient::PatientDigest;
use crate::domain::purpose::{Basis, Purpose};
use crate::domain::reason::Reason;
use crate::domain::risk::{RiskStep, Sign};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{DetectionId, RequestId};

/// What an event says to the rules.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Somebody has done something, or was kept from it.
    Work(Work),
    /// Something was found, and is in the journal.
    Found(DetectionId),
    /// Somebody has proven who they are, after something was found.
    Cleared(SubjectId, Timestamp),
}

/// What somebody has done, or was kept from.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that a rule may look at")]
#[derive(Clone, Debug)]
pub struct Work {
    /// When it began.
    pub time: Timestamp,
    /// Its event.
    pub request: RequestId,
    /// Who.
    pub person: SubjectId,
    /// What the provider calls them.
    pub name: Arc<str>,
    /// In which roles.
    pub roles: Vec<RoleName>,
    /// Where.
    pub application: Option<ApplicationName>,
    /// Whether they work for treatment, or in an emergency.
    pub in_care: bool,
    /// Whether it is an emergency, or a reason was given for what is not taken away.
    pub is_emergency: bool,
    /// Whether it is a sign of the person, and not of a page that asks by itself.
    pub by_person: bool,
    /// Files taken away.
    pub files: u64,
    /// Records in them.
    pub records: u64,
    /// Patients opened, by a part of their digests.
    pub opened: Vec<u64>,
    /// Patients whom a reply listed, in the same way.
    pub listed: Vec<u64>,
    /// How many a reply listed where they were too many to be told apart.
    pub listed_together: u64,
    /// How many patients were asked for in equal steps.
    pub in_steps: u64,
    /// The network it came from.
    pub network: Option<u64>,
    /// Whether it was denied.
    pub is_denied: bool,
    /// Whether that was a chart which no rule of theirs opens.
    pub is_out_of_role: bool,
}

impl Seen {
    /// What an event says; nothing where nobody has done anything at an application.
    pub fn of(opening: &Opening, closing: Option<&Closing>) -> Option<Self> {
        if let Some(detection) = &opening.detection {
            return Some(Self::Found(detection.id));
        }
        let subject = opening.subject.as_ref()?;
        let person = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
        let clears = |step: RiskStep, sign: Sign| step == RiskStep::Cleared && sign == Sign::Detection;
        if opening.risks.iter().any(|risk| clears(risk.step, risk.sign)) {
            return Some(Self::Cleared(person, opening.time));
        }
        if opening.kind != EventKind::Request {
            return None;
        }
        let takes = opening.takes();
        let found_file = closing.is_some_and(|closing| closing.found_file);
        let files = if came(opening, closing) { u64::from(takes.exports) + u64::from(found_file) } else { 0 };
        let records = closing.filter(|_| files > 0).map_or(0, |closing| closing.records.at_least());
        let opened =
            if came(opening, closing) { takes.opened.iter().map(part_of).collect() } else { Vec::new() };
        let (listed, listed_together) =
            if came(opening, closing) { listed(closing) } else { (Vec::new(), 0) };
        let is_denied = opening.verdict == Verdict::Deny;
        let opens = opening.action.is_some_and(Action::opens_record);
        let was_no_rule = opening.reasons.first() == Some(&Reason::NoRuleMatched);
        Some(Self::Work(Work {
            time: opening.time,
            request: opening.event,
            person,
            name: subject.name.clone(),
            roles: subject.roles.clone(),
            application: opening.application.clone(),
            in_care: matches!(subject.purpose.basis(), Basis::Treatment | Basis::Emergency),
            is_emergency: matches!(subject.purpose, Purpose::EmergencyTreatment | Purpose::BreakGlass)
                || (opening.justification.is_some() && takes.exports == 0),
            by_person: !opening.keep_alive_ignored,
            files,
            records,
            opened,
            listed,
            listed_together,
            in_steps: u64::from(opening.patients_in_steps.unwrap_or(0)),
            network: opening.client_ip.map(|address| hash(&Network::of(address))),
            is_denied,
            is_out_of_role: is_denied && opens && was_no_rule,
        }))
    }
}

/// Whom a reply listed: each of them, or how many.
fn listed(closing: Option<&Closing>) -> (Vec<u64>, u64) {
    let Some(closing) = closing else { return (Vec::new(), 0) };
    match &closing.listed {
        Some(Listed::Each(patients)) => (patients.as_slice().iter().map(part_of).collect(), 0),
        Some(Listed::Together(_)) => (Vec::new(), closing.patients.at_least()),
        None => (Vec::new(), 0),
    }
}

/// Whether something came of it: what was begun counts, unless it is known to have been withheld.
fn came(opening: &Opening, closing: Option<&Closing>) -> bool {
    opening.verdict == Verdict::Permit
        && closing.is_none_or(|closing| {
            matches!(closing.outcome, Outcome::Completed | Outcome::Aborted)
                && closing.status.is_none_or(|status| (200..300).contains(&status))
        })
}

fn part_of(patient: &PatientDigest) -> u64 {
    let first = patient.digest().as_bytes().first_chunk().copied();
    u64::from_be_bytes(first.unwrap_or_default())
}

fn hash(network: &Network) -> u64 {
    let mut hasher = DefaultHasher::new();
    network.hash(&mut hasher);
    hasher.finish()
}
