//! The file of a secret while it is rotated. Whatever happens, a whole secret is in it: the old or the new.
//!
//! Beside `SECRET` there are, for a while, `SECRET.next` (the new one, not in force) and `SECRET.before` (the
//! old one, not yet known to be dead). Each step is one atomic change of the folder, made durable before the
//! next, so that the names alone tell how far it has come. All have owner and mode of `SECRET`, and are whole:
//! what is still being written is `SECRET.writing`, and goes with the next hold.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::config::without_line_end;
use crate::foundation::secret::Secret;

/// The file of a secret, and those beside it. One process has it at a time.
#[derive(Debug)]
pub struct SecretFile {
    path: PathBuf,
    writing: PathBuf,
    next: PathBuf,
    before: PathBuf,
    /// Locked; and synced after each change.
    folder: File,
}

/// How far a rotation has come.
#[derive(Debug)]
pub enum Held {
    /// None is under way.
    Settled,
    /// The old secret is in the file, and this is to come.
    Prepared(Secret),
    /// The new secret is in the file, and this was in it before.
    Switched(Secret),
}

/// What cannot be done with the file of a secret.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Another process rotates in the same folder.
    #[error("another rotation is under way in `{}`", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The system refuses.
    #[error("`{}` cannot be {what}: {cause}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What was to be done with it.
        what: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// What stands there is no secret.
    #[error("`{}` does not hold a secret: UTF-8 text, not empty, at most {SECRET_BYTES_MAX} bytes", path.display())]
    NoSecret {
        /// The file.
        path: PathBuf,
    },
}

impl SecretFile {
    /// Takes hold of a secret's file; where that is a link, of the file that it leads to.
    pub fn take(path: &Path) -> Result<Self, FileError> {
        let path = path.canonicalize().map_err(refused(path, "found"))?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        let folder = File::open(parent).map_err(refused(parent, "read"))?;
        match folder.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FileError::InUse { folder: parent.to_owned() }),
            Err(TryLockError::Error(cause)) => return Err(refused(parent, "locked")(cause)),
        }
        let [writing, next, before] = [".writing", ".next", ".before"].map(|ending| beside(&path, ending));
        remove(&writing)?;
        Ok(Self { path, writing, next, before, folder })
    }

    /// Where the old secret is kept until it is known to be dead.
    pub fn before(&self) -> &Path {
        &self.before
    }

    /// How far a rotation has come.
    pub fn held(&self) -> Result<Held, FileError> {
        if self.before.exists() && !self.is_linked_only()? {
            return Ok(Held::Switched(read_secret(&self.before)?));
        }
        if self.next.exists() {
            return Ok(Held::Prepared(read_secret(&self.next)?));
        }
        Ok(Held::Settled)
    }

    /// The secret that is in the file.
    pub fn present(&self) -> Result<Secret, FileError> {
        read_secret(&self.path)
    }

    /// Puts a new secret beside the file, with the file's owner and mode.
    pub fn prepare(&self, secret: &Secret) -> Result<(), FileError> {
        let like = self.path.metadata().map_err(refused(&self.path, "read"))?;
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.writing)?;
            file.write_all(secret.reveal().as_bytes())?;
            file.write_all(b"\n")?;
            let made = file.metadata()?;
            if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
                fchown(&file, Some(like.uid()), Some(like.gid()))?;
            }
            file.set_permissions(std::fs::Permissions::from_mode(like.mode() & 0o7777))?;
            file.sync_all()?;
            std::fs::rename(&self.writing, &self.next)?;
            self.folder.sync_all()
        };
        written().map_err(refused(&self.next, "written"))
    }

    /// Puts the new secret into force, and keeps the old one beside it.
    pub fn switch(&self) -> Result<(), FileError> {
        if !self.before.exists() {
            std::fs::hard_link(&self.path, &self.before).map_err(refused(&self.before, "written"))?;
        } else if !self.is_linked_only()? {
            return Err(refused(&self.before, "written")(io::ErrorKind::AlreadyExists.into()));
        }
        self.sync()?;
        std::fs::rename(&self.next, &self.path).map_err(refused(&self.path, "written"))?;
        self.sync()
    }

    /// Before the switch: as if nothing had been begun.
    pub fn undo(&self) -> Result<(), FileError> {
        if self.before.exists() && self.is_linked_only()? {
            remove(&self.before)?;
        }
        remove(&self.writing)?;
        remove(&self.next)?;
        self.sync()
    }

    /// Where a new secret waits.
    pub fn next(&self) -> &Path {
        &self.next
    }

    /// After the switch: puts the old secret into force again.
    pub fn roll_back(&self) -> Result<(), FileError> {
        std::fs::rename(&self.before, &self.path).map_err(refused(&self.path, "written"))?;
        self.sync()
    }

    /// After the switch: the old secret is dead.
    pub fn forget_old(&self) -> Result<(), FileError> {
        remove(&self.before)?;
        self.sync()
    }

    /// Whether the old secret was given its second name, and the switch did not follow.
    fn is_linked_only(&self) -> Result<bool, FileError> {
        let file = |path: &Path| {
            let metadata = path.symlink_metadata().map_err(refused(path, "read"))?;
            Ok::<_, FileError>((metadata.dev(), metadata.ino()))
        };
        Ok(file(&self.path)? == file(&self.before)?)
    }

    fn sync(&self) -> Result<(), FileError> {
        self.folder.sync_all().map_err(refused(&self.path, "made durable"))
    }
}

