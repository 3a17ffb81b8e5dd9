//! All breaks, as the rest of the house sees them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::figures::Figures;
use super::nodes::changed;
use super::state::{Break, EXPLAINED_WITHIN, Standing};
use super::store::{self, Kept};
use crate::domain::break_glass::{BreakEnd, BreakReview, BreakStep};
use crate::domain::patient::{PatientDigests, PatientRef};
use crate::domain::subject::{Identity, SubjectId};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{RequestId, SessionId};
use crate::platform::store::{Store, StoreError};

/// All breaks.
#[derive(Debug)]
pub struct Breaks {
    pub(super) store: Store,
    table: Mutex<BTreeMap<RequestId, Kept>>,
    /// How many go on, so that whoever asks with each request mostly asks for nothing.
    active: AtomicUsize,
    /// Whose patient each is, for a day, by number: feeds are asked by that.
    watched: Mutex<HashMap<RequestId, Whose>>,
    figures: Mutex<Figures>,
    /// Held from when something is read for the store until it is there.
    writing: tokio::sync::Mutex<()>,
}

/// Who has broken the glass of whom, as feeds know them.
#[derive(Clone, Debug)]
pub struct Whose {
    /// Who.
    pub identity: Identity,
    /// Of whom.
    pub patient: PatientRef,
}

