//! A report as one table for spreadsheets (RFC 4180).
//!
//! Every row has the columns of all tables of the report, and says in the first of which it is; what the report was made from
//! comes last, a fact in a row. A text that a spreadsheet would take for a formula begins with an apostrophe instead
//! (OWASP, "CSV Injection"): what is in a journal was typed by anybody.

use super::super::Report;
use super::super::table::{Cell, Column, Section};
use super::WriteError;
use super::facts::facts;
use super::say::Speaker;
use crate::foundation::text::without_formula;

pub(super) fn write(report: &Report, speaker: &Speaker<'_>) -> Result<Vec<u8>, WriteError> {
    let texts = speaker.texts();
    let columns = columns_of(&report.sections);
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(
        [texts.section.as_str()]
            .into_iter()
            .chain(columns.iter().map(|column| texts.columns.of(*column).as_str()))
            .chain([texts.fact.as_str(), texts.value.as_str()]),
    )?;
    let no_fact = || [String::new(), String::new()];
    for section in &report.sections {
        let name = texts.sections.of(section.name).to_string();
        for row in &section.rows {
            let cells = columns.iter().map(|column| harmless(section, *column, row, speaker));
            out.write_record([name.clone()].into_iter().chain(cells).chain(no_fact()))?;
        }
        if section.left_out > 0 {
            let fact = [texts.made.left_out.to_string(), section.left_out.to_string()];
            let cells = columns.iter().map(|_| String::new());
            out.write_record([name].into_iter().chain(cells).chain(fact))?;
        }
    }
    for (fact, value) in facts(report, speaker) {
        let cells = columns.iter().map(|_| String::new());
        let told = [fact.to_string(), without_formula(value)];
        out.write_record([texts.made.title.to_string()].into_iter().chain(cells).chain(told))?;
    }
    out.into_inner().map_err(|error| WriteError::Table(error.into_error().into()))
}

/// The columns of all tables, each once, in their order.
fn columns_of(sections: &[Section]) -> Vec<Column> {
    let mut columns = Vec::new();
    for column in sections.iter().flat_map(|section| section.columns) {
        if !columns.contains(column) {
            columns.push(*column);
        }
    }
    columns
}

fn harmless(section: &Section, column: Column, row: &[Cell], speaker: &Speaker<'_>) -> String {
    let mut cells = section.columns.iter().zip(row);
    let cell = cells.find(|(own, _)| **own == column).map(|(_, cell)| cell);
    without_formula(cell.map(|cell| speaker.cell(cell)).unwrap_or_default())
}
