//! What the journal's folder notes of its spool: that there is one, and where.
//!
//! By that, whoever reads the folder alone learns that some entries are elsewhere for a while; and whoever opens the journal
//! without the spool that holds them is refused, since the chain would go on in two places.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::directory::{make, segments};
use super::error::{JournalError, ReadError};

/// Entries that are in the spool and have not come home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spooled {
    /// The spool.
    pub directory: PathBuf,
    /// The first of them.
    pub first: u64,
}

impl fmt::Display for Spooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries from {} on are in the spool `{}`", self.first, self.directory.display())
    }
}

/// What of the journal in `directory` is in its spool. Of a spool that is not there, such as that of a journal which was copied,
/// nothing is known.
pub fn spooled(directory: &Path) -> Result<Option<Spooled>, ReadError> {
    let Some(spool) = noted(directory)?.filter(|spool| spool.is_dir()) else { return Ok(None) };
    let first = segments(&spool)?.into_iter().next();
    Ok(first.map(|segment| Spooled { directory: spool, first: segment.first }))
}

/// Makes sure that the spool is the one that was used before, and notes it. An empty folder where its disk should be, or
/// another folder, would have the journal go on without what is there.
pub(super) fn know(home: &Path, spool: Option<&Path>) -> Result<(), JournalError> {
    let place = match spool {
        Some(spool) => Some(used(home, spool)?),
        None => None,
    };
    if let Some(left) = spooled(home)?.filter(|left| Some(&left.directory) != place.as_ref()) {
        let why = format!("{left}: name it as `journal.spool` until they have come home");
        return Err(JournalError::disk(home, io::Error::other(why)));
    }
    if spool.is_none() {
        return let_go(home);
    }
    if let Some(place) = place
        && noted(home)? != Some(place.clone())
        && let Err(error) = std::fs::write(home.join(NOTED), place.as_os_str().as_bytes())
    {
        tracing::warn!(%error, "the journal's folder cannot note where its spool is");
    }
    Ok(())
}

/// No spool is used any more: the one that was is seen to be empty, and forgotten.
fn let_go(home: &Path) -> Result<(), JournalError> {
    let Some(before) = noted(home)? else { return Ok(()) };
    if !before.join(MARK).exists() {
        let why =
            format!("the spool `{}`, which may hold entries, is not there: {GIVEN_UP}", before.display());
        return Err(JournalError::disk(home, io::Error::other(why)));
    }
    std::fs::remove_file(home.join(NOTED)).map_err(|error| JournalError::disk(home, error))
}

/// Where the spool is, with the mark that it is one.
fn used(home: &Path, spool: &Path) -> Result<PathBuf, JournalError> {
    let mark = spool.join(MARK);
    let disk = |error| JournalError::disk(spool, error);
    if home.join(NOTED).exists() && !mark.exists() {
        let why = format!("it is not the spool that this journal has used: {GIVEN_UP}");
        return Err(disk(io::Error::other(why)));
    }
    make(spool)?;
    if !mark.exists() {
        std::fs::write(&mark, "").map_err(disk)?;
    }
    spool.canonicalize().map_err(disk)
}

fn noted(home: &Path) -> Result<Option<PathBuf>, ReadError> {
    let path = home.join(NOTED);
    match std::fs::read(&path) {
        Ok(place) => Ok(Some(OsString::from_vec(place).into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::disk(&path, error)),
    }
}

/// In the journal's folder: where its spool is.
const NOTED: &str = "spool.noted";
const GIVEN_UP: &str =
    "is its disk mounted? Where it is given up, remove `spool.noted` from the journal's folder";
/// In the spool: that it is one.
const MARK: &str = "spool";
