//! The steps of a segment's life in the archive, each by itself: shipped and read back, removed here, held, removed there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::ArchiveError;
use super::ledger::{self, Names, Object, Receipt, Step};
use super::manifest::{Manifest, ManifestError, Sum};
use super::pack::{last_time, new_file, pack, sum_of, unpack};
use super::plan::{self, Due};
use super::scratch::Scratch;
use super::shelf::{Examination, Shelf, blocking};
use super::standing::{ArchiveNow, Standing};
use crate::features::audit::directory::{SegmentPath, make, segments};
use crate::features::audit::disk::sync_directory;
use crate::features::audit::index;
use crate::features::audit::rulebooks;
use crate::features::audit::seal::Period;
use crate::features::audit::settings::ArchiveSettings;
use crate::features::audit::tree::keys::known;
use crate::foundation::clock::Timestamp;
use crate::platform::objects::{Keep, ObjectsError};
use crate::platform::signed_note::VerifierKey;

/// The archive of one journal.
#[derive(Debug)]
pub struct Archive {
    /// The journal's folder.
    directory: PathBuf,
    settings: ArchiveSettings,
    pub(super) shelf: Shelf,
    standing: Standing,
    is_over: Arc<AtomicBool>,
}

/// What goes on in the background ends soon after this is dropped.
#[derive(Debug)]
pub struct GoesOn(Arc<AtomicBool>);

impl Drop for GoesOn {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Archive {
    /// The archive of the journal in `directory`. Nothing is asked yet.
    pub fn new(directory: PathBuf, settings: ArchiveSettings) -> Result<Self, ObjectsError> {
        let shelf = Shelf::new(&settings.place)?;
        Ok(Self { directory, settings, shelf, standing: Standing::default(), is_over: Arc::default() })
    }

    /// What goes on in the background goes on for as long as this is kept.
    pub fn goes_on(&self) -> GoesOn {
        GoesOn(self.is_over.clone())
    }

    /// Asks the gateway that writes the journal in `directory` to look at once. It hears that within a second.
    pub fn wish(directory: &Path) -> Result<(), ArchiveError> {
        make(&ledger::folder(directory))?;
        let path = wish_path(directory);
        new_file(&path).map(drop).map_err(|error| ArchiveError::disk(&path, error))
    }

    /// Whether somebody has asked for that, and was not heard yet.
    pub fn has_wish(&self) -> bool {
        wish_path(&self.directory).exists()
    }

    /// Whether somebody has asked for that since this was asked the last time.
    pub fn take_wish(&self) -> bool {
        std::fs::remove_file(wish_path(&self.directory)).is_ok()
    }

    /// How it stands.
    pub fn now(&self) -> ArchiveNow {
        self.standing.now()
    }

    /// Notes that something could not be done; whether all could before.
    pub fn note_failure(&self, error: &ArchiveError) -> bool {
        self.standing.failed(error.to_string())
    }

    /// Notes that all could be done; whether something could not before.
    pub fn note_success(&self) -> bool {
        self.standing.went_well()
    }

    /// Looks at the place without putting anything there.
    pub async fn examine(&self) -> Result<Examination, ArchiveError> {
        self.shelf.examine(&self.directory).await
    }

    /// The full segments that are to be shipped, the oldest first.
    pub async fn due(&self, now: Timestamp) -> Result<Vec<Due>, ArchiveError> {
        let directory = self.directory.clone();
        let (found, known) = blocking(move || {
            let known = ledger::read(&directory)?;
            Ok((plan::due(&directory, &known)?, known))
        })
        .await?;
        let there = known.values().filter(|entry| entry.retired.is_none()).count() as u64;
        let to = known.values().map(|entry| entry.receipt.to).max();
        self.standing.counted(there, to, found.waiting, now);
        Ok(found.due)
    }

