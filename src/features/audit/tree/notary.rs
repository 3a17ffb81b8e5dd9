//! The one thread that signs: it takes the leaves of entries that are on the disk, writes the tree's tiles, and signs a
//! checkpoint now and then. The writer never waits for it.
//!
//! Where the disk refuses, nothing is signed until it takes what it is given again: the tree is then taken up from
//! the disk. Entries go on being journaled; how far behind the last checkpoint is can be asked for.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::edge::Edge;
use super::keys::{self, Found};
use super::resume::{CHECKPOINTS, Resumed, resume};
use super::signed_note::SigningKey;
use super::tile::Writing;
use crate::features::audit::disk::sync_directory;
use crate::features::audit::error::JournalError;
use crate::features::audit::format::Head;
use crate::features::audit::note;
use crate::features::audit::shared::Shared;
use crate::features::audit::tray::Tray;
use crate::foundation::clock::Clock;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::foundation::timekeeping::Synchronization;

/// What the writer leaves for the notary, and what the notary has to show.
#[derive(Debug, Default)]
pub(in crate::features::audit) struct Office {
    handed: Mutex<Handed>,
    bell: Condvar,
    shown: Mutex<Option<Arc<SignedCheckpoint>>>,
    failures: AtomicU64,
    signed: AtomicU64,
}

/// The newest checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
}

#[derive(Debug, Default)]
struct Handed {
    /// Of the last entries up to `head`.
    leaves: Vec<Digest>,
    head: Option<Head>,
    /// A segment has ended.
    is_asked: bool,
    is_closing: bool,
}

impl Office {
    /// Leaves the leaves of entries that are on the disk, the last of which is at `head`; takes all of them out.
    pub(in crate::features::audit) fn hand(&self, leaves: &mut Vec<Digest>, head: Head, segment_ended: bool) {
        let mut handed = self.handed();
        let is_first = handed.leaves.is_empty();
        if handed.leaves.len() >= LEAVES_MAX {
            // The notary sees the gap, and reads the entries.
            handed.leaves.clear();
        }
        handed.leaves.append(leaves);
        handed.head = Some(head);
        handed.is_asked |= segment_ended;
        drop(handed);
        if is_first || segment_ended {
            self.bell.notify_one();
        }
    }

    /// Asks for a last checkpoint.
    pub(in crate::features::audit) fn close(&self) {
        self.handed().is_closing = true;
        self.bell.notify_one();
    }

    /// The newest checkpoint of this run.
    pub(in crate::features::audit) fn newest(&self) -> Option<Arc<SignedCheckpoint>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checkpoints signed, and times that one could not be.
    pub(in crate::features::audit) fn counts(&self) -> (u64, u64) {
        (self.signed.load(Ordering::Relaxed), self.failures.load(Ordering::Relaxed))
    }

