//! What sign-ins leave behind, for a while: where they led, for tabs that come back late, and how often a browser has
//! come back signed in and then asked to sign in again.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::return_to::ReturnTo;
use super::transaction::Transaction;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// Bounded in number; the oldest is forgotten.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// By the digest of their state.
    led: HashMap<Digest, Led>,
    order: VecDeque<Digest>,
    /// By browser.
    rounds: HashMap<Digest, Rounds>,
}

#[derive(Debug)]
struct Led {
    binding: Digest,
    to: ReturnTo,
    begun: Timestamp,
}

/// Sign-ins that one browser has finished one after the other, all for one page.
#[derive(Debug)]
struct Rounds {
    page: Digest,
    number: usize,
    last: Timestamp,
}

impl Past {
    /// Notes a sign-in that begins.
    pub(super) fn begun(&mut self, state: Digest, transaction: &Transaction) {
        if self.order.len() >= LED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.led.remove(&oldest);
        }
        let (binding, to, begun) = (transaction.binding, transaction.return_to.clone(), transaction.begun);
        self.order.push_back(state);
        self.led.insert(state, Led { binding, to, begun });
    }

    /// Where a sign-in led that is over, in the browser that began it.
    pub(super) fn led(&self, state: &Digest, binding: Digest, now: Timestamp) -> Option<&ReturnTo> {
        let led = self.led.get(state)?;
        (led.binding == binding && now.since(led.begun) < LED_LIFETIME).then_some(&led.to)
    }

    /// Notes a sign-in that has succeeded. Whether its browser goes round: it has come back signed in time and again, and
    /// each time asked for the same page as somebody who is not.
    pub(super) fn goes_round(&mut self, transaction: &Transaction, now: Timestamp) -> bool {
        if transaction.current.is_some() || transaction.need.is_some() {
            return false;
        }
        self.rounds.retain(|_, rounds| now.since(rounds.last) < ROUND_LASTS);
        if self.rounds.len() >= ROUNDS_KEPT_MAX {
            return false;
        }
        let page = page(&transaction.return_to);
        let rounds = self.rounds.entry(transaction.binding).or_insert(Rounds {
            page,
            number: 0,
            last: Timestamp::default(),
        });
        // Of tabs that sign in beside each other, each was begun before another one had finished.
        let follows = rounds.page == page && transaction.begun > rounds.last;
        rounds.number = if follows { rounds.number + 1 } else { 1 };
        (rounds.page, rounds.last) = (page, now);
        rounds.number > ROUNDS_MAX
    }
}

/// The page alone: applications put another number into the query each time.
fn page(target: &ReturnTo) -> Digest {
    let path = target.as_str().split('?').next().unwrap_or_default();
    Digest::of(path.as_bytes())
}

/// As long as somebody leaves a tab open at the provider: a working day.
const LED_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// At most 4 KiB each, and mostly below 100 bytes.
const LED_MAX: usize = 4_096;
/// A round that takes longer is a person's doing.
const ROUND_LASTS: Duration = Duration::from_secs(10);
/// How often is often enough. Browsers themselves give up after some twenty redirects; a round has about four.
const ROUNDS_MAX: usize = 3;
const ROUNDS_KEPT_MAX: usize = 16_384;
