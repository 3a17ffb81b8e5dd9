//! Proofs for outsiders: files that need no journal and no configuration to be checked, only the public key.
//!
//! A proof of an event holds its entries byte for byte, where they stand in the tree, the hashes that lead from
//! each to the root, and the signed checkpoint that names that root. A proof of consistency holds two checkpoints
//! and the hashes that lead from one to the other. What is checked is what somebody has brought: hostile until then.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::archive::{Elsewhere, Stretch};
use super::error::ReadError;
use super::index::Plan;
use super::query::Filter;
use super::read::segments_since;
use super::segment::SegmentReader;
use super::tree::checkpoint::{Checkpoint, Signed, hash};
use super::tree::hash::leaf;
use super::tree::notary::NEWEST;
use super::tree::proof::{consistency, inclusion, is_consistent, is_included};
use super::tree::tile::Tiles;
use crate::domain::event::Entry;
use crate::foundation::digest::Digest;
use crate::foundation::id::RequestId;
use crate::platform::signed_note::VerifierKey;

/// A proof as it is handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "lowercase", deny_unknown_fields)]
pub enum Proof {
    /// That an event is in a journal.
    Event(EventProof),
    /// That a journal goes on from an earlier state of itself.
    Consistency(ConsistencyProof),
}

/// That an event is in a journal, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventProof {
    /// Which event.
    pub event: RequestId,
    /// Its entries: how it began and, where that is known, how it ended.
    pub entries: Vec<EntryProof>,
    /// The signed note whose root they lead to.
    pub checkpoint: String,
}

/// That an entry is in a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryProof {
    /// Its place among the leaves, from 0.
    pub index: u64,
    /// Its bytes.
    pub payload: String,
    /// The hashes that lead to the root, in base64, the lowest first.
    pub hashes: Vec<String>,
}

/// That a journal goes on from an earlier state of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// The earlier checkpoint, a signed note.
    pub old: String,
    /// The later one.
    pub new: String,
    /// The hashes that lead from one to the other, in base64.
    pub hashes: Vec<String>,
}

/// Why a proof cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tree cannot be read.
    #[error("the tree of the journal cannot be read: {0}")]
    Tree(#[from] io::Error),
    /// There is no such event.
    #[error("the event {0} is not in this journal")]
    Unknown(RequestId),
    /// It may be in the archive.
    #[error(
        "the event {event} is not in this journal; {archived} are in the archive alone: ask with `--archive`, or bring them with \
         `leastway audit fetch --since {since} --to DIR`, and prove it there with `--journal DIR`",
        since = event.time()
    )]
    Archived {
        /// Which event.
        event: RequestId,
        /// What may hold it.
        archived: Stretch,
    },
    /// It may have been among what was destroyed.
    #[error(
        "the event {event} is not in this journal; {retired} were destroyed at the end of their retention"
    )]
    Retired {
        /// Which event.
        event: RequestId,
        /// What may have held it.
        retired: Stretch,
    },
    /// There is no checkpoint of it yet.
    #[error(
        "no checkpoint that is here names entry {0}: the gateway signs one within a moment, or when it is closed; of a part that \
         was fetched from an archive, fetch what comes after it, too"
    )]
    Unsigned(u64),
    /// A checkpoint cannot be read.
    #[error("a checkpoint cannot be read")]
    Checkpoint,
    /// The tree is not that of the checkpoint.
    #[error(
        "the entries and the tree do not lead to what was signed: look at the journal with `leastway audit verify`"
    )]
    Contradicted,
}

impl EventProof {
    /// Whether it holds how the event ended.
    pub const fn has_ended(&self) -> bool {
        self.entries.len() > 1
    }
}

