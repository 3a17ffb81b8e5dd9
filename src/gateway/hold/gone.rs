//! Entries that nobody can send any more: thrown away, each told of in an event first.

use crate::domain::event::{Closing, EventHold, EventKind, HoldStep, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::features::hold::Gone;
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;

/// Tells of these, and takes out of the store whatever nobody can have any more.
pub async fn throw_away(shared: &Shared, gone: &[Gone], step: HoldStep) {
    tell(shared, gone, step).await;
    if let Err(error) = shared.holds.forget().await {
        tracing::error!(error = %error, "what was kept could not be thrown away");
    }
}

/// Tells of entries that are gone, an event for each.
async fn tell(shared: &Shared, gone: &[Gone], step: HoldStep) {
    for entry in gone {
        let now = shared.clock.now();
        let event = RequestId::new(now, &*shared.entropy);
        let opening = Opening {
            application: Some(entry.application.clone()),
            verdict: Verdict::Permit,
            reasons: vec![Reason::OwnPath],
            hold: Some(Box::new(EventHold { id: entry.id, step, person: entry.person.clone() })),
            rules_version: Some(shared.rules.load().version.clone()),
            ..Opening::begin(event, EventKind::Lifecycle, now)
        };
        let closing = Closing::of(event, now, Outcome::Completed);
        if let Err(error) = shared.journal.record(&opening, Some(&closing)).await {
            tracing::error!(error = %error, hold.id = %entry.id, "the end of a held entry could not be journaled");
        }
    }
}
