//! Signed notes: a text, and lines that sign it (C2SP `signed-note`), with keys of Ed25519 (RFC 8032).
//!
//! ```text
//! the text, line by line
//!
//! — NAME base64(key identifier [4] ‖ signature [64])
//! ```
//!
//! A key is printed as `NAME+IDENTIFIER+base64(1 ‖ public key)`, as Go's tools for transparency logs do.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random};

/// The name of a key, which is that of the log it signs: 1 to 200 characters, no blanks, no `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyName(String);

/// A text that cannot be a key's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 200 characters without blanks and without `+`")]
pub struct KeyNameError;

impl KeyName {
    /// Where nothing tells one journal from another.
    pub fn usual() -> Self {
        Self("leastway".to_owned())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(refused) {
            return Err(KeyNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key with its name: what an auditor holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    public: [u8; 32],
}

/// A text that is not a key in the form of signed notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not an Ed25519 key in the form of signed notes")]
pub struct KeyError;

impl VerifierKey {
    /// Its name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    fn identifier(&self) -> [u8; 4] {
        identifier(&self.name, &self.public)
    }

    fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(self.identifier()), encoded(&self.public))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, public) = parts(text)?;
        let key = Self { name, public };
        // The identifier is told by the rest: another one is a slip of whoever copied it.
        if key.to_string() == text { Ok(key) } else { Err(KeyError) }
    }
}

/// A private key with its name. Never printed.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
    verifier: VerifierKey,
}

impl SigningKey {
    /// A new one.
    pub fn generate(name: KeyName, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        Self::from_seed(name, Zeroizing::new(random(entropy)))
    }

    fn from_seed(name: KeyName, seed: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| KeyError)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError)?;
        Ok(Self { pair, seed, verifier: VerifierKey { name, public } })
    }

    /// Reads `PRIVATE+KEY+NAME+IDENTIFIER+base64(1 ‖ seed)`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end_matches(['\n', '\r']);
        let (name, seed) = parts(text.strip_prefix(PRIVATE).ok_or(KeyError)?)?;
        let key = Self::from_seed(name, Zeroizing::new(seed))?;
        if *key.reveal() == *text { Ok(key) } else { Err(KeyError) }
    }

    /// The form in which it is kept. A secret.
    pub fn reveal(&self) -> Zeroizing<String> {
        let Self { seed, verifier, .. } = self;
        let (name, identifier) = (&verifier.name, hex(verifier.identifier()));
        Zeroizing::new(format!("{PRIVATE}{name}+{identifier}+{}", *Zeroizing::new(encoded(seed))))
    }

    /// The same key under another name.
    pub fn named(&self, name: KeyName) -> Result<Self, KeyError> {
        Self::from_seed(name, self.seed.clone())
    }

    /// What others check its signatures with.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The line that signs `text`.
    fn line(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let signed = [&self.verifier.identifier(), signature.as_ref()].concat();
        format!("{DASH} {} {}\n", self.verifier.name, STANDARD.encode(signed))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ..)", self.verifier)
    }
}

/// A text and who signed it, taken apart. That a signature is right is another matter: [`Note::is_signed_by`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    identifier: [u8; 4],
    bytes: Vec<u8>,
}

/// A text that is not a signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a signed note")]
pub struct NoteError;

impl Note {
    /// The text with a signature of each key. The text ends with a line break.
    pub fn sign(text: &str, keys: &[&SigningKey]) -> String {
        let lines: String = keys.iter().map(|key| key.line(text)).collect();
        format!("{text}\n{lines}")
    }

    /// Takes a note apart; at most 64 KiB and 16 signatures.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX || note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError)?;
        let signatures: Vec<_> = lines.split('\n').map(signature).collect::<Result<_, _>>()?;
        if text.is_empty() || signatures.len() > SIGNATURES_MAX {
            return Err(NoteError);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// What is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether this key has signed it.
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        let is_by = |line: &&Signature| line.name == key.name.0 && line.identifier == key.identifier();
        let mut lines = self.signatures.iter().filter(is_by);
        // Two lines of one key: one of them is made up.
        lines.next().is_some_and(|line| lines.next().is_none() && key.has_signed(&self.text, &line.bytes))
    }
}

fn signature(line: &str) -> Result<Signature, NoteError> {
    let (name, bytes) = line
        .strip_prefix(DASH)
        .and_then(|line| line.strip_prefix(' '))
        .and_then(|line| line.split_once(' '))
        .ok_or(NoteError)?;
    let name = name.parse::<KeyName>().map_err(|_| NoteError)?.0;
    let bytes = STANDARD.decode(bytes).map_err(|_| NoteError)?;
    let (identifier, signature) = bytes.split_first_chunk().ok_or(NoteError)?;
    if signature.is_empty() {
        return Err(NoteError);
    }
    Ok(Signature { name, identifier: *identifier, bytes: signature.to_vec() })
}

/// Name and key of `NAME+IDENTIFIER+base64(1 ‖ key)`; the identifier is not looked at.
fn parts(text: &str) -> Result<(KeyName, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError);
    };
    let bytes = Zeroizing::new(STANDARD.decode(key).map_err(|_| KeyError)?);
    match bytes.split_first() {
        Some((&ALGORITHM, key)) => {
            Ok((name.parse().map_err(|_| KeyError)?, key.try_into().map_err(|_| KeyError)?))
        }
        Some(_) | None => Err(KeyError),
    }
}

fn identifier(name: &KeyName, public: &[u8; 32]) -> [u8; 4] {
    let digest = Digest::of_parts(&[name.0.as_bytes(), b"\n", &[ALGORITHM], public]);
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}

fn hex(identifier: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(identifier))
}

fn encoded(key: &[u8; 32]) -> String {
    STANDARD.encode([&[ALGORITHM], key.as_slice()].concat())
}

/// Ed25519, in the numbering of signed notes.
const ALGORITHM: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";
const DASH: char = '—';
const NAME_BYTES_MAX: usize = 200;
const NOTE_BYTES_MAX: usize = 64 * 1024;
const SIGNATURES_MAX: usize = 16;