/// Why something could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// It cannot become of it, or there is no such break.
    #[error("it cannot be changed so")]
    Refused(Option<E>),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a break could not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError<E> {
    /// It could not be written down.
    #[error("it could not be written down")]
    Unrecorded(E),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Breaks {
    /// What the store holds. Blocks: for the start.
    pub fn load(store: Store) -> Result<Self, StoreError> {
        let rows = store.read(&store::all(BREAKS_MAX))?;
        let breaks = Self {
            store,
            table: Mutex::default(),
            active: AtomicUsize::new(0),
            watched: Mutex::default(),
            figures: Mutex::default(),
            writing: tokio::sync::Mutex::new(()),
        };
        breaks.replace(rows.iter().filter_map(store::read));
        Ok(breaks)
    }

    /// Whether nothing goes on: then nobody has to be looked for.
    pub fn is_quiet(&self) -> bool {
        self.active.load(Ordering::Acquire) == 0
    }

    /// The break by which somebody has a patient's chart open, in this session.
    pub fn active(
        &self,
        person: &SubjectId,
        session: SessionId,
        patient: &PatientDigests,
        now: Timestamp,
    ) -> Option<Break> {
        if self.is_quiet() {
            return None;
        }
        let is_it = |it: &Break| it.is_active(now) && it.is_of(person, session, patient);
        self.table().values().rev().map(|kept| &kept.it).find(|it| is_it(it)).cloned()
    }

    /// Others by which the same person has the same chart open in the same session: two nodes may each have begun one.
    pub fn beside(&self, it: &Break, now: Timestamp) -> Vec<Break> {
        let is_beside = |other: &Break| {
            other.id != it.id
                && other.is_active(now)
                && other.is_of(&it.person, it.session, &it.patient.into())
        };
        self.table().values().map(|kept| &kept.it).filter(|other| is_beside(other)).cloned().collect()
    }

    /// What goes on and rests on the reason of another one.
    pub fn joined(&self, root: RequestId, now: Timestamp) -> Vec<Break> {
        let rests = |it: &&Break| it.joins == Some(root) && it.is_active(now);
        self.table().values().map(|kept| &kept.it).filter(rests).cloned().collect()
    }

    /// Whether the last break of somebody's of a patient, in this session, has ended by its time or because they have to do with
    /// the patient by now: nobody has ended it.
    pub fn ran_out(&self, person: &SubjectId, session: SessionId, patient: &PatientDigests) -> bool {
        let table = self.table();
        let last = table.values().rev().map(|kept| &kept.it).find(|it| it.is_of(person, session, patient));
        last.is_some_and(|it| match it.standing {
            Standing::Active | Standing::Over { end: BreakEnd::Time | BreakEnd::Related, .. } => true,
            Standing::Over { end: BreakEnd::Person | BreakEnd::Session | BreakEnd::Review, .. } => false,
        })
    }

    /// The break on whose reason another one of the same person and patient rests at `now`.
    pub fn remembered(
        &self,
        person: &SubjectId,
        patient: &PatientDigests,
        memory: Duration,
        now: Timestamp,
    ) -> Option<Break> {
        let is_theirs = |it: &Break| it.joins.is_none() && it.is_about(patient) && it.person == *person;
        let table = self.table();
        // The last one alone: none that went before outlives that it was found not justified.
        let latest = table.values().rev().map(|kept| &kept.it).find(|it| is_theirs(it));
        latest.filter(|it| it.is_remembered(memory, now)).cloned()
    }

    /// A break begins, once `recorded` says that it is written down. Where the same person has the same chart open in the same
    /// session by now, as when a page asks for many things at once, it is that one.
    pub async fn begin<E>(
        &self,
        it: Break,
        recorded: impl Future<Output = Result<(), E>>,
    ) -> Result<Break, BeginError<E>> {
        let _turn = self.writing.lock().await;
        if let Some(open) = self.active(&it.person, it.session, &it.patient.into(), it.began) {
            return Ok(open);
        }
        recorded.await.map_err(BeginError::Unrecorded)?;
        let gone = self.gone(it.began);
        for waits in gone.iter().filter_map(|id| self.one(*id)).filter(Break::is_awaited) {
            tracing::error!(
                break_glass.id = %waits.id,
                "an emergency access is forgotten before it was reviewed: more than {BREAKS_MAX} wait"
            );
        }
        let mut statements: Vec<_> = store::insert(&it).into_iter().collect();
        statements.extend(gone.iter().map(|id| store::delete(*id)));
        let changes = gone.iter().copied().chain([it.id]).map(changed).collect();
        self.store.write_telling(statements, changes).await?;
        let step = if it.joins.is_some() { BreakStep::Remembered } else { BreakStep::Started };
        self.count(step);
        {
            let mut table = self.table();
            for id in gone {
                table.remove(&id);
            }
            table.insert(it.id, Kept { it: it.clone(), revision: 1 });
        }
        self.recount();
        Ok(it)
    }

    /// Has feeds asked for a day whether somebody who has broken the glass has to do with the patient by now.
    pub fn watch(&self, id: RequestId, whose: Whose) {
        self.watched().insert(id, whose);
    }

    /// Changes a break as `change` says, on top of whatever other nodes have made of it.
    pub async fn change<E>(
        &self,
        id: RequestId,
        change: impl Fn(Break) -> Result<Break, E>,
    ) -> Result<Break, WriteError<E>> {
        let _turn = self.writing.lock().await;
        for _ in 0..TRIED_MAX {
            let Some(Kept { it: before, revision }) = self.table().get(&id).cloned() else {
                return Err(WriteError::Refused(None));
            };
            let it = change(before.clone()).map_err(|error| WriteError::Refused(Some(error)))?;
            let statements = store::update(&it, revision).into_iter().collect();
            let written = self.store.write_telling(statements, vec![changed(id)]).await?;
            if written.first() == Some(&1) {
                self.note_change(&before, &it);
                self.table().insert(id, Kept { it: it.clone(), revision: revision + 1 });
                self.recount();
                return Ok(it);
            }
            // Another node was first: it is changed anew on what that has made of it.
            let rows = self.store.find(store::one(id)).await?;
            self.take_over(id, rows.first().and_then(store::read));
        }
        Err(WriteError::Refused(None))
    }

    /// One break.
    pub fn one(&self, id: RequestId) -> Option<Break> {
        self.table().get(&id).map(|kept| kept.it.clone())
    }

    /// Breaks, the latest first; those whose review has come so far, where that is asked.
    pub fn list(&self, state: Option<BreakReview>, limit: usize) -> Vec<Break> {
        let table = self.table();
        let is_wanted =
            |it: &&Break| state.is_none_or(|state| it.joins.is_none() && it.review.state == state);
        table.values().rev().map(|kept| &kept.it).filter(is_wanted).take(limit).cloned().collect()
    }

    /// What one person has open or owes, the latest first.
    pub fn theirs(&self, person: &SubjectId, now: Timestamp) -> Vec<Break> {
        let table = self.table();
        let matters = |it: &&Break| it.person == *person && (it.is_active(now) || it.is_owed());
        table.values().rev().map(|kept| &kept.it).filter(matters).cloned().collect()
    }

    /// What has not been ended yet: of each, whether it goes on is to be asked.
    pub fn running(&self) -> Vec<Break> {
        if self.is_quiet() {
            return Vec::new();
        }
        let table = self.table();
        let runs = |it: &&Break| it.standing == Standing::Active;
        table.values().map(|kept| &kept.it).filter(runs).cloned().collect()
    }

    /// Breaks of which nobody has told for a while what became of them: whoever was to is gone, or could not.
    pub fn untold(&self, now: Timestamp) -> Vec<Break> {
        let table = self.table();
        let is_left = |it: &&Break| it.untold.is_some_and(|untold| now.since(untold.since) >= TOLD_WITHIN);
        table.values().map(|kept| &kept.it).filter(is_left).cloned().collect()
    }

    /// Breaks of the last day that a relationship would end or explain, with whom feeds are to be asked about.
    pub fn watched_now(&self, now: Timestamp) -> Vec<(Break, Whose)> {
        let table = self.table();
        let mut watched = self.watched();
        watched.retain(|id, _| {
            let kept = table.get(id);
            kept.is_some_and(|kept| now.since(kept.it.began) <= EXPLAINED_WITHIN && !kept.it.explained)
        });
        watched.iter().filter_map(|(id, whose)| Some((table.get(id)?.it.clone(), whose.clone()))).collect()
    }

    /// Counts that somebody was asked, or went back.
    pub fn count(&self, step: BreakStep) {
        *self.figures_mut().steps.entry(step).or_default() += 1;
    }

    /// What operators measure.
    pub fn figures(&self, now: Timestamp) -> Figures {
        let mut figures = self.figures_mut().clone();
        for it in self.table().values().map(|kept| &kept.it) {
            figures.active += u64::from(it.is_active(now));
            figures.owed += u64::from(it.is_owed());
            if it.joins.is_some() {
                continue;
            }
            figures.waiting += u64::from(it.review.state != BreakReview::Closed);
            figures.overdue += u64::from(it.review.is_overdue(now));
            match it.review.was_in_time() {
                Some(true) => figures.closed_in_time += 1,
                Some(false) => figures.closed_late += 1,
                None => {}
            }
            if let (BreakReview::Closed, Some(finding)) = (it.review.state, it.review.finding) {
                *figures.findings.entry(finding).or_default() += 1;
            }
        }
        figures
    }

    /// Takes what a row says now.
    pub(super) fn take_over(&self, id: RequestId, there: Option<Kept>) {
        {
            let mut table = self.table();
            match there {
                Some(there) => {
                    let is_older = table.get(&id).is_some_and(|here| here.revision > there.revision);
                    if !is_older {
                        table.insert(id, there);
                    }
                }
                None => {
                    table.remove(&id);
                }
            }
        }
        self.recount();
    }

    /// Reads all rows anew. Nothing of ours is written meanwhile.
    pub(super) async fn read_anew(&self) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let rows = self.store.find_all(store::all(BREAKS_MAX)).await?;
        self.replace(rows.iter().filter_map(store::read));
        Ok(())
    }

    /// Takes what all rows say; of what another node has told since they were read, that.
    fn replace(&self, there: impl Iterator<Item = Kept>) {
        {
            let mut table = self.table();
            let here = std::mem::take(&mut *table);
            let newest = |there: Kept| match here.get(&there.it.id) {
                Some(here) if here.revision > there.revision => here.clone(),
                Some(_) | None => there,
            };
            *table = there.map(newest).map(|kept| (kept.it.id, kept)).collect();
        }
        self.recount();
    }

    fn note_change(&self, before: &Break, after: &Break) {
        let mut figures = self.figures_mut();
        if let (Standing::Active, Standing::Over { end, .. }) = (before.standing, after.standing) {
            *figures.steps.entry(BreakStep::Ended).or_default() += 1;
            *figures.ends.entry(end).or_default() += 1;
        }
    }

    /// Those that make room for one more: first those of which nobody waits for anything, then the oldest; what goes on stays.
    fn gone(&self, now: Timestamp) -> Vec<RequestId> {
        let table = self.table();
        let over = (table.len() + 1).saturating_sub(BREAKS_MAX);
        if over == 0 {
            return Vec::new();
        }
        let rank = |it: &Break| (it.is_active(now), it.is_awaited(), it.began);
        let mut all: Vec<_> = table.values().map(|kept| (rank(&kept.it), kept.it.id)).collect();
        all.sort_unstable();
        all.into_iter().take(over).map(|(_, id)| id).collect()
    }

    fn recount(&self) {
        let runs = |kept: &&Kept| kept.it.standing == Standing::Active;
        let active = self.table().values().filter(runs).count();
        self.active.store(active, Ordering::Release);
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<RequestId, Kept>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<RequestId, Whose>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn figures_mut(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Breaks that are kept.
pub(super) const BREAKS_MAX: usize = 10_000;
/// How long whoever has ended a break has to tell of it, before anybody else does.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
/// How often a change is tried on top of those of other nodes.
const TRIED_MAX: usize = 4;
