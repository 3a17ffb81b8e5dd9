//! Where somebody says that it is an emergency: a button for each reason. It says nothing of the patient but the last characters of
//! a number.

use std::fmt;
use std::time::Duration;

use askama::Template;

use super::justification::{TEXT_CHARACTERS_MAX, visible};
use super::messages::{BreakGlassTexts, Messages};
use super::{BREAK_GLASS_PATH, PageFrame, application, layout, link};
use crate::domain::break_glass::BreakReason;
use crate::domain::closed_list;
use crate::platform::page::Layout;

closed_list! {
    /// What is wrong with what somebody has said of an emergency.
    BreakProblem {
        /// No reason was chosen, or one that is not offered.
        ReasonMissing = "reason-missing",
        /// Words are needed and there are none.
        TextMissing = "text-missing",
        /// There are too many.
        TextTooLong = "text-too-long",
    }
}

/// A question for a reason.
#[derive(Clone)]
pub struct BreakGlassView<'a> {
    /// What the page carries to the answer.
    pub prompt: &'a str,
    /// The last characters of the patient's number.
    pub ending: Option<&'a str>,
    /// The reasons on offer, in order.
    pub reasons: &'a [BreakReason],
    /// The kinds of data that stay closed.
    pub closed: Vec<String>,
    /// How long the chart is open.
    pub lasts: Duration,
    /// Whether the text is needed now.
    pub text_now: bool,
    /// Otherwise, for how long it may wait.
    pub text_within: Duration,
    /// Where to go on.
    pub return_to: &'a str,
    /// What was written before.
    pub text: &'a str,
    /// For how long what was posted is kept, if it is.
    pub held: Option<Duration>,
    /// What is wrong with it.
    pub problem: Option<BreakProblem>,
}

impl fmt::Debug for BreakGlassView<'_> {
    // An address to return to may name a patient, and what was written is the person's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BreakGlassView(..)")
    }
}

#[derive(Template)]
#[template(path = "break_glass.html")]
pub(super) struct BreakGlassPage<'a> {
    layout: Layout<'a>,
    texts: &'a BreakGlassTexts,
    happened: String,
    patient: Option<String>,
    held: Option<String>,
    problem: Option<&'a str>,
    is_text_wrong: bool,
    opens: String,
    closed: String,
    text_hint: String,
    is_text_needed: bool,
    text: &'a str,
    text_characters_max: usize,
    /// What is posted, and what people read.
    reasons: Vec<(&'static str, &'a str)>,
    prompt: &'a str,
    return_to: &'a str,
    action_path: &'static str,
}

impl<'a> BreakGlassPage<'a> {
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &BreakGlassView<'a>) -> Self {
        let texts = &messages.break_glass;
        let duration = |time| messages.duration(time);
        // A category is called by the name that the house has given it.
        let plain = |category: &String| category.replace(['-', '_'], " ");
        let closed: Vec<_> = view.closed.iter().map(plain).collect();
        Self {
            layout: layout(frame, messages, texts.title.as_str()),
            texts,
            happened: texts.happened.with(&[("application", &application(frame, messages))]),
            patient: view.ending.map(|ending| texts.patient.with(&[("ending", &ending)])),
            held: view.held.map(|time| messages.kept.held.with(&[("duration", &duration(time))])),
            problem: view.problem.map(|problem| texts.problem.of(problem).as_str()),
            is_text_wrong: view.problem.is_some_and(|problem| problem != BreakProblem::ReasonMissing),
            opens: texts.opens.with(&[("duration", &duration(view.lasts))]),
            closed: if closed.is_empty() {
                texts.closed_none.to_string()
            } else {
                texts.closed.with(&[("categories", &closed.join(", "))])
            },
            text_hint: if view.text_now {
                texts.text_now.to_string()
            } else {
                texts.text_later.with(&[("duration", &duration(view.text_within))])
            },
            is_text_needed: view.text_now,
            text: view.text,
            text_characters_max: TEXT_CHARACTERS_MAX,
            reasons: view
                .reasons
                .iter()
                .map(|reason| (reason.as_str(), texts.reason.of(*reason).as_str()))
                .collect(),
            prompt: view.prompt,
            return_to: link::or_first_page(view.return_to),
            action_path: BREAK_GLASS_PATH,
        }
    }
}

/// What a person has written, without what cannot be seen.
pub fn read_words(text: &str, is_needed: bool) -> Result<String, BreakProblem> {
    let text = visible(text);
    match text.chars().count() {
        0 if is_needed => Err(BreakProblem::TextMissing),
        0..=TEXT_CHARACTERS_MAX => Ok(text),
        _ => Err(BreakProblem::TextTooLong),
    }
}
