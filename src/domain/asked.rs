//! What a request asks for, in numbers and words: what was lowered before it was sent, what was too much.

use serde::{Deserialize, Serialize};

use super::closed_list;
use super::reason::Reason;

closed_list! {
    /// A format in which data can be taken.
    Format {
        /// A page.
        Html = "html",
        /// Values with a delimiter.
        Csv = "csv",
        /// A spreadsheet.
        Xlsx = "xlsx",
        /// A document.
        Pdf = "pdf",
        /// JSON.
        Json = "json",
        /// JSON by lines.
        Ndjson = "ndjson",
        /// XML.
        Xml = "xml",
        /// An archive.
        Zip = "zip",
        /// Images.
        Dicom = "dicom",
        /// Statements for a database.
        Sql = "sql",
    }
}

/// A set of formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formats(u16);

impl Formats {
    /// Whether it is one of them.
    pub fn has(self, format: Format) -> bool {
        self.0 & Self::bit(format) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn in_both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Their words.
    pub fn words(self) -> Vec<String> {
        let held = Format::ALL.iter().filter(|format| self.has(**format));
        held.map(|format| format.as_str().to_owned()).collect()
    }

    fn bit(format: Format) -> u16 {
        Format::ALL.iter().position(|known| *known == format).map_or(0, |position| 1 << position)
    }
}

impl FromIterator<Format> for Formats {
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Self {
        Self(formats.into_iter().fold(0, |bits, format| bits | Self::bit(format)))
    }
}

/// What would have been allowed: from the configuration, never the caller's own value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    /// A number up to this.
    AtMost(u64),
    /// So many days.
    Days(u64),
    /// At least so many letters or digits to search for.
    Characters(u64),
    /// One of these, or some.
    OneOf(Vec<String>),
    /// The parameter once, in one place, spelled as the application spells it.
    Once,
}

/// Something that is asked for and is too much, or cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overreach {
    /// Why.
    pub reason: Reason,
    /// The parameter, field or member, as the configuration names it.
    pub parameter: String,
    /// What is allowed.
    pub allowed: Allowed,
}

/// A number that the application was asked for instead of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowered {
    /// The parameter, field or member.
    pub parameter: String,
    /// What it was; absent where there was none, or what was there was no number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<i64>,
    /// What was sent.
    pub to: u64,
}

/// What was done about what a request asked for, as the event keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAsked {
    /// Numbers that were changed or added.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lowered: Vec<Lowered>,
    /// Parameters that were added or filled in beside numbers.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub added: Vec<String>,
    /// What was too much and passed all the same, because care goes on; or, where the request was refused, why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub beyond: Vec<Overreach>,
}

impl EventAsked {
    /// Whether there is nothing to tell.
    pub const fn is_empty(&self) -> bool {
        self.lowered.is_empty() && self.added.is_empty() && self.beyond.is_empty()
    }

    /// This, and what another request that comes with it asks for.
    pub fn and(&mut self, other: Self) {
        self.lowered.extend(other.lowered);
        self.added.extend(other.added);
        self.beyond.extend(other.beyond);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_formats_has_what_was_put_in_and_no_more() {
        for format in Format::ALL {
            let set: Formats = [*format].into_iter().collect();
            for other in Format::ALL {
                assert_eq!(set.has(*other), other == format);
            }
        }
        let (a, b): (Formats, Formats) = (
            [Format::Csv, Format::Pdf].into_iter().collect(),
            [Format::Csv, Format::Html].into_iter().collect(),
        );
        assert_eq!(a.in_both(b).words(), ["csv"]);
    }
}
