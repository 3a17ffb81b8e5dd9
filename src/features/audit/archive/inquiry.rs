//! Asks what is in an archive: journals made of what is fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::elsewhere::overlaps;
use super::error::ArchiveError;
use super::ledger::{self, Entry, MANIFEST_SUFFIX, Names, Object, Receipt, Step};
use super::manifest::{Manifest, ManifestError};
use super::pack::new_file;
use super::steps::Archive;
use crate::features::audit::directory::{SegmentPath, load_index_key, make, segment_name, segments};
use crate::features::audit::disk::{put, sync_directory};
use crate::features::audit::format::Head;
use crate::features::audit::index::{self, Hints, Plan};
use crate::features::audit::query::Filter;
use crate::features::audit::rulebooks::{self, Kept};
use crate::features::audit::segment::SegmentReader;
use crate::features::audit::tree::checkpoint::{Checkpoint, Signed};
use crate::features::audit::tree::hash::leaf;
use crate::features::audit::tree::keys::{self, known};
use crate::features::audit::tree::notary::{NEWEST, append};
use crate::features::audit::tree::notes::Notes;
use crate::features::audit::tree::resume::CHECKPOINTS;
use crate::features::audit::tree::tile::Writing;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};
use crate::platform::signed_note::VerifierKey;

/// What was fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// Segments that were fetched, unpacked and found to be those that were signed.
    pub segments: u64,
    /// Entries in them.
    pub entries: u64,
    /// Segments in which nothing can be that was asked for, by their indexes.
    pub passed_over: u64,
    /// Versions of the rules that were lost or changed here.
    pub rules: u64,
    /// The same, where the archive could not give them.
    pub rules_missing: u64,
    /// The last entry before those in a folder of what was fetched, where it does not begin with the first.
    #[serde(skip)]
    pub begins_after: Option<Head>,
}

/// A journal for a moment: what is in its folder, and what was fetched of the rest. Gone when it is dropped.
#[derive(Debug)]
pub struct View(PathBuf);

impl View {
    /// Its folder, which reads as a journal's.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// A folder for its owner alone, among those for what is needed for a moment (`TMPDIR`).
    fn make(entropy: &dyn Entropy) -> Result<Self, ArchiveError> {
        let folder = std::env::temp_dir().join(format!("leastway-archive-{}", random_text::<9>(entropy)));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| ArchiveError::disk(&folder, error))?;
        Ok(Self(folder))
    }

    /// Shows what is in a journal's folder, where it is.
    fn show(&self, directory: &Path) -> std::io::Result<()> {
        link_all(directory, &self.0)
    }

    fn segment(&self, first: u64) -> SegmentPath {
        let name = segment_name(first);
        SegmentPath { first, path: self.0.join(&name), name: name.into() }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "what was fetched for a moment stays: remove it");
        }
    }
}

/// Makes a journal of what is in the folder and of what of the archive may fit, up to the entry `through` if one is named. What
/// by its index holds nothing that fits is
/// not fetched; if it were read all the same, that would be an error and no gap.
pub async fn fetch_fitting(
    archive: &Archive,
    directory: &Path,
    (filter, through): (&Filter, Option<Head>),
    hints: Hints,
    entropy: &dyn Entropy,
) -> Result<(View, Fetched), ArchiveError> {
    let trusted = known(directory)?;
    let view = View::make(entropy)?;
    let kept = ledger::read(directory)?;
    let mut manifests = BTreeMap::new();
    let away = kept.values().filter(|entry| entry.removed.is_some() && entry.retired.is_none());
    // From the first that may fit on, all of them: a journal has no gap.
    for Entry { receipt, .. } in
        away.skip_while(|entry| filter.since.is_some_and(|since| entry.receipt.to < since))
    {
        let manifest = archive.manifest(receipt, &trusted).await?;
        let place = view.segment(receipt.first());
        stand_in(&manifest, &place.path).map_err(|error| ArchiveError::disk(&place.path, error))?;
        if let Some(object) = receipt.index.as_ref().filter(|_| hints == Hints::Used) {
            archive.fetch_object(object, &index::path_of(&place)).await?;
        }
        manifests.insert(receipt.first(), (manifest, receipt));
    }
    let (rules, rules_missing) = bring_rules(archive, directory, &view, &kept).await?;
    view.show(directory).map_err(|error| ArchiveError::disk(directory, error))?;
    let key = load_index_key(view.directory()).ok();
    let date = |place: &SegmentPath| {
        let dated = key.as_ref().map_or(Ok(()), |key| index::date_as_indexed(place, key));
        dated.map_err(|error| ArchiveError::disk(&place.path, error))
    };
    manifests.keys().try_for_each(|first| date(&view.segment(*first)))?;
    let plan = match hints {
        Hints::Used => Plan::of(view.directory(), &segments(view.directory())?, filter, through),
        Hints::Ignored => Plan::default(),
    };
    let mut fetched = Fetched { rules, rules_missing, ..Fetched::default() };
    for (first, (manifest, receipt)) in &manifests {
        if plan.passed_over(*first).is_some() {
            fetched.passed_over += 1;
            continue;
        }
        let place = view.segment(*first);
        let packed = view.directory().join("packed");
        archive.fetch_segment(manifest, &receipt.packed, &packed, &place.path).await?;
        std::fs::remove_file(&packed).map_err(|error| ArchiveError::disk(&packed, error))?;
        date(&place)?;
        fetched.took(manifest);
    }
    Ok((view, fetched))
}

