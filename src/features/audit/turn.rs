//! One turn of a worker's event loop: all that is put in during it goes to the writer together.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::shared::Shared;

/// What a worker has put in since the writer was last woken.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) bell: Notify,
    /// Whether somebody waits for it.
    pub(super) has_opening: Cell<bool>,
}

impl Turn {
    async fn opening(&self) {
        while !self.has_opening.get() {
            self.bell.notified().await;
        }
    }
}

/// Wakes the writer once for all that was put in during one turn of the event loop. Closing entries alone
/// do not wake it at once: a sync of their own would be in the way of the next opening entry's.
pub(super) async fn ring_each_turn(turn: Rc<Turn>, shared: Arc<Shared>) {
    loop {
        turn.bell.notified().await;
        // Either it is there, and so is all that was put in by whoever was before us in this turn, or it may
        // come yet.
        tokio::time::timeout(CLOSINGS_WAIT, turn.opening()).await.ok();
        turn.has_opening.set(false);
        shared.bell.ring();
    }
}

/// How long closing entries wait for an opening entry to go with.
const CLOSINGS_WAIT: Duration = Duration::from_millis(20);
