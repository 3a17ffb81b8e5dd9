//! The page that a pack begins with: safeguard by safeguard, what is done, what shows it, and what no proxy can show.

use askama::Template;

use super::manifest::{Manifest, Shown};
use super::words::{Texts, Words};
use crate::platform::page::language::Language;
use crate::platform::page::messages::Text;

/// What keeps the page from being written.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be written: {0}")]
pub struct PageError(#[from] askama::Error);

/// The page.
#[derive(Template)]
#[template(path = "evidence.html")]
struct Page<'a> {
    language: &'static str,
    texts: &'static Texts,
    manifest: &'a Manifest,
    verdict: &'static Text,
    rows: Vec<Row>,
}

/// One safeguard.
struct Row {
    citation: String,
    title: &'static Text,
    does: &'static Text,
    cannot: &'static Text,
    shown: Vec<Line>,
}

/// What shows it.
struct Line {
    title: &'static Text,
    files: Vec<String>,
    rows: Option<String>,
    left_out: Option<String>,
}

/// The page of a pack that shows this.
pub fn index(manifest: &Manifest, language: Language) -> Result<String, PageError> {
    let words = Words::of(language);
    let texts = &words.evidence;
    let line = |shown: &Shown| Line {
        title: texts.exhibits.of(shown.exhibit),
        files: shown.files.clone(),
        rows: shown.rows.map(|rows| texts.rows.of(rows, &words.number)),
        left_out: (shown.left_out > 0).then(|| texts.left_out.of(shown.left_out, &words.number)),
    };
    let rows = manifest.safeguards.iter().map(|safeguard| {
        let about = texts.safeguards.of(*safeguard);
        let found = |exhibit| manifest.shown.iter().find(|shown| shown.exhibit == exhibit);
        Row {
            citation: safeguard.citation(),
            title: &about.title,
            does: &about.does,
            cannot: &about.cannot,
            shown: safeguard.exhibits().iter().filter_map(|exhibit| found(*exhibit)).map(line).collect(),
        }
    });
    let page = Page {
        language: language.code(),
        texts,
        manifest,
        verdict: if manifest.journal.is_sound { &texts.sound } else { &texts.unsound },
        rows: rows.collect(),
    };
    Ok(page.render()?)
}
