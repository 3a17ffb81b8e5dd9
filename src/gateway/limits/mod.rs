//! How much of the gateway one caller may take: connections and requests by address or by person, sign-ins, and how many refusals of this kind leave an event of their own.
//!
//! People who are signed in are measured by who they are, everybody else by where they come from. So a
//! flood from behind a hospital's one address stops nobody there who is at work. All that is kept has a
//! bound, whatever callers do.

pub mod address;
pub mod bucket;
pub mod crowd;
pub mod footing;
pub mod settings;
pub mod table;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::address::Source;
use self::bucket::Bucket;
use self::crowd::{Crowd, Seat};
use self::settings::LimitSettings;
use self::table::Table;
use crate::domain::subject::SubjectId;

/// What has been taken, over all workers.
#[derive(Debug)]
pub struct Limits {
    connected: Arc<Crowd<Source>>,
    people: Arc<Crowd<SubjectId>>,
    connecting: Table,
    requests_by_address: Table,
    requests_by_person: Table,
    sign_ins: Table,
    refused_events: Mutex<Bucket>,
    /// Refusals that left no event of their own and are in no summary yet.
    untold: AtomicU64,
}

/// Not now: again after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotNow(pub Duration);

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// Its address has as many as it may have.
    TooMany,
    /// Its address makes new ones too fast.
    TooFast,
}

impl Limits {
    /// Nothing has been taken.
    pub fn new(now: Instant) -> Self {
        Self {
            connected: Crowd::new(),
            people: Crowd::new(),
            connecting: Table::new(now),
            requests_by_address: Table::new(now),
            requests_by_person: Table::new(now),
            sign_ins: Table::new(now),
            refused_events: Mutex::new(Bucket::full(now)),
            untold: AtomicU64::new(0),
        }
    }

    /// A seat for one more connection from `address`.
    pub fn connect(
        &self,
        address: IpAddr,
        settings: &LimitSettings,
        now: Instant,
    ) -> Result<Seat<Source>, TurnedAway> {
        let source = Source::of(address);
        self.connecting
            .take(&source, settings.new_connections_per_address, now)
            .map_err(|_| TurnedAway::TooFast)?;
        self.connected.enter(&source, settings.connections_per_address).ok_or(TurnedAway::TooMany)
    }

    /// One more request by somebody who is not signed in.
    pub fn request_from(
        &self,
        address: IpAddr,
        settings: &LimitSettings,
        now: Instant,
    ) -> Result<(), NotNow> {
        self.requests_by_address.take(&Source::of(address), settings.requests_per_address, now)
    }

    /// One more request by somebody who is signed in.
    pub fn request_by(
        &self,
        person: &SubjectId,
        settings: &LimitSettings,
        now: Instant,
    ) -> Result<(), NotNow> {
        self.requests_by_person.take(person, settings.requests_per_person, now)
    }

    /// One more sign-in that is begun or comes back.
    pub fn sign_in_from(
        &self,
        address: IpAddr,
        settings: &LimitSettings,
        now: Instant,
    ) -> Result<(), NotNow> {
        self.sign_ins.take(&Source::of(address), settings.sign_ins_per_address, now)
    }

    /// What was taken for a sign-in was none, and does not count.
    pub fn no_sign_in_from(&self, address: IpAddr, settings: &LimitSettings, now: Instant) {
        self.sign_ins.give_back(&Source::of(address), settings.sign_ins_per_address, now);
    }

    /// Whether a request that is refused for its number leaves an event of its own; if not, it is counted
    /// for the next summary.
    pub fn leaves_event(&self, settings: &LimitSettings, now: Instant) -> bool {
        let Some(rate) = settings.refused_events else { return true };
        let mut bucket = self.refused_events.lock().unwrap_or_else(PoisonError::into_inner);
        let leaves = bucket.take(rate, now).is_ok();
        if !leaves {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
        leaves
    }

    /// How many refusals a summary has to tell of; they are told of once.
    pub fn untold(&self) -> u64 {
        self.untold.swap(0, Ordering::Relaxed)
    }

    /// They could not be told of yet.
    pub fn tell_later(&self, untold: u64) {
        self.untold.fetch_add(untold, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
