//! The keys that sign checkpoints: one that signs, and the list of all that ever did.
//!
//! `checkpoint.key` is private and made at the first start; `checkpoint.keys` has a line for each public key, the
//! newest last. A new key is told in the journal, signed by the old one and by itself, before it signs anything, so
//! that whoever holds the first one can follow to the last.

use std::io;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::domain::note::CHECKPOINT_KEY;
use crate::features::audit::disk::{put, sync_directory};
use crate::features::audit::error::JournalError;
use crate::features::audit::settings::CheckpointSettings;
use crate::foundation::entropy::{Entropy, random};
use crate::platform::signed_note::{KeyName, Note, SigningKey, VerifierKey};

/// The key that signs, as it was found when the journal was opened.
#[derive(Debug)]
pub(in crate::features::audit) struct Found {
    /// The key.
    pub(in crate::features::audit) key: Arc<SigningKey>,
    /// Whether it is the journal's own, and so can be rotated by it.
    pub(super) is_own: bool,
    /// Whether it stands at the end of the list.
    pub(super) is_listed: bool,
    /// What the journal has to tell before this key signs; `None` where it is the first, or the one that signed last.
    pub(in crate::features::audit) told: Option<String>,
}

/// Finds the key that is to sign, or makes it.
pub(in crate::features::audit) fn open(
    directory: &Path,
    settings: &CheckpointSettings,
    entropy: &dyn Entropy,
) -> Result<Found, JournalError> {
    let known = known(directory)?;
    let own = load(&directory.join(KEY))?;
    let last = known.last();
    let (key, is_own) = match (&settings.key, own.as_ref()) {
        (Some(key), _) => (key.clone(), false),
        (None, Some(own)) => (own.clone(), true),
        (None, None) if known.is_empty() => {
            (make(&directory.join(KEY), first_name(settings, entropy), entropy)?, true)
        }
        (None, None) => {
            let why = "it is missing, but the journal has signed checkpoints: bring it back from the backup, or name another \
                       one with `journal.signing_key`";
            return Err(refused(&directory.join(KEY), why));
        }
    };
    let key = match &settings.origin {
        Some(origin) if origin != key.verifier().name() => renamed(&key, origin.clone(), directory)?,
        Some(_) | None => key,
    };
    let is_listed = last == Some(key.verifier());
    let told = last.filter(|_| !is_listed).map(|last| {
        let before = own.and_then(|own| own.named(last.name().clone()).ok());
        announcement(last, before.filter(|before| before.verifier() == last).as_ref(), &key)
    });
    Ok(Found { key, is_own, is_listed, told })
}

/// What is told of a new key: a signed note with the key before, signed by both where both are at hand.
pub(super) fn announcement(last: &VerifierKey, before: Option<&SigningKey>, key: &SigningKey) -> String {
    let text = format!("{CHECKPOINT_KEY}\nbefore {last}\nnow {}\n", key.verifier());
    let signers: Vec<&SigningKey> = before.into_iter().chain([key]).collect();
    Note::sign(&text, &signers)
}

/// The key that an announcement tells, if it is signed by itself and by `trusted`, which it names as the one before.
pub(in crate::features::audit) fn successor(
    announcement: &str,
    trusted: &VerifierKey,
) -> Option<VerifierKey> {
    let note = Note::parse(announcement).ok()?;
    let mut lines = note.text().lines();
    if lines.next() != Some(CHECKPOINT_KEY) || lines.next()?.strip_prefix("before ")? != trusted.to_string() {
        return None;
    }
    let key: VerifierKey = lines.next()?.strip_prefix("now ")?.parse().ok()?;
    (lines.next().is_none() && note.is_signed_by(trusted) && note.is_signed_by(&key)).then_some(key)
}

/// The public keys that have signed, the newest last.
pub fn known(directory: &Path) -> Result<Vec<VerifierKey>, JournalError> {
    let path = directory.join(LIST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::disk(&path, error)),
    };
    let keys = text.lines().map(str::parse).collect::<Result<_, _>>();
    keys.map_err(|_| refused(&path, "a line of it is no public key"))
}

