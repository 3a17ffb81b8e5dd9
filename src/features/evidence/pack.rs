//! Packs: files into a ZIP, each with its size and digest into the manifest, and that signed.

use std::io::{Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::{FileTold, MANIFEST, Manifest, README, SIGNATURE, signed_text};
use crate::foundation::digest::Digest;
use crate::platform::signed_note::{Note, SigningKey};

/// A pack while it is being made. Files are written as they come, so that none is held.
pub struct Packing<W: Write + Seek> {
    zip: ZipWriter<W>,
    files: Vec<FileTold>,
    bytes: u64,
    most: u64,
}

/// Why a pack cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It cannot be written.
    #[error("the pack cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// It cannot be written.
    #[error("the pack cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// Its manifest cannot be written.
    #[error("the manifest cannot be written: {0}")]
    Manifest(#[from] serde_json::Error),
    /// It would be larger than anybody checks.
    #[error(
        "the pack would have more than {FILES_MAX} files, or more than {most} bytes: ask for a shorter period"
    )]
    TooLarge {
        /// How many bytes it may have.
        most: u64,
    },
}

impl<W: Write + Seek> std::fmt::Debug for Packing<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packing").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl<W: Write + Seek> Packing<W> {
    /// Begins a pack, of at most so many bytes as it is when it is unpacked; never more than [`BYTES_MAX`].
    pub fn new(out: W, most: u64) -> Self {
        Self { zip: ZipWriter::new(out), files: Vec::new(), bytes: 0, most: most.min(BYTES_MAX) }
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), PackError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.files.len() >= FILES_MAX || self.bytes > self.most {
            return Err(PackError::TooLarge { most: self.most });
        }
        self.write(path, bytes)?;
        let told = FileTold {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            sha256: Digest::of(bytes).to_string(),
        };
        self.files.push(told);
        Ok(())
    }

    /// Ends it: with how to check it, with the manifest, and with its signature.
    pub fn finish(mut self, manifest: Manifest, key: &SigningKey) -> Result<(W, Manifest), PackError> {
        self.add(README, readme(&manifest).as_bytes())?;
        let manifest = Manifest { files: std::mem::take(&mut self.files), ..manifest };
        let mut text = serde_json::to_vec_pretty(&manifest)?;
        text.push(b'\n');
        if text.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(PackError::TooLarge { most: self.most });
        }
        self.write(MANIFEST, &text)?;
        let signed = signed_text(&manifest.journal.origin, &Digest::of(&text));
        self.write(SIGNATURE, Note::sign(&signed, &[key]).as_bytes())?;
        Ok((self.zip.finish()?, manifest))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), PackError> {
        // The earliest that a ZIP can say, so that the same files give the same bytes.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o600);
        self.zip.start_file(path, options)?;
        self.zip.write_all(bytes)?;
        Ok(())
    }
}

/// How anybody checks a pack, with our program and without.
fn readme(manifest: &Manifest) -> String {
    let (origin, key) = (&manifest.journal.origin, &manifest.journal.key);
    format!(
        r#"Evidence pack of the journal {origin}, from {since} to before {until}.
Begin with index.html: which safeguard, what is done for it, which file shows it, and what no proxy can show.

WHAT PROTECTS IT
manifest.json names every other file with its size and SHA-256. manifest.sig is a signed note (C2SP signed-note, Ed25519 of
RFC 8032) over the SHA-256 of manifest.json, by the key that signs the journal's checkpoints. Its public key is

  {key}

Do not take it from here: ask the people who run the gateway, who show it with `leastway audit key`.

TO CHECK IT with Leastway, before you unpack it:

  leastway evidence check FILE.zip --key 'KEY'

TO CHECK IT without, with Python and its package `cryptography`, in the folder where you unpacked it:

  import base64, hashlib, json
  from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
  key = "KEY"                                # from the people who run the gateway
  text, line = open("manifest.sig", encoding="utf-8").read().rsplit("\n\n", 1)
  signature = base64.b64decode(line.split(" ")[2])[4:]
  public = base64.b64decode(key.split("+", 2)[2])[1:]
  Ed25519PublicKey.from_public_bytes(public).verify(signature, (text + "\n").encode())
  raw = open("manifest.json", "rb").read()
  assert text.splitlines()[2].split(" ")[2] == hashlib.sha256(raw).hexdigest()
  for file in json.loads(raw)["files"]:
      found = open(file["path"], "rb").read()
      assert (len(found), hashlib.sha256(found).hexdigest()) == (file["bytes"], file["sha256"]), file["path"]

Files that the manifest does not name are not part of it.

WHAT IT PROVES, AND WHAT NOT
That whoever holds the key has signed these files, as they are. That they tell what the journal holds, whoever has the journal
sees by making the pack again: `leastway evidence --through {last}` with the same safeguards, period and language. That the
journal was not written anew as a whole shows only against checkpoints that somebody else has noted: checkpoints/ holds what
to compare with theirs (`leastway audit verify --checkpoint`).
Patients are digests under a key of the journal: who has it and the number finds a patient, and nobody finds the number.
"#,
        since = manifest.since,
        until = manifest.until,
        last = manifest.journal.last.as_deref().unwrap_or("SEQUENCE:HASH"),
    )
}

/// The most files of a pack, but for the manifest and its signature.
pub const FILES_MAX: usize = 20_000;
/// The most bytes of all files of a pack, as they are when it is unpacked.
pub const BYTES_MAX: u64 = 2 << 30;
/// The most bytes of a manifest.
pub const MANIFEST_BYTES_MAX: u64 = 16 << 20;
