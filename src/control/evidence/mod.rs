//! Evidence packs, for auditors: put together of the journal, of reports of it, and of the rules that were in force.
//!
//! Over the API and the page, each is written down before it is made.

mod api;
mod make;
mod rulebooks;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use api::evidence;
pub(super) use api::made;
pub use make::{MakeError, Source, make};

use crate::features::audit::Head;
use crate::features::evidence::Safeguard;
use crate::foundation::clock::Timestamp;
use crate::platform::page::language::{Language, LanguageError};

/// What is asked of a pack.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// Which safeguards.
    pub safeguards: Vec<Safeguard>,
    /// All of them.
    pub all: bool,
    /// From this moment on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before this moment; now, where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// In which language: `en`, `es`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Up to this entry of the journal, `SEQUENCE:HASH`, as an earlier pack names it: to make the same again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The last entry of the segments that were moved to an archive, `SEQUENCE:HASH`: the journal has to go on from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_through: Option<String>,
}

/// What cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unclear {
    /// No safeguard.
    #[error("name one or more `safeguards`, such as `164.312(b)`, or ask for `all`")]
    NoSafeguard,
    /// No period.
    #[error("`since` says from when on, and is before `until`")]
    Period,
    /// No place in a journal.
    #[error("`through` and `archived_through` are places in the journal, `SEQUENCE:HASH`")]
    Place,
    /// No language of ours.
    #[error(transparent)]
    Language(#[from] LanguageError),
}

/// A question that is understood.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which safeguards: each once, in the order of the list.
    pub safeguards: Vec<Safeguard>,
    /// From this moment on.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// In which language.
    pub language: Language,
    /// Up to which entry; the last that is there, if none is named.
    pub through: Option<Head>,
    /// After which entry the journal begins here.
    pub archived: Option<Head>,
}

impl Question {
    /// What is asked.
    pub fn order(self, now: Timestamp) -> Result<Order, Unclear> {
        let is_asked = |safeguard: &Safeguard| self.all || self.safeguards.contains(safeguard);
        let safeguards: Vec<Safeguard> = Safeguard::ALL.iter().copied().filter(is_asked).collect();
        if safeguards.is_empty() {
            return Err(Unclear::NoSafeguard);
        }
        let until = self.until.unwrap_or(now);
        let since = self.since.filter(|since| *since < until).ok_or(Unclear::Period)?;
        let place =
            |text: Option<String>| text.as_deref().map(str::parse).transpose().map_err(|_| Unclear::Place);
        Ok(Order {
            safeguards,
            since,
            until,
            language: self.language.as_deref().map_or(Ok(Language::default()), str::parse)?,
            through: place(self.through)?,
            archived: place(self.archived_through)?,
        })
    }
}
