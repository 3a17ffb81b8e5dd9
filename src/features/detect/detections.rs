//! What was found, as the rest of the house sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::review::{Asked, ITEMS_MAX, Item, Items, ReviewError};
use super::settings::DetectionSettings;
use super::steps::Steps;
use super::store::{self, Position};
use super::watcher::{Baseline, Step};
use crate::domain::detection::{Detection, DetectionName, ReviewState};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::DetectionId;
use crate::platform::store::{Store, StoreError};

/// What is usual for people.
pub type Baselines = Vec<(SubjectId, Baseline)>;

/// What was found.
#[derive(Debug)]
pub struct Detections {
    store: Store,
    items: Mutex<Items>,
    figures: Mutex<Figures>,
    /// Held from when something is read for the store until it is there, so that nothing older lands on it.
    writing: tokio::sync::Mutex<()>,
    /// Who asks for patients by numbers that follow one another.
    pub steps: Steps,
}

/// What operators measure.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// By rule: what was found since the start.
    pub found: BTreeMap<DetectionName, u64>,
    /// By rule: what was not told because a reviewer has said that it is fine.
    pub quiet: BTreeMap<DetectionName, u64>,
    /// Entries of the journal that were not read yet.
    pub behind: u64,
    /// Items, by how far their review has come.
    pub items: BTreeMap<ReviewState, u64>,
}

/// How far everything has come, to be kept.
#[derive(Debug, Default)]
pub struct Progress {
    /// Items that have changed.
    pub items: BTreeSet<DetectionId>,
    /// What has changed of people.
    pub people: BTreeMap<SubjectId, Option<Baseline>>,
    /// How far the journal was read.
    pub position: Option<Position>,
}

impl Detections {
    /// What the store holds. Blocks: for the start.
    pub fn load(store: Store) -> Result<Self, StoreError> {
        let items = Items::of(store::items(&store)?);
        Ok(Self {
            store,
            items: Mutex::new(items),
            figures: Mutex::default(),
            writing: tokio::sync::Mutex::new(()),
            steps: Steps::default(),
        })
    }

    /// How far the journal was read, and what is known of people by then. Blocks.
    pub fn resume(&self) -> Result<(Option<Position>, Baselines), StoreError> {
        Ok((store::position(&self.store)?, store::people(&self.store)?))
    }

    /// The items, the latest first; of one state, if it is named.
    pub fn list(&self, state: Option<ReviewState>, limit: usize) -> Vec<Item> {
        let items = self.items();
        let wanted = |item: &&Item| state.is_none_or(|state| item.state == state);
        items.all().rev().filter(wanted).take(limit).cloned().collect()
    }

    /// One item.
    pub fn item(&self, id: DetectionId) -> Option<Item> {
        self.items().item(id).cloned()
    }

    /// The item as it would be with what a reviewer says: to be written down, and then [kept](Self::settle).
    pub fn reviewed(
        &self,
        id: DetectionId,
        asked: Asked,
        rules: &[DetectionSettings],
        now: Timestamp,
    ) -> Result<Item, ReviewError> {
        self.items().item(id).ok_or(ReviewError::Unknown)?.reviewed(asked, rules, now)
    }

    /// Keeps what a reviewer has said.
    pub async fn settle(&self, reviewed: Item) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let item = {
            let mut items = self.items();
            let Some(item) = items.item_mut(reviewed.detection.id) else { return Ok(()) };
            let Item { state, finding, note, reviewed, quiet_until, .. } = reviewed;
            // What was found may have grown meanwhile.
            *item = Item { state, finding, note, reviewed, quiet_until, ..item.clone() };
            item.clone()
        };
        self.store.write(store::put_item(&item).into_iter().collect()).await.map(drop)
    }

    /// Whether a reviewer has said that a rule finds nothing wrong with a person.
    pub fn is_quiet(&self, person: &SubjectId, rule: &DetectionName, time: Timestamp) -> bool {
        self.items().is_quiet(person, rule, time)
    }

    /// Keeps how far everything has come, all or nothing. May be asked again where it fails.
    pub async fn keep(&self, progress: &Progress, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let Progress { items: changed, people, position } = progress;
        let gone = self.items().make_room(ITEMS_MAX, now);
        let mut statements: Vec<_> = {
            let items = self.items();
            changed.iter().filter_map(|id| store::put_item(items.item(*id)?)).collect()
        };
        statements.extend(gone.into_iter().map(store::forget_item));
        statements.extend(people.iter().map(|(id, baseline)| store::put_person(id, baseline.as_ref(), now)));
        statements.extend(position.map(store::put_position));
        if statements.is_empty() {
            return Ok(());
        }
        self.store.write(statements).await.map(drop)
    }

    /// Takes in what was found. Gives the items that have changed, which are to be [kept](Self::keep).
    pub fn take(&self, steps: Vec<Step>) -> BTreeSet<DetectionId> {
        let (mut items, mut figures) = (self.items(), self.figures_mut());
        let mut changed = BTreeSet::new();
        for step in steps {
            match step {
                Step::Found(detection) => {
                    changed.insert(detection.id);
                    // Found again after a crash: what somebody has said of it stays.
                    if items.item(detection.id).is_none() {
                        *figures.found.entry(detection.rule.clone()).or_default() += 1;
                        let began = detection.until;
                        items.put(Item::open(detection, began));
                    }
                }
                Step::Grown(detection) => {
                    let Some(item) = items.item_mut(detection.id) else { continue };
                    changed.insert(detection.id);
                    let raises = item.detection.raises;
                    item.detection = Detection { raises, ..detection };
                }
                Step::Quiet(rule) => *figures.quiet.entry(rule).or_default() += 1,
            }
        }
        changed
    }

    /// Takes in who has proven who they are, and when. Gives the items that have changed.
    pub fn clear(&self, cleared: &[(SubjectId, Timestamp)]) -> BTreeSet<DetectionId> {
        if cleared.is_empty() {
            return BTreeSet::new();
        }
        let mut items = self.items();
        let mut changed = BTreeSet::new();
        for item in items.all_mut().filter(|item| item.detection.raises && !item.cleared) {
            let Detection { id, person, until, .. } = &item.detection;
            if cleared.iter().any(|(whom, at)| whom == person && at > until) {
                item.cleared = true;
                changed.insert(*id);
            }
        }
        changed
    }

    /// Nothing is read any more: where that begins again, it is with the last day.
    pub async fn rest(&self) -> Result<(), StoreError> {
        self.store.write(vec![store::forget_position()]).await.map(drop)
    }

    /// What still asks its person to prove who they are: whom, and since when.
    pub fn raised(&self, since: Timestamp) -> Vec<(SubjectId, Timestamp)> {
        let items = self.items();
        let stands = |item: &&Item| item.detection.raises && !item.cleared && item.detection.until >= since;
        let told = |item: &Item| (item.detection.person.clone(), item.detection.until);
        items.all().filter(stands).map(told).collect()
    }

    /// What was found before, and when each began.
    pub fn found(&self) -> Vec<(Timestamp, Detection)> {
        self.items().all().map(|item| (item.began, item.detection.clone())).collect()
    }

    /// How much of the journal waits.
    pub fn note_behind(&self, entries: u64) {
        self.figures_mut().behind = entries;
    }

    /// What operators measure.
    pub fn figures(&self) -> Figures {
        let mut figures = self.figures_mut().clone();
        for state in ReviewState::ALL {
            figures.items.insert(*state, 0);
        }
        for item in self.items().all() {
            *figures.items.entry(item.state).or_default() += 1;
        }
        figures
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures_mut(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
