//! A form that met an ended session or needs a step-up is kept (`keep`), shown to its person after they have signed
//! in (`own`), and sent once, when they say so, as a request like any other (`send`).
//!
//! It is kept for browsers in which a person moves from page to page, and for forms of the host's own pages: what
//! another site makes a browser post is not kept, or a press of our button would send it. Programs and scripts are
//! told 401 and have their text still.

mod gone;
mod keep;
mod own;
mod send;

use std::time::Duration;

use http::HeaderValue;

pub use gone::throw_away;
pub use keep::keep;
pub use own::{answer, is_own};
pub use send::{Coming, Named, named, send};

use super::draft::Draft;
use super::handle::Moment;
use super::manner::Manner;
use super::own_paths::{Asked, parameter};
use super::pages::HELD_PATH;
use super::refusal::Refusal;
use crate::domain::event::{EventHold, HoldStep};
use crate::domain::subject::SubjectId;
use crate::features::authn::Finished;
use crate::features::hold::{Browser, Visit};
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
    if let Some(draft) = draft {
        draft.open(|opening| opening.hold = Some(Box::new(EventHold { id, step, person })));
    }
}

/// Somebody follows the link of the page that told them that it is kept: whoever comes back from there signed in has
/// it, if nobody else does.
pub fn begun(moment: &Moment, asked: &Asked) {
    let id = parameter(asked, "hold").and_then(|id| id.parse().ok());
    if let (Some(id), Some(browser)) = (id, browser(&asked.manner)) {
        moment.worker.shared.holds.begin(id, &browser, &asked.head.authority.host);
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
    let Some(browser) = browser(&asked.manner) else { return target.to_owned() };
    let person = finished.subject.id();
    let visit = Visit { browser: &browser, person: &person, host: &asked.head.authority.host };
    let arrived = moment.worker.shared.holds.arrive(visit, moment.now).await;
    match arrived {
        Ok(None) => {}
        // The page that they came from was another person's, and so was the one that the form was on.
        Ok(Some(others)) => {
            note(draft, others, HoldStep::Hidden, None);
            return after_reason(moment, asked, &person, "/");
        }
        Err(error) => {
            tracing::error!(request.id = %moment.event, error = %error, "a held entry may be lost with a restart");
        }
    }
    after_reason(moment, asked, &person, target)
}

/// Where somebody goes who has done what was asked of them: to what is kept for them, or to where they wanted.
pub fn after_reason(moment: &Moment, asked: &Asked, person: &SubjectId, target: &str) -> String {
    let holds = &moment.worker.shared.holds;
    let waits = browser(&asked.manner).is_some_and(|browser| {
        holds.has_any(Visit { browser: &browser, person, host: &asked.head.authority.host }, moment.now)
    });
    if !waits {
        return target.to_owned();
    }
    let place = format!("{HELD_PATH}?");
    let mut query = url::form_urlencoded::Serializer::for_suffix(place, HELD_PATH.len() + 1);
    query.append_pair("return_to", target).finish()
}
