//! Files on their way to an archive and back.

use std::path::{Path, PathBuf};

use super::error::ArchiveError;
use super::ledger;
use crate::features::audit::directory::make;

/// Files on their way, beside the segments; removed when nobody needs them any more.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn make(directory: &Path) -> Result<Self, ArchiveError> {
        // Of this process: an operator's command may look at the archive beside the gateway.
        let archive = ledger::folder(directory);
        remove_left(&archive);
        let folder = archive.join(format!("{SCRATCH_PREFIX}{}", std::process::id()));
        make(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn packed(&self) -> PathBuf {
        self.0.join("packed")
    }

    pub(super) fn raw(&self) -> PathBuf {
        self.0.join("raw")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    pub(super) fn rulebook(&self) -> PathBuf {
        self.0.join("rulebook")
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.0.join("manifest")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "files of the archive that are not needed any more stay");
        }
    }
}

/// Removes what a process has left that was killed.
fn remove_left(archive: &Path) {
    let files = std::fs::read_dir(archive).into_iter().flatten().flatten();
    for file in files {
        let name = file.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(SCRATCH_PREFIX));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists())
            && let Err(error) = std::fs::remove_dir_all(file.path())
        {
            tracing::debug!(%error, "files of the archive that are not needed any more stay");
        }
    }
}

const SCRATCH_PREFIX: &str = "scratch-";
