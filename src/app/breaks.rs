//! Emergency access whose time is over, or that a relationship explains: looked for every few seconds.

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::break_glass;
use crate::gateway::rules::Shared;

/// Ends it, for as long as the gateway runs.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(SWEPT_EVERY);
    loop {
        tick.tick().await;
        break_glass::sweep(&shared).await;
    }
}

const SWEPT_EVERY: Duration = Duration::from_secs(2);
