//! What gathers while the files are read: problems, places and inputs.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::load::Surroundings;
use super::locations::{Locations, Place, SecretPlace};
use super::problem::{Problem, Severity};
use super::source::{FILE_BYTES_MAX, read_bounded, why};
use super::stand_in::StandIn;
use crate::domain::rulebook::Rulebook;
use crate::foundation::digest::Digest;

/// What gathers while the files are read. Shared by everything that reads, so that one run finds all.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) surroundings: &'a Surroundings<'a>,
    problems: RefCell<Vec<Problem>>,
    locations: RefCell<Locations>,
    inputs: RefCell<Inputs>,
}

/// The files that a configuration rests on.
#[derive(Debug, Default)]
struct Inputs {
    /// All of them, to be watched.
    watched: Vec<PathBuf>,
    /// Those that are not secret: what they say, or their digests.
    rulebook: Rulebook,
}

/// A value that is not what its key asks for.
#[derive(Debug)]
pub(super) struct Mistake {
    /// What is wrong.
    pub(super) what: String,
    /// What would be right.
    pub(super) right: String,
}

impl Mistake {
    pub(super) fn new(what: impl Into<String>, right: impl Into<String>) -> Self {
        Self { what: what.into(), right: right.into() }
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>) -> Self {
        Self {
            surroundings,
            problems: RefCell::default(),
            locations: RefCell::default(),
            inputs: RefCell::default(),
        }
    }

    /// Records that the value of `key` is wrong.
    pub(super) fn error(&self, key: &str, what: impl Into<String>, right: impl Into<String>) {
        let place = self.place_of(key);
        self.push(Severity::Error, place, key, Mistake::new(what, right));
    }

    /// Records that somebody should look at the value of `key`.
    pub(super) fn warning(&self, key: &str, what: impl Into<String>, right: impl Into<String>) {
        let place = self.place_of(key);
        self.push(Severity::Warning, place, key, Mistake::new(what, right));
    }

    /// Records that something at a known place is wrong.
    pub(super) fn error_at(&self, place: Place, key: &str, mistake: Mistake) {
        self.push(Severity::Error, place, key, mistake);
    }

    /// Whether something is wrong so far.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Remembers where a key stands.
    pub(super) fn locate(&self, key: &str, place: Place) {
        self.locations.borrow_mut().add(key, place);
    }

    /// Remembers where the secret stands that a key refers to.
    pub(super) fn locate_secret(&self, key: &str, place: SecretPlace) {
        self.locations.borrow_mut().add_secret(key, place);
    }

    /// Remembers which key a route has.
    pub(super) fn locate_route(&self, application: &str, route: &str, key: &str) {
        self.locations.borrow_mut().add_route(application, route, key);
    }

    /// The bytes of a file that the value of `key` names; they become part of the version.
    pub(super) fn file(&self, key: &str, path: &Path) -> Option<Vec<u8>> {
        let bytes = self.secret_file(key, path)?;
        if self.stand_in_for(path).is_none() {
            self.inputs.borrow_mut().rulebook.digests.push(Digest::of(&bytes));
        }
        Some(bytes)
    }

    /// The bytes of a secret file that the value of `key` names: watched, but not part of the version.
    pub(super) fn secret_file(&self, key: &str, path: &Path) -> Option<Vec<u8>> {
        self.watch(path);
        if let Some(instead) = self.surroundings.instead.filter(|instead| instead.file == path) {
            return Some(instead.secret.reveal().as_bytes().to_vec());
        }
        if let Some(stand_in) = self.stand_in_for(path) {
            return Some(stand_in.pem());
        }
        read_bounded(path, FILE_BYTES_MAX)
            .map_err(|error| {
                let what = format!("`{}` cannot be read: {}", path.display(), why(&error));
                self.error(key, what, "the path of a readable file, relative to the file that names it");
            })
            .ok()
    }

    /// Whether the configuration is only looked at, and secrets need not be there.
    pub(super) const fn only_looks(&self) -> bool {
        self.surroundings.stand_in.is_some()
    }

    /// What stands in place of a file that is not there, or not for us to read.
    pub(super) fn stand_in_for(&self, path: &Path) -> Option<&StandIn> {
        self.surroundings.stand_in.as_ref().filter(|_| std::fs::File::open(path).is_err())
    }

    /// Puts a file among those to be watched.
    pub(super) fn watch(&self, path: &Path) {
        let mut inputs = self.inputs.borrow_mut();
        if !inputs.watched.iter().any(|known| known == path) {
            inputs.watched.push(path.to_path_buf());
        }
    }

    /// Puts a text among what the version stands for.
    pub(super) fn add_text(&self, path: &Path, text: &str) {
        self.inputs.borrow_mut().rulebook.add(path.to_string_lossy().into_owned(), text.to_owned());
    }

    /// Whether `key` is written.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.locations.borrow().has(key)
    }

    /// Everything that was found: problems in the order of the files, places, what the version stands for, files.
    pub(super) fn finish(self) -> (Vec<Problem>, Locations, Rulebook, Vec<PathBuf>) {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        let Inputs { watched, rulebook } = self.inputs.into_inner();
        (problems, self.locations.into_inner(), rulebook, watched)
    }

    /// Where a key stands, or the nearest table around it.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.locations.borrow().nearest(key).cloned().unwrap_or_else(|| Place::file(""))
    }

    /// Records something at a known place.
    pub(super) fn push(&self, severity: Severity, place: Place, key: &str, Mistake { what, right }: Mistake) {
        self.problems.borrow_mut().push(Problem { severity, place, key: key.to_owned(), what, right });
    }
}
