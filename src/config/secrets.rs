//! References to secrets and files: `env:NAME` and `file:PATH`. A secret never stands in a file of ours.

use std::path::{Path, PathBuf};

use super::locations::SecretPlace;
use super::reader::Reader;
use super::reading::{Mistake, Reading};
use super::stand_in::StandIn;
use crate::foundation::secret::Secret;

impl Reader<'_> {
    /// The secret that a reference leads to.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        let key = self.key_of(name);
        let text = match self.text_with(name, |text| reference(text, true))? {
            Reference::Variable(variable) => {
                self.reading().locate_secret(&key, SecretPlace::Variable(variable.clone()));
                self.variable(&key, &variable)?
            }
            Reference::File(path) => {
                let path = self.source().folder.join(path);
                self.reading().locate_secret(&key, SecretPlace::File(path.clone()));
                self.secret_text(&key, &path)?
            }
        };
        if text.is_empty() {
            self.reading().error(&key, "the secret is empty", "a reference to a secret that is set");
            return None;
        }
        Some(Secret::new(text))
    }

    /// The path that a `file:` reference leads to.
    pub(super) fn file_reference(&self, name: &str) -> Option<PathBuf> {
        match self.text_with(name, |text| reference(text, false))? {
            Reference::File(path) => Some(self.source().folder.join(path)),
            Reference::Variable(_) => None,
        }
    }

    /// A path, relative to the file that names it.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(|path| self.source().folder.join(path))
    }

    fn variable(&self, key: &str, variable: &str) -> Option<String> {
        let value = (self.reading().surroundings.variable)(variable);
        if value.is_none() {
            let what = format!("the environment has no variable `{variable}`");
            self.reading().error(key, what, "set it where the gateway is started, or name another");
        }
        value
    }

    fn secret_text(&self, key: &str, path: &Path) -> Option<String> {
        if self.reading().stand_in_for(path).is_some() {
            return Some(StandIn::text(path.as_os_str().as_encoded_bytes()));
        }
        let bytes = self.reading().secret_file(key, path)?;
        warn_if_everyone_reads(self.reading(), key, path);
        let Ok(text) = String::from_utf8(bytes) else {
            let what = format!("`{}` is not text", path.display());
            self.reading().error(key, what, "a file that holds the secret as UTF-8 text");
            return None;
        };
        Some(without_line_end(&text).to_owned())
    }
}

/// A secret as it stands in a file: the end of its line is not its own.
pub fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}

/// Warns about a secret file that everybody on the machine may read.
pub(super) fn warn_if_everyone_reads(reading: &Reading<'_>, key: &str, path: &Path) {
    if everyone_reads(path) {
        let what = format!("everybody on this machine may read `{}`", path.display());
        reading.warning(key, what, "mode 0640 or less: `chmod o-r`");
    }
}

enum Reference {
    Variable(String),
    File(String),
}

// The text may be a secret that was written by mistake, so no message quotes it.
fn reference(text: &str, may_be_variable: bool) -> Result<Reference, Mistake> {
    let right = if may_be_variable {
        "a reference: `\"env:NAME\"` or `\"file:PATH\"`"
    } else {
        "a reference: `\"file:PATH\"`"
    };
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Ok(Reference::File(path.to_owned()));
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match text.strip_prefix("env:") {
        Some(name) if may_be_variable && !name.is_empty() && name.bytes().all(known) => {
            Ok(Reference::Variable(name.to_owned()))
        }
        Some(_) if may_be_variable => Err(Mistake::new("that is no name of a variable", right)),
        Some(_) => Err(Mistake::new("a variable cannot hold a file", right)),
        None => Err(Mistake::new(
            "what stands here is not a reference (it is not shown, in case it is a secret)",
            right,
        )),
    }
}

#[cfg(unix)]
fn everyone_reads(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
const fn everyone_reads(_: &Path) -> bool {
    false
}
