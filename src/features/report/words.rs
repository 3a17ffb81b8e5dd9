//! The words of reports, from `config/messages`, read once.

use serde::Deserialize;

use super::ReportName;
use super::table::{Column, Ending, Missing, SectionName, SheetState};
use crate::domain::action::Action;
use crate::domain::break_glass::{BreakFinding, BreakReason, BreakRelation};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::platform::page::language::Language;
use crate::platform::page::messages::{Counted, Each, InEach, Listed, Lists, Numbers, Text};

macro_rules! listed {
    ($($list:ty),+) => {
        $(impl Listed for $list {
            const MEMBERS: &'static [Self] = Self::ALL;
        })+
    };
}
listed!(BreakRelation, Column, Ending, Missing, ReportName, SectionName, SheetState);

/// The words of one language that are needed here.
#[derive(Deserialize)]
pub(super) struct Words {
    pub(super) number: Numbers,
    pub(super) list: Lists,
    pub(super) action: Each<Action, Text>,
    pub(super) purpose: Each<Purpose, Text>,
    pub(super) reason: Each<Reason, Titled>,
    pub(super) break_glass: BreakWords,
    pub(super) report: Texts,
}

/// What is needed of the words of break-glass.
#[derive(Deserialize)]
pub(super) struct BreakWords {
    pub(super) reason: Each<BreakReason, Text>,
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
    pub(super) relations: Each<BreakRelation, Text>,
    pub(super) findings: Each<BreakFinding, Text>,
    pub(super) sheets: Each<SheetState, Text>,
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
        static WORDS: InEach<Words> = InEach::new();
        WORDS.of(language)
    }
}
