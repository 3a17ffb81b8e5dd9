//! Packs a segment with its manifest, and unpacks it again. File to file, in bounded memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::error::ArchiveError;
use super::manifest::{FORM, Manifest, ManifestError, RULEBOOKS_MAX, Sum, covers};
use crate::domain::event::Entry;
use crate::features::audit::directory::SegmentPath;
use crate::features::audit::format::Head;
use crate::features::audit::index;
use crate::features::audit::rulebooks::{self, Kept};
use crate::features::audit::segment::{SegmentReader, Tail};
use crate::features::audit::tree::checkpoint::Signed;
use crate::features::audit::tree::edge::Edge;
use crate::features::audit::tree::hash::leaf;
use crate::features::audit::tree::keys::known;
use crate::features::audit::tree::notary::NEWEST;
use crate::features::audit::tree::proof::consistency;
use crate::features::audit::tree::tile::{Tiles, read_edge};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digester;

/// Packs a full segment into the file `to` and writes its manifest. `retain_until` tells by the time of the last entry until when
/// it is kept. The segment is held against chain, tree and checkpoint: what is not what was signed is not packed.
pub(super) fn pack(
    (directory, segment): (&Path, &SegmentPath),
    to: &Path,
    retain_until: impl FnOnce(Timestamp) -> Timestamp,
    goes_on: &dyn Fn() -> bool,
) -> Result<Manifest, ArchiveError> {
    let disk = |error| ArchiveError::disk(directory, error);
    let contradicted = |why| ArchiveError::Contradicted { segment: segment.name.to_string(), why };
    let keys = known(directory)?;
    let note = std::fs::read_to_string(directory.join(NEWEST)).map_err(disk)?;
    let signed: Signed = note.parse().map_err(|_| contradicted("the newest checkpoint cannot be read"))?;
    if !signed.is_signed_by(&keys) {
        return Err(contradicted("the newest checkpoint is not signed by the journal's keys"));
    }
    let checkpoint = signed.checkpoint;
    let walked = walk(directory, segment)?;
    let Head { sequence, .. } = walked.through;
    if sequence > checkpoint.size {
        return Err(contradicted("no checkpoint covers it"));
    }
    let mut tiles = Tiles::new(directory, checkpoint.size);
    let proof = consistency(&mut tiles, sequence, checkpoint.size).map_err(disk)?;
    if !covers(&walked.after, &proof, &checkpoint) {
        return Err(contradicted("its entries do not lead to the newest checkpoint"));
    }
    let (raw, packed) =
        compress(&segment.path, to, goes_on).map_err(|error| ArchiveError::disk(to, error))?;
    let index = index::path_of(segment);
    let index = index.exists().then(|| sum_of(&index)).transpose().map_err(disk)?;
    let rulebooks = rulebooks(directory, walked.versions)?;
    Ok(Manifest {
        form: FORM.to_owned(),
        origin: checkpoint.origin,
        before: walked.before.into(),
        through: walked.through.into(),
        from: walked.from,
        to: walked.to,
        raw,
        packed,
        index,
        rulebooks,
        edge: walked.edge,
        consistency: proof,
        checkpoint: note,
        keys: keys.iter().map(ToString::to_string).collect(),
        retain_until: retain_until(walked.to),
    })
}

struct Walked {
    before: Head,
    through: Head,
    from: Timestamp,
    to: Timestamp,
    edge: Vec<Vec<crate::foundation::digest::Digest>>,
    after: Edge,
    /// The versions of the rules that its events name.
    versions: BTreeSet<Arc<str>>,
}

/// The rules that are kept under these versions; what was changed since they were in force is not shipped as what was.
fn rulebooks(directory: &Path, versions: BTreeSet<Arc<str>>) -> Result<BTreeMap<String, Sum>, ArchiveError> {
    let mut kept = BTreeMap::new();
    for version in versions {
        let path = rulebooks::path_of(directory, &version);
        let found = rulebooks::read(directory, &version)?;
        if matches!(found, Kept::Whole(_)) {
            let sum = sum_of(&path).map_err(|error| ArchiveError::disk(&path, error))?;
            kept.insert(version.to_string(), sum);
        }
    }
    Ok(kept)
}

/// Reads all entries of a segment, with the tree before and after them and their times.
fn walk(directory: &Path, segment: &SegmentPath) -> Result<Walked, ArchiveError> {
    let contradicted = |why| ArchiveError::Contradicted { segment: segment.name.to_string(), why };
    let mut reader = SegmentReader::open(segment)?;
    let before = reader.header.before;
    let edge = read_edge(directory, before.sequence).map_err(|error| ArchiveError::disk(directory, error))?;
    let mut after = edge.ok_or_else(|| contradicted("tiles of the tree before it are missing"))?;
    let edge = after.rows().to_vec();
    let mut times: Option<(Timestamp, Timestamp)> = None;
    let mut versions = BTreeSet::new();
    while let Some(raw) = reader.next()? {
        after.append(leaf(raw.payload), |_, _| {});
        let entry =
            serde_json::from_slice(raw.payload).map_err(|_| contradicted("an entry cannot be read"))?;
        let (time, version) = match entry {
            Entry::Opening(opening) => (opening.time, opening.rules_version),
            Entry::Closing(closing) => (closing.time, None),
        };
        // More than anybody reloads in a segment.
        versions.extend(version.filter(|_| versions.len() < RULEBOOKS_MAX));
        times = Some(times.map_or((time, time), |(from, to)| (from.min(time), to.max(time))));
    }
    if reader.tail()? != Tail::Clean {
        return Err(contradicted("bytes stand behind its last entry"));
    }
    let (from, to) = times.ok_or_else(|| contradicted("it has no entries"))?;
    Ok(Walked { before, through: reader.head(), from, to, edge, after, versions })
}

