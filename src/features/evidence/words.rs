//! The words of the page that a pack begins with, from `config/messages`, read once.

use serde::Deserialize;

use super::safeguard::{Exhibit, Safeguard};
use crate::platform::page::language::Language;
use crate::platform::page::messages::{Counted, Each, InEach, Listed, Numbers, Text};

impl Listed for Safeguard {
    const MEMBERS: &'static [Self] = Self::ALL;
}

impl Listed for Exhibit {
    const MEMBERS: &'static [Self] = Self::ALL;
}

/// The words of one language that are needed here.
#[derive(Deserialize)]
pub(super) struct Words {
    pub(super) number: Numbers,
    pub(super) evidence: Texts,
}

/// The words of packs alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) title: Text,
    pub(super) lead: Text,
    pub(super) period: Text,
    pub(super) journal: Text,
    pub(super) through: Text,
    pub(super) key: Text,
    pub(super) key_hint: Text,
    pub(super) sound: Text,
    pub(super) unsound: Text,
    pub(super) does: Text,
    pub(super) shows: Text,
    pub(super) cannot: Text,
    pub(super) rows: Counted,
    pub(super) left_out: Counted,
    pub(super) safeguards_title: Text,
    pub(super) footer: Text,
    pub(super) exhibits: Each<Exhibit, Text>,
    pub(super) safeguards: Each<Safeguard, About>,
}

/// What is said of a safeguard.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub(super) title: Text,
    pub(super) does: Text,
    pub(super) cannot: Text,
}

impl Words {
    /// The words of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        static WORDS: InEach<Words> = InEach::new();
        WORDS.of(language)
    }
}
