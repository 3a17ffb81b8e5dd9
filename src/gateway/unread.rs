//! Heads that never became a request: what is no HTTP, or was refused while it was read. Each leaves an
//! event that tells who sent it, and nothing of what it was.
//!
//! A flood of them is no flood of events: beyond a few in a second they are counted, and told of together.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::draft::{Draft, Scribe};
use crate::domain::event::{Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::RequestId;

/// The heads that one worker could not read.
#[derive(Debug)]
pub struct Unread {
    scribe: Rc<Scribe>,
    entropy: Arc<dyn Entropy>,
    tally: Cell<Tally>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    second: i64,
    /// Events in that second.
    told: u32,
    /// Heads without an event, since the last time that they were told of together.
    untold: u64,
}

impl Unread {
    /// None yet.
    pub fn new(scribe: Rc<Scribe>, entropy: Arc<dyn Entropy>) -> Self {
        Self { scribe, entropy, tally: Cell::default() }
    }

    /// Something came from `caller` that could not be read.
    pub fn tell(&self, caller: IpAddr, reason: Reason) {
        let (second, mut tally) = (self.scribe.clock.now().as_seconds(), self.tally.get());
        if tally.second != second {
            tally = Tally { second, told: 0, ..tally };
        }
        if tally.told < TOLD_IN_A_SECOND {
            tally.told += 1;
            self.journal(reason, |opening| opening.client_ip = Some(caller));
        } else {
            tally.untold = tally.untold.saturating_add(1);
        }
        self.tally.set(tally);
    }

    /// Tells of those that left no event of their own. To be called every few seconds.
    pub fn settle(&self) {
        let tally = self.tally.get();
        if tally.untold > 0 {
            self.tally.set(Tally { untold: 0, ..tally });
            let note = format!("{} more requests that could not be read", tally.untold);
            self.journal(Reason::RequestMalformed, |opening| opening.note = Some(note));
        }
    }

    fn journal(&self, reason: Reason, note: impl FnOnce(&mut Opening)) {
        let now = self.scribe.clock.now();
        let event = RequestId::new(now, &*self.entropy);
        let mut draft = Draft::begin(self.scribe.clone(), event, now);
        draft.open(note);
        match draft.journal(Verdict::Deny, &[reason]) {
            // It is told, and nobody waits for it: no reply of ours depends on it.
            Ok((_, pending)) => drop(pending),
            Err(error) => tracing::error!(error = %error, "an event could not be journaled"),
        }
        draft.close(Outcome::Refused);
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.settle();
    }
}

const TOLD_IN_A_SECOND: u32 = 5;
