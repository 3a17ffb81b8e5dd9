//! What somebody has open in an emergency, each with its clock and its end, and what they still owe.

use std::fmt;

use askama::Template;
use jiff::tz::TimeZone;

use super::break_glass::BreakProblem;
use super::justification::TEXT_CHARACTERS_MAX;
use super::messages::{BreakGlassTexts, Messages};
use super::{BREAK_GLASS_END_PATH, BREAK_GLASS_TEXT_PATH, PageFrame, layout};
use crate::features::break_glass::{Break, Sheet};
use crate::foundation::clock::Timestamp;
use crate::platform::page::Layout;
use crate::platform::page::time::on_the_clock;

/// What somebody has open, and owes.
pub struct BreaksView<'a> {
    /// Theirs, the latest first.
    pub breaks: &'a [Break],
    /// Who discloses records of a programme, where that is known.
    pub discloser: Option<&'a str>,
    /// The present moment.
    pub now: Timestamp,
    /// The time zone of the house's clocks.
    pub zone: &'a TimeZone,
    /// What is wrong with what they have written.
    pub problem: Option<BreakProblem>,
}

impl fmt::Debug for BreaksView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BreaksView(..)")
    }
}

#[derive(Template)]
#[template(path = "breaks.html")]
pub(super) struct BreaksPage<'a> {
    layout: Layout<'a>,
    texts: &'a BreakGlassTexts,
    problem: Option<&'a str>,
    open: Vec<Open>,
    owed: Vec<Owed>,
    asks_discloser: bool,
    text_characters_max: usize,
    end_path: &'static str,
    text_path: &'static str,
}

/// A chart that is open.
struct Open {
    id: String,
    what: String,
    ends: String,
}

/// Something that is owed.
struct Owed {
    id: String,
    what: String,
    due: Option<String>,
    is_sheet: bool,
}

impl<'a> BreaksPage<'a> {
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &BreaksView<'_>) -> Self {
        let texts = &messages.break_glass;
        let at = |moment| on_the_clock(view.now, moment, view.zone);
        let seen = |moment| messages.duration.seen_from(view.now, moment, &messages.number);
        let what = |it: &Break| {
            texts.one.with(&[
                ("application", &it.application),
                ("time", &at(it.began)),
                ("reason", &texts.reason.of(it.reason)),
            ])
        };
        let open = |it: &Break| Open {
            id: it.id.to_string(),
            what: what(it),
            ends: texts.ends.with(&[("time", &at(it.until)), ("left", &seen(it.until))]),
        };
        let owed = |it: &Break| Owed {
            id: it.id.to_string(),
            what: what(it),
            due: it.text_due.map(|due| texts.due.with(&[("time", &at(due)), ("left", &seen(due))])),
            is_sheet: matches!(it.sheet, Sheet::Owed(_)),
        };
        Self {
            layout: layout(frame, messages, texts.own_title.as_str()),
            texts,
            problem: view.problem.map(|problem| texts.problem.of(problem).as_str()),
            open: view.breaks.iter().filter(|it| it.is_active(view.now)).map(open).collect(),
            owed: view.breaks.iter().filter(|it| it.is_owed()).map(owed).collect(),
            asks_discloser: view.discloser.is_none(),
            text_characters_max: TEXT_CHARACTERS_MAX,
            end_path: BREAK_GLASS_END_PATH,
            text_path: BREAK_GLASS_TEXT_PATH,
        }
    }
}