/// Makes the proof of an event, by the newest checkpoint. What is `missing` of the time since it began is told where it is not found.
pub fn prove_event(
    directory: &Path,
    event: RequestId,
    missing: &Elsewhere,
) -> Result<EventProof, ProveError> {
    let entries = find(directory, event)?;
    let Some((last, _)) = entries.last() else { return Err(absent(event, missing)) };
    let note = match std::fs::read_to_string(directory.join(NEWEST)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ProveError::Unsigned(last.saturating_add(1)));
        }
        note => note?,
    };
    let signed: Signed = note.parse().map_err(|_| ProveError::Checkpoint)?;
    let Checkpoint { size, root, .. } = signed.checkpoint;
    if *last >= size {
        return Err(ProveError::Unsigned(last.saturating_add(1)));
    }
    let mut tiles = Tiles::new(directory, size);
    let mut proofs = Vec::new();
    for (index, payload) in entries {
        let path = inclusion(&mut tiles, index, size)?;
        if !is_included(&path, index, leaf(payload.as_bytes()), size, root) {
            return Err(ProveError::Contradicted);
        }
        proofs.push(EntryProof { index, payload, hashes: texts(&path) });
    }
    Ok(EventProof { event, entries: proofs, checkpoint: note })
}

/// Makes the proof that the journal of checkpoint `new` goes on from that of `old`.
pub fn prove_consistency(directory: &Path, old: &str, new: &str) -> Result<ConsistencyProof, ProveError> {
    let read = |note: &str| note.parse::<Signed>().map_err(|_| ProveError::Checkpoint);
    let (before, after) = (read(old)?.checkpoint, read(new)?.checkpoint);
    let path = consistency(&mut Tiles::new(directory, after.size), before.size, after.size)?;
    if !is_consistent(&path, (before.size, before.root), (after.size, after.root)) {
        return Err(ProveError::Contradicted);
    }
    Ok(ConsistencyProof { old: old.to_owned(), new: new.to_owned(), hashes: texts(&path) })
}

/// Why an event is not found: it may be where its time is.
const fn absent(event: RequestId, missing: &Elsewhere) -> ProveError {
    match *missing {
        Elsewhere { archived: Some(archived), .. } => ProveError::Archived { event, archived },
        Elsewhere { retired: Some(retired), .. } => ProveError::Retired { event, retired },
        Elsewhere { archived: None, retired: None } => ProveError::Unknown(event),
    }
}

/// Which events are looked for where one is to be proven.
pub fn sought(event: RequestId) -> Filter {
    Filter { event: Some(event), since: Some(event.time()), ..Filter::default() }
}

