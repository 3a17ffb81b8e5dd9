//! A report as a page that stands on its own: to be read, printed and kept.

use askama::Template;

use super::super::Report;
use super::super::table::{Cell, Section};
use super::super::words::{Named, Texts};
use super::WriteError;
use super::facts::{Fact, facts};
use super::say::Speaker;

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    language: &'static str,
    texts: &'static Texts,
    named: &'static Named,
    tables: Vec<Table>,
    facts: Vec<Fact>,
}

/// One table of it.
struct Table {
    id: &'static str,
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<Said>>,
    left_out: Option<String>,
}

/// What stands in one place of it.
struct Said {
    text: String,
    /// Its lines stand as they were written.
    is_written: bool,
}

pub(super) fn write(report: &Report, speaker: &Speaker<'_>) -> Result<Vec<u8>, WriteError> {
    let texts = speaker.texts();
    let page = Page {
        language: speaker.language.code(),
        texts,
        named: texts.names.of(report.asked.report),
        tables: report.sections.iter().map(|section| table(section, speaker)).collect(),
        facts: facts(report, speaker),
    };
    Ok(page.render()?.into_bytes())
}

fn table(section: &Section, speaker: &Speaker<'_>) -> Table {
    let texts = speaker.texts();
    let said = |cell: &Cell| {
        let text = Some(speaker.cell(cell)).filter(|text| !text.is_empty());
        let is_written = matches!(cell, Cell::Written(_));
        Said { text: text.unwrap_or_else(|| texts.nothing.to_string()), is_written }
    };
    Table {
        id: section.name.as_str(),
        title: texts.sections.of(section.name).to_string(),
        columns: section.columns.iter().map(|column| texts.columns.of(*column).to_string()).collect(),
        rows: section.rows.iter().map(|row| row.iter().map(said).collect()).collect(),
        left_out: (section.left_out > 0).then(|| texts.left_out.of(section.left_out, &speaker.words.number)),
    }
}
