//! The manifest of a pack: what it is about and what is in it; and the text by which it is signed.

use serde::{Deserialize, Serialize};

use super::safeguard::{Exhibit, Safeguard};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::signed_note::VerifierKey;

/// What a pack is about, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the pack: [`FORM`].
    pub form: String,
    /// What has made it.
    pub made_by: String,
    /// Of which journal.
    pub journal: Journal,
    /// From this moment on.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// The language of what is for people.
    pub language: String,
    /// Which safeguards it is about.
    pub safeguards: Vec<Safeguard>,
    /// The versions of the rules that were in force, in the order in which they came to be.
    pub rules: Vec<String>,
    /// What it shows.
    pub shown: Vec<Shown>,
    /// Every other file, but for the signature.
    pub files: Vec<FileTold>,
}

/// The journal as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Its name, which is that of its key.
    pub origin: String,
    /// The public key that signs the manifest.
    pub key: String,
    /// Its first entry that is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<u64>,
    /// The last entry that was read, `SEQUENCE:HASH`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last: Option<String>,
    /// The newest checkpoint of what was read: a signed note.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub checkpoint: Option<String>,
    /// Whether all of it is as it was written.
    pub is_sound: bool,
    /// What does not fit, if anything does not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
}

/// What an exhibit shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Which.
    pub exhibit: Exhibit,
    /// Its files.
    pub files: Vec<String>,
    /// How many rows it has, where it is a list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<u64>,
    /// How much was left out.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub left_out: u64,
}

/// A file of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTold {
    /// Its path in the pack.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// The text that is signed for a manifest with this digest: never one that a checkpoint could have.
pub fn signed_text(origin: &str, manifest: &Digest) -> String {
    format!("{FORM}\n{origin}\nmanifest.json sha256 {manifest}\n")
}

impl Manifest {
    /// What a manifest says beside its files.
    pub(super) fn is_of_form(&self) -> bool {
        let is_own = self.journal.key.parse::<VerifierKey>();
        self.form == FORM && is_own.is_ok_and(|key| key.name().as_str() == self.journal.origin)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The form of a pack.
pub const FORM: &str = "leastway evidence pack 1";
/// Where the manifest is.
pub const MANIFEST: &str = "manifest.json";
/// Where its signature is.
pub const SIGNATURE: &str = "manifest.sig";
/// The page to begin with.
pub const INDEX: &str = "index.html";
/// How to check it.
pub const README: &str = "README.txt";