/// The entries of an event: index and bytes. None where how it began is not here: that it ended says nothing alone.
fn find(directory: &Path, event: RequestId) -> Result<Vec<(u64, String)>, ReadError> {
    let begins = [
        format!("{{\"entry\":\"opening\",\"event\":\"{event}\""),
        format!("{{\"entry\":\"closing\",\"event\":\"{event}\""),
    ];
    let mut found = Vec::new();
    let segments = segments_since(directory, event.time())?;
    // Those that were not fetched from an archive are passed over by the same indexes.
    let plan = Plan::of(directory, &segments, &sought(event), None);
    for segment in segments.iter().filter(|segment| plan.passed_over(segment.first).is_none()) {
        let mut reader = SegmentReader::open(segment)?;
        while let Some(raw) = reader.next()? {
            // The first to be found is the opening one.
            if begins.get(found.len()).is_some_and(|begin| raw.payload.starts_with(begin.as_bytes())) {
                let payload = String::from_utf8_lossy(raw.payload).into_owned();
                found.push((raw.head.sequence.saturating_sub(1), payload));
            }
            if found.len() == begins.len() {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// What a proof that holds has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The event is in the journal of the checkpoint.
    Event {
        /// Which.
        event: RequestId,
        /// Its entries: index and bytes.
        payloads: Vec<(u64, String)>,
        /// What was signed.
        checkpoint: Checkpoint,
    },
    /// The journal of `new` goes on from that of `old`.
    Consistency {
        /// The earlier.
        old: Checkpoint,
        /// The later.
        new: Checkpoint,
    },
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is no proof.
    #[error("it cannot be read as a proof: {0}")]
    Unreadable(String),
    /// A checkpoint was not signed by the key.
    #[error("its checkpoint is not signed by the key that was given")]
    Unsigned,
    /// The checkpoints are of two journals.
    #[error("its checkpoints are of two journals")]
    TwoJournals,
    /// An entry tells of another event.
    #[error("its entries are not those of the event")]
    OtherEvent,
    /// The hashes lead elsewhere.
    #[error("its hashes do not lead to what was signed")]
    Elsewhere,
}

/// Checks a proof that somebody has brought, against keys that somebody else has.
pub fn check(proof: &str, keys: &[VerifierKey]) -> Result<Checked, CheckError> {
    if proof.len() > PROOF_BYTES_MAX {
        return Err(CheckError::Unreadable(format!("it is larger than {PROOF_BYTES_MAX} bytes")));
    }
    match serde_json::from_str(proof).map_err(|error| CheckError::Unreadable(error.to_string()))? {
        Proof::Event(proof) => check_event(proof, keys),
        Proof::Consistency(proof) => check_consistency(&proof, keys),
    }
}

fn check_event(proof: EventProof, keys: &[VerifierKey]) -> Result<Checked, CheckError> {
    let checkpoint = signed(&proof.checkpoint, keys)?;
    let mut payloads = Vec::new();
    for (position, entry) in proof.entries.into_iter().enumerate() {
        let told = serde_json::from_str::<Entry>(&entry.payload).map_err(|_| CheckError::OtherEvent)?;
        let event = match (position, told) {
            (0, Entry::Opening(opening)) => opening.event,
            (1, Entry::Closing(closing)) => closing.event,
            (_, Entry::Opening(_) | Entry::Closing(_)) => return Err(CheckError::OtherEvent),
        };
        if event != proof.event {
            return Err(CheckError::OtherEvent);
        }
        let path = hashes(&entry.hashes)?;
        let leaf = leaf(entry.payload.as_bytes());
        if !is_included(&path, entry.index, leaf, checkpoint.size, checkpoint.root) {
            return Err(CheckError::Elsewhere);
        }
        payloads.push((entry.index, entry.payload));
    }
    if payloads.is_empty() {
        return Err(CheckError::OtherEvent);
    }
    Ok(Checked::Event { event: proof.event, payloads, checkpoint })
}

fn check_consistency(proof: &ConsistencyProof, keys: &[VerifierKey]) -> Result<Checked, CheckError> {
    let (old, new) = (signed(&proof.old, keys)?, signed(&proof.new, keys)?);
    if old.origin != new.origin {
        return Err(CheckError::TwoJournals);
    }
    if !is_consistent(&hashes(&proof.hashes)?, (old.size, old.root), (new.size, new.root)) {
        return Err(CheckError::Elsewhere);
    }
    Ok(Checked::Consistency { old, new })
}

fn signed(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, CheckError> {
    let signed: Signed =
        note.parse().map_err(|_| CheckError::Unreadable("it has no checkpoint".to_owned()))?;
    if signed.is_signed_by(keys) { Ok(signed.checkpoint) } else { Err(CheckError::Unsigned) }
}

fn texts(path: &[Digest]) -> Vec<String> {
    path.iter().map(|digest| STANDARD.encode(digest.as_bytes())).collect()
}

fn hashes(texts: &[String]) -> Result<Vec<Digest>, CheckError> {
    if texts.len() > HASHES_MAX {
        return Err(CheckError::Elsewhere);
    }
    texts.iter().map(|text| hash(text).map_err(|_| CheckError::Elsewhere)).collect()
}

const PROOF_BYTES_MAX: usize = 4 * 1024 * 1024;
/// More than any tree of 2^64 leaves needs, for consistency too.
const HASHES_MAX: usize = 128;
