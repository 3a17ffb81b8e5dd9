//! The journal as the rest of the house uses it: a [`Desk`] per worker, and the proofs that an entry
//! stands in the journal's order ([`Journaled`]) and on the disk ([`Durable`]). Both are made here and
//! nowhere else.
//!
//! ```no_run
//! # use leastway::features::audit::{journal::Journal, JournalError, settings::JournalSettings};
//! # use leastway::foundation::{clock::SystemClock, entropy::SystemEntropy};
//! # use leastway::domain::event::{Closing, Opening};
//! # use std::sync::Arc;
//! # async fn example(settings: JournalSettings, opening: Opening, closing: Closing) -> Result<(), JournalError> {
//! let journal = Journal::open(&settings, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
//! let desk = journal.desk(); // one per worker, inside its `LocalSet`
//! let (journaled, pending) = desk.submit(&opening)?;
//! // … a safe request may be sent with `journaled` now, any other one after …
//! let durable = pending.durable().await?;
//! // … the reply may be released with `durable` …
//! desk.close(&closing);
//! # Ok(()) }
//! ```

use std::cell::RefCell;
use std::future::poll_fn;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::watch;

use super::archive::Archive;
use super::directory::{Lock, segments};
use super::disk::{Disk, LocalDisk};
use super::error::JournalError;
use super::format::Head;
use super::gap::GapBook;
use super::meter::{Counters, Meter};
use super::note::{self, Notes};
use super::opening::{Opened, occupy, places, tree};
use super::patients::{self, PatientKeys};
use super::settings::JournalSettings;
use super::shared::{Shared, Standing};
use super::space::{DiskNow, Space};
use super::tape::{Found, payload_bytes_max};
use super::tray::{Progress, Tray};
use super::tree::keys;
use super::tree::notary::{Means, Notary};
use super::tree::office::SignedCheckpoint;
use super::tree::thinning;
use super::turn::{Turn, ring_each_turn};
use super::waiters::{Waiters, wake_waiters};
use super::witness::Witness;
use super::writer::Writer;
use crate::domain::application::ApplicationName;
use crate::domain::event::{Closing, Opening};
use crate::domain::patient::{PatientDigests, PatientNames, PatientRef};
use crate::domain::proof::{Durable, Journaled};
use crate::foundation::clock::Clock;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::Entropy;
use crate::platform::signed_note::SigningKey;

/// The journal that this process writes.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    /// For whatever is not a worker.
    front: Arc<Tray>,
    threads: Mutex<Option<Threads>>,
    witnesses: Vec<Arc<Witness>>,
    archive: Option<Arc<Archive>>,
    directory: PathBuf,
    keys: PathBuf,
    patient_key: Arc<DigestKey>,
    patient_keys_before: Vec<DigestKey>,
    found: Found,
    space: Space,
}

/// What runs until the journal is closed.
#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    notary: JoinHandle<()>,
    /// Of the journal's folder, and of the spool.
    locks: (Lock, Option<Lock>),
}

