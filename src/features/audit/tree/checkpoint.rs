//! Checkpoints: what the journal was at a moment, signed (C2SP `tlog-checkpoint`).
//!
//! ```text
//! ORIGIN
//! SIZE
//! base64(root)
//! time 2026-03-01T08:00:00.000Z
//! clock synchronized
//! head SEQUENCE:HASH
//!
//! — NAME SIGNATURE
//! ```

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::features::audit::Head;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::timekeeping::Synchronization;
use crate::platform::signed_note::{Note, SigningKey, VerifierKey};

/// What the journal was at a moment. By itself anybody's word: see [`Signed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which journal.
    pub origin: String,
    /// How many entries it had; the sequence of the last.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// When it was signed, by the clock of the journal's machine.
    pub time: Option<Timestamp>,
    /// Whether that clock was kept in step with others, as far as it was told.
    pub clock: Option<Synchronization>,
    /// The last entry's place in the chain.
    pub head: Option<Head>,
}

/// A text that is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a checkpoint")]
pub struct CheckpointError;

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { origin, size, root, time, clock, head } = self;
        let time = time.map_or_else(String::new, |time| format!("{TIME}{time}\n"));
        let clock = clock.map_or_else(String::new, |clock| format!("{CLOCK}{clock}\n"));
        let head = head.map_or_else(String::new, |head| format!("{HEAD}{head}\n"));
        format!("{origin}\n{size}\n{}\n{time}{clock}{head}", STANDARD.encode(root.as_bytes()))
    }

    /// The signed note of it.
    pub fn sign(&self, key: &SigningKey) -> String {
        Note::sign(&self.text(), &[key])
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the text. Lines of others are passed over, as the form asks for.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > TEXT_BYTES_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(CheckpointError);
        }
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError)?.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError)?.to_owned();
        let size = lines.next().and_then(number).ok_or(CheckpointError)?;
        let root = lines.next().and_then(|line| hash(line).ok()).ok_or(CheckpointError)?;
        let (mut time, mut clock, mut head) = (None, None, None);
        for line in lines {
            if line.is_empty() {
                return Err(CheckpointError);
            }
            if let Some(text) = line.strip_prefix(TIME) {
                time = Some(text.parse().map_err(|_| CheckpointError)?);
            } else if let Some(text) = line.strip_prefix(CLOCK) {
                clock = Some(text.parse().map_err(|_| CheckpointError)?);
            } else if let Some(text) = line.strip_prefix(HEAD) {
                head = Some(text.parse().map_err(|_| CheckpointError)?);
            }
        }
        Ok(Self { origin, size, root, time, clock, head })
    }
}

/// A checkpoint as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    note: Note,
}

impl Signed {
    /// Whether one of the keys has signed it, under the name of its origin.
    pub fn is_signed_by(&self, keys: &[VerifierKey]) -> bool {
        let is_own = |key: &&VerifierKey| key.name().as_str() == self.checkpoint.origin;
        keys.iter().filter(is_own).any(|key| self.note.is_signed_by(key))
    }
}

impl FromStr for Signed {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let note = Note::parse(text).map_err(|_| CheckpointError)?;
        Ok(Self { checkpoint: note.text().parse()?, note })
    }
}

/// A hash in base64, in its one spelling.
pub fn hash(text: &str) -> Result<Digest, CheckpointError> {
    let bytes = STANDARD.decode(text).map_err(|_| CheckpointError)?;
    bytes.try_into().map(Digest::from_bytes).map_err(|_| CheckpointError)
}

/// Splits a text of several notes, one behind the other, at the line after the signatures of each.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('\n');
        if rest.is_empty() {
            return None;
        }
        let end = end_of_note(rest);
        let (note, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(note)
    })
}

/// A note on one line, for files of lines such as those of syslog.
pub fn on_one_line(note: &str) -> String {
    format!("{ON_ONE_LINE}{}", STANDARD.encode(note))
}

/// The notes of a file of lines, whatever else stands in it; what cannot be read as one comes as it is. None where no line has a note.
pub fn of_lines(text: &str) -> Option<impl Iterator<Item = String>> {
    let is_there = text.contains(ON_ONE_LINE);
    is_there.then(|| text.lines().filter_map(|line| Some(of_line(line.split_once(ON_ONE_LINE)?.1))))
}

/// What stands behind the mark: base64, as far as it goes.
fn of_line(text: &str) -> String {
    let is_of_note = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let encoded = text.split(|c| !is_of_note(c)).next().unwrap_or_default();
    let note = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    note.unwrap_or_else(|| encoded.to_owned())
}

/// Where the first note of `text` ends: behind the lines that begin with a dash after the first empty line.
fn end_of_note(text: &str) -> usize {
    let Some(blank) = text.find("\n\n") else { return text.len() };
    let mut end = blank + 2;
    for line in text.get(end..).unwrap_or_default().split_inclusive('\n') {
        if !line.starts_with('—') {
            break;
        }
        end += line.len();
    }
    end
}

/// A decimal number without anything before it, as the form asks for.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Far more than any needs, and less than a note may have.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// What stands before a note on one line.
const ON_ONE_LINE: &str = "leastway-checkpoint:";
const TIME: &str = "time ";
const CLOCK: &str = "clock ";
const HEAD: &str = "head ";
