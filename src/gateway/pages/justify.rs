//! The form for a reason (45 CFR 164.514(d): what is beyond the usual is asked for one by one).

use std::fmt;
use std::time::Duration;

use askama::Template;

use super::justification::{
    Entered, JustificationCode, JustifyProblem, NUMBER_CHARACTERS_MAX, RECIPIENT_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
};
use super::messages::{JustifyTexts, Messages};
use super::{JUSTIFY_PATH, PageFrame, application, layout, link};
use crate::domain::action::Action;
use crate::domain::limit::{Exceeded, OnExceed};
use crate::domain::purpose::{Needs, Purpose};
use crate::platform::page::Layout;

/// What a reason is asked for.
#[derive(Clone, Copy, Default)]
pub struct JustifyView<'a> {
    /// The limit that was passed, if that is why.
    pub exceeded: Option<Exceeded>,
    /// What was asked for.
    pub action: Option<Action>,
    /// Why the person works.
    pub purpose: Option<Purpose>,
    /// Where to go on.
    pub return_to: &'a str,
    /// What has been entered before.
    pub entered: Entered<'a>,
    /// What is wrong with it.
    pub problem: Option<JustifyProblem>,
    /// For how long what was posted is kept, if it is.
    pub held: Option<Duration>,
    /// Whether what was asked for are records that the notice of 42 CFR 2.32 goes with.
    pub has_notice: bool,
}

impl JustifyView<'_> {
    /// What has to be given with the reason. Where nobody knows what it is for, it is what any action could need.
    pub fn needs(&self) -> Needs {
        let action = self.action.unwrap_or(Action::Disclose);
        self.purpose.map_or(Needs::NONE, |purpose| purpose.needs(action))
    }
}

impl fmt::Debug for JustifyView<'_> {
    // An address to return to may name a patient, and what was entered is the person's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JustifyView(..)")
    }
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Code,
    Text,
    Number,
    Recipient,
}

impl Field {
    const fn of(problem: JustifyProblem) -> Self {
        match problem {
            JustifyProblem::CodeMissing => Self::Code,
            JustifyProblem::TextMissing | JustifyProblem::TextTooLong => Self::Text,
            JustifyProblem::NumberMissing | JustifyProblem::NumberUnreadable => Self::Number,
            JustifyProblem::RecipientMissing | JustifyProblem::RecipientTooLong => Self::Recipient,
        }
    }
}

#[derive(Template)]
#[template(path = "justify.html")]
pub(super) struct JustifyPage<'a> {
    layout: Layout<'a>,
    texts: &'a JustifyTexts,
    happened: Vec<String>,
    /// Under which law a number or a recipient is asked for.
    basis: Option<String>,
    /// What the law says of the records that are asked for.
    notice: Option<&'a str>,
    /// That what was posted is kept.
    held: Option<String>,
    problem: Option<&'a str>,
    /// Which field the problem is about.
    wrong: Option<Field>,
    choices: Vec<Choice<'a>>,
    text: &'a str,
    text_characters_max: usize,
    /// What the number is called that is needed, if one is.
    number_label: Option<&'a str>,
    number: &'a str,
    number_characters_max: usize,
    asks_recipient: bool,
    recipient: &'a str,
    recipient_characters_max: usize,
    action_path: &'static str,
    /// What the reason is for: it says what has to be given with it.
    action: Option<&'static str>,
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
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &JustifyView<'a>) -> Self {
        let texts = &messages.justify;
        let JustifyView { exceeded, action, purpose, return_to, entered, problem, held, has_notice } = *view;
        let needs = view.needs();
        let basis = |purpose: Purpose| {
            let (purpose, reference) = (messages.purpose.of(purpose), purpose.basis().reference());
            texts.basis.with(&[("purpose", purpose), ("reference", &reference)])
        };
        Self {
            layout: layout(frame, messages, texts.title.as_str()),
            texts,
            happened: happened(frame, messages, exceeded, action),
            basis: purpose.filter(|_| !needs.is_none()).map(basis),
            notice: has_notice.then(|| texts.notice.as_str()),
            held: held.map(|time| messages.kept.held.with(&[("duration", &messages.duration(time))])),
            problem: problem.map(|problem| texts.problem.of(problem).as_str()),
            wrong: problem.map(Field::of),
            choices: JustificationCode::ALL.iter().map(|code| Choice::of(*code, entered, texts)).collect(),
            text: entered.text,
            text_characters_max: TEXT_CHARACTERS_MAX,
            number_label: needs.number.map(|number| texts.number.of(number).as_str()),
            number: entered.number,
            number_characters_max: NUMBER_CHARACTERS_MAX,
            asks_recipient: needs.recipient,
            recipient: entered.recipient,
            recipient_characters_max: RECIPIENT_CHARACTERS_MAX,
            action_path: JUSTIFY_PATH,
            action: action.map(Action::as_str),
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
