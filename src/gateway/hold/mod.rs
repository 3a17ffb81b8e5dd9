//! A form that met an ended session or needs a step-up is kept (`keep`; where only its reply can tell, a copy is made before it is
//! sent: `copy`), shown to its person after they have signed
//! in (`own`), and sent once, when they say so, as a request like any other (`send`).
//!
//! It is kept for browsers in which a person moves from page to page, and for forms of the host's own pages: what
//! another site makes a browser post is not kept, or a press of our button would send it. Programs and scripts are
//! told 401 and have their text still.

mod copy;
mod gone;
mod graft;
mod keep;
mod own;
mod page_cookies;
mod send;

use std::time::Duration;

use http::HeaderValue;

pub use copy::{Copy, copies, copy};
pub use gone::throw_away;
pub use keep::keep;
pub use own::answer;
pub use send::{Coming, Named, named, send};

use super::draft::Draft;
use super::handle::Moment;
use super::manner::Manner;
use super::own_paths::Asked;
use super::pages::HELD_PATH;
use super::refusal::Refusal;
use crate::domain::event::{EventHold, HoldStep};
use crate::domain::subject::SubjectId;
use crate::features::authn::Finished;
use crate::features::browser::script::SIGNED_IN_PATH;
use crate::features::hold::{Browser, Holds, Visit};
use crate::foundation::id::HoldId;

/// What is kept of a request that was challenged.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which.
    pub id: HoldId,
    /// For how long, from now.
    pub lifetime: Duration,
    /// The cookie by which the browser is known again, if it has none yet.
    pub set_cookie: Option<HeaderValue>,
}

/// The browser that asks, by the cookie that binds sign-ins to it.
fn browser(manner: &Manner) -> Option<Browser> {
    manner.binding().and_then(|cookie| Browser::of(cookie.reveal()))
}

/// The cookie that goes with the telling of a refusal.
pub fn cookie(refusal: &Refusal) -> Option<HeaderValue> {
    let Refusal::Challenge(challenged) = refusal.alone() else { return None };
    challenged.held.as_ref()?.set_cookie.clone()
}

/// Where to go on after trouble with what was to be sent: it is still there.
pub fn retry(manner: &Manner) -> Option<&'static str> {
    manner.target().contains(send::PARAMETER).then_some(HELD_PATH)
}

fn note(draft: &mut Option<Draft>, id: HoldId, step: HoldStep, person: Option<SubjectId>) {
    let Some(draft) = draft else { return };
    let hold = Some(Box::new(EventHold { id, step, person }));
    if draft.is_journaled() {
        draft.end(|closing| closing.hold = hold);
    } else {
        draft.open(|opening| opening.hold = hold);
    }
}

/// Where somebody goes who has just signed in: to what is kept for them, or to where they wanted.
pub async fn after_sign_in(
    moment: &Moment,
    asked: &Asked,
    finished: &Finished,
    draft: &mut Option<Draft>,
) -> String {
    let target = finished.return_to.as_str();
    let Some(visitor) = Visitor::new(moment, asked, finished.subject.id()) else { return target.to_owned() };
    let arrived = match finished.held {
        Some(had) => visitor.holds().arrive(had, visitor.visit(), moment.now).await,
        None => Ok(None),
    };
    match arrived {
        Ok(None) => {}
        // The page that they came from was another person's, and so was the one that the form was on.
        Ok(Some(others)) => {
            note(draft, others, HoldStep::Hidden, None);
            return visitor.or_held("/");
        }
        Err(error) => {
            tracing::error!(request.id = %moment.event, error = %error, "a held entry may be lost with a restart");
        }
    }
    visitor.or_held(target)
}

/// Where somebody goes who has done what was asked of them: to what is kept for them, or to where they wanted.
pub fn after_reason(moment: &Moment, asked: &Asked, person: SubjectId, target: &str) -> String {
    Visitor::new(moment, asked, person).map_or_else(|| target.to_owned(), |visitor| visitor.or_held(target))
}

/// Somebody who is signed in, in a browser that is known.
struct Visitor<'a> {
    moment: &'a Moment,
    asked: &'a Asked,
    person: SubjectId,
    browser: Browser,
}

impl<'a> Visitor<'a> {
    /// The person who asks; none where their browser is not known, for which nothing can be kept.
    fn new(moment: &'a Moment, asked: &'a Asked, person: SubjectId) -> Option<Self> {
        Some(Self { moment, asked, person, browser: browser(&asked.manner)? })
    }

    fn holds(&self) -> &'a Holds {
        &self.moment.worker.shared.holds
    }

    fn visit(&self) -> Visit<'_> {
        Visit { browser: &self.browser, person: &self.person, host: &self.asked.head.authority.host }
    }

    /// The page of what is kept for them, if anything is, with where they wanted to go; or that.
    fn or_held(&self, target: &str) -> String {
        // A window of its own goes back to the page that opened it.
        let is_window = target.split('?').next() == Some(SIGNED_IN_PATH);
        if is_window || !self.holds().has_any(self.visit(), self.moment.now) {
            return target.to_owned();
        }
        let place = format!("{HELD_PATH}?");
        let mut query = url::form_urlencoded::Serializer::for_suffix(place, HELD_PATH.len() + 1);
        query.append_pair("return_to", target).finish()
    }
}
