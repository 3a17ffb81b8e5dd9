//! What was kept for people and has been kept long enough: thrown away every few seconds.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::event::HoldStep;
use crate::gateway::hold;
use crate::gateway::rules::Shared;

/// Throws it away, for as long as the gateway runs.
pub async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(SWEPT_EVERY);
    loop {
        tick.tick().await;
        let due = shared.holds.leave_due(shared.clock.now());
        hold::throw_away(&shared, &due, HoldStep::Expired).await;
    }
}

const SWEPT_EVERY: Duration = Duration::from_secs(2);
