//! Requests that were refused for their number and left no event of their own: told of in one event every
//! few seconds, for as long as there are any.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;

/// Tells of them, for as long as the gateway runs.
pub async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TOLD_EVERY);
    loop {
        tick.tick().await;
        tell(&shared).await;
    }
}

/// Tells of those that have not been told of.
pub async fn tell(shared: &Shared) {
    let untold = shared.limits.untold();
    if untold == 0 {
        return;
    }
    let now = shared.clock.now();
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening {
        note: Some(format!("{untold} further requests were refused for their number")),
        rules_version: Some(shared.rules.load().version.clone()),
        verdict: Verdict::Deny,
        reasons: vec![Reason::TooManyRequests],
        ..Opening::begin(event, EventKind::Lifecycle, now)
    };
    let closing = Closing::of(event, now, Outcome::Refused);
    tracing::warn!(requests.refused = untold, "more requests were refused than leave events of their own");
    if let Err(error) = shared.journal.record(&opening, Some(&closing)).await {
        shared.limits.tell_later(untold);
        tracing::error!(error = %error, "refused requests could not be journaled");
    }
}

const TOLD_EVERY: Duration = Duration::from_secs(5);