/// How many versions of the rules the archive has that were lost or changed in a journal's folder.
pub fn lost_rules(directory: &Path) -> Result<usize, ArchiveError> {
    Ok(lost(directory, &ledger::read(directory)?)?.len())
}

/// These versions, with all copies that the archive has of each.
fn lost(
    directory: &Path,
    kept: &BTreeMap<u64, Entry>,
) -> Result<BTreeMap<String, Vec<Object>>, ArchiveError> {
    let there = kept.values().filter(|entry| entry.retired.is_none());
    let mut lost: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for (version, object) in there.flat_map(|entry| &entry.receipt.rulebooks) {
        lost.entry(version.clone()).or_default().push(object.clone());
    }
    let mut whole = BTreeSet::new();
    for version in lost.keys() {
        if matches!(rulebooks::read(directory, version)?, Kept::Whole(_)) {
            whole.insert(version.clone());
        }
    }
    lost.retain(|version, _| !whole.contains(version));
    Ok(lost)
}

/// Fetches the rules that were lost or changed in the journal's folder, and shows the others: how many were fetched, and how many
/// could not be. Of those, what is left here is shown.
async fn bring_rules(
    archive: &Archive,
    directory: &Path,
    view: &View,
    kept: &BTreeMap<u64, Entry>,
) -> Result<(u64, u64), ArchiveError> {
    let lost = lost(directory, kept)?;
    if lost.is_empty() {
        return Ok((0, 0));
    }
    let (mut fetched, mut missing) = (0, 0);
    let folder = rulebooks::folder_of(view.directory());
    make(&folder)?;
    for (version, copies) in &lost {
        if bring_one(archive, view, version, copies).await? {
            fetched += 1;
        } else {
            missing += 1;
        }
    }
    let here = rulebooks::folder_of(directory);
    if here.exists() {
        link_all(&here, &folder).map_err(|error| ArchiveError::disk(&here, error))?;
    }
    Ok((fetched, missing))
}

/// Fetches a version of the rules by the first copy that is whole; whether there is one.
async fn bring_one(
    archive: &Archive,
    view: &View,
    version: &str,
    copies: &[Object],
) -> Result<bool, ArchiveError> {
    let place = rulebooks::path_of(view.directory(), version);
    for object in copies {
        let came = archive.fetch_object(object, &place).await;
        if came.is_ok() && matches!(rulebooks::read(view.directory(), version)?, Kept::Whole(_)) {
            return Ok(true);
        }
    }
    match std::fs::remove_file(&place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ArchiveError::disk(&place, error)),
        Ok(()) | Err(_) => Ok(false),
    }
}

/// Shows in `to` whatever is in `from` and not there, where it is.
fn link_all(from: &Path, to: &Path) -> std::io::Result<()> {
    for file in std::fs::read_dir(from.canonicalize()?)? {
        let file = file?;
        let place = to.join(file.file_name());
        if !place.exists() {
            std::os::unix::fs::symlink(file.path(), place)?;
        }
    }
    Ok(())
}

/// A segment without its entries: it says what comes before it, and whoever reads it finds that what comes after does not follow.
fn stand_in(manifest: &Manifest, path: &Path) -> std::io::Result<()> {
    let file = new_file(path)?;
    file.set_len(manifest.raw.bytes)?;
    file.write_all_at(&manifest.header().encode(), 0)
}

impl Fetched {
    const fn took(&mut self, manifest: &Manifest) {
        self.segments += 1;
        let entries = manifest.through.sequence.saturating_sub(manifest.before.sequence);
        self.entries = self.entries.saturating_add(entries);
    }
}

/// Whose signature is believed of what is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// One of these keys, noted elsewhere; of the journal's own list where there are none.
    Keys(Vec<VerifierKey>),
    /// Of whoever has signed it, by its own word.
    Archive,
}

