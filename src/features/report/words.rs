//! The words of reports, from `config/messages`, read once.

use std::sync::LazyLock;

use serde::Deserialize;

use super::ReportName;
use super::table::{Column, Ending, Missing, SectionName};
use crate::domain::action::Action;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::platform::page::language::Language;
use crate::platform::page::messages::{Counted, Each, Listed, Lists, Numbers, Text, read};

macro_rules! listed {
    ($($list:ty),+) => {
        $(impl Listed for $list {
            const MEMBERS: &'static [Self] = Self::ALL;
        })+
    };
}
listed!(Column, Ending, Missing, ReportName, SectionName);

/// The words of one language that are needed here.
#[derive(Deserialize)]
pub(super) struct Words {
    pub(super) number: Numbers,
    pub(super) list: Lists,
    pub(super) action: Each<Action, Text>,
    pub(super) purpose: Each<Purpose, Text>,
    pub(super) reason: Each<Reason, Titled>,
    pub(super) report: Texts,
}

/// What is needed of the words of a reason.
#[derive(Deserialize)]
pub(super) struct Titled {
    pub(super) title: Text,
}

/// The words of reports alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) yes: Text,
    pub(super) no: Text,
    pub(super) nothing: Text,
    pub(super) none: Text,
    pub(super) left_out: Counted,
    pub(super) at_least: Text,
    pub(super) unknown: Text,
    pub(super) percent: Text,
    pub(super) span: Text,
    pub(super) basis: Text,
    pub(super) fact: Text,
    pub(super) value: Text,
    pub(super) section: Text,
    pub(super) footer: Text,
    pub(super) names: Each<ReportName, Named>,
    pub(super) sections: Each<SectionName, Text>,
    pub(super) columns: Each<Column, Text>,
    pub(super) endings: Each<Ending, Text>,
    pub(super) missing: Each<Missing, Text>,
    pub(super) did: Each<Action, Text>,
    pub(super) made: MadeTexts,
}

/// What a report is called, and what it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    pub(super) title: Text,
    pub(super) lead: Text,
}

/// What a report says of what it was made from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MadeTexts {
    pub(super) title: Text,
    pub(super) first: Text,
    pub(super) last: Text,
    pub(super) events: Text,
    pub(super) asked_since: Text,
    pub(super) asked_until: Text,
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) unknown_ends: Text,
    pub(super) rules: Text,
    pub(super) archived: Text,
    pub(super) destroyed: Text,
    pub(super) stopped: Text,
    pub(super) patient: Text,
    pub(super) application: Text,
    pub(super) person: Text,
    pub(super) zone: Text,
    pub(super) all: Text,
    pub(super) left_out: Text,
}

impl Words {
    /// The words of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        static IN_ENGLISH: LazyLock<Words> = LazyLock::new(|| embedded(Language::English));
        static IN_SPANISH: LazyLock<Words> = LazyLock::new(|| embedded(Language::Spanish));
        match language {
            Language::English => &IN_ENGLISH,
            Language::Spanish => &IN_SPANISH,
        }
    }
}

#[expect(clippy::expect_used, reason = "the files are part of the program; a test reads both")]
fn embedded(language: Language) -> Words {
    read(language.messages()).expect("the embedded messages are complete")
}
