//! Where people choose at which provider they sign in.

use std::fmt;

use askama::Template;

use super::messages::{Choose, Messages};
use super::{ANEW, PageFrame, SIGN_IN_PATH, layout, link};
use crate::foundation::id::HoldId;
use crate::platform::page::Layout;

/// The choice, and what the sign-in is for.
#[derive(Clone)]
pub struct ChooseView<'a> {
    /// The providers: name, and what people read.
    pub doors: Vec<(&'a str, &'a str)>,
    /// Whether an e-mail address may say it, too.
    pub by_address: bool,
    /// Where they go on.
    pub return_to: &'a str,
    /// What is kept of what they typed.
    pub held: Option<HoldId>,
    /// Whether they want to be asked who they are, whomever the provider knows already.
    pub anew: bool,
    /// What they have entered before.
    pub entered: &'a str,
    /// What is wrong with it.
    pub problem: Option<ChooseProblem>,
}

impl fmt::Debug for ChooseView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChooseView(..)")
    }
}

/// What is wrong with an e-mail address that leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChooseProblem {
    /// It is none.
    Unreadable,
    /// It is nobody's of those who may sign in here.
    NobodysDomain,
}

#[derive(Template)]
#[template(path = "choose.html")]
pub(super) struct ChoosePage<'a> {
    layout: Layout<'a>,
    texts: &'a Choose,
    doors: &'a [(&'a str, &'a str)],
    by_address: bool,
    problem: Option<&'a str>,
    entered: &'a str,
    /// What the sign-in is for, as fields that nobody sees.
    wish: Vec<(&'static str, String)>,
    action_path: &'static str,
}

impl<'a> ChoosePage<'a> {
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &'a ChooseView<'a>) -> Self {
        let texts = &messages.choose;
        let mut wish = vec![("return_to", link::or_first_page(view.return_to).to_owned())];
        wish.extend(view.held.map(|id| ("hold", id.to_string())));
        wish.extend(view.anew.then(|| (ANEW, "1".to_owned())));
        Self {
            layout: layout(frame, messages, texts.title.as_str()),
            texts,
            doors: &view.doors,
            by_address: view.by_address,
            problem: view.problem.map(|problem| match problem {
                ChooseProblem::Unreadable => texts.unreadable.as_str(),
                ChooseProblem::NobodysDomain => texts.nobodys_domain.as_str(),
            }),
            entered: view.entered,
            wish,
            action_path: SIGN_IN_PATH,
        }
    }
}
