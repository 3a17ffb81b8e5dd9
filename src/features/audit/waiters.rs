//! Who waits on one worker for the disk, and how they are woken: once a batch.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use tokio::sync::watch;

use super::tray::Progress;

/// Who waits on one worker, in the order of their tickets: a place for each, used again.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    places: VecDeque<Option<Waker>>,
    /// Tickets that have no place any more.
    passed: u64,
}

impl Waiters {
    /// Makes a place for `ticket`, the next one.
    pub(super) fn make_place(&mut self, ticket: u64) {
        debug_assert_eq!(ticket, self.passed + self.places.len() as u64 + 1, "tickets come in order");
        self.places.push_back(None);
    }

    pub(super) fn wait(&mut self, ticket: u64, waker: &Waker) {
        let place = ticket.checked_sub(self.passed.saturating_add(1));
        let place = place.and_then(|place| self.places.get_mut(usize::try_from(place).ok()?));
        match place {
            Some(place) => match place {
                Some(known) => known.clone_from(waker),
                None => *place = Some(waker.clone()),
            },
            // Passed between our look at the progress and now: look again.
            None => waker.wake_by_ref(),
        }
    }

    /// Takes out whoever need not wait any longer.
    fn settle(&mut self, progress: &Progress, ready: &mut Vec<Waker>) {
        if progress.ended.is_some() {
            ready.extend(self.places.iter_mut().filter_map(Option::take));
        }
        let passed = progress.durable.saturating_sub(self.passed);
        let passed = usize::try_from(passed).unwrap_or(usize::MAX).min(self.places.len());
        ready.extend(self.places.drain(..passed).flatten());
        self.passed = self.passed.saturating_add(passed as u64);
    }
}

/// Woken once per batch, wakes those whose entries were in it.
pub(super) async fn wake_waiters(mut progress: watch::Receiver<Progress>, waiters: Rc<RefCell<Waiters>>) {
    let mut ready = Vec::new();
    while progress.changed().await.is_ok() {
        waiters.borrow_mut().settle(&progress.borrow_and_update(), &mut ready);
        ready.drain(..).for_each(Waker::wake);
    }
}
