//! What a person sees of the gateway itself: refusals, questions, sign-in trouble, their own access.
//!
//! Each page says in plain words what happened, why, what was kept and what can be done next, and
//! carries the request's reference. None shows patient data, a policy's internals or an error's
//! text. Every link leads to a path of this host; an address to return to that is none leads to the
//! first page instead. Whatever is filled in is escaped by the templates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use http::StatusCode;

use crate::domain::action::Action;
use crate::domain::asked::Overreach;
use crate::domain::assurance::{AssuranceNeed, Unproven};
use crate::domain::count::WhyUnknown;
use crate::domain::decision::WayOn;
use crate::domain::degraded::Degraded;
use crate::domain::limit::Exceeded;
use crate::domain::reason::Reason;
use crate::domain::risk::Sign;
use crate::features::route::settings::Downtime;
use crate::foundation::id::{HoldId, RequestId};
use crate::platform::page::Layout;

mod break_glass;
mod breaks;
mod choose;
mod held;
mod justification;
mod justify;
mod link;
mod me;
mod messages;
mod notice;
mod purpose;
mod step;
#[cfg(test)]
mod tests;

use break_glass::BreakGlassPage;
pub use break_glass::{BreakGlassView, BreakProblem, read_words};
use breaks::BreaksPage;
pub use breaks::BreaksView;
use choose::ChoosePage;
pub use choose::{ChooseProblem, ChooseView};
use held::HeldPage;
pub use held::{HeldEntry, HeldView};
pub use justification::{
    Entered, Given, JustificationCode, JustifyProblem, NUMBER_CHARACTERS_MAX, RECIPIENT_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX, read_justification,
};
use justify::JustifyPage;
pub use justify::JustifyView;
pub use link::{
    ANEW, BREAK_GLASS_END_PATH, BREAK_GLASS_PATH, BREAK_GLASS_TEXT_PATH, ELSEWHERE, HELD_DISCARD_PATH,
    HELD_PATH, HELD_SHOW_PATH, JUSTIFY_PATH, ME_END_PATH, ME_FORGET_PATH, ME_PATH, PURPOSE_PATH,
    SIGN_IN_PATH, SIGN_OUT_PATH, STEP_UP_PATH, STYLESHEET_PATH, break_glass_address, purpose_address,
    same_origin_path, sign_in as sign_in_link, sign_in_address, step_up as step_up_link,
};
use me::MePage;
pub use me::{MeView, PlacesView};
use messages::Messages;
use notice::Desk;
use purpose::PurposePage;
pub use purpose::PurposeView;

pub use crate::platform::page::STYLESHEET;
pub use crate::platform::page::language::Language;

/// What stands around every page.
#[derive(Clone, Copy)]
pub struct PageFrame<'a> {
    /// The language of the page.
    pub language: Language,
    /// The application that the request was for.
    pub application: Option<&'a str>,
    /// The request; its event is found by it.
    pub reference: RequestId,
    /// The name of the person signed in.
    pub person: Option<&'a str>,
    /// Whether one may sign in at several providers here.
    pub is_choice: bool,
    /// By what it is refused, where that is written down.
    pub written: Option<Written<'a>>,
}

/// What is written down of a refusal, and whom to ask.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The rules that have decided, by their ids; none where no rule permits.
    pub rules: &'a [Arc<str>],
    /// The version of the configuration.
    pub version: &'a str,
    /// The standard that asks for it.
    pub reference: &'static str,
    /// Whom to ask.
    pub contact: Option<&'a str>,
    /// By when they have an answer.
    pub answer_within: Option<Duration>,
    /// Where the risk is written down that the rules meet.
    pub risk: Option<&'a str>,
}

