//! All people under all rules.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::person::{Body, Person};
use super::seen::Work;
use super::settings::{DetectionSettings, WITHIN_MAX};
use super::track::Found;
use crate::domain::detection::{Detection, DetectionName};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// What an event has brought to light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something new.
    Found(Detection),
    /// Something that was found before, and is larger now.
    Grown(Detection),
    /// Something that a reviewer has said is fine with this person.
    Quiet(DetectionName),
}

/// What is known of a person for good: when they were last there, and what is usual for them.
#[derive(Clone, Debug)]
pub struct Baseline(pub(super) Body);

/// Watches people, event by event.
#[derive(Debug)]
pub struct Watcher {
    rules: Arc<[DetectionSettings]>,
    zone: TimeZone,
    people: HashMap<SubjectId, Person>,
    /// Who was forgotten since the last [`Watcher::take_changes`].
    forgotten: HashSet<SubjectId>,
    newest: Timestamp,
}

impl Watcher {
    /// One that knows this of people, and has found this before.
    pub fn new(
        rules: Arc<[DetectionSettings]>,
        zone: TimeZone,
        known: impl IntoIterator<Item = (SubjectId, Baseline)>,
        found: impl IntoIterator<Item = (Timestamp, Detection)>,
    ) -> Self {
        let mut people: HashMap<_, _> =
            known.into_iter().map(|(id, baseline)| (id, Person::of(&baseline.0, &rules))).collect();
        for (began, Detection { person, rule, count, .. }) in found {
            let place = rules.iter().position(|it| it.name == rule);
            let person = people.entry(person).or_insert_with(|| Person::new(&rules));
            let track = place.and_then(|place| person.tracks.get_mut(place));
            if let Some(track) = track
                && track.found.as_ref().is_none_or(|before| before.began <= began)
            {
                track.found = Some(Found { began, count: Some(count) });
            }
        }
        Self { rules, zone, people, forgotten: HashSet::new(), newest: Timestamp::default() }
    }

    /// Takes other rules. One that is new, or looks for something else, counts from now on.
    pub fn apply(&mut self, rules: Arc<[DetectionSettings]>, zone: TimeZone) {
        if rules != self.rules {
            self.people.values_mut().for_each(|person| person.under(&self.rules, &rules));
        }
        (self.rules, self.zone) = (rules, zone);
    }

    /// Takes in what was seen before a restart: nothing is found, and nothing becomes usual twice.
    pub fn recall(&mut self, work: &Work) {
        self.make_room(&work.person);
        let Self { rules, zone, people, .. } = self;
        let person = people.entry(work.person.clone()).or_insert_with(|| Person::new(rules));
        person.recall(rules, zone, work);
    }

    /// Takes in what is seen now, and says what it brings to light.
    pub fn see(
        &mut self,
        work: &Work,
        is_quiet: &dyn Fn(&SubjectId, &DetectionName, Timestamp) -> bool,
    ) -> Vec<Step> {
        self.make_room(&work.person);
        self.newest = self.newest.max(work.time);
        let Self { rules, zone, people, .. } = self;
        let person = people.entry(work.person.clone()).or_insert_with(|| Person::new(rules));
        let mut steps = Vec::new();
        person.see(rules, zone, work, is_quiet, &mut steps);
        steps
    }

    /// What has changed of people since this was last asked: what is known of each now, none where they were forgotten. Empties
    /// the windows of whoever was not there for a day.
    pub fn take_changes(&mut self) -> Vec<(SubjectId, Option<Baseline>)> {
        let Self { rules, people, forgotten, newest, .. } = self;
        let mut changes: Vec<_> = forgotten.drain().map(|id| (id, None)).collect();
        for (id, person) in people {
            if person.last_seen.is_some_and(|last| newest.since(last) >= WITHIN_MAX) {
                person.rest();
            }
            if std::mem::take(&mut person.unsaved) {
                changes.push((id.clone(), Some(Baseline(person.body(rules)))));
            }
        }
        changes
    }

    /// Where there are as many people as there may be, those who were not there for longest are forgotten, some at once.
    fn make_room(&mut self, id: &SubjectId) {
        if self.people.len() < PEOPLE_MAX || self.people.contains_key(id) {
            return;
        }
        let mut all: Vec<_> = self.people.iter().map(|(id, person)| (person.last_seen, id.clone())).collect();
        all.sort_unstable();
        for (_, id) in all.into_iter().take(PEOPLE_MAX / 16) {
            self.people.remove(&id);
            self.forgotten.insert(id);
        }
        self.forgotten.remove(id);
    }
}

/// People of whom anything is known at once.
pub(super) const PEOPLE_MAX: usize = 50_000;