impl Trust {
    /// The keys; none where anybody is believed.
    fn keys(&self, directory: &Path) -> Result<Vec<VerifierKey>, ArchiveError> {
        match self {
            Self::Archive => Ok(Vec::new()),
            Self::Keys(keys) if !keys.is_empty() => Ok(keys.clone()),
            Self::Keys(_) => {
                let listed = known(directory)?;
                if listed.is_empty() { Err(ArchiveError::Untrusted) } else { Ok(listed) }
            }
        }
    }
}

/// Fetches what the archive has of a period into the folder `to`, as a journal that verifies alone. Without receipts here, the
/// archive is listed: a journal that is lost as a whole comes back so.
pub async fn fetch(
    archive: &Archive,
    (directory, to): (&Path, &Path),
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    trust: &Trust,
    now: Timestamp,
) -> Result<Fetched, ArchiveError> {
    let trusted = trust.keys(directory)?;
    let there = catalog(archive, directory, &trusted, now).await?;
    let wanted: Vec<_> = there.into_iter().filter(|(_, it)| overlaps(it, since, until)).collect();
    let Some((first, _)) = wanted.first() else { return Err(ArchiveError::Nothing) };
    let mut edge = first.edge().map_err(|why| ArchiveError::Copy { segment: first.segment(), why })?;
    let last = wanted.last().map_or(0, |(manifest, _)| manifest.through.sequence);
    make(to)?;
    let disk = |error| ArchiveError::disk(to, error);
    let mut checkpoints = checkpoints(&wanted, last);
    let newest = newest_within(directory, &trusted, (first.before.sequence, last)).map_err(disk)?;
    checkpoints.extend(
        newest.filter(|(newest, _)| checkpoints.last().is_none_or(|(known, _)| known.size < newest.size)),
    );
    let signed: Vec<u64> = checkpoints.iter().map(|(checkpoint, _)| checkpoint.size).collect();
    let mut writing = Writing::new(to);
    edge.partial().try_for_each(|(tile, hashes)| writing.add(tile, hashes)).map_err(disk)?;
    let begins_after = (first.before.sequence > 0).then(|| first.before.into());
    let (mut fetched, mut before) = (Fetched { begins_after, ..Fetched::default() }, None);
    for (manifest, receipt) in &wanted {
        let misfit = |why| ArchiveError::Copy { segment: manifest.segment(), why };
        if before.is_some_and(|before| before != manifest.before) {
            return Err(misfit(ManifestError::Entries("the segment before it is missing".to_owned())));
        }
        let name = manifest.segment();
        let place = SegmentPath { first: manifest.first(), path: to.join(&name), name: name.into() };
        let packed = to.join("packed");
        archive.fetch_segment(manifest, &receipt.packed, &packed, &place.path).await?;
        std::fs::remove_file(&packed).map_err(|error| ArchiveError::disk(&packed, error))?;
        if let Some(object) = &receipt.index {
            archive.fetch_object(object, &index::path_of(&place)).await?;
        }
        fetch_rulebooks(archive, receipt, to).await?;
        grow(&place, &mut edge, &signed, &mut writing, to)?;
        ledger::write(to, &Step::Archived(Box::new(receipt.clone())))?;
        fetched.took(manifest);
        before = Some(manifest.through);
    }
    writing.finish().map_err(disk)?;
    for (_, note) in &checkpoints {
        append(&to.join(CHECKPOINTS), note).map_err(disk)?;
    }
    if let Some((_, note)) = checkpoints.last() {
        put(&to.join(NEWEST), note.as_bytes()).map_err(disk)?;
    }
    let own = wanted.iter().flat_map(|(manifest, _)| manifest.own_keys());
    let listed: Vec<_> = if trusted.is_empty() { own.collect() } else { trusted };
    for key in &listed {
        keys::list(to, key).map_err(disk)?;
    }
    sync_directory(to).map_err(disk)?;
    Ok(fetched)
}

/// Fetches the rules that the events of a segment name, those that are not there yet: what they are is told by their version.
async fn fetch_rulebooks(archive: &Archive, receipt: &Receipt, to: &Path) -> Result<(), ArchiveError> {
    let misfit = || {
        let why = ManifestError::Sum { what: "rules" };
        ArchiveError::Copy { segment: receipt.segment(), why }
    };
    for (version, object) in &receipt.rulebooks {
        let place = rulebooks::path_of(to, version);
        if place.exists() {
            continue;
        }
        make(place.parent().unwrap_or(to))?;
        archive.fetch_object(object, &place).await?;
        match rulebooks::read(to, version) {
            Ok(Kept::Whole(_)) => {}
            Ok(Kept::Changed | Kept::Absent) | Err(_) => return Err(misfit()),
        }
    }
    Ok(())
}

