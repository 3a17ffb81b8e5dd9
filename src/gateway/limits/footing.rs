//! What a connection takes as long as anything goes on on it: a place among all, and a seat among those of its
//! address or, once somebody who is signed in has asked on it, among theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Limits;
use super::address::Source;
use super::crowd::Seat;
use super::settings::LimitSettings;
use crate::domain::subject::SubjectId;
use crate::gateway::room::Place;

/// What a connection takes. Given back when dropped.
#[derive(Debug, Default)]
pub struct Footing {
    _place: Option<Place>,
    seat: Mutex<Among>,
    /// Whether it was asked on by somebody who is signed in.
    known: AtomicBool,
}

/// Among whose connections one counts.
#[derive(Debug, Default)]
enum Among {
    /// Nobody's: it comes through a proxy of ours.
    #[default]
    Nobody,
    Address(#[expect(dead_code, reason = "held to be given back")] Seat<Source>),
    Person(#[expect(dead_code, reason = "held to be given back")] Seat<SubjectId>),
}

impl Footing {
    /// That of a new connection; without a seat it comes through a proxy of ours.
    pub fn new(place: Place, seat: Option<Seat<Source>>) -> Self {
        let seat = seat.map_or(Among::Nobody, Among::Address);
        Self { _place: Some(place), seat: Mutex::new(seat), known: AtomicBool::new(false) }
    }

    /// Somebody who is signed in asks on it: it counts among their connections from now on. Where they have as many
    /// as they may, it goes on counting at its address.
    pub fn of(&self, limits: &Limits, settings: &LimitSettings, person: impl FnOnce() -> SubjectId) {
        if self.known.load(Ordering::Relaxed) || self.known.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*seat, Among::Address(_))
            && let Some(theirs) = limits.people.enter(&person(), settings.connections_per_person)
        {
            *seat = Among::Person(theirs);
        }
    }
}