impl Journal {
    /// Opens the journal, or makes it. Reads its last segment to the end; puts aside what a killed
    /// process left half-written, and refuses a journal that was changed.
    pub fn open(
        settings: &JournalSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, JournalError> {
        Self::open_on(Arc::new(LocalDisk), settings, clock, entropy)
    }

    pub(super) fn open_on(
        disk: Arc<dyn Disk>,
        settings: &JournalSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, JournalError> {
        let witnesses: Vec<_> =
            settings.witnesses.iter().map(|it| Witness::new(it).map(Arc::new)).collect::<Result<_, _>>()?;
        let directory = &settings.directory;
        let archive = settings.archive.clone().map(|it| Archive::new(directory.clone(), it)).transpose();
        let archive = archive.map_err(|error| JournalError::Archive { why: error.to_string() })?;
        let locks = occupy(settings)?;
        let is_new = segments(directory)?.is_empty();
        let patients = patients::open((&settings.keys, directory), is_new, clock.now(), &*entropy)?;
        let signer = keys::open(directory, &settings.checkpoints, &*entropy)?;
        let meter = Arc::new(Meter::default());
        let places = places(disk, settings, meter.clone());
        let Opened { place, found, home, why } = places.open()?;
        let tree = tree(&place, directory, found.head)?;
        let largest = payload_bytes_max(settings.segment_bytes);
        let gap = GapBook::new(settings.outage.gap);
        let shared = Arc::new(Shared::new(meter, (settings.sync, gap), largest, (found.head, home)));
        if let Some(why) = why {
            tracing::error!(error = %why, "the journal's disk takes nothing: its entries go to the spool");
            shared.stand(Standing::Spool { since: clock.now(), why: why.to_string().into() });
        }
        let front = shared.tray();
        let (opening, closing) = note::opened(found, clock.now(), &*entropy);
        front.open(&opening, Some(&closing))?;
        if let Some(told) = &signer.told {
            let (opening, closing) = note::key(told.clone(), clock.now(), &*entropy);
            front.open(&opening, Some(&closing))?;
        }
        let means = Means {
            shared: shared.clone(),
            tray: front.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        if let Some(through) = patients.renewed {
            let (opening, closing) = note::patients_renewed(through, clock.now(), &*entropy);
            front.open(&opening, Some(&closing))?;
        }
        let every = settings.checkpoints.every;
        let notary = Notary::new(shared.office.clone(), means, directory, every, signer, tree);
        let unstarted = |error| JournalError::disk(directory, error);
        let notary = named("journal-notary", move || notary.run()).map_err(unstarted)?;
        let writer = Writer::new(shared.clone(), places, place, Notes::new(clock, entropy));
        let writer = named("journal", move || writer.run()).map_err(unstarted)?;
        shared.bell.wakes(writer.thread().clone());
        let threads = Mutex::new(Some(Threads { writer, notary, locks }));
        Ok(Arc::new(Self {
            shared,
            front,
            threads,
            witnesses,
            directory: directory.clone(),
            archive: archive.map(Arc::new),
            keys: settings.keys.clone(),
            patient_key: patients.key,
            patient_keys_before: patients.before,
            found,
            space: Space::of(settings),
        }))
    }

    /// A desk for the worker that runs on this thread.
    ///
    /// # Panics
    ///
    /// Outside of a tokio `LocalSet` or local runtime: a desk belongs to one thread.
    pub fn desk(self: &Arc<Self>) -> Desk {
        let tray = self.shared.tray();
        let turn = Rc::new(Turn::default());
        let waiters = Rc::new(RefCell::new(Waiters::default()));
        let tasks = [
            tokio::task::spawn_local(ring_each_turn(turn.clone(), self.shared.clone())),
            tokio::task::spawn_local(wake_waiters(tray.progress(), waiters.clone())),
        ];
        let progress = tray.progress();
        Desk(Rc::new(DeskInner { shared: self.shared.clone(), tray, progress, turn, waiters, tasks }))
    }

    /// Journals an event away from the way of a request: of the control plane, or of the gateway's own
    /// life. Returns when all of it is on the disk.
    pub async fn record(&self, opening: &Opening, closing: Option<&Closing>) -> Result<(), JournalError> {
        if self.shared.sync.is_awaited() {
            return self.record_durably(opening, closing).await;
        }
        self.front.open(opening, closing)?;
        self.shared.bell.ring();
        Ok(())
    }

    /// The same, on the disk when this returns, though requests may not wait for that (`journal.sync`).
    pub async fn record_durably(
        &self,
        opening: &Opening,
        closing: Option<&Closing>,
    ) -> Result<(), JournalError> {
        let mut progress = self.front.progress();
        let ticket = self.front.open(opening, closing)?;
        self.shared.bell.ring();
        let reached = progress.wait_for(|progress| progress.of(ticket).is_some()).await;
        let outcome = reached.ok().and_then(|progress| progress.of(ticket));
        outcome.unwrap_or(Err(JournalError::Closed))
    }

    /// Journals how such an event ended, where that was not known when it began. Nobody waits for the disk.
    pub fn close_event(&self, closing: &Closing) -> Result<(), JournalError> {
        self.front.close(closing)?;
        self.shared.bell.ring();
        Ok(())
    }

    /// Writes all that waits, the closing entries too, syncs it, and gives the journal back. Whatever
    /// comes later is refused. Blocks for as long as the disk takes.
    pub fn close(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Threads { writer, notary, locks }) = threads.take() else { return };
        self.shared.close();
        if writer.join().is_err() {
            tracing::error!("the journal's writer ended by a mistake of ours");
        }
        // What the writer has left is signed before anybody else may write.
        self.shared.office.close();
        if notary.join().is_err() {
            tracing::error!("the journal's notary ended by a mistake of ours");
        }
        drop(locks);
    }

    /// Whether entries can be journaled: part of being ready.
    pub fn is_writable(&self) -> bool {
        self.shared.refuses().is_none()
    }

    /// Asks the disks that take entries how much room they have. Blocks for as long as they take.
    pub fn look_at_disks(&self) -> Vec<DiskNow> {
        self.space.look(self.shared.meter.counters(0).bytes, Instant::now())
    }

    /// How much room they had when they were last asked.
    pub fn disks(&self) -> Vec<DiskNow> {
        self.space.seen()
    }

    /// Whether some requests go on although no entry can be written.
    pub fn lets_through(&self) -> bool {
        self.shared.gap.is_open()
    }

    /// Where entries go: into the journal, or elsewhere and why.
    pub fn standing(&self) -> Standing {
        self.shared.standing()
    }

    /// What the journal has done since it was opened.
    pub fn counters(&self) -> Counters {
        let (checkpoints, checkpoint_failures) = self.shared.office.counts();
        let signed = self.checkpoint().map_or(self.found.head.sequence, |signed| signed.checkpoint.size);
        Counters {
            checkpoints,
            checkpoint_failures,
            unsigned: self.head().sequence.saturating_sub(signed),
            spooled: self.head().sequence.saturating_sub(self.home().sequence),
            gap_requests: self.shared.gap.requests(),
            ..self.shared.meter.counters(self.shared.waiting())
        }
    }

    /// The last entry that is in the journal's own folder, where it can be read: before [`head`](Self::head) for as long as
    /// entries are in the spool.
    pub fn home(&self) -> Head {
        self.shared.home()
    }

    /// The last entry that is on a disk: noted elsewhere, it proves later that nothing before it was
    /// changed or cut.
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// The newest checkpoint that this process has signed: given to others, it proves later that nothing before it was
    /// changed or cut.
    pub fn checkpoint(&self) -> Option<Arc<SignedCheckpoint>> {
        self.shared.office.newest()
    }

    /// Waits until a checkpoint covers all that is on a disk by now, however long that takes.
    pub async fn signed(&self) {
        let head = self.head().sequence;
        while self.checkpoint().is_none_or(|newest| newest.checkpoint.size < head) {
            tokio::time::sleep(SIGNED_SEEN_EVERY).await;
        }
    }

    /// The key that signs checkpoints, for what is signed beside them. None once the journal cannot sign.
    pub fn signing_key(&self) -> Option<Arc<SigningKey>> {
        self.shared.office.key()
    }

    /// A witness has noted the checkpoint of `size` entries: it is kept for good. Blocks for as long as the disk takes.
    pub fn keep_checkpoint(&self, size: u64) -> Result<(), JournalError> {
        thinning::keep(&self.directory, size).map_err(|error| JournalError::disk(&self.directory, error))
    }

    /// Who is told the newest checkpoint.
    pub fn witnesses(&self) -> &[Arc<Witness>] {
        &self.witnesses
    }

    /// Where its full segments are kept elsewhere, if they are.
    pub const fn archive(&self) -> Option<&Arc<Archive>> {
        self.archive.as_ref()
    }

    /// What was there when the journal was opened.
    pub const fn found(&self) -> Found {
        self.found
    }

    /// All keys by which its events name patients, as they are there now. Blocks for as long as the disk takes.
    pub fn patient_keys(&self) -> Result<PatientKeys, JournalError> {
        PatientKeys::load(&self.keys)
    }

    /// Makes the key by which the next start will name patients.
    pub fn renew_patient_key(&self, entropy: &dyn Entropy) -> Result<(), JournalError> {
        patients::prepare_next(&self.keys, entropy).map_err(|error| JournalError::disk(&self.keys, error))
    }

    /// The key by which events name patients now.
    pub fn patient_key(&self) -> &DigestKey {
        &self.patient_key
    }

    /// What events call a patient now, and what they called them by the keys last before: what began under one of those goes
    /// on under that of now.
    pub fn names_of(&self, patient: &PatientRef) -> PatientDigests {
        let before = self.patient_keys_before.iter().map(|key| patient.digest(key)).collect();
        PatientDigests::new(patient.digest(&self.patient_key), before)
    }

    /// What events call the patients of `application`.
    pub fn patient_names(&self, application: &ApplicationName) -> PatientNames {
        PatientNames::of(application.clone(), self.patient_key.clone())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

/// Where one worker hands its entries over. All of one turn of its event loop go together.
#[derive(Clone, Debug)]
pub struct Desk(Rc<DeskInner>);

#[derive(Debug)]
struct DeskInner {
    shared: Arc<Shared>,
    tray: Arc<Tray>,
    progress: watch::Receiver<Progress>,
    turn: Rc<Turn>,
    waiters: Rc<RefCell<Waiters>>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

impl Desk {
    /// Journals how a request begins. What it gives proves that the entry stands in the journal's
    /// order; that it is on the disk is still to be waited for. An error means that the request must
    /// not go on.
    pub fn submit(&self, opening: &Opening) -> Result<(Journaled, Pending), JournalError> {
        let ticket = self.0.tray.open(opening, None)?;
        self.0.turn.has_opening.set(true);
        self.0.turn.bell.notify_one();
        let is_awaited = self.0.shared.sync.is_awaited();
        if is_awaited {
            self.0.waiters.borrow_mut().make_place(ticket);
        }
        let wait = if is_awaited { Wait::Ticket(self.0.clone(), ticket) } else { Wait::Nothing };
        Ok((Journaled::assertion(), Pending(wait)))
    }

    /// Lets a request go on without an entry: only where [`submit`](Self::submit) has failed because no disk takes entries, the
    /// settings say that such requests go on, and a person is known who asks. It is counted, and the journal tells of it as
    /// soon as it can be written; `None` where nothing goes on. What it gives has the number of the request in
    /// [`Durable::number_in_gap`].
    pub fn pass_in_gap(&self, opening: &Opening) -> Option<(Journaled, Pending)> {
        let number = self.0.shared.gap.pass(opening)?;
        Some((Journaled::assertion(), Pending(Wait::Gap(number))))
    }

    /// Journals how a request ended. Never waits, and nobody waits for it: it goes with the next opening
    /// entry, or by itself within 20 ms. Where the journal has failed in the meantime, the event stays one
    /// whose outcome is unknown.
    pub fn close(&self, closing: &Closing) {
        match self.0.tray.close(closing) {
            Ok(()) => self.0.turn.bell.notify_one(),
            Err(error) => {
                if self.0.shared.meter.lost_closing() {
                    tracing::error!(request.id = %closing.event, %error, "a closing entry is lost, others may follow");
                }
            }
        }
    }
}

impl Drop for DeskInner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // What this worker put in during its last turn.
        self.shared.bell.ring();
    }
}

/// An opening entry on its way to the disk.
#[must_use]
#[derive(Debug)]
pub struct Pending(Wait);

/// For what a request waits.
#[derive(Debug)]
enum Wait {
    /// The entry with that ticket.
    Ticket(Rc<DeskInner>, u64),
    /// The settings let the disk come later.
    Nothing,
    /// It goes on without an entry, as the one of that number.
    Gap(u64),
}

impl Pending {
    /// Returns when the entry is on the disk; at once where the settings let the disk come later. An
    /// error means that nothing may be released.
    pub async fn durable(self) -> Result<Durable, JournalError> {
        match &self.0 {
            Wait::Ticket(desk, ticket) => poll_fn(|context| desk.poll(*ticket, context)).await?,
            Wait::Nothing => {}
            Wait::Gap(number) => return Ok(Durable::gap(*number)),
        }
        Ok(Durable::assertion())
    }
}

impl DeskInner {
    fn poll(&self, ticket: u64, context: &Context<'_>) -> Poll<Result<(), JournalError>> {
        if let Some(outcome) = self.progress.borrow().of(ticket) {
            return Poll::Ready(outcome);
        }
        self.waiters.borrow_mut().wait(ticket, context.waker());
        Poll::Pending
    }
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

const SIGNED_SEEN_EVERY: Duration = Duration::from_millis(250);
