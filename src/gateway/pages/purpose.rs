//! Where people say why they work: a button each, the usual one first.

use std::fmt;
use std::time::Duration;

use askama::Template;

use super::messages::{ChoosePurpose, Messages};
use super::{PURPOSE_PATH, PageFrame, layout, link};
use crate::domain::purpose::Purpose;
use crate::platform::page::Layout;

/// The purposes that a person may choose from, and what they were about to do.
#[derive(Clone)]
pub struct PurposeView<'a> {
    /// The purposes, with what operators call them, if they do.
    pub choices: Vec<(Purpose, Option<&'a str>)>,
    /// What they chose last, or what is likely.
    pub usual: Option<Purpose>,
    /// Whether they have said it in this session already.
    pub is_change: bool,
    /// Where they go on.
    pub return_to: &'a str,
    /// For how long what was posted is kept, if it is.
    pub held: Option<Duration>,
    /// Whether what they have sent is none of these.
    pub problem: bool,
}

impl fmt::Debug for PurposeView<'_> {
    // An address to return to may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeView(..)")
    }
}

#[derive(Template)]
#[template(path = "purpose.html")]
pub(super) struct PurposePage<'a> {
    layout: Layout<'a>,
    texts: &'a ChoosePurpose,
    happened: &'a str,
    held: Option<String>,
    problem: bool,
    /// What is posted, and what people read; the usual one first.
    choices: Vec<(&'static str, &'a str)>,
    return_to: &'a str,
    action_path: &'static str,
}

impl<'a> PurposePage<'a> {
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &PurposeView<'a>) -> Self {
        let texts = &messages.choose_purpose;
        let mut choices = view.choices.clone();
        // A stable sort: the others stay in the order of the roles.
        choices.sort_by_key(|(purpose, _)| Some(*purpose) != view.usual);
        let label = |(purpose, title): (Purpose, Option<&'a str>)| {
            (purpose.as_str(), title.unwrap_or_else(|| texts.choice.of(purpose).as_str()))
        };
        Self {
            layout: layout(frame, messages, texts.title.as_str()),
            texts,
            happened: if view.is_change { texts.change.as_str() } else { texts.happened.as_str() },
            held: view.held.map(|time| messages.kept.held.with(&[("duration", &messages.duration(time))])),
            problem: view.problem,
            choices: choices.into_iter().map(label).collect(),
            return_to: link::or_first_page(view.return_to),
            action_path: PURPOSE_PATH,
        }
    }
}
