//! What is known of everybody: in memory, which is read, and in the store, which survives.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::desk::Whence;
use super::judge::{Person, Proven};
use super::nodes;
use super::profile::{KnownDevice, KnownNetwork};
use super::settings::{RiskSettings, When};
use super::store;
use super::told::Told;
use crate::domain::risk::{Level, Standing};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Store, StoreError};

/// What is known of everybody.
#[derive(Debug)]
pub struct Book {
    shards: Box<[Mutex<People>]>,
    /// Rises whenever something may stand for somebody that did not, or the other way round.
    revision: AtomicU64,
    pub(super) store: Store,
    /// Of whom something waits to be saved.
    unsaved: Mutex<Vec<SubjectId>>,
    /// Held from when something is read for the store until it is there, so that nothing older lands on it.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// The shard to be swept next.
    sweep: AtomicUsize,
}

pub(super) type People = HashMap<SubjectId, Person>;

impl Book {
    /// What the store holds. Blocks: for the start.
    pub fn load(store: Store, now: Timestamp) -> Result<Self, StoreError> {
        let book = Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            revision: AtomicU64::new(0),
            unsaved: Mutex::default(),
            writing: tokio::sync::Mutex::new(()),
            sweep: AtomicUsize::new(0),
            store,
        };
        for (id, person) in store::load(&book.store, now)? {
            make_room(&mut book.shard(&id), now);
            book.shard(&id).insert(id, person);
        }
        Ok(book)
    }

    /// Rises whenever something may stand for somebody that did not, or the other way round.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Which risks stand for whoever asks, and until when that is certain, `longest` at the most. Where none does and it is a
    /// sign of theirs, they are at work as usual, and what is known of that is fresh again.
    pub(super) fn standing(
        &self,
        rules: &[RiskSettings],
        whence: &Whence<'_>,
        longest: Timestamp,
    ) -> (Standing, Timestamp) {
        let (id, at) = (whence.subject.id(), whence.at());
        let mut people = self.shard(&id);
        let Some(person) = people.get_mut(&id) else {
            return (Person::default().standing(rules, &at), longest);
        };
        let standing = person.standing(rules, &at);
        let until = person.until(rules, at.now, longest);
        if standing.is_none() && whence.by_person && person.worked(rules, &at) {
            self.touch(&id, person);
        }
        (standing, until)
    }

    /// Whoever has come back from the provider has proven this, from where they are. Gives the risks that stood, and of these
    /// which are answered by it.
    pub fn proved(
        &self,
        rules: &[RiskSettings],
        whence: &Whence<'_>,
        proven: &Proven<'_>,
    ) -> (Standing, Standing) {
        if rules.is_empty() {
            return (Standing::NONE, Standing::NONE);
        }
        let (id, at) = (whence.subject.id(), whence.at());
        let mut people = self.shard(&id);
        let person = entry(&mut people, &id, at.now);
        let (stood, met) = person.proved(rules, proven, &at);
        if !met.is_none() {
            self.touch(&id, person);
            self.rise();
        }
        (stood, met)
    }

    /// What a person has proven counts no more: what was answered by it is asked again.
    pub fn unanswer(&self, id: &SubjectId) {
        if let Some(person) = self.shard(id).get_mut(id) {
            person.unanswer();
            self.touch(id, person);
        }
        self.rise();
    }

    /// The policy has denied somebody something. Says whether a risk stands since that did not before.
    pub fn denied(&self, rules: &[RiskSettings], id: &SubjectId, now: Timestamp) -> bool {
        if !rules.iter().any(|rule| matches!(rule.when, When::Denials { .. })) {
            return false;
        }
        let is_raised = entry(&mut self.shard(id), id, now).bursts.denied(rules, now);
        if is_raised {
            self.rise();
        }
        is_raised
    }

    /// Somebody else, such as the provider by CAEP `risk-level-change`, says how much a person is at risk. The last word counts;
    /// [`Level::Low`] takes back what was said before. It holds from the next request on, whatever becomes of the store; it
    /// is in the store, and so survives a restart, when this answers `Ok`. To say the same again does no harm.
    ///
    /// It asks nothing of anybody by itself: that is for the risks with `when = "told"`, whose `level` is reached.
    pub async fn told(&self, id: &SubjectId, told: Told, now: Timestamp) -> Result<(), StoreError> {
        {
            let mut people = self.shard(id);
            let person = entry(&mut people, id, now);
            // Words may come in another order than they were said in.
            if person.told.as_ref().is_some_and(|last| last.since > told.since) {
                return Ok(());
            }
            person.told = Some(told).filter(|told| told.level > Level::Low);
        }
        self.rise();
        self.save(id, now).await
    }

    /// Something was found in what was done under somebody's name until `since`: the risks with `when = "detection"` stand from
    /// then on. After a restart whoever keeps what was found has to say so again.
    pub fn detected(&self, id: &SubjectId, since: Timestamp, now: Timestamp) {
        {
            let mut people = self.shard(id);
            let person = entry(&mut people, id, now);
            person.detected = person.detected.max(Some(since));
        }
        self.rise();
    }

    /// What is known of where a person uses to be: their browsers and networks, the latest last.
    pub fn known(&self, id: &SubjectId, now: Timestamp) -> (Vec<KnownDevice>, Vec<KnownNetwork>) {
        let mut people = self.shard(id);
        let Some(person) = people.get_mut(id) else { return (Vec::new(), Vec::new()) };
        person.profile.age(now);
        (person.profile.devices.clone(), person.profile.networks.clone())
    }

    /// Forgets where and when a person uses to be, as they wish. Everything is new for them then; what was told of them, or
    /// counted, stays.
    pub async fn forget(&self, id: &SubjectId, now: Timestamp) -> Result<(), StoreError> {
        if let Some(person) = self.shard(id).get_mut(id) {
            person.forget();
        }
        self.rise();
        self.save(id, now).await
    }

    /// The work that may wait: saves, and forgets what was not used for long. To be called every few seconds, and once before
    /// the end.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let gone = self.sweep_next(now);
        for some in gone.chunks(BATCH) {
            let told = some.iter().filter_map(nodes::changed).collect();
            self.store.write_telling(some.iter().map(store::delete).collect(), told).await?;
        }
        let waiting = std::mem::take(&mut *lock(&self.unsaved));
        for (done, some) in waiting.chunks(BATCH).enumerate() {
            if let Err(error) = self.write(some, now).await {
                for id in waiting.iter().skip(done * BATCH) {
                    self.touch_again(id);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Has other nodes know at once what is known here, if there are any.
    pub async fn share(&self, id: &SubjectId, now: Timestamp) -> Result<(), StoreError> {
        if self.store.is_shared() { self.save(id, now).await } else { Ok(()) }
    }

    async fn save(&self, id: &SubjectId, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        for _ in 0..SAVE_ATTEMPTS {
            match self.write(std::slice::from_ref(id), now).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    self.touch_again(id);
                    return Err(error);
                }
            }
        }
        // What other nodes have written meanwhile is known here, and all of it waits to be saved.
        Err(StoreError::Overloaded)
    }

    /// Writes what is known of these people; says how many were written by other nodes meanwhile. They are read anew, and
    /// wait to be saved.
    async fn write(&self, some: &[SubjectId], now: Timestamp) -> Result<usize, StoreError> {
        let (mut ids, mut statements) = (Vec::new(), Vec::new());
        for id in some {
            if let Some(statement) = self.statement(id) {
                ids.push(id);
                statements.push(statement);
            }
        }
        let told = ids.iter().filter_map(|id| nodes::changed(id)).collect();
        let written = self.store.write_telling(statements, told).await?;
        let overtaken: Vec<_> =
            ids.iter().zip(written).filter(|(id, changed)| !self.is_written(id, *changed)).collect();
        for (id, _) in &overtaken {
            // First this: what is not saved goes with what is read.
            self.touch_again(id);
            self.hear(id, now).await?;
        }
        Ok(overtaken.len())
    }

    fn statement(&self, id: &SubjectId) -> Option<crate::platform::store::Statement> {
        let mut people = self.shard(id);
        let person = people.get_mut(id)?;
        person.unsaved = false;
        Some(store::save(id, person))
    }

    /// Whether what was written is what stands there now.
    fn is_written(&self, id: &SubjectId, changed: usize) -> bool {
        let mut people = self.shard(id);
        let Some(person) = people.get_mut(id) else { return true };
        // Of whom nothing is left to remember there is no row.
        if store::is_nothing(person) {
            person.revision = 0;
            return true;
        }
        if changed == 1 {
            person.revision += 1;
        }
        changed == 1
    }

    fn touch(&self, id: &SubjectId, person: &mut Person) {
        if !std::mem::replace(&mut person.unsaved, true) {
            lock(&self.unsaved).push(id.clone());
        }
    }

    pub(super) fn touch_again(&self, id: &SubjectId) {
        if let Some(person) = self.shard(id).get_mut(id) {
            self.touch(id, person);
        }
    }

    /// Of whom nothing is left to remember.
    fn sweep_next(&self, now: Timestamp) -> Vec<SubjectId> {
        let shard = self.sweep.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return Vec::new() };
        let mut people = lock(shard);
        people.values_mut().for_each(|person| person.age(now));
        let over = people.iter().filter(|(_, person)| person.is_over(now) && !person.unsaved);
        let over: Vec<_> = over.map(|(id, _)| id.clone()).collect();
        for id in &over {
            people.remove(id);
        }
        over
    }

    pub(super) fn rise(&self) {
        self.revision.fetch_add(1, Ordering::AcqRel);
    }

    #[expect(clippy::indexing_slicing, reason = "a number modulo SHARDS is below the number of shards")]
    pub(super) fn shard(&self, id: &SubjectId) -> MutexGuard<'_, People> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        lock(&self.shards[usize::from(hash.to_le_bytes()[0]) % SHARDS])
    }
}

fn entry<'p>(people: &'p mut People, id: &SubjectId, now: Timestamp) -> &'p mut Person {
    if !people.contains_key(id) {
        make_room(people, now);
    }
    people.entry(id.clone()).or_default()
}

/// Where there are as many as there may be, whoever was not seen for longest is forgotten: for them all is new then. Of whom more
/// is asked by what was told or counted, nothing is forgotten as long as there is anybody else.
pub(super) fn make_room(people: &mut People, now: Timestamp) {
    if people.len() < PEOPLE_MAX / SHARDS {
        return;
    }
    let rank = |person: &Person| (person.is_raised(now), person.profile.last());
    if let Some(id) = people.iter().min_by_key(|(_, person)| rank(person)).map(|(id, _)| id.clone()) {
        people.remove(&id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 16;
/// More people than a house has; at 2 KiB each.
pub(super) const PEOPLE_MAX: usize = 131_072;
/// How often it is tried to save somebody of whom other nodes learn at the same time.
const SAVE_ATTEMPTS: usize = 4;
/// Statements in one write of the background work.
const BATCH: usize = 500;
