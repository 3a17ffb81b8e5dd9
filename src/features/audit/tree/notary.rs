//! The one thread that signs: it takes the leaves of entries that are on the disk, writes the tree's tiles, and signs a
//! checkpoint now and then. The writer never waits for it.
//!
//! Where the disk refuses, nothing is signed until it takes what it is given again: the tree is then taken up from
//! the disk. Entries go on being journaled; how far behind the last checkpoint is can be asked for.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::edge::Edge;
use super::keys::{self, Found};
use super::office::{Office, SignedCheckpoint};
use super::resume::{CHECKPOINTS, Resumed, resume};
use super::thinning;
use super::tile::Writing;
use crate::features::audit::disk::{put, sync_directory};
use crate::features::audit::error::JournalError;
use crate::features::audit::format::Head;
use crate::features::audit::note;
use crate::features::audit::shared::Shared;
use crate::features::audit::tray::Tray;
use crate::foundation::clock::Clock;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::foundation::timekeeping::Synchronization;
use crate::platform::signed_note::SigningKey;

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
    /// A segment has ended, of which no checkpoint is kept yet.
    has_ended: bool,
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
        office.signs_with(&found.key);
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
            has_ended: false,
        }
    }

    /// Signs until the journal is closed.
    pub(in crate::features::audit) fn run(mut self) {
        let mut due = Instant::now();
        let mut patience: Option<Duration> = None;
        let mut thinned: Option<Instant> = None;
        loop {
            if thinned.is_none_or(|thinned| thinned.elapsed() >= THINNED_EVERY) {
                thinned = Some(Instant::now());
                self.thin();
            }
            let is_last = match patience {
                None => self.office.wait(due, self.every.max(LOOKED_EVERY)),
                // Each attempt reads all entries since the last checkpoint: a disk that is in trouble is left in peace.
                Some(patience) => self.office.rest(patience),
            };
            if let Err(error) = self.rotate() {
                // Told again and again it would fill the journal.
                tracing::error!(%error, "the prepared key cannot be taken up: the old one signs until a restart");
                self.is_own = false;
                self.coming = None;
            }
            match self.round() {
                Ok(()) => patience = None,
                Err(error) => {
                    self.tree = None;
                    self.office.failed();
                    if patience.is_none() {
                        tracing::error!(%error, "no checkpoint of the journal can be signed: entries go on being written");
                    }
                    patience = Some(more_patience(patience, self.every));
                }
            }
            if is_last {
                return;
            }
            due = Instant::now() + self.every;
        }
    }

    /// Removes checkpoints that nobody needs; where that cannot be done, it is tried the next day.
    fn thin(&self) {
        match thinning::thin(&self.directory, self.means.clock.now()) {
            Ok(0) => {}
            Ok(removed) => {
                tracing::debug!(checkpoints = removed, "checkpoints of the journal were thinned out");
            }
            Err(error) => tracing::warn!(%error, "checkpoints of the journal cannot be thinned out"),
        }
    }

    fn round(&mut self) -> Result<(), JournalError> {
        let (mut leaves, head, has_ended) = self.office.take(std::mem::take(&mut self.spare));
        self.has_ended |= has_ended;
        let Some(head) = head else { return Ok(()) };
        let mut tree = match self.tree.take() {
            Some(tree) if follows(&tree.edge, &leaves, head) => tree,
            Some(_) | None => resume(&self.directory, head.sequence)?,
        };
        let new = usize::try_from(head.sequence.saturating_sub(tree.edge.size())).unwrap_or(usize::MAX);
        let known = leaves.len().saturating_sub(new);
        let directory = self.directory.clone();
        let disk = |error| JournalError::disk(&directory, error);
        grow(&mut tree.edge, &directory, leaves.iter().skip(known)).map_err(disk)?;
        if tree.edge.size() > tree.signed {
            self.sign(&tree.edge, head)?;
            tree.signed = tree.edge.size();
        }
        if self.has_ended {
            thinning::keep(&directory, tree.signed).map_err(disk)?;
            self.has_ended = false;
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
        put(&self.directory.join(NEWEST), note.as_bytes()).map_err(disk)?;
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
            self.office.signs_with(&key);
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

/// How long is waited after another attempt has failed: twice as long each time, up to a bound, and never less than `every`.
fn more_patience(before: Option<Duration>, every: Duration) -> Duration {
    before.map_or(RETRIED_AFTER, |before| before.saturating_mul(2).min(RETRIED_WITHIN)).max(every)
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
const LEAVES_SPARE: usize = 1 << 16;
const TILES_AT_ONCE: usize = 256;
/// How often it is looked whether a new key was prepared.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
const CLOCK_ASKED_EVERY: Duration = Duration::from_secs(60);
/// And when the journal is opened.
const THINNED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
const RETRIED_AFTER: Duration = Duration::from_secs(5);
/// Once the disk takes them again, tiles are written within this time.
const RETRIED_WITHIN: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_refuses_is_tried_less_and_less_often() {
        let second = Duration::from_secs;
        let waits = |every| {
            let next = |before: &Option<Duration>| Some(Some(more_patience(*before, every)));
            let waits = std::iter::successors(Some(None), next).skip(1).flatten();
            waits.take(8).map(|wait| wait.as_secs()).collect::<Vec<_>>()
        };
        assert_eq!(waits(second(1)), [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(waits(second(3600)), [3600; 8]);
    }
}
