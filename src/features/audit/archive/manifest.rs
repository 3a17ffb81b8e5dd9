//! What stands beside an archived segment: enough to verify it with nothing but the public key.
//!
//! The edge of the tree before its first entry and the entries give the tree after its last; the consistency proof leads from
//! there to a checkpoint that the journal has signed (RFC 6962 section 2.1.2). So an entry that was changed shows, and so does
//! an edge, a root or a proof.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::features::audit::directory::{SegmentPath, segment_name};
use crate::features::audit::format::{Head, SegmentHeader};
use crate::features::audit::index::Place;
use crate::features::audit::rulebooks::{BYTES_MAX, is_version};
use crate::features::audit::segment::{SegmentReader, Tail};
use crate::features::audit::tree::checkpoint::Signed;
use crate::features::audit::tree::edge::Edge;
use crate::features::audit::tree::hash::leaf;
use crate::features::audit::tree::proof::is_consistent;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::signed_note::VerifierKey;

/// What stands beside an archived segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this, and of the packed file.
    pub form: String,
    /// The name of the journal, as its checkpoints have it.
    pub origin: String,
    /// The place in the chain before its first entry.
    pub before: Place,
    /// Its last entry.
    pub through: Place,
    /// The earliest time of its entries, by their own word.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
    /// The segment.
    pub raw: Sum,
    /// The segment as it is stored, by Zstandard (RFC 8878).
    pub packed: Sum,
    /// Its index, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub index: Option<Sum>,
    /// The rules that its events name, by their versions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub rulebooks: BTreeMap<String, Sum>,
    /// The tree before its first entry: of each level of tiles, the hashes of the tile that is not full.
    pub edge: Vec<Vec<Digest>>,
    /// The hashes that lead from the tree after its last entry to that of the checkpoint.
    pub consistency: Vec<Digest>,
    /// The signed note that covers it.
    pub checkpoint: String,
    /// The public keys that the journal has known then: its own word.
    pub keys: Vec<String>,
    /// Until when it has to be kept.
    pub retain_until: Timestamp,
}

/// How long a file is, and its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Bytes.
    pub bytes: u64,
    /// The digest of all of them.
    pub sha256: Digest,
}

/// Why an archived segment does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no manifest.
    #[error("its manifest cannot be read")]
    Unreadable,
    /// It is not the one that was put there.
    #[error("its manifest is not the one that was put there")]
    Manifest,
    /// Nobody who is trusted has signed it.
    #[error("its checkpoint is not signed by a key that is trusted")]
    Unsigned,
    /// The checkpoint is of another journal, or of fewer entries.
    #[error("its checkpoint does not cover it")]
    Uncovered,
    /// The file is shorter, longer or another one.
    #[error("its {what} is not the one that was put there")]
    Sum {
        /// Which file.
        what: &'static str,
    },
    /// It is not what a packed segment looks like.
    #[error("it cannot be unpacked")]
    Packing,
    /// The entries do not fit one another.
    #[error("its entries do not fit: {0}")]
    Entries(String),
    /// The entries are not those that were signed.
    #[error("its entries are not those that were signed")]
    Replaced,
}

/// What a walk through the entries of a segment gives.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) through: Head,
    /// Of the tree after its last entry.
    pub(super) edge: Edge,
}

impl Manifest {
    /// Reads a manifest and checks what it says by itself, under keys that are trusted.
    pub(super) fn parse(bytes: &[u8], trusted: &[VerifierKey]) -> Result<Self, ManifestError> {
        let manifest = Self::unchecked(bytes)?;
        let signed = manifest.signed()?;
        if !signed.is_signed_by(trusted) {
            return Err(ManifestError::Unsigned);
        }
        Ok(manifest)
    }

    /// The same, by the word of whoever has written it for its keys.
    pub(super) fn unchecked(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| ManifestError::Unreadable)?;
        let checkpoint = manifest.signed()?.checkpoint;
        let Self { before, through, .. } = &manifest;
        let is_in_order = before.sequence < through.sequence && through.sequence <= checkpoint.size;
        let is_rulebook = |(version, sum): (&String, &Sum)| is_version(version) && sum.bytes <= BYTES_MAX;
        let names_rules = manifest.rulebooks.iter().all(is_rulebook);
        if manifest.form != FORM || manifest.rulebooks.len() > RULEBOOKS_MAX || !names_rules {
            return Err(ManifestError::Unreadable);
        }
        if !is_in_order || checkpoint.origin != manifest.origin {
            return Err(ManifestError::Uncovered);
        }
        Ok(manifest)
    }

    /// The checkpoint that covers it.
    pub(super) fn signed(&self) -> Result<Signed, ManifestError> {
        self.checkpoint.parse().map_err(|_| ManifestError::Unreadable)
    }

    /// The keys that it names itself.
    pub(super) fn own_keys(&self) -> Vec<VerifierKey> {
        self.keys.iter().filter_map(|key| key.parse().ok()).collect()
    }

    /// The number of its first entry.
    pub const fn first(&self) -> u64 {
        self.before.sequence.saturating_add(1)
    }

    /// The name of the segment's file.
    pub fn segment(&self) -> String {
        segment_name(self.first())
    }

    /// The header that the segment begins with.
    pub(super) fn header(&self) -> SegmentHeader {
        SegmentHeader { bytes: self.raw.bytes, before: self.before.into() }
    }

    /// The tree before its first entry.
    pub(super) fn edge(&self) -> Result<Edge, ManifestError> {
        Edge::of(self.before.sequence, self.edge.clone()).ok_or(ManifestError::Replaced)
    }

    /// Whether the unpacked segment is the one that was signed.
    pub(super) fn check(&self, segment: &SegmentPath) -> Result<(), ManifestError> {
        let walked = walk(segment, self.header(), self.edge()?)?;
        let checkpoint = self.signed()?.checkpoint;
        let fits =
            walked.through == self.through.into() && covers(&walked.edge, &self.consistency, &checkpoint);
        if fits { Ok(()) } else { Err(ManifestError::Replaced) }
    }
}

/// Whether the tree leads to what a checkpoint names.
pub(super) fn covers(
    edge: &Edge,
    proof: &[Digest],
    checkpoint: &crate::features::audit::tree::checkpoint::Checkpoint,
) -> bool {
    if edge.size() == checkpoint.size {
        return proof.is_empty() && edge.root() == checkpoint.root;
    }
    is_consistent(proof, (edge.size(), edge.root()), (checkpoint.size, checkpoint.root))
}

/// Reads all entries of a segment that is full, each chained to the one before, and lets the tree grow by them.
fn walk(segment: &SegmentPath, header: SegmentHeader, mut edge: Edge) -> Result<Walked, ManifestError> {
    let misfit = |error: crate::features::audit::ReadError| ManifestError::Entries(error.to_string());
    let mut reader = SegmentReader::open(segment).map_err(misfit)?;
    if reader.header != header {
        return Err(ManifestError::Replaced);
    }
    while let Some(raw) = reader.next().map_err(misfit)? {
        edge.append(leaf(raw.payload), |_, _| {});
    }
    if reader.tail().map_err(misfit)? != Tail::Clean {
        return Err(ManifestError::Entries("bytes stand behind the last".to_owned()));
    }
    Ok(Walked { through: reader.head(), edge })
}

/// Of so many versions the rules are kept beside a segment.
pub(super) const RULEBOOKS_MAX: usize = 1000;
/// The form of manifests and of the files beside them.
pub(super) const FORM: &str = "leastway-segment-1";
