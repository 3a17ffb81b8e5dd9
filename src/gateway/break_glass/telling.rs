//! Events of breaks that begin, end or are explained without a request of their own.

use super::super::rules::Shared;
use super::super::subject::Known;
use crate::domain::break_glass::{BreakEnd, BreakStep, EventBreak};
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::features::audit::JournalError;
use crate::features::break_glass::{Break, Standing, WriteError};
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

/// What became of a break that is [to be told](Break::to_tell).
pub(super) async fn became(shared: &Shared, it: &Break, now: Timestamp) {
    let Some(untold) = it.untold else { return };
    let told = async {
        if untold.explained {
            tell(shared, it, explained(it), now).await?;
        }
        if let (true, Standing::Over { end, .. }) = (untold.over, it.standing) {
            tell(shared, it, over(it, end), now).await?;
        }
        Ok::<_, JournalError>(())
    };
    if let Err(error) = told.await {
        tracing::error!(%error, break_glass.id = %it.id, "what became of an emergency access could not be journaled yet");
        return;
    }
    match shared.breaks.change(it.id, Break::was_told).await {
        Ok(_) | Err(WriteError::Refused(_)) => {}
        Err(WriteError::Store(error)) => {
            tracing::error!(%error, break_glass.id = %it.id, "what became of an emergency access will be told once more");
        }
    }
}

fn over(it: &Break, end: BreakEnd) -> EventBreak {
    EventBreak {
        end: Some(end),
        person: Some(it.person.clone()),
        ..EventBreak::of(Some(it.id), BreakStep::Ended)
    }
}

fn explained(it: &Break) -> EventBreak {
    EventBreak {
        end: Some(BreakEnd::Related),
        person: Some(it.person.clone()),
        review: Some(it.told()),
        ..EventBreak::of(Some(it.id), BreakStep::Reviewed)
    }
}

async fn tell(shared: &Shared, it: &Break, told: EventBreak, now: Timestamp) -> Result<(), JournalError> {
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening { break_glass: Some(Box::new(told)), ..opening(shared, it, event, now) };
    record(shared, opening, now).await
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