/// Whether a rotation was left unfinished beside this file: what is to be told of it.
pub fn left_beside(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    [".before", ".next"].map(|ending| beside(&path, ending)).into_iter().find(|path| path.exists())
}

/// The secret that a file holds; `-` is standard input.
pub fn read_secret(path: &Path) -> Result<Secret, FileError> {
    let no_secret = || FileError::NoSecret { path: path.to_owned() };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    let length = read.map_err(refused(path, "read"))?;
    let text = zeroize::Zeroizing::new(String::from_utf8(bytes).map_err(|_| no_secret())?);
    let secret = without_line_end(&text);
    if secret.is_empty() || length as u64 > SECRET_BYTES_MAX {
        return Err(no_secret());
    }
    Ok(Secret::new(secret.to_owned()))
}

fn remove(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(refused(path, "removed")(cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    beside.into()
}

fn refused(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |cause| FileError::Refused { path, what, cause }
}

const SECRET_BYTES_MAX: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn file(folder: &Path) -> PathBuf {
        let path = folder.join("ehr-password");
        std::fs::write(&path, "old\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn after_each_step_the_names_tell_how_far_it_has_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        // A new hold at each step, as after a kill.
        let now = || SecretFile::take(&path).unwrap();
        assert!(matches!(now().held().unwrap(), Held::Settled));
        now().prepare(&secret("new")).unwrap();
        assert!(matches!(now().held().unwrap(), Held::Prepared(next) if next.is("new")));
        assert!(now().present().unwrap().is("old"));
        // Killed between the two changes of the switch.
        std::fs::hard_link(&path, folder.path().join("ehr-password.before")).unwrap();
        assert!(matches!(now().held().unwrap(), Held::Prepared(next) if next.is("new")));
        now().switch().unwrap();
        assert!(matches!(now().held().unwrap(), Held::Switched(old) if old.is("old")));
        assert!(now().present().unwrap().is("new"));
        assert!(now().prepare(&secret("newer")).is_ok() && now().switch().is_err(), "the old one is kept");
        assert!(matches!(now().held().unwrap(), Held::Switched(old) if old.is("old")));
        now().roll_back().unwrap();
        assert!(now().present().unwrap().is("old"));
        now().undo().unwrap();
        assert_eq!(names(folder.path()), ["ehr-password"]);
    }

    #[test]
    fn owner_and_mode_stay_and_a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        // Only root may give a file away.
        let given = std::os::unix::fs::chown(&path, Some(1234), Some(4321)).is_ok();
        let held = SecretFile::take(&link).unwrap();
        held.prepare(&secret("new")).unwrap();
        held.switch().unwrap();
        held.forget_old().unwrap();
        assert_eq!(names(folder.path()), ["ehr-password", "link"]);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "new\n");
        let metadata = path.metadata().unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o640);
        assert!(!given || (metadata.uid(), metadata.gid()) == (1234, 4321));
    }

    #[test]
    fn two_rotations_are_not_mixed_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let first = SecretFile::take(&path).unwrap();
        assert!(matches!(SecretFile::take(&path), Err(FileError::InUse { .. })));
        drop(first);
        SecretFile::take(&path).unwrap();
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        for bytes in [b"".as_slice(), b"\r\n", b"\xff\xfe", &vec![b'x'; 65 * 1024]] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_secret(&path).unwrap_err();
            assert!(matches!(error, FileError::NoSecret { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("xxx"));
        }
        std::fs::write(&path, "two words \r\n").unwrap();
        assert!(read_secret(&path).unwrap().is("two words "), "only the line's end goes");
    }

    #[test]
    fn a_secret_that_was_not_written_whole_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let writing = folder.path().join("ehr-password.writing");
        std::fs::write(&writing, "ne").unwrap();
        let held = SecretFile::take(&path).unwrap();
        assert!(matches!(held.held().unwrap(), Held::Settled) && !writing.exists());
        held.prepare(&secret("new")).unwrap();
        assert!(matches!(held.held().unwrap(), Held::Prepared(next) if next.is("new")));
        assert_eq!(left_beside(&path), Some(folder.path().canonicalize().unwrap().join("ehr-password.next")));
    }
}