    fn show(&self, signed: SignedCheckpoint) {
        self.signed.fetch_add(1, Ordering::Relaxed);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(signed));
    }

    /// Waits until there is something to sign and `due` has come, or a segment or the journal ends; not longer
    /// than `most`. Whether the journal ends.
    fn wait(&self, due: Instant, most: Duration) -> bool {
        let begin = Instant::now();
        let mut handed = self.handed();
        loop {
            let is_due = !handed.leaves.is_empty() && Instant::now() >= due;
            let left = most.saturating_sub(begin.elapsed());
            if handed.is_closing || handed.is_asked || is_due || left.is_zero() {
                handed.is_asked = false;
                return handed.is_closing;
            }
            let until_due = due.saturating_duration_since(Instant::now());
            let wait = if handed.leaves.is_empty() { left } else { until_due.min(left) };
            handed = self.bell.wait_timeout(handed, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take(&self, empty: Vec<Digest>) -> (Vec<Digest>, Option<Head>) {
        let mut handed = self.handed();
        (std::mem::replace(&mut handed.leaves, empty), handed.head)
    }

    fn handed(&self) -> MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the notary has events of its own journaled.
#[derive(Debug)]
pub(in crate::features::audit) struct Means {
    pub(in crate::features::audit) shared: Arc<Shared>,
    pub(in crate::features::audit) tray: Arc<Tray>,
    pub(in crate::features::audit) clock: Arc<dyn Clock>,
    pub(in crate::features::audit) entropy: Arc<dyn Entropy>,
}

/// The notary's own state.
#[derive(Debug)]
pub(in crate::features::audit) struct Notary {
    office: Arc<Office>,
    means: Means,
    directory: PathBuf,
    every: Duration,
    key: Arc<SigningKey>,
    is_own: bool,
    /// Whether the key stands in the list.
    is_listed: bool,
    /// A key that is told in the journal, by the ticket of that event, and signs once that is on the disk.
    coming: Option<(Arc<SigningKey>, u64)>,
    /// `None` where it has to be taken up from the disk.
    tree: Option<Resumed>,
    spare: Vec<Digest>,
    /// Whether the clock is kept in step, and when that was asked.
    synchronized: Option<(Synchronization, Instant)>,
}

impl Notary {
    pub(in crate::features::audit) fn new(
        office: Arc<Office>,
        means: Means,
        directory: &Path,
        every: Duration,
        found: Found,
        tree: Option<Resumed>,
    ) -> Self {
        Self {
            office,
            means,
            directory: directory.to_owned(),
            every,
            key: found.key,
            is_own: found.is_own,
            is_listed: found.is_listed,
            coming: None,
            tree,
            spare: Vec::new(),
            synchronized: None,
        }
    }

    /// Signs until the journal is closed.
    pub(in crate::features::audit) fn run(mut self) {
        let mut due = Instant::now();
        let mut is_failing = false;
        loop {
            let most = if is_failing { RETRIED_AFTER } else { LOOKED_EVERY };
            let is_last = self.office.wait(due, self.every.max(most));
            if let Err(error) = self.rotate() {
                // Told again and again it would fill the journal.
                tracing::error!(%error, "the prepared key cannot be taken up: the old one signs until a restart");
                self.is_own = false;
                self.coming = None;
            }
            match self.round() {
                Ok(()) => is_failing = false,
                Err(error) => {
                    self.tree = None;
                    self.office.failures.fetch_add(1, Ordering::Relaxed);
                    if !is_failing {
                        tracing::error!(%error, "no checkpoint of the journal can be signed: entries go on being written");
                    }
                    is_failing = true;
                }
            }
            if is_last {
                return;
            }
            due = Instant::now() + if is_failing { self.every.max(RETRIED_AFTER) } else { self.every };
        }
    }

    fn round(&mut self) -> Result<(), JournalError> {
        let (mut leaves, head) = self.office.take(std::mem::take(&mut self.spare));
        let Some(head) = head else { return Ok(()) };
        let mut tree = match self.tree.take() {
            Some(tree) if follows(&tree.edge, &leaves, head) => tree,
            Some(_) | None => resume(&self.directory, head.sequence)?,
        };
        let new = usize::try_from(head.sequence.saturating_sub(tree.edge.size())).unwrap_or(usize::MAX);
        let known = leaves.len().saturating_sub(new);
        let disk = |error| JournalError::disk(&self.directory, error);
        grow(&mut tree.edge, &self.directory, leaves.iter().skip(known)).map_err(disk)?;
        if tree.edge.size() > tree.signed {
            self.sign(&tree.edge, head)?;
            tree.signed = tree.edge.size();
        }
        self.tree = Some(tree);
        leaves.clear();
        if leaves.capacity() <= LEAVES_SPARE {
            self.spare = leaves;
        }
        Ok(())
    }

    /// Whether the clock is kept in step: asked once a minute.
    fn synchronization(&mut self) -> Synchronization {
        let known = self.synchronized.filter(|(_, asked)| asked.elapsed() < CLOCK_ASKED_EVERY);
        let (synchronization, _) =
            *self.synchronized.insert(known.unwrap_or_else(|| (Synchronization::now(), Instant::now())));
        synchronization
    }

    /// The tiles of the tree are on the disk: signs it.
    fn sign(&mut self, edge: &Edge, head: Head) -> Result<(), JournalError> {
        let clock = self.synchronization();
        let disk = |error| JournalError::disk(&self.directory, error);
        if !self.is_listed {
            keys::list(&self.directory, self.key.verifier()).map_err(disk)?;
            self.is_listed = true;
        }
        let checkpoint = Checkpoint {
            origin: self.key.verifier().name().to_string(),
            size: edge.size(),
            root: edge.root(),
            time: Some(self.means.clock.now()),
            clock: Some(clock),
            head: Some(head),
        };
        let note = checkpoint.sign(&self.key);
        append(&self.directory.join(CHECKPOINTS), &note).map_err(disk)?;
        keys::put(&self.directory.join(NEWEST), note.as_bytes()).map_err(disk)?;
        self.office.show(SignedCheckpoint { checkpoint, note });
        Ok(())
    }

    /// Takes up a key that was prepared: told first, then used.
    fn rotate(&mut self) -> Result<(), JournalError> {
        if let Some((_, ticket)) = &self.coming {
            match self.means.tray.progress().borrow().of(*ticket) {
                None => return Ok(()),
                Some(told) => told?,
            }
            let Some((key, _)) = self.coming.take() else { return Ok(()) };
            let disk = |error| JournalError::disk(&self.directory, error);
            keys::list(&self.directory, key.verifier()).map_err(disk)?;
            keys::adopt(&self.directory).map_err(disk)?;
            tracing::info!(key = %key.verifier(), "the journal signs its checkpoints with a new key");
            self.key = key;
            return Ok(());
        }
        if !self.is_own || !self.is_listed {
            return Ok(());
        }
        let name = self.key.verifier().name();
        let Some(next) = keys::prepared(&self.directory, name)? else { return Ok(()) };
        let told = keys::announcement(self.key.verifier(), Some(&self.key), &next);
        let (opening, closing) = note::key(told, self.means.clock.now(), &*self.means.entropy);
        let ticket = self.means.tray.open(&opening, Some(&closing))?;
        self.means.shared.bell.ring();
        self.coming = Some((next, ticket));
        Ok(())
    }
}

/// Whether `leaves`, the last of which is at `head`, leave no gap after the edge.
fn follows(edge: &Edge, leaves: &[Digest], head: Head) -> bool {
    edge.size() <= head.sequence && head.sequence - edge.size() <= leaves.len() as u64
}

/// Adds leaves; all tiles, full or not, are on the disk when this returns.
fn grow<'a>(
    edge: &mut Edge,
    directory: &Path,
    leaves: impl Iterator<Item = &'a Digest>,
) -> std::io::Result<()> {
    let mut writing = Writing::new(directory);
    for leaf in leaves {
        let mut added = Ok(());
        edge.append(*leaf, |tile, hashes| {
            if added.is_ok() {
                added = writing.add(tile, hashes);
            }
        });
        added?;
        if writing.len() >= TILES_AT_ONCE {
            std::mem::replace(&mut writing, Writing::new(directory)).finish()?;
        }
    }
    for (tile, hashes) in edge.partial() {
        // Levels that have not changed have their file already.
        if !directory.join(tile.path(hashes.len())).exists() {
            writing.add(tile, hashes)?;
        }
    }
    writing.finish()
}

/// Writes at the end of a file, durable.
pub(in crate::features::audit) fn append(path: &Path, note: &str) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // Empty lines part it from the one before, and from what a crash may have left of that.
    let before = if is_new { "" } else { "\n\n" };
    file.write_all(format!("{before}{note}").as_bytes())?;
    file.sync_data()?;
    if is_new { sync_directory(path.parent().unwrap_or(Path::new("."))) } else { Ok(()) }
}

/// The newest checkpoint, where C2SP `tlog-tiles` has it.
pub(in crate::features::audit) const NEWEST: &str = "checkpoint";
/// Leaves that wait before the notary is left to read entries itself: 32 MiB of them.
const LEAVES_MAX: usize = 1 << 20;
const LEAVES_SPARE: usize = 1 << 16;
const TILES_AT_ONCE: usize = 256;
/// How often it is looked whether a new key was prepared.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
const CLOCK_ASKED_EVERY: Duration = Duration::from_secs(60);
const RETRIED_AFTER: Duration = Duration::from_secs(5);
