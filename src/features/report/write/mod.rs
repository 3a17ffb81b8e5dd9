//! A report in the format that somebody asks for. The same report gives the same bytes.

mod csv;
mod facts;
mod html;
mod json;
mod say;

use jiff::tz::TimeZone;

use super::Report;
use crate::domain::closed_list;
use crate::platform::page::language::Language;
use say::Speaker;

closed_list! {
    /// How a report is written.
    Format {
        /// A page that stands on its own: no script, nothing that is loaded; to be read, printed and kept.
        Html = "html",
        /// A table for spreadsheets (RFC 4180), in UTF-8.
        Csv = "csv",
        /// For programs, with words that do not change with the language.
        Json = "json",
    }
}

impl Format {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
        }
    }
}

/// For whom a report is written.
#[derive(Clone, Debug)]
pub struct Style {
    /// How.
    pub format: Format,
    /// In which language; JSON is in none.
    pub language: Language,
    /// By which clocks times are told; JSON tells them in UTC.
    pub zone: TimeZone,
}

/// What keeps a report from being written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The page.
    #[error("the page cannot be written: {0}")]
    Page(#[from] askama::Error),
    /// The table.
    #[error("the table cannot be written: {0}")]
    Table(#[from] ::csv::Error),
    /// The JSON.
    #[error("the JSON cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Writes a report.
pub fn write(report: &Report, style: &Style) -> Result<Vec<u8>, WriteError> {
    match style.format {
        Format::Html => html::write(report, &Speaker::of(style)),
        Format::Csv => csv::write(report, &Speaker::of(style)),
        Format::Json => json::write(report),
    }
}