/// The latest time of the entries of a segment, by their own word.
pub(super) fn last_time(segment: &SegmentPath) -> Result<Timestamp, ArchiveError> {
    let unreadable =
        || ArchiveError::Copy { segment: segment.name.to_string(), why: ManifestError::Replaced };
    let mut reader = SegmentReader::open(segment)?;
    let mut last = None;
    while let Some(raw) = reader.next()? {
        last = last.max(Some(time_of(raw.payload).ok_or_else(unreadable)?));
    }
    last.ok_or_else(unreadable)
}

/// When an entry was made.
fn time_of(payload: &[u8]) -> Option<Timestamp> {
    Some(match serde_json::from_slice(payload).ok()? {
        Entry::Opening(opening) => opening.time,
        Entry::Closing(closing) => closing.time,
    })
}

/// Packs a file for as long as `goes_on` says so; gives what it was and what has become of it.
fn compress(from: &Path, to: &Path, goes_on: &dyn Fn() -> bool) -> io::Result<(Sum, Sum)> {
    let file = Stoppable(File::open(from)?, goes_on);
    let mut raw = Tallied::new(BufReader::with_capacity(PIECE_BYTES, file));
    let mut encoder = zstd::stream::write::Encoder::new(Tallied::new(new_file(to)?), LEVEL)?;
    encoder.include_checksum(true)?;
    io::copy(&mut raw, &mut encoder)?;
    let packed = encoder.finish()?;
    packed.inner.sync_all()?;
    Ok((raw.sum(), packed.sum()))
}

/// Unpacks what was fetched into the file `to`, and holds it against its manifest: length, digest, chain, tree and checkpoint.
pub(super) fn unpack(packed: &Path, to: &Path, manifest: &Manifest) -> Result<(), ArchiveError> {
    let misfit = |why| ArchiveError::Copy { segment: manifest.segment(), why };
    let disk = |error| ArchiveError::disk(to, error);
    if sum_of(packed).map_err(|error| ArchiveError::disk(packed, error))? != manifest.packed {
        return Err(misfit(ManifestError::Sum { what: "packed segment" }));
    }
    let raw = decompress(packed, to, manifest.raw.bytes).map_err(|error| {
        // The library's word for what it cannot unpack.
        let is_misfit = matches!(error.kind(), io::ErrorKind::Other | io::ErrorKind::UnexpectedEof);
        if is_misfit { misfit(ManifestError::Packing) } else { disk(error) }
    })?;
    if raw != manifest.raw {
        return Err(misfit(ManifestError::Sum { what: "segment" }));
    }
    let segment =
        SegmentPath { first: manifest.first(), path: to.to_owned(), name: Arc::from(manifest.segment()) };
    manifest.check(&segment).map_err(misfit)
}

/// No more than `most` bytes and one are written, whatever it says.
fn decompress(packed: &Path, to: &Path, most: u64) -> io::Result<Sum> {
    let mut decoder = zstd::stream::read::Decoder::new(File::open(packed)?)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let mut raw = Tallied::new(BufWriter::with_capacity(PIECE_BYTES, new_file(to)?));
    io::copy(&mut decoder.take(most.saturating_add(1)), &mut raw)?;
    raw.flush()?;
    raw.inner.get_ref().sync_all()?;
    Ok(raw.sum())
}

/// How long a file is, and its digest.
pub(super) fn sum_of(path: &Path) -> io::Result<Sum> {
    let mut tallied = Tallied::new(File::open(path)?);
    io::copy(&mut tallied, &mut io::sink())?;
    Ok(tallied.sum())
}

/// A file for its owner alone; what stood there is gone.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// A file that cannot be read any more once it does not go on.
struct Stoppable<'a>(File, &'a dyn Fn() -> bool);

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1() { self.0.read(buffer) } else { Err(io::Error::other("the gateway ends")) }
    }
}

/// Counts and digests what goes through it.
struct Tallied<T> {
    inner: T,
    bytes: u64,
    digesting: Digester,
}

impl<T> Tallied<T> {
    fn new(inner: T) -> Self {
        Self { inner, bytes: 0, digesting: Digester::default() }
    }

    fn sum(&self) -> Sum {
        Sum { bytes: self.bytes, sha256: self.digesting.clone().finish() }
    }

    fn tally(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.digesting.update(bytes);
    }
}

impl<T: Read> Read for Tallied<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.tally(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<T: Write> Write for Tallied<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.tally(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// JSON that is written once and kept for years; beside everything else, so that its time does not matter.
const LEVEL: i32 = 9;
/// 8 MiB: the window of that level. What asks for more is not of our making.
const WINDOW_LOG_MAX: u32 = 23;
const PIECE_BYTES: usize = 256 * 1024;
