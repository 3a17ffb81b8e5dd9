//! Break-glass at the bedside, from the request that is refused to the end of what is opened.
//!
//! The rules are asked as ever first. Where they say no, and the person has broken the glass of the patient, they are asked once
//! more, about the same person under the purpose `break_glass` (`instead`); what they say then counts for this request, and it is
//! all done under that purpose. So nothing has to be undone when it is over: the next request finds no break. Whoever has none is
//! asked for a reason on a page that works without a script (`answer`), and sees on another what is open and what is owed (`own`).
//! What begins or ends without a request of its own has an event of its own (`telling`).

mod answer;
mod instead;
mod own;
mod sweep;
mod telling;

use std::sync::Arc;

pub use answer::{answered, question};
pub use instead::instead;
pub use own::{attested, ended, page};
pub use sweep::sweep;

use super::handle::Moment;
use super::refusal::Refusal;
use super::subject::Known;
use crate::domain::application::ApplicationName;
use crate::domain::break_glass::{BreakReason, BreakRelation, BreakStep, EventBreak};
use crate::domain::patient::PatientDigest;
use crate::domain::purpose::Purpose;
use crate::domain::subject::Identity;
use crate::features::break_glass::settings::BreakGlassSettings;
use crate::features::break_glass::{BeginError, Break, Due, Review, Sheet, Standing, WriteError};
use crate::foundation::id::RequestId;
use crate::platform::store::StoreError;

/// A page that is to ask for a reason.
#[derive(Clone, Debug)]
pub struct Asking {
    /// What it carries to the answer.
    pub prompt: String,
    /// The last characters of the patient's number.
    pub ending: Option<String>,
}

/// How a break begins.
struct Beginning<'b> {
    id: RequestId,
    application: &'b ApplicationName,
    patient: PatientDigest,
    reason: BreakReason,
    relation: BreakRelation,
    relationships: Vec<String>,
    joins: Option<RequestId>,
    /// Whether the person has written why.
    has_text: bool,
}

fn settings(moment: &Moment) -> &BreakGlassSettings {
    &moment.current.rules.break_glass
}

/// A break that begins now.
fn begun(moment: &Moment, known: &Known, beginning: &Beginning<'_>) -> Break {
    let settings = settings(moment);
    let Beginning { id, application, patient, reason, relation, relationships, joins, has_text } = beginning;
    let zone = moment.current.rules.policy.zone();
    Break {
        id: *id,
        person: known.session.subject.id(),
        name: known.session.subject.name.to_string(),
        roles: known.identity.roles.clone(),
        session: known.session.id,
        application: (*application).clone(),
        patient: *patient,
        reason: *reason,
        relation: *relation,
        relationships: relationships.clone(),
        joins: *joins,
        began: moment.now,
        until: moment.now.plus(settings.lasts),
        standing: Standing::Active,
        text_due: (!has_text && joins.is_none()).then(|| moment.now.plus(settings.text_within)),
        sheet: Sheet::NotNeeded,
        explained: false,
        review: Review::open(Due::of(moment.now, settings, zone)),
        untold: None,
    }
}

/// How its event tells of the beginning.
fn told_begun(it: &Break) -> EventBreak {
    let step = if it.joins.is_some() { BreakStep::Remembered } else { BreakStep::Started };
    EventBreak {
        reason: Some(it.reason),
        relation: Some(it.relation),
        joins: it.joins,
        until: Some(it.until),
        text_owed: it.text_due.is_some(),
        ..EventBreak::of(Some(it.id), step)
    }
}

fn not_kept<E>(moment: &Moment, error: &WriteError<E>) -> Option<Refusal> {
    match error {
        // It is as it is: there was nothing to change.
        WriteError::Refused(_) => None,
        WriteError::Store(error) => Some(unstored(moment, error)),
    }
}

fn not_begun<E>(moment: &Moment, error: BeginError<E>, refusal: impl FnOnce(E) -> Refusal) -> Refusal {
    match error {
        BeginError::Unrecorded(error) => refusal(error),
        BeginError::Store(error) => unstored(moment, &error),
    }
}

fn unstored(moment: &Moment, error: &StoreError) -> Refusal {
    tracing::error!(request.id = %moment.event, %error, "an emergency access could not be kept");
    Refusal::StoreUnavailable
}

/// The person and where they work: to whom records of a programme were disclosed.
fn recipient(known: &Known) -> String {
    let subject = &known.identity.subject;
    let told = AFFILIATIONS.iter().filter_map(|name| subject.attributes.get(*name)).flatten();
    let parts: Vec<&str> = std::iter::once(&*subject.name).chain(told.map(String::as_str)).collect();
    parts.join(", ").chars().take(super::pages::RECIPIENT_CHARACTERS_MAX).collect()
}

impl Known {
    /// The same person, who works in an emergency: for one request.
    #[must_use]
    pub fn in_emergency(&self) -> Self {
        let identity = Identity {
            purpose: Purpose::BreakGlass,
            // What is signed for the one says another purpose than what is signed for the other.
            version: self.identity.version | EMERGENCY_VERSION,
            ..Identity::clone(&self.identity)
        };
        Self::new(Arc::clone(&self.session), identity, None)
    }
}

/// What a person's affiliation is called among their attributes, for 42 CFR 2.51(c)(1).
const AFFILIATIONS: [&str; 2] = ["facility", "department"];
/// Tells versions of a person in an emergency from all others, which count from 1.
const EMERGENCY_VERSION: u64 = 1 << 63;
