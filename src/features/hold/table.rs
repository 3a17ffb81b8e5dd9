//! Which entries there are, whose, and how much room they take. All of it under one lock, which is never held
//! across a wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::settings::{Bound, HoldBounds};
use crate::domain::application::{ApplicationName, RouteName};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::HoldId;

/// One entry, without what is sealed.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: HoldId,
    pub(super) browser: Digest,
    pub(super) fingerprint: Digest,
    pub(super) host: Arc<str>,
    pub(super) application: ApplicationName,
    pub(super) route: Option<RouteName>,
    pub(super) owner: Owner,
    /// Whether it was a stranger's first.
    pub(super) is_claimed: bool,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) bytes: usize,
    pub(super) standing: Standing,
    /// Whether this node sees to its end; another one does only where this has not.
    pub(super) is_ours: bool,
}

/// Whose an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// Theirs.
    Person(SubjectId),
    /// Of whoever comes back from the sign-in that it began; where it came from, if that is still known.
    Stranger(Option<IpAddr>),
}

impl Owner {
    pub(super) const fn person(&self) -> Option<&SubjectId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Stranger(_) => None,
        }
    }
}

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not been sent.
    Waiting,
    /// It is being sent.
    BeingSent,
    /// It was sent, and the application did not take it, or nobody knows whether it did: it can be read and copied, and
    /// is not sent a second time.
    Uncertain,
    /// Nobody can have it any more; it is about to be taken out of the store.
    Leaving,
}

/// What its person is told of an entry.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Which.
    pub id: HoldId,
    /// For which application.
    pub application: ApplicationName,
    /// For which of its routes.
    pub route: Option<RouteName>,
    /// Since when it is kept.
    pub created: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// Whether it may still be sent.
    pub standing: Standing,
}

impl Entry {
    pub(super) fn summary(&self) -> Summary {
        Summary {
            id: self.id,
            application: self.application.clone(),
            route: self.route.clone(),
            created: self.created,
            expires: self.expires,
            standing: self.standing,
        }
    }

    /// Whether anybody can have it.
    pub(super) fn is_there(&self, now: Timestamp) -> bool {
        self.standing != Standing::Leaving && now < self.expires
    }

    /// Whether this is `other` once more, of the same person, and not on its way.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.browser == other.browser
            && self.fingerprint == other.fingerprint
            && self.host == other.host
            && self.owner.person() == other.owner.person()
            && !matches!(self.standing, Standing::BeingSent | Standing::Leaving)
    }

    fn charge(&self) -> Charge {
        Charge { browser: self.browser, owner: self.owner.clone(), bytes: self.bytes }
    }
}

/// There is no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as much is kept as may be")]
pub struct NoRoom;

/// What an entry takes, or one that is being read.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    pub(super) browser: Digest,
    pub(super) owner: Owner,
    pub(super) bytes: usize,
}

/// Room that is kept for an entry while it is being read; given back when this is dropped.
#[derive(Debug)]
pub struct Place {
    table: Arc<Table>,
    charge: Option<Charge>,
}

#[derive(Debug)]
pub(super) struct Table {
    bounds: HoldBounds,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    entries: HashMap<HoldId, Entry>,
    all: Tally,
    strangers: Tally,
    by_address: HashMap<IpAddr, Tally>,
    by_person: HashMap<SubjectId, Tally>,
    by_browser: HashMap<Digest, Tally>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    entries: usize,
    bytes: usize,
}

impl Tally {
    const fn has_room(self, bytes: usize, bound: Bound) -> bool {
        self.entries < bound.entries && self.bytes.saturating_add(bytes) <= bound.bytes
    }

    const fn add(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += bytes;
    }

