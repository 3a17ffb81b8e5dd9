//! Where archived segments are: a folder on other media, or a bucket. The same few operations for both.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::ArchiveError;
use super::pack::new_file;
use crate::features::audit::directory::beside;
use crate::features::audit::disk::sync_directory;
use crate::features::audit::settings::ArchivePlace;
use crate::platform::objects::{Bucket, Examined, Keep, ObjectsError};

/// Where archived segments are.
#[derive(Debug)]
pub(super) enum Shelf {
    /// A folder, which is never made: where media are not mounted, nothing is written in their place.
    Directory(PathBuf),
    /// A bucket.
    Bucket(Box<Bucket>),
}

/// What is known of a place without anything being put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examination {
    /// A folder, and whether it is on the disk of the journal.
    Directory {
        /// Whether one fault takes both.
        is_beside: bool,
    },
    /// A bucket.
    Bucket(Examined),
}

impl Shelf {
    pub(super) fn new(place: &ArchivePlace) -> Result<Self, ObjectsError> {
        Ok(match place {
            ArchivePlace::Directory(directory) => Self::Directory(directory.clone()),
            ArchivePlace::Bucket(settings) => Self::Bucket(Box::new(Bucket::new(settings)?)),
        })
    }

    /// Where that name is, for people.
    pub(super) fn place_of(&self, name: &str) -> String {
        match self {
            Self::Directory(directory) => directory.join(name).display().to_string(),
            Self::Bucket(bucket) => bucket.place_of(name),
        }
    }

    /// Puts a file there; it is on that disk when this returns. Gives its version, where there are versions.
    pub(super) async fn put(
        &self,
        name: &str,
        file: &Path,
        keep: Keep,
    ) -> Result<Option<String>, ArchiveError> {
        match self {
            Self::Directory(directory) => {
                let (to, from) = (directory.join(name), file.to_owned());
                let copied =
                    blocking(move || copy(&from, &to).map_err(|error| ArchiveError::disk(&to, error)));
                copied.await.map(|()| None)
            }
            Self::Bucket(bucket) => Ok(bucket.put(name, file, keep).await?),
        }
    }

    /// The newest version of that name where each that is put there stays, and how many bytes it has; none elsewhere.
    pub(super) async fn newest(&self, name: &str) -> Result<Option<(Option<String>, u64)>, ArchiveError> {
        match self {
            Self::Directory(_) => Ok(None),
            Self::Bucket(bucket) => Ok(bucket.newest(name).await?),
        }
    }

    /// Reads a part; fewer bytes than asked for where it is shorter.
    pub(super) async fn read(
        &self,
        name: &str,
        version: Option<&str>,
        range: Range<u64>,
    ) -> Result<Vec<u8>, ArchiveError> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                blocking(move || read(&path, range).map_err(|error| absent(&path, error))).await
            }
            Self::Bucket(bucket) => Ok(bucket.read(name, version, range).await?),
        }
    }

    /// Reads all of what is small: a manifest.
    pub(super) async fn read_all(&self, name: &str, version: Option<&str>) -> Result<Vec<u8>, ArchiveError> {
        match self {
            Self::Directory(_) => self.read(name, version, 0..SMALL_BYTES_MAX).await,
            Self::Bucket(bucket) => Ok(bucket.read_all(name, version).await?),
        }
    }

    /// All names there.
    pub(super) async fn names(&self) -> Result<Vec<String>, ArchiveError> {
        match self {
            Self::Directory(directory) => {
                let directory = directory.clone();
                blocking(move || names(&directory).map_err(|error| ArchiveError::disk(&directory, error)))
                    .await
            }
            Self::Bucket(bucket) => Ok(bucket.names().await?),
        }
    }

    /// Removes it for good. What is gone already is removed.
    pub(super) async fn remove(&self, name: &str, version: Option<&str>) -> Result<(), ArchiveError> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                blocking(move || remove(&path).map_err(|error| ArchiveError::disk(&path, error))).await
            }
            Self::Bucket(bucket) => Ok(bucket.remove(name, version).await?),
        }
    }

    /// Lays a legal hold on it, or lifts it, where there is such a thing.
    pub(super) async fn hold(
        &self,
        name: &str,
        version: Option<&str>,
        is_held: bool,
    ) -> Result<(), ArchiveError> {
        match self {
            Self::Directory(_) => Ok(()),
            Self::Bucket(bucket) => Ok(bucket.hold(name, version, is_held).await?),
        }
    }

    /// That it is kept as long as it should be, where anything can keep it; an error where it is not.
    pub(super) async fn keeps(
        &self,
        name: &str,
        version: Option<&str>,
        keep: Keep,
    ) -> Result<(), ArchiveError> {
        match self {
            Self::Directory(_) => Ok(()),
            Self::Bucket(bucket) => Ok(bucket.keeps(name, version, keep).await?),
        }
    }

    /// Looks without putting anything there.
    pub(super) async fn examine(&self, journal: &Path) -> Result<Examination, ArchiveError> {
        match self {
            Self::Directory(directory) => {
                let disk = |error| ArchiveError::disk(directory, error);
                let there = std::fs::metadata(directory).map_err(disk)?;
                let here = journal.ancestors().find_map(|folder| std::fs::metadata(folder).ok());
                let is_beside = here.is_some_and(|here| here.dev() == there.dev());
                Ok(Examination::Directory { is_beside })
            }
            Self::Bucket(bucket) => Ok(Examination::Bucket(bucket.examine().await?)),
        }
    }
}

/// Away from the threads that drive everything else.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work).await?
}

/// Whole or not at all, and on the disk; only to be read from then on.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let unfinished = beside(to, "unfinished");
    let mut file = new_file(&unfinished)?;
    io::copy(&mut std::fs::File::open(from)?, &mut file)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o400))?;
    file.sync_all()?;
    std::fs::rename(&unfinished, to)?;
    sync_directory(to.parent().unwrap_or(Path::new(".")))
}

fn read(path: &Path, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(directory)? {
        names.extend(file?.file_name().into_string());
    }
    Ok(names)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => sync_directory(path.parent().unwrap_or(Path::new("."))),
    }
}

fn absent(path: &Path, error: io::Error) -> ArchiveError {
    if error.kind() == io::ErrorKind::NotFound {
        return ObjectsError::Absent(path.display().to_string()).into();
    }
    ArchiveError::disk(path, error)
}

/// Larger than any manifest.
const SMALL_BYTES_MAX: u64 = 4 * 1024 * 1024;
