//! Events of breaks that begin, end or are explained without a request of their own.

use super::super::rules::Shared;
use super::super::subject::Known;
use crate::domain::break_glass::{BreakEnd, BreakReview, BreakStep, EventBreak};
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::features::audit::JournalError;
use crate::features::break_glass::{Break, Standing};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// A break begins, in an event that is called like it.
pub(super) async fn begins(
    shared: &Shared,
    it: &Break,
    known: &Known,
    told: EventBreak,
) -> Result<(), JournalError> {
    let opening = Opening { subject: Some(known.in_event.clone()), ..opening(shared, it, it.id, it.began) };
    record(shared, Opening { break_glass: Some(Box::new(told)), ..opening }, it.began).await
}

/// A break is over.
pub(super) async fn ends(shared: &Shared, it: &Break, now: Timestamp) {
    let Standing::Over { end, .. } = it.standing else { return };
    let told = EventBreak {
        end: Some(end),
        person: Some(it.person.clone()),
        ..EventBreak::of(Some(it.id), BreakStep::Ended)
    };
    tell(shared, it, told, now).await;
}

/// A relationship has explained a break, so that nobody has to look.
pub(super) async fn explained(shared: &Shared, it: &Break, now: Timestamp) {
    if it.review.state != BreakReview::Closed {
        return;
    }
    let told = EventBreak {
        end: Some(BreakEnd::Related),
        person: Some(it.person.clone()),
        review: Some(it.told()),
        ..EventBreak::of(Some(it.id), BreakStep::Reviewed)
    };
    tell(shared, it, told, now).await;
}

async fn tell(shared: &Shared, it: &Break, told: EventBreak, now: Timestamp) {
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening { break_glass: Some(Box::new(told)), ..opening(shared, it, event, now) };
    if let Err(error) = record(shared, opening, now).await {
        tracing::error!(%error, break_glass.id = %it.id, "what became of an emergency access could not be journaled");
    }
}

fn opening(shared: &Shared, it: &Break, event: RequestId, now: Timestamp) -> Opening {
    Opening {
        application: Some(it.application.clone()),
        patient: Some(it.patient),
        verdict: Verdict::Permit,
        reasons: vec![Reason::OwnPath],
        rules_version: Some(shared.rules.load().version.clone()),
        ..Opening::begin(event, EventKind::Lifecycle, now)
    }
}

async fn record(shared: &Shared, opening: Opening, now: Timestamp) -> Result<(), JournalError> {
    let closing = Closing::of(opening.event, now, Outcome::Completed);
    shared.journal.record(&opening, Some(&closing)).await
}
