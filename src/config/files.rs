//! The files of a configuration: the main one, those it includes, Cedar policies.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::locations::Place;
use super::paths;
use super::problem::Severity;
use super::reader::Reader;
use super::reading::{Mistake, Reading};
use super::source::{FILE_BYTES_MAX, Source, read_bounded, why};
use crate::domain::rulebook::Rulebook;
use crate::features::policy::settings::CedarFile;

/// The most files that patterns may name.
const FILES_MAX: usize = 1000;

/// The main file.
pub(super) fn main_file(reading: &Reading<'_>, path: &Path) -> Option<Source> {
    read(reading, path, "", &Place::file(&path.to_string_lossy()))
}

/// The files that the main file includes.
pub(super) fn included(reading: &Reading<'_>, main: &Reader<'_>) -> Vec<Source> {
    let main_name = Path::new(&*main.source().name);
    let mut sources: Vec<Source> = Vec::new();
    for (key, place, path) in named(reading, main, "include", Severity::Warning) {
        let again = path == main_name || sources.iter().any(|source| Path::new(&*source.name) == path);
        if !again {
            sources.extend(read(reading, &path, &key, &place));
        }
    }
    sources
}

/// The Cedar files that the main file names.
pub(super) fn policies(reading: &Reading<'_>, main: &Reader<'_>) -> Vec<CedarFile> {
    let policy = |(key, place, path): (String, Place, PathBuf)| {
        let source = read(reading, &path, &key, &place)?;
        Some(CedarFile { path: source.name.to_string(), text: source.text })
    };
    // A folder that was renamed takes no rule that forbids with it; what is kept was in force as it is.
    let missing = if reading.surroundings.kept.is_some() { Severity::Warning } else { Severity::Error };
    named(reading, main, "policies", missing).into_iter().filter_map(policy).collect()
}

/// What a file says; and whether its syntax was right, so that nothing is missing from it.
pub(super) fn parse<'s>(reading: &Reading<'_>, source: &'s Source) -> (Spanned<DeTable<'s>>, bool) {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let place = source.place(error.span().map_or(0, |span| span.start));
        reading.error_at(place, "", Mistake::new(format!("not TOML: {}", error.message()), "TOML (toml.io)"));
    }
    (table, errors.is_empty())
}

fn read(reading: &Reading<'_>, path: &Path, key: &str, place: &Place) -> Option<Source> {
    reading.watch(path);
    let text = match reading.surroundings.kept {
        Some(book) => kept(book, path).ok_or_else(|| "it was not kept".to_owned()),
        None => read_bounded(path, FILE_BYTES_MAX)
            .map_err(|error| why(&error))
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())),
    };
    match text {
        Ok(text) => {
            reading.add_text(path, &text);
            Some(Source::new(path, text))
        }
        Err(why) => {
            let mistake = Mistake::new(
                format!("`{}` cannot be read: {why}", path.display()),
                "a readable file, named relative to the file that names it",
            );
            reading.error_at(place.clone(), key, mistake);
            None
        }
    }
}

/// What a file said that is kept.
fn kept(book: &Rulebook, path: &Path) -> Option<String> {
    book.texts.iter().find(|text| Path::new(&text.path) == path).map(|text| text.text.clone())
}

/// The files that the patterns under a key name, with the key and the place of each pattern.
fn named(
    reading: &Reading<'_>,
    main: &Reader<'_>,
    name: &str,
    missing: Severity,
) -> Vec<(String, Place, PathBuf)> {
    let key = main.key_of(name);
    let mut files = Vec::new();
    for pattern in main.texts(name).unwrap_or_default() {
        let place = reading.place_of(&key);
        let folder = &main.source().folder;
        let expanded = match reading.surroundings.kept {
            Some(book) => {
                let paths = book.texts.iter().map(|text| Path::new(&text.path));
                Ok(paths::among(paths, folder, &pattern))
            }
            None => paths::expand(folder, &pattern),
        };
        match expanded {
            Ok(found) if found.is_empty() => {
                let what = format!("no file fits `{pattern}`");
                let right = Mistake::new(what, "a pattern that fits, relative to the main file, or none");
                reading.push(missing, place, &key, right);
            }
            Ok(found) => files.extend(found.into_iter().map(|path| (key.clone(), place.clone(), path))),
            Err(error) => {
                reading.error(&key, format!("`{pattern}` cannot be followed: {error}"), "a readable folder");
            }
        }
    }
    if files.len() > FILES_MAX {
        let what = format!("the patterns name {} files", files.len());
        reading.error(&key, what, format!("at most {FILES_MAX}"));
        files.truncate(FILES_MAX);
    }
    files
}
