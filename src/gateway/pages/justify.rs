//! The form for a reason (45 CFR 164.514(d): what is beyond the usual is asked for one by one).

use std::time::Duration;

use askama::Template;

use super::justification::{Entered, JustificationCode, JustifyProblem, TEXT_CHARACTERS_MAX};
use super::messages::{JustifyTexts, Messages};
use super::{JUSTIFY_PATH, PageFrame, application, layout, link};
use crate::domain::action::Action;
use crate::domain::limit::{Exceeded, OnExceed};
use crate::platform::page::Layout;

#[derive(Template)]
#[template(path = "justify.html")]
pub(super) struct JustifyPage<'a> {
    layout: Layout<'a>,
    texts: &'a JustifyTexts,
    happened: Vec<String>,
    /// That what was posted is kept.
    held: Option<String>,
    problem: Option<&'a str>,
    /// Which of the two fields the problem is about.
    text_is_wrong: bool,
    choices: Vec<Choice<'a>>,
    text: &'a str,
    text_characters_max: usize,
    action_path: &'static str,
    return_to: &'a str,
    application: Option<&'a str>,
}

/// One of the reasons on offer.
struct Choice<'a> {
    value: &'static str,
    label: &'a str,
    checked: bool,
}

impl<'a> Choice<'a> {
    fn of(code: JustificationCode, entered: Entered<'_>, texts: &'a JustifyTexts) -> Self {
        let label = texts.code.of(code).as_str();
        Self { value: code.as_str(), label, checked: entered.code == Some(code) }
    }
}

impl<'a> JustifyPage<'a> {
    #[expect(clippy::too_many_arguments, reason = "all that the page says, once")]
    pub(super) fn new(
        frame: &PageFrame<'a>,
        messages: &'a Messages,
        exceeded: Option<Exceeded>,
        action: Option<Action>,
        return_to: &'a str,
        entered: Entered<'a>,
        problem: Option<JustifyProblem>,
        held: Option<Duration>,
    ) -> Self {
        let texts = &messages.justify;
        Self {
            layout: layout(frame, messages, texts.title.as_str()),
            texts,
            happened: happened(frame, messages, exceeded, action),
            held: held.map(|time| messages.kept.held.with(&[("duration", &messages.duration(time))])),
            problem: problem.map(|problem| texts.problem.of(problem).as_str()),
            text_is_wrong: match problem {
                Some(JustifyProblem::TextMissing | JustifyProblem::TextTooLong) => true,
                Some(JustifyProblem::CodeMissing) | None => false,
            },
            choices: JustificationCode::ALL.iter().map(|code| Choice::of(*code, entered, texts)).collect(),
            text: entered.text,
            text_characters_max: TEXT_CHARACTERS_MAX,
            action_path: JUSTIFY_PATH,
            return_to: link::or_first_page(return_to),
            application: frame.application,
        }
    }
}

fn happened(
    frame: &PageFrame<'_>,
    messages: &Messages,
    exceeded: Option<Exceeded>,
    action: Option<Action>,
) -> Vec<String> {
    let application = application(frame, messages);
    let asked = match action {
        Some(action) => messages
            .justify
            .happened
            .with(&[("action", messages.action.of(action)), ("application", &application)]),
        None => messages.justify.happened_generic.with(&[("application", &application)]),
    };
    let beyond = exceeded.map(|exceeded| {
        format!("{} {}", messages.exceeded(&exceeded), messages.on_exceed.of(OnExceed::Justify))
    });
    std::iter::once(asked).chain(beyond).collect()
}