/// A page of the gateway.
pub enum Page<'a> {
    /// The policy said no.
    Denied {
        /// The most telling reason.
        reason: Reason,
        /// What was asked for, if that is known.
        action: Option<Action>,
        /// What would unlock it, the cheapest first.
        ways_on: &'a [WayOn],
        /// Where to go on once it is unlocked.
        return_to: &'a str,
    },
    /// More than the role may have, and blocked.
    TooMuch {
        /// The limit that was passed.
        exceeded: Exceeded,
        /// What was asked for.
        action: Action,
        /// What would let it pass.
        ways_on: &'a [WayOn],
        /// Where to go on then.
        return_to: &'a str,
    },
    /// A file whose records could not be counted, and blocked for that.
    CountUnknown {
        /// What was asked for.
        action: Action,
        /// Why it could not be counted.
        why: WhyUnknown,
    },
    /// What is withheld could not be taken out, so that nothing of it passes.
    Unredactable {
        /// What was asked for.
        action: Action,
    },
    /// What came is longer than can be held until it is known whether it may pass.
    TooLong {
        /// What was asked for.
        action: Action,
    },
    /// More, or something else, is asked for than may be.
    Asked {
        /// What, and what is allowed.
        overreach: &'a Overreach,
    },
    /// The form for a reason.
    Justify(JustifyView<'a>),
    /// The question whether it is an emergency.
    BreakGlass(BreakGlassView<'a>),
    /// What somebody has open in an emergency, and owes.
    Breaks(BreaksView<'a>),
    /// A stronger sign-in is needed, where a redirect would lose what was sent or say too little.
    StepUp {
        /// What is needed.
        need: &'a AssuranceNeed,
        /// The risk that is why, if one is.
        risk: Option<Sign>,
        /// Whether something was sent that a redirect would lose.
        sent: bool,
        /// The limit that was passed, if that is why.
        exceeded: Option<Exceeded>,
        /// Where to go on.
        return_to: &'a str,
        /// For how long what was posted is kept, if it is.
        held: Option<Duration>,
    },
    /// A sign-in is needed, where a redirect would lose what was sent.
    SignIn {
        /// Where to go on.
        return_to: &'a str,
        /// Whether there was a session before.
        expired: bool,
        /// What was posted, if it is kept, and for how long.
        held: Option<(HoldId, Duration)>,
    },
    /// A sign-in may begin at several providers.
    Choose(ChooseView<'a>),
    /// The person has to say why they work, or wants to.
    Purpose(PurposeView<'a>),
    /// The session waits for its person. Says nothing of who that is: anybody may stand before it.
    Locked {
        /// Where they go on.
        return_to: &'a str,
        /// Whether something was sent that was not passed on.
        sent: bool,
        /// What was posted, if it is kept, and for how long.
        held: Option<(HoldId, Duration)>,
    },
    /// The provider came back below what was asked for.
    AssuranceNotProven {
        /// What was asked for, and what of it was lacking.
        unproven: &'a Unproven,
        /// Where to go on.
        return_to: &'a str,
    },
    /// Signing in did not work.
    SignInProblem {
        /// Why.
        reason: Reason,
        /// Where to go on.
        return_to: &'a str,
    },
    /// The directory says that the person may not sign in.
    Barred {
        /// Why.
        reason: Reason,
    },
    /// Something is down.
    Unavailable {
        /// What.
        reason: Reason,
        /// The same page again, if asking again changes nothing (GET); `None` where something was
        /// sent that the application may have carried out.
        retry: Option<&'a str>,
        /// What people do meanwhile, where the application says that.
        downtime: Option<&'a Downtime>,
    },
    /// The session that was to end has ended, but that could not be kept.
    EndedUnkept {
        /// Why not.
        reason: Reason,
    },
    /// The request cannot be read, or leads nowhere.
    NotUnderstood {
        /// Why.
        reason: Reason,
    },
    /// The session has ended by the person's own wish.
    SignedOut {
        /// Whether it has ended at the provider too.
        at_provider: bool,
        /// Where signing in begins: a path of this host.
        sign_in: &'a str,
    },
    /// A sign-in in a window of its own has ended.
    SignedIn {
        /// What tells the page that opened the window; a text of ours.
        script: &'static str,
    },
    /// What the person had typed and could not send.
    Held(HeldView<'a>),
    /// What was kept has been sent, and the application did not take it.
    NotTaken {
        /// The status that it answered with.
        status: StatusCode,
        /// The page that the form was on.
        return_to: &'a str,
    },
    /// What was kept was not sent: the page that its form was on does not give what belongs to it.
    NotReady {
        /// That page.
        return_to: &'a str,
    },
    /// Who the person is here.
    Me(MeView<'a>),
}

/// `page` as HTML.
pub fn render(frame: &PageFrame<'_>, page: &Page<'_>) -> String {
    let messages = Messages::of(frame.language);
    let desk = Desk { frame, messages };
    let rendered = match *page {
        Page::Denied { reason, action, ways_on, return_to } => {
            desk.denied(reason, action, ways_on, return_to).render()
        }
        Page::TooMuch { ref exceeded, action, ways_on, return_to } => {
            desk.too_much(exceeded, action, ways_on, return_to).render()
        }
        Page::Asked { overreach } => desk.asked(overreach).render(),
        Page::CountUnknown { action, why } => desk.count_unknown(action, why).render(),
        Page::Unredactable { action } => desk.unredactable(action).render(),
        Page::TooLong { action } => desk.too_long(action).render(),
        Page::Justify(ref view) => JustifyPage::new(frame, messages, view).render(),
        Page::BreakGlass(ref view) => BreakGlassPage::new(frame, messages, view).render(),
        Page::Breaks(ref view) => BreaksPage::new(frame, messages, view).render(),
        Page::StepUp { need, risk, sent, ref exceeded, return_to, held } => {
            desk.step_up(need, (risk, exceeded.as_ref()), return_to, (sent, held)).render()
        }
        Page::SignIn { return_to, expired, held } => desk.sign_in(return_to, expired, held).render(),
        Page::Choose(ref view) => ChoosePage::new(frame, messages, view).render(),
        Page::Purpose(ref view) => PurposePage::new(frame, messages, view).render(),
        Page::Locked { return_to, sent, held } => desk.locked(return_to, sent, held).render(),
        Page::AssuranceNotProven { unproven, return_to } => {
            desk.assurance_not_proven(unproven, return_to).render()
        }
        Page::SignInProblem { reason, return_to } => desk.sign_in_problem(reason, return_to).render(),
        Page::Barred { reason } => desk.barred(reason).render(),
        Page::Unavailable { reason, retry, downtime } => desk.unavailable(reason, retry, downtime).render(),
        Page::EndedUnkept { reason } => desk.ended_unkept(reason).render(),
        Page::NotUnderstood { reason } => desk.not_understood(reason).render(),
        Page::SignedOut { at_provider, sign_in } => desk.signed_out(at_provider, sign_in).render(),
        Page::SignedIn { script } => desk.signed_in(script).render(),
        Page::Held(ref view) => HeldPage::new(frame, messages, view).render(),
        Page::NotTaken { status, return_to } => desk.not_taken(status, return_to).render(),
        Page::NotReady { return_to } => desk.not_ready(return_to).render(),
        Page::Me(ref view) => MePage::new(frame, messages, view).render(),
    };
    // Writing to a string does not fail; if it ever did, the status and the headers still tell.
    rendered.unwrap_or_else(|error| {
        tracing::error!(request.id = %frame.reference, %error, "a page could not be rendered");
        String::new()
    })
}

/// A short text for `reason`, for headings and the titles of problem documents.
pub fn title(reason: Reason, language: Language) -> &'static str {
    Messages::of(language).reason.of(reason).title.as_str()
}

/// What our script says beside a page of an application, by the names under which it asks for it.
pub fn words_beside(language: Language) -> serde_json::Value {
    let words = &Messages::of(language).beside;
    serde_json::json!({
        "ended": words.ended.as_str(),
        "more": words.more.as_str(),
        "locks": words.locks.as_str(),
        "ends": words.ends.as_str(),
        "sign_in": words.sign_in.as_str(),
        "stay": words.stay.as_str(),
        "later": words.later.as_str(),
    })
}

/// What our script says there of degraded modes, the worst first; none where there are none.
pub fn degraded_beside(states: &[Degraded], language: Language) -> Option<serde_json::Value> {
    let messages = Messages::of(language);
    let texts: Vec<_> = states.iter().map(|state| messages.degraded.of(*state).as_str()).collect();
    Some(serde_json::json!({
        "states": states,
        "color": states.iter().map(|state| state.color()).max()?,
        "text": texts.join(" "),
        "aside": messages.beside.aside.as_str(),
    }))
}

/// The `Content-Security-Policy` of every page. Ending a session may redirect the form to the
/// provider, so its origin (`https://id.clinic.example`) is allowed as a form's destination.
pub fn content_security_policy(provider_origin: Option<&str>) -> String {
    // Whatever could end the directive or add a source is no origin.
    let plain = |origin: &&str| {
        origin.starts_with("http")
            && origin
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'/' | b'[' | b']'))
    };
    let form_action = match provider_origin.filter(plain) {
        Some(origin) => format!("'self' {origin}"),
        None => "'self'".to_owned(),
    };
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action {form_action}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

impl fmt::Debug for PageFrame<'_> {
    // A person's name is nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageFrame").field("reference", &self.reference).finish_non_exhaustive()
    }
}

impl fmt::Debug for Page<'_> {
    // An address to return to may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page(..)")
    }
}

/// The layout around a page called `title`.
fn layout<'a>(frame: &PageFrame<'a>, messages: &'a Messages, title: impl Into<String>) -> Layout<'a> {
    Layout {
        language: frame.language,
        title: title.into(),
        application: frame.application,
        person: frame.person,
        person_page: ME_PATH,
        reference: Some(frame.reference.to_string()),
        stylesheet: STYLESHEET_PATH,
        script: None,
        texts: &messages.layout,
    }
}

/// What the page calls the application.
fn application<'a>(frame: &PageFrame<'a>, messages: &'a Messages) -> &'a str {
    frame.application.unwrap_or(&messages.layout.this_application)
}