    /// Ships a segment: packed, put there, read back and held against what was signed. Whoever calls writes that down, and then
    /// [keeps](Self::keep) the receipt.
    pub async fn ship(&self, due: &Due, held: &[Period], now: Timestamp) -> Result<Receipt, ArchiveError> {
        let scratch = Scratch::make(&self.directory)?;
        let (directory, segment, packed) = (self.directory.clone(), due.0.clone(), scratch.packed());
        let years = self.settings.retain_years;
        // What is older than its retention is kept for a day all the same: no lock ends in the past.
        let until = move |to| kept_until(to, years).max(now.plus(A_DAY));
        let is_over = self.is_over.clone();
        let goes_on = move || !is_over.load(Ordering::Relaxed);
        let manifest = blocking(move || pack((&directory, &segment), &packed, until, &goes_on)).await?;
        let names = Names::of(&due.0.name);
        self.is_ours(&names, &manifest).await?;
        let is_held = plan::is_held_between(manifest.from, manifest.to, held);
        let keep = Keep { until: manifest.retain_until, is_held };
        let put = Putting { keep, scratch: &scratch };
        let packed = self.put(names.packed.clone(), &scratch.packed(), manifest.packed, put).await?;
        let index = match manifest.index {
            Some(sum) => Some(self.put(names.index.clone(), &index::path_of(&due.0), sum, put).await?),
            None => None,
        };
        let mut rulebooks = BTreeMap::new();
        for (version, sum) in &manifest.rulebooks {
            let file = rulebooks::path_of(&self.directory, version);
            rulebooks.insert(version.clone(), self.put(names.rulebook(version), &file, *sum, put).await?);
        }
        // Last: what has a manifest is whole.
        let written = self.write_manifest(&scratch, &manifest)?;
        let manifest_object = self.put(names.manifest, &scratch.manifest(), written, put).await?;
        let receipt = Receipt {
            before: manifest.before,
            through: manifest.through,
            from: manifest.from,
            to: manifest.to,
            place: self.shelf.place_of(&packed.name),
            packed,
            manifest: manifest_object,
            index,
            rulebooks,
            retain_until: manifest.retain_until,
            is_held,
            archived: now,
        };
        drop(scratch);
        self.prove(&receipt).await?;
        Ok(receipt)
    }

    /// Keeps a receipt: from now on the segment is archived.
    pub async fn keep(&self, receipt: Receipt) -> Result<(), ArchiveError> {
        self.write(Step::Archived(Box::new(receipt))).await
    }

    /// Reads an archived segment back and holds it against its receipt, chain, tree and checkpoint, and its lock against what it
    /// should be.
    pub async fn prove(&self, receipt: &Receipt) -> Result<Manifest, ArchiveError> {
        let scratch = Scratch::make(&self.directory)?;
        let manifest = self.bring(receipt, &scratch).await?;
        let keep = Keep { until: receipt.retain_until, is_held: receipt.is_held };
        for object in receipt.objects() {
            self.shelf.keeps(&object.name, object.version.as_deref(), keep).await?;
        }
        Ok(manifest)
    }

    /// That the retention of an archived segment is over, by its own entries: receipts are nobody's proof of that. What is not there
    /// any more needs none.
    pub async fn prove_over(&self, receipt: &Receipt, now: Timestamp) -> Result<(), ArchiveError> {
        let Object { name, version, .. } = &receipt.packed;
        for version in [version.as_deref(), None] {
            match self.shelf.read(name, version, 0..1).await {
                Err(ArchiveError::Objects(ObjectsError::Absent(_))) => {}
                Err(error) => return Err(error),
                Ok(_) => return self.prove_time_over(receipt, now).await,
            }
        }
        Ok(())
    }

    async fn prove_time_over(&self, receipt: &Receipt, now: Timestamp) -> Result<(), ArchiveError> {
        let scratch = Scratch::make(&self.directory)?;
        self.bring(receipt, &scratch).await?;
        let (name, raw) = (receipt.segment(), scratch.raw());
        let segment = SegmentPath { first: receipt.first(), path: raw, name: name.clone().into() };
        let last = blocking(move || last_time(&segment)).await?;
        let until = kept_until(last, self.settings.retain_years);
        if until <= now { Ok(()) } else { Err(ArchiveError::Kept { segment: name, until }) }
    }

    /// Fetches a segment with its index and rules, and holds it against its receipt, chain, tree and checkpoint.
    async fn bring(&self, receipt: &Receipt, scratch: &Scratch) -> Result<Manifest, ArchiveError> {
        let trusted = known(&self.directory)?;
        let manifest = self.manifest(receipt, &trusted).await?;
        if let Some(object) = &receipt.index {
            self.fetch_object(object, &scratch.index()).await?;
        }
        for object in receipt.rulebooks.values() {
            self.fetch_object(object, &scratch.rulebook()).await?;
        }
        self.fetch_segment(&manifest, &receipt.packed, &scratch.packed(), &scratch.raw()).await?;
        Ok(manifest)
    }