    const fn subtract(&mut self, bytes: usize) {
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Table {
    pub(super) fn new(bounds: HoldBounds) -> Self {
        Self { bounds, inside: Mutex::default() }
    }

    /// Keeps room, if there is any.
    pub(super) fn reserve(self: &Arc<Self>, charge: Charge) -> Result<Place, NoRoom> {
        let mut inside = self.inside();
        if !inside.has_room(&charge, &self.bounds) {
            return Err(NoRoom);
        }
        inside.add(&charge);
        Ok(Place { table: self.clone(), charge: Some(charge) })
    }

    /// Puts in what was there before; whatever the bounds are now, nothing is thrown away.
    pub(super) fn restore(&self, entry: Entry) {
        let mut inside = self.inside();
        inside.add(&entry.charge());
        inside.entries.insert(entry.id, entry);
    }

    /// Puts an entry in its place.
    pub(super) fn settle(&self, mut place: Place, entry: Entry) {
        let mut inside = self.inside();
        if let Some(charge) = place.charge.take() {
            inside.subtract(&charge);
        }
        inside.add(&entry.charge());
        inside.entries.insert(entry.id, entry);
    }

    pub(super) fn get(&self, id: HoldId) -> Option<Entry> {
        self.inside().entries.get(&id).cloned()
    }

    /// The entries for which `is_it` holds, the oldest first.
    pub(super) fn find(&self, is_it: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut found: Vec<Entry> =
            self.inside().entries.values().filter(|entry| is_it(entry)).cloned().collect();
        found.sort_by_key(|entry| (entry.created, entry.id));
        found
    }

    /// Whether there is an entry for which `is_it` holds.
    pub(super) fn any(&self, is_it: impl Fn(&Entry) -> bool) -> bool {
        self.inside().entries.values().any(is_it)
    }

    /// From one standing to another; false if it does not stand there.
    pub(super) fn step(&self, id: HoldId, from: Standing, to: Standing) -> bool {
        let mut inside = self.inside();
        let Some(entry) = inside.entries.get_mut(&id).filter(|entry| entry.standing == from) else {
            return false;
        };
        entry.standing = to;
        true
    }

    /// Nobody can have any more of those for which `is_it` holds. One that is being sent goes on, but is not kept after.
    pub(super) fn leave(&self, now: Timestamp, is_it: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let mut leaving = Vec::new();
        for entry in self.inside().entries.values_mut().filter(|entry| is_it(entry)) {
            match entry.standing {
                Standing::Waiting | Standing::Uncertain => {
                    entry.standing = Standing::Leaving;
                    leaving.push(entry.clone());
                }
                Standing::BeingSent => entry.expires = entry.expires.min(now),
                Standing::Leaving => {}
            }
        }
        leaving
    }

    /// Gives it to a person, whatever they have already; false if it is not a stranger's any more.
    pub(super) fn give(&self, id: HoldId, person: &SubjectId) -> bool {
        let mut inside = self.inside();
        let Some(entry) = inside.entries.get(&id).filter(|entry| entry.owner.person().is_none()) else {
            return false;
        };
        let (before, mut after) = (entry.charge(), entry.clone());
        after.owner = Owner::Person(person.clone());
        after.is_claimed = true;
        inside.subtract(&before);
        inside.add(&after.charge());
        inside.entries.insert(id, after);
        true
    }

    /// Has it as the store has it now, unless it is on its way here.
    pub(super) fn renew(&self, id: HoldId, there: Option<Entry>) {
        let mut inside = self.inside();
        let known = inside.entries.get(&id).map(|known| (known.standing, known.is_ours));
        if matches!(known, Some((Standing::BeingSent | Standing::Leaving, _))) {
            return;
        }
        if let Some(before) = inside.entries.remove(&id) {
            inside.subtract(&before.charge());
        }
        if let Some(entry) = there {
            inside.add(&entry.charge());
            let is_ours = known.map_or(entry.is_ours, |(_, is_ours)| is_ours);
            inside.entries.insert(id, Entry { is_ours, ..entry });
        }
    }

    pub(super) fn ids(&self) -> Vec<HoldId> {
        self.inside().entries.keys().copied().collect()
    }

    pub(super) fn remove(&self, id: HoldId) -> Option<Entry> {
        let mut inside = self.inside();
        let entry = inside.entries.remove(&id)?;
        inside.subtract(&entry.charge());
        Some(entry)
    }

    pub(super) fn len(&self) -> usize {
        self.inside().entries.len()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn has_room(&self, charge: &Charge, bounds: &HoldBounds) -> bool {
        let bytes = charge.bytes;
        let owner_has_room = match &charge.owner {
            Owner::Person(person) => tally(&self.by_person, person).has_room(bytes, bounds.person),
            Owner::Stranger(address) => {
                let address = address.map_or_else(Tally::default, |at| tally(&self.by_address, &network(at)));
                self.strangers.has_room(bytes, bounds.strangers) && address.has_room(bytes, bounds.address)
            }
        };
        owner_has_room
            && self.all.has_room(bytes, bounds.all)
            && tally(&self.by_browser, &charge.browser).has_room(bytes, bounds.browser)
    }

    fn add(&mut self, charge: &Charge) {
        let bytes = charge.bytes;
        self.all.add(bytes);
        self.by_browser.entry(charge.browser).or_default().add(bytes);
        match &charge.owner {
            Owner::Person(person) => self.by_person.entry(person.clone()).or_default().add(bytes),
            Owner::Stranger(address) => {
                self.strangers.add(bytes);
                if let Some(address) = address {
                    self.by_address.entry(network(*address)).or_default().add(bytes);
                }
            }
        }
    }

    fn subtract(&mut self, charge: &Charge) {
        let bytes = charge.bytes;
        self.all.subtract(bytes);
        subtract(&mut self.by_browser, &charge.browser, bytes);
        match &charge.owner {
            Owner::Person(person) => subtract(&mut self.by_person, person, bytes),
            Owner::Stranger(address) => {
                self.strangers.subtract(bytes);
                if let Some(address) = address {
                    subtract(&mut self.by_address, &network(*address), bytes);
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(charge) = self.charge.take() {
            self.table.inside().subtract(&charge);
        }
    }
}

impl Place {
    /// What room is kept for.
    pub(super) fn charge(&self) -> Option<&Charge> {
        self.charge.as_ref()
    }
}

fn tally<K: Eq + Hash>(tallies: &HashMap<K, Tally>, key: &K) -> Tally {
    tallies.get(key).copied().unwrap_or_default()
}

fn subtract<K: Eq + Hash>(tallies: &mut HashMap<K, Tally>, key: &K, bytes: usize) {
    if let Some(tally) = tallies.get_mut(key) {
        tally.subtract(bytes);
        if tally.entries == 0 {
            tallies.remove(key);
        }
    }
}

/// Whoever has one address of a /64 has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
        }
    }
}