/// The private key that signed last, for whoever signs something beside the checkpoints: `configured`, or the journal's own. None
/// where it is neither, or where nothing was signed yet.
pub fn last_signer(
    directory: &Path,
    configured: Option<&Arc<SigningKey>>,
) -> Result<Option<Arc<SigningKey>>, JournalError> {
    let Some(last) = known(directory)?.pop() else { return Ok(None) };
    let own = load(&directory.join(KEY))?;
    let under_its_name = |key: Arc<SigningKey>| key.named(last.name().clone()).ok();
    let mut keys = configured.cloned().into_iter().chain(own).filter_map(under_its_name);
    Ok(keys.find(|key| *key.verifier() == last).map(Arc::new))
}

/// Puts a key at the end of the list, if it does not stand there.
pub(in crate::features::audit) fn list(directory: &Path, key: &VerifierKey) -> io::Result<()> {
    let path = directory.join(LIST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if text.lines().next_back() == Some(&key.to_string()) {
        return Ok(());
    }
    put(&path, format!("{text}{key}\n").as_bytes())
}

/// Makes the key that is to sign from now on. Whoever writes the journal takes it up by itself.
pub fn prepare(directory: &Path, entropy: &dyn Entropy) -> Result<VerifierKey, JournalError> {
    let own = load(&directory.join(KEY))?.ok_or_else(|| {
        refused(&directory.join(KEY), "it is not there: the journal's key is kept elsewhere")
    })?;
    let next = directory.join(NEXT);
    if next.exists() {
        return Err(refused(
            &next,
            "it waits already: the gateway takes it up while it runs, or when it starts",
        ));
    }
    let name =
        known(directory)?.pop().map_or_else(|| own.verifier().name().clone(), |key| key.name().clone());
    make(&next, name, entropy).map(|key| key.verifier().clone())
}

/// The key that was prepared, if there is one, under the name of the one before.
pub(super) fn prepared(directory: &Path, name: &KeyName) -> Result<Option<Arc<SigningKey>>, JournalError> {
    match load(&directory.join(NEXT))? {
        Some(key) if key.verifier().name() != name => renamed(&key, name.clone(), directory).map(Some),
        key => Ok(key),
    }
}

/// Puts the key that was prepared in the place of the old one.
pub(super) fn adopt(directory: &Path) -> io::Result<()> {
    std::fs::rename(directory.join(NEXT), directory.join(KEY))?;
    sync_directory(directory)
}

fn renamed(key: &SigningKey, name: KeyName, directory: &Path) -> Result<Arc<SigningKey>, JournalError> {
    key.named(name).map(Arc::new).map_err(|error| refused(&directory.join(KEY), &error.to_string()))
}

fn load(path: &Path) -> Result<Option<Arc<SigningKey>>, JournalError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::disk(path, error)),
    };
    let key = SigningKey::parse(&text).map_err(|error| refused(path, &error.to_string()))?;
    Ok(Some(Arc::new(key)))
}

fn make(path: &Path, name: KeyName, entropy: &dyn Entropy) -> Result<Arc<SigningKey>, JournalError> {
    let key = SigningKey::generate(name, entropy).map_err(|error| refused(path, &error.to_string()))?;
    let text = Zeroizing::new(format!("{}\n", *key.reveal()));
    put(path, text.as_bytes()).map_err(|error| JournalError::disk(path, error))?;
    Ok(Arc::new(key))
}

fn refused(path: &Path, why: &str) -> JournalError {
    JournalError::Key { path: path.to_owned(), why: why.to_owned() }
}

/// The configured origin, or a name that tells this machine's journal from any other.
fn first_name(settings: &CheckpointSettings, entropy: &dyn Entropy) -> KeyName {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host
        .trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .take(64)
        .collect();
    let chance = u32::from_be_bytes(random(entropy));
    let name = format!("leastway/{host}/{chance:08x}").parse();
    settings.origin.clone().unwrap_or_else(|| name.unwrap_or_else(|_| KeyName::usual()))
}

const KEY: &str = "checkpoint.key";
const NEXT: &str = "checkpoint.key.next";
const LIST: &str = "checkpoint.keys";