    /// The archived segments that may be removed here, the oldest first: `needed_from` is the first entry that somebody still
    /// has to read here.
    pub async fn removable(
        &self,
        now: Timestamp,
        needed_from: u64,
        held: &[Period],
    ) -> Result<Vec<Receipt>, ArchiveError> {
        let (directory, held, kept) = (self.directory.clone(), held.to_vec(), self.settings.keep_local);
        blocking(move || {
            let known = ledger::read(&directory)?;
            plan::removable(&directory, &known, (now, kept), needed_from, &held)
        })
        .await
    }

    /// Removes an archived segment here, with its index. Whoever calls has proven the copy and written it down, and a checkpoint
    /// covers that.
    pub async fn remove(&self, receipt: &Receipt, now: Timestamp) -> Result<(), ArchiveError> {
        let (directory, first) = (self.directory.clone(), receipt.first());
        self.write(Step::Removed { first, at: now }).await?;
        blocking(move || {
            let found = segments(&directory)?.into_iter().find(|segment| segment.first == first);
            let Some(segment) = found else { return Ok(()) };
            for path in [&segment.path, &index::path_of(&segment)] {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(ArchiveError::disk(path, error));
                    }
                    Ok(()) | Err(_) => {}
                }
            }
            sync_directory(&directory).map_err(|error| ArchiveError::disk(&directory, error))
        })
        .await
    }

    /// The archived segments whose hold is not as `held` says, with how it should be.
    pub async fn unlike(&self, held: &[Period]) -> Result<Vec<(Receipt, bool)>, ArchiveError> {
        let (directory, held) = (self.directory.clone(), held.to_vec());
        blocking(move || Ok(plan::unlike(&ledger::read(&directory)?, &held))).await
    }

    /// Lays a legal hold on an archived segment, or lifts it. Whoever calls has written it down.
    pub async fn hold(&self, receipt: &Receipt, is_held: bool, now: Timestamp) -> Result<(), ArchiveError> {
        for object in receipt.objects() {
            let (name, version) = (&object.name, object.version.as_deref());
            self.shelf.hold(name, version, is_held).await?;
            self.shelf.keeps(name, version, Keep { until: receipt.retain_until, is_held }).await?;
        }
        self.write(Step::Held { first: receipt.first(), is_held, at: now }).await
    }

    /// The archived segments whose time is over.
    pub async fn ended(&self, now: Timestamp, held: &[Period]) -> Result<Vec<Receipt>, ArchiveError> {
        let (directory, held) = (self.directory.clone(), held.to_vec());
        blocking(move || Ok(plan::ended(&ledger::read(&directory)?, now, &held))).await
    }

    /// Removes an archived segment for good. Whoever calls has [proven](Self::prove_over) that its time is over, and written it down.
    pub async fn retire(&self, receipt: &Receipt, now: Timestamp) -> Result<(), ArchiveError> {
        // The manifest last: what has none is not looked for.
        for object in receipt.objects() {
            self.shelf.remove(&object.name, object.version.as_deref()).await?;
        }
        self.write(Step::Retired { first: receipt.first(), at: now }).await
    }

    /// The manifest of a receipt, as it was put there.
    pub(super) async fn manifest(
        &self,
        receipt: &Receipt,
        trusted: &[VerifierKey],
    ) -> Result<Manifest, ArchiveError> {
        let misfit = |why| ArchiveError::Copy { segment: receipt.segment(), why };
        let Object { name, version, sha256, .. } = &receipt.manifest;
        let bytes = self.shelf.read_all(name, version.as_deref()).await?;
        if crate::foundation::digest::Digest::of(&bytes) != *sha256 {
            return Err(misfit(ManifestError::Manifest));
        }
        let manifest = Manifest::parse(&bytes, trusted).map_err(misfit)?;
        let is_same = manifest.before == receipt.before && manifest.through == receipt.through;
        if is_same { Ok(manifest) } else { Err(misfit(ManifestError::Manifest)) }
    }

    /// Fetches a packed segment into the file `packed`, and unpacks and checks it into `to`.
    pub(super) async fn fetch_segment(
        &self,
        manifest: &Manifest,
        object: &Object,
        packed: &Path,
        to: &Path,
    ) -> Result<(), ArchiveError> {
        let Sum { bytes, sha256 } = manifest.packed;
        let object = Object { bytes, sha256, ..object.clone() };
        self.fetch_object(&object, packed).await.map_err(|error| {
            let ArchiveError::Copy { why, .. } = error else { return error };
            ArchiveError::Copy { segment: manifest.segment(), why }
        })?;
        let (packed, to, manifest) = (packed.to_owned(), to.to_owned(), manifest.clone());
        blocking(move || unpack(&packed, &to, &manifest)).await
    }

    /// Fetches an object, piece by piece, and holds it against its digest.
    pub(super) async fn fetch_object(&self, object: &Object, to: &Path) -> Result<(), ArchiveError> {
        let disk = |error| ArchiveError::disk(to, error);
        let mut file = tokio::fs::File::from_std(new_file(to).map_err(disk)?);
        let mut at = 0;
        while at < object.bytes {
            let end = at.saturating_add(PIECE_BYTES).min(object.bytes);
            let piece = self.shelf.read(&object.name, object.version.as_deref(), at..end).await?;
            if piece.is_empty() {
                break;
            }
            at = at.saturating_add(piece.len() as u64);
            tokio::io::AsyncWriteExt::write_all(&mut file, &piece).await.map_err(disk)?;
        }
        tokio::io::AsyncWriteExt::flush(&mut file).await.map_err(disk)?;
        drop(file);
        let path = to.to_owned();
        let sum = blocking(move || sum_of(&path).map_err(|error| ArchiveError::disk(&path, error))).await?;
        if sum == (Sum { bytes: object.bytes, sha256: object.sha256 }) {
            return Ok(());
        }
        let why = ManifestError::Sum { what: "object" };
        Err(ArchiveError::Copy { segment: object.name.clone(), why })
    }

    async fn put(
        &self,
        name: String,
        file: &Path,
        sum: Sum,
        put: Putting<'_>,
    ) -> Result<Object, ArchiveError> {
        let (bytes, sha256) = (sum.bytes, sum.sha256);
        if let Some((version, _)) = self.shelf.newest(&name).await?.filter(|(_, there)| *there == bytes) {
            let object = Object { name: name.clone(), version, bytes, sha256 };
            if self.stands(&object, put).await {
                return Ok(object);
            }
        }
        let version = self.shelf.put(&name, file, put.keep).await?;
        Ok(Object { name, version, bytes, sha256 })
    }

    /// Whether an object was put there before, by an attempt that failed later, with the same bytes and under the same lock. Another
    /// version of it would stay for years beside this one.
    async fn stands(&self, object: &Object, put: Putting<'_>) -> bool {
        let same = async {
            self.shelf.keeps(&object.name, object.version.as_deref(), put.keep).await?;
            self.fetch_object(object, &put.scratch.raw()).await
        };
        // What cannot be told is put there anew, and what is wrong shows by that.
        same.await.is_ok()
    }

    /// Whether nothing stands there, or what we have put there ourselves before a crash.
    async fn is_ours(&self, names: &Names, manifest: &Manifest) -> Result<(), ArchiveError> {
        let bytes = match self.shelf.read_all(&names.manifest, None).await {
            Ok(bytes) => bytes,
            Err(ArchiveError::Objects(ObjectsError::Absent(_))) => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_ours = Manifest::unchecked(&bytes).is_ok_and(|there| {
            (&there.origin, there.before, there.through)
                == (&manifest.origin, manifest.before, manifest.through)
        });
        let place = self.shelf.place_of(&names.manifest);
        if is_ours { Ok(()) } else { Err(ArchiveError::Foreign { place }) }
    }

    fn write_manifest(&self, scratch: &Scratch, manifest: &Manifest) -> Result<Sum, ArchiveError> {
        let path = scratch.manifest();
        let disk = |error: std::io::Error| ArchiveError::disk(&self.directory, error);
        let bytes = serde_json::to_vec_pretty(manifest).map_err(|error| disk(error.into()))?;
        std::io::Write::write_all(&mut new_file(&path).map_err(disk)?, &bytes).map_err(disk)?;
        sum_of(&path).map_err(disk)
    }

    async fn write(&self, step: Step) -> Result<(), ArchiveError> {
        let directory = self.directory.clone();
        blocking(move || ledger::write(&directory, &step)).await
    }
}

/// How something is put there.
#[derive(Clone, Copy, Debug)]
struct Putting<'a> {
    keep: Keep,
    /// Where what stands there already is fetched to.
    scratch: &'a Scratch,
}

/// Until when what has its last entry at this time is kept: to the end of its month, so many years later.
fn kept_until(last: Timestamp, years: u16) -> Timestamp {
    Period::of(last).next().years_later(years).begins()
}

/// Where an operator's wish is left: a file that says nothing.
fn wish_path(directory: &Path) -> PathBuf {
    ledger::folder(directory).join("now")
}

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How much is read at once.
const PIECE_BYTES: u64 = 8 * 1024 * 1024;
