//! What was kept for people and has been kept long enough: thrown away every few seconds, and each told of in an event.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::event::{Closing, EventHold, EventKind, HoldStep, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::features::hold::Gone;
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;

/// Throws it away, for as long as the gateway runs.
pub async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(SWEPT_EVERY);
    loop {
        tick.tick().await;
        let due = shared.holds.due(shared.clock.now());
        tell(&shared, &due, HoldStep::Expired).await;
        if let Err(error) = shared.holds.forget(&due).await {
            tracing::error!(error = %error, "what was kept too long could not be thrown away");
        }
    }
}

/// Tells of entries that are gone, an event for each.
pub async fn tell(shared: &Shared, gone: &[Gone], step: HoldStep) {
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

const SWEPT_EVERY: Duration = Duration::from_secs(2);
