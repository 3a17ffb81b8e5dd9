//! The one thread that writes the journal.
//!
//! It takes all that waits in all trays, writes it in one piece, syncs, *then* advances and wakes each
//! worker once. While the disk is busy the next batch forms by itself; after a large one, the next is
//! given a moment to become larger still, which is time that nobody notices and work saved for all.
//!
//! The first error ends a file for good: a failed sync is never tried again on the same file, since the system may have
//! forgotten what it could not write. What was taken and is not known to be durable is kept, and written anew in a segment
//! of its own, on whichever disk takes it next ([`Place`]): so whoever was told that nothing could be written for them may
//! still find their entry, and nobody who was told otherwise ever misses theirs. While no disk takes anything, whoever
//! comes is refused.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::JournalError;
use super::note::Notes;
use super::place::{Place, Places, Way};
use super::settings::Sync;
use super::shared::{Shared, Standing};
use super::tape::Rest;
use super::tray::{Taken, Tray};
use crate::domain::event::{Closing, Opening};
use crate::domain::gap::Gap;

/// The writer's own state.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    places: Places,
    place: Place,
    notes: Notes,
    /// For events of our own, which go before what waits.
    own: Arc<Tray>,
    /// What was taken and is not known to be durable.
    batch: Vec<(Arc<Tray>, Taken)>,
    /// So many of it stand in the file, or on the way there.
    appended: usize,
    /// The number of the last entry before it.
    before: u64,
    /// Buffers to leave in the trays.
    spare: Vec<Vec<u8>>,
    /// Since when something is written but not synced.
    unsynced: Option<Instant>,
    /// Whether the last batch was large.
    was_large: bool,
    /// How long the last sync took.
    sync_took: Duration,
    /// When it is looked next whether the journal's disk takes entries again.
    looks_at: Instant,
    /// Where entries go, as it was told last.
    noted: &'static str,
    /// That nothing could be written, until that is told.
    interrupted: Option<Standing>,
    has_ended: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, places: Places, place: Place, notes: Notes) -> Self {
        let own = Arc::new(Tray::new(shared.payload_bytes_max, None));
        let before = shared.head().sequence;
        Self {
            shared,
            places,
            place,
            notes,
            own,
            batch: Vec::new(),
            appended: 0,
            before,
            spare: Vec::new(),
            unsynced: None,
            was_large: false,
            sync_took: Duration::ZERO,
            looks_at: Instant::now(),
            noted: Standing::Journal.name(),
            interrupted: None,
            has_ended: false,
        }
    }

    /// Writes until the journal is closed.
    pub(super) fn run(mut self) {
        loop {
            if self.was_large {
                gather(self.sync_took.saturating_mul(GATHERED_SYNCS).min(GATHERING_MAX));
            }
            self.shared.bell.wait(self.due());
            let is_last = self.shared.is_closing();
            self.collect(is_last);
            self.go_home(is_last);
            self.write_somewhere(is_last);
            self.note_standing();
            if is_last {
                break;
            }
        }
        // In a batch of its own: it proves that all before it was on the disk.
        let (opening, closing) = self.notes.closed();
        self.note(&opening, &closing);
        self.write_somewhere(true);
        let place = self.take_place();
        self.places.close(place);
        self.has_ended = true;
        match self.shared.standing() {
            Standing::Journal | Standing::Spool { .. } => self.shared.end(&JournalError::Closed),
            Standing::Nowhere { why, .. } => self.shared.end(&JournalError::Failed { why }),
        }
    }

    /// Writes and syncs what was taken, on whichever disk takes it.
    fn write_somewhere(&mut self, is_last: bool) {
        while let Err(error) = self.write(is_last) {
            self.leave(&error);
        }
    }

    /// One batch: write, sync, advance, wake.
    fn write(&mut self, is_last: bool) -> io::Result<()> {
        let Some(tape) = self.place.tape() else { return Ok(()) };
        if self.appended < self.batch.len() {
            self.shared.meter.batch();
            let new = self.batch.iter().skip(self.appended);
            tape.append(new.flat_map(|(_, taken)| taken.payloads()))?;
            self.appended = self.batch.len();
        }
        if tape.is_unsynced() {
            let since = *self.unsynced.get_or_insert_with(Instant::now);
            let is_due = match self.shared.sync {
                Sync::BeforeRelease => true,
                Sync::Within(time) => is_last || since.elapsed() >= time,
            };
            if !is_due {
                return Ok(());
            }
            self.sync_took = tape.sync()?;
            self.advance();
        }
        self.settle();
        Ok(())
    }

    fn collect(&mut self, is_last: bool) {
        if is_last {
            self.shared.close_up();
        }
        let ended = is_last.then_some(&JournalError::Closed);
        let Self { shared, batch, spare, .. } = self;
        let mut entries = 0;
        shared.trays().retain(|tray| {
            // Only we know it any more: what is in it now is all that will ever be.
            let is_abandoned = Arc::strong_count(tray) == 1;
            let full = tray.take(spare.pop().unwrap_or_default(), ended);
            entries += full.entries;
            if full.entries == 0 {
                spare.push(full.bytes);
            } else {
                batch.push((tray.clone(), full));
            }
            !is_abandoned
        });
        self.was_large = entries >= LARGE_ENTRIES;
    }

    fn advance(&mut self) {
        self.unsynced = None;
        let is_home = self.place.is_home();
        let Some(tape) = self.place.tape() else { return };
        let head = tape.head();
        self.before = head.sequence;
        self.shared.reached(head, is_home);
        let (leaves, segment_ended) = tape.leaves();
        self.shared.office.hand(leaves, head, segment_ended);
    }

    /// All that was taken is durable: tells each worker once, and keeps the buffers for the next turn.
    fn settle(&mut self) {
        for (tray, mut taken) in self.batch.drain(..) {
            tray.reached(taken.ticket);
            if taken.bytes.capacity() <= SPARE_BYTES_MAX {
                taken.bytes.clear();
                self.spare.push(taken.bytes);
            }
        }
        self.appended = 0;
        self.spare.truncate(SPARE_MAX);
    }

    /// How long the next sync, or the next look at the journal's disk, may wait.
    fn due(&self) -> Option<Duration> {
        let sync = self.unsynced.and_then(|since| match self.shared.sync {
            Sync::BeforeRelease => None,
            Sync::Within(time) => Some(time.saturating_sub(since.elapsed())),
        });
        let look = (!self.place.is_home()).then(|| self.looks_at.saturating_duration_since(Instant::now()));
        sync.into_iter().chain(look).min()
    }

    /// An event of our own, in front of what is taken next.
    fn note(&mut self, opening: &Opening, closing: &Closing) {
        let mut noted = self.own.open(opening, Some(closing));
        if let (Err(JournalError::TooLarge { .. }), Some(gap)) = (&noted, &opening.gap) {
            // Rather their number alone than nothing.
            let gap = Some(Box::new(gap.without_shares()));
            noted = self.own.open(&Opening { gap, ..opening.clone() }, Some(closing));
        }
        if let Err(error) = noted {
            tracing::error!(%error, "an event of the journal itself cannot be written");
            return;
        }
        let taken = self.own.take(Vec::new(), None);
        self.batch.push((self.own.clone(), taken));
    }

    /// The place where entries were written takes none any more: on to the next.
    fn leave(&mut self, error: &dyn Display) {
        let why: Arc<str> = error.to_string().into();
        let was_home = self.place.is_home();
        let place = self.take_place();
        let rest = self.places.leave(place);
        self.looks_at = Instant::now() + self.places.looks_every;
        self.unsynced = None;
        let spooled = if was_home { self.places.spool_after(rest) } else { Err((None, Box::new(rest))) };
        match spooled {
            Ok(place) => {
                tracing::error!(error = %why, "the journal's disk takes nothing: its entries go to the spool");
                self.stand(place);
                self.let_in(Standing::Spool { since: self.notes.now(), why });
            }
            Err((fault, rest)) => {
                self.place = Place::Nowhere(*rest);
                // What was tried again and failed again is no news.
                if !matches!(self.shared.standing(), Standing::Nowhere { .. }) {
                    let why: Arc<str> = fault.map_or(why.clone(), |fault| format!("{why}; {fault}").into());
                    tracing::error!(error = %why, "the journal cannot be written: nothing is let through without an entry");
                    let since = self.notes.now();
                    self.shared.gap.open(&why, since);
                    let standing = Standing::Nowhere { since, why };
                    self.noted = standing.name();
                    self.interrupted = Some(standing.clone());
                    self.shared.stand(standing);
                }
            }
        }
    }

    /// Entries are written again: tells what was let through without, and lets others in.
    fn let_in(&mut self, standing: Standing) {
        if let Some(gap) = self.shared.gap.close() {
            self.note_gap(gap);
        }
        self.shared.stand(standing);
    }

    fn note_gap(&mut self, gap: Gap) {
        tracing::error!(gap.requests = gap.requests, gap.from = %gap.from, gap.to = %gap.to, "requests left no event");
        let (opening, closing) = self.notes.gap(gap);
        self.note(&opening, &closing);
    }

    /// Entries go to another place from now on; what is not known to be durable is written there again.
    fn stand(&mut self, place: Place) {
        self.place = place;
        self.appended = 0;
        self.unsynced = None;
        let durable = self.place.tape().map_or(self.before, |tape| tape.head().sequence);
        // What was synced on the way, at the end of a segment, is not written twice.
        let mut known = durable.saturating_sub(self.before);
        for (_, taken) in &mut self.batch {
            known = taken.skip(known);
        }
        self.before = durable;
    }

    /// Looks now and then whether the journal's disk takes entries again. At the end only if nothing is written otherwise:
    /// what is in the spool is carried home by the next start.
    fn go_home(&mut self, is_last: bool) {
        let is_due = Instant::now() >= self.looks_at;
        let place = match (&self.place, is_last) {
            (Place::Home(_), _) | (Place::Spool(..), true) => return,
            (Place::Spool(..) | Place::Nowhere(_), false) if !is_due => return,
            (Place::Spool(..), false) => {
                let place = self.take_place();
                match self.places.home_from(place) {
                    Way::Elsewhere(place) => place,
                    Way::NotYet(place) => {
                        self.place = place;
                        self.looks_at = Instant::now() + self.places.looks_every;
                        return;
                    }
                }
            }
            (Place::Nowhere(_), _) => {
                if is_last {
                    self.places.await_left();
                }
                let place = self.take_place();
                let rest = self.places.leave(place);
                self.places.anywhere_after(rest)
            }
        };
        self.looks_at = Instant::now() + self.places.looks_every;
        let was_spooling = matches!(self.shared.standing(), Standing::Spool { .. });
        match place {
            Place::Home(_) => self.arrive(place),
            Place::Spool(..) if !was_spooling => self.arrive(place),
            Place::Spool(..) => self.stand(place),
            Place::Nowhere(rest) => {
                self.place = Place::Nowhere(rest);
                if was_spooling {
                    self.leave(&"neither the journal's disk nor the spool takes entries");
                }
            }
        }
    }

    /// Writes what was kept; where that can be, lets others in.
    fn arrive(&mut self, place: Place) {
        self.stand(place);
        self.write_somewhere(true);
        match self.standing() {
            Standing::Nowhere { .. } => {}
            standing @ (Standing::Journal | Standing::Spool { .. }) => self.let_in(standing),
        }
    }

    /// Journals where entries go, once it is another place than was told last.
    fn note_standing(&mut self) {
        let standing = self.standing();
        let name = standing.name();
        if self.noted == name || self.place.tape().is_none() {
            return;
        }
        tracing::warn!(journal = ?standing, "entries are written elsewhere than before");
        self.noted = name;
        for standing in self.interrupted.take().iter().chain([&standing]) {
            let (opening, closing) = self.notes.standing(standing);
            self.note(&opening, &closing);
        }
        self.shared.bell.ring();
    }

    /// Where entries go, by where they are written now.
    fn standing(&self) -> Standing {
        match (&self.place, self.shared.standing()) {
            (Place::Home(_), _) => Standing::Journal,
            (Place::Spool(..), Standing::Spool { since, why } | Standing::Nowhere { since, why }) => {
                Standing::Spool { since, why }
            }
            (Place::Spool(..), Standing::Journal) => {
                Standing::Spool { since: self.notes.now(), why: "the journal's disk takes nothing".into() }
            }
            (Place::Nowhere(_), Standing::Spool { since, why } | Standing::Nowhere { since, why }) => {
                Standing::Nowhere { since, why }
            }
            (Place::Nowhere(_), Standing::Journal) => {
                Standing::Nowhere { since: self.notes.now(), why: "no disk takes entries".into() }
            }
        }
    }

    fn take_place(&mut self) -> Place {
        std::mem::replace(&mut self.place, Place::Nowhere(Rest::default()))
    }

    fn fail(&mut self, error: &dyn Display) {
        tracing::error!(%error, "the journal cannot be written: nothing is let through until a restart");
        self.has_ended = true;
        self.shared.end(&JournalError::Failed { why: error.to_string().into() });
    }
}

/// Sleeps rather than waits for the bell: whoever comes in the meantime need not wake anybody. Some times as long as a
/// sync takes: by so much fewer are made then, and each costs more than the entries in it.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, and what it waits for is company")]
fn gather(time: Duration) {
    std::thread::sleep(time);
}

impl Drop for Writer {
    /// A panic of ours must not leave anybody waiting.
    fn drop(&mut self) {
        if !self.has_ended {
            self.fail(&"the writer has ended");
        }
    }
}

/// A batch of so many entries shows that many workers' requests wait together.
const LARGE_ENTRIES: u64 = 24;
/// How many syncs' time nothing is taken after a large batch.
const GATHERED_SYNCS: u32 = 3;
/// And for how long at most.
const GATHERING_MAX: Duration = Duration::from_millis(1);
const SPARE_MAX: usize = 64;
const SPARE_BYTES_MAX: usize = 1024 * 1024;