/// The checkpoints that lie in what is fetched, in rising order.
fn checkpoints(wanted: &[(Manifest, Receipt)], last: u64) -> Vec<(Checkpoint, String)> {
    let mut found: BTreeMap<u64, (Checkpoint, String)> = BTreeMap::new();
    for (manifest, _) in wanted {
        if let Ok(signed) = manifest.signed() {
            found.insert(signed.checkpoint.size, (signed.checkpoint, manifest.checkpoint.clone()));
        }
    }
    found.into_values().filter(|(checkpoint, _)| checkpoint.size <= last).collect()
}

/// The newest of the checkpoints that are kept here of what is fetched: manifests have those that came after their segment.
fn newest_within(
    directory: &Path,
    trusted: &[VerifierKey],
    (before, last): (u64, u64),
) -> std::io::Result<Option<(Checkpoint, String)>> {
    let (mut notes, mut newest) = (Notes::open(&directory.join(CHECKPOINTS))?, None);
    while let Some(note) = notes.next()? {
        let Ok(signed) = note.parse::<Signed>() else { continue };
        let is_within = signed.checkpoint.size > before && signed.checkpoint.size <= last;
        if is_within && signed.is_signed_by(trusted) {
            newest = Some((signed.checkpoint, note));
        }
    }
    Ok(newest)
}

/// Writes the tiles of the tree as it grows by a segment.
fn grow(
    segment: &SegmentPath,
    edge: &mut crate::features::audit::tree::edge::Edge,
    signed: &[u64],
    writing: &mut Writing<'_>,
    to: &Path,
) -> Result<(), ArchiveError> {
    let disk = |error| ArchiveError::disk(to, error);
    let mut reader = SegmentReader::open(segment)?;
    while let Some(raw) = reader.next()? {
        let mut added = Ok(());
        edge.append(leaf(raw.payload), |tile, hashes| {
            if added.is_ok() {
                added = writing.add(tile, hashes);
            }
        });
        added.map_err(disk)?;
        if signed.contains(&edge.size()) {
            edge.partial().try_for_each(|(tile, hashes)| writing.add(tile, hashes)).map_err(disk)?;
        }
    }
    Ok(())
}

/// All segments in the archive, the oldest first.
async fn catalog(
    archive: &Archive,
    directory: &Path,
    trusted: &[VerifierKey],
    now: Timestamp,
) -> Result<Vec<(Manifest, Receipt)>, ArchiveError> {
    let kept = ledger::read(directory)?;
    let mut found = Vec::new();
    if kept.is_empty() {
        let mut names = archive.shelf.names().await?;
        names.retain(|name| name.ends_with(MANIFEST_SUFFIX));
        names.sort();
        for name in names {
            found.push(listed(archive, name, trusted, now).await?);
        }
        return Ok(found);
    }
    for entry in kept.into_values().filter(|entry| entry.retired.is_none()) {
        let manifest = archive.manifest(&entry.receipt, trusted).await?;
        found.push((manifest, entry.receipt));
    }
    Ok(found)
}

/// A segment of which nothing is known here.
async fn listed(
    archive: &Archive,
    name: String,
    trusted: &[VerifierKey],
    now: Timestamp,
) -> Result<(Manifest, Receipt), ArchiveError> {
    let bytes = archive.shelf.read_all(&name, None).await?;
    let checked = if trusted.is_empty() {
        Manifest::unchecked(&bytes).and_then(|manifest| Manifest::parse(&bytes, &manifest.own_keys()))
    } else {
        Manifest::parse(&bytes, trusted)
    };
    let manifest = checked.map_err(|why| ArchiveError::Copy { segment: name.clone(), why })?;
    let names = Names::of(&manifest.segment());
    let object = |name, bytes, sha256| Object { name, version: None, bytes, sha256 };
    let rulebooks = manifest
        .rulebooks
        .iter()
        .map(|(version, sum)| (version.clone(), object(names.rulebook(version), sum.bytes, sum.sha256)));
    let rulebooks = rulebooks.collect();
    let receipt = Receipt {
        before: manifest.before,
        through: manifest.through,
        from: manifest.from,
        to: manifest.to,
        place: archive.shelf.place_of(&names.packed),
        packed: object(names.packed, manifest.packed.bytes, manifest.packed.sha256),
        manifest: object(name, bytes.len() as u64, Digest::of(&bytes)),
        rulebooks,
        index: manifest.index.map(|index| object(names.index, index.bytes, index.sha256)),
        retain_until: manifest.retain_until,
        is_held: false,
        archived: now,
    };
    Ok((manifest, receipt))
}
