//! An event in the words of others.

mod json;

use crate::domain::event::Event;

/// In which words an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Our own: one object of JSON, as `audit query --json` prints it.
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Json];

    /// Its frozen spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
        }
    }

    /// The format of that spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == text)
    }
}

/// Who tells of it, and what else stands in no event.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// The node whose journal it is in.
    pub node: &'a str,
}

/// One event of ours as one or more documents: a format may want one for each patient.
///
/// Whatever cannot be written is an error of ours, never of the event's: all that an event may hold has its place.
pub fn documents(format: Format, event: &Event, teller: &Teller<'_>) -> Vec<Vec<u8>> {
    match format {
        Format::Json => vec![json::document(event, teller)],
    }
}
