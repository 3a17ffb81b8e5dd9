//! Why somebody works: said once a session by whoever's roles know several purposes, and changed when they say so.
//!
//! Until then nothing is decided for them: whoever moves from page to page is led to the choice and on to where they were
//! going, what they posted is kept, and a script is told (`purpose-required`). Whoever has one purpose is never asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use hyper::body::Incoming;

use super::challenge::Redirect;
use super::draft::Draft;
use super::handle::{Answer, Moment};
use super::own_paths::{Asked, FORM_BYTES_MAX, lead, one, parameter, show};
use super::pages::{Page, PurposeView, purpose_address};
use super::refusal::Refusal;
use super::sought::unread;
use super::subject::Known;
use super::{hold, unlock};
use crate::domain::event::EventPurpose;
use crate::domain::purpose::Purpose;
use crate::features::authn::ReturnTo;
use crate::features::session::SessionError;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// What operators call purposes.
pub type PurposeTitles = BTreeMap<Purpose, Arc<str>>;

/// The purposes that somebody may choose from.
pub fn of(moment: &Moment, known: &Known) -> Vec<Purpose> {
    if known.session.program.is_some() {
        return Vec::new();
    }
    moment.current.rules.policy.purposes_of(&known.identity.roles)
}

/// Purposes, with what operators call them.
pub fn choices<'m>(moment: &'m Moment, purposes: &[Purpose]) -> Vec<(Purpose, Option<&'m str>)> {
    let titles = &moment.current.rules.purposes;
    purposes.iter().map(|purpose| (*purpose, titles.get(purpose).map(|title| &**title))).collect()
}

/// The choice. Whoever has none goes on.
pub fn page(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let target = target(parameter(asked, "return_to"));
    match asked.person.known() {
        None => Err(unlock::sign_in_first(moment, asked, &purpose_address(&target))),
        Some(known) if of(moment, known).len() < 2 => {
            Ok(lead(moment, &Redirect { location: target, set_cookie: None }))
        }
        Some(known) => Ok(offer(moment, asked, known, &target, StatusCode::OK)),
    }
}

/// Where they go on: a page of an application, or their own.
fn target(wanted: Option<String>) -> String {
    ReturnTo::new(&wanted.unwrap_or_default()).as_str().to_owned()
}

fn offer(moment: &Moment, asked: &Asked, known: &Known, target: &str, status: StatusCode) -> Answer {
    let view = PurposeView {
        choices: choices(moment, &of(moment, known)),
        usual: Some(known.identity.purpose),
        is_change: !known.choice_due,
        return_to: target,
        held: None,
        problem: status != StatusCode::OK,
    };
    show(moment, asked, status, &Page::Purpose(view))
}

/// They have said it; a POST from a page of this host. They go on to what is kept for them, or to where they were going.
pub async fn chosen(
    moment: &Moment,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let target = target(one(&form, "return_to"));
    let Some(known) = asked.person.known() else {
        return Err(unlock::sign_in_first(moment, asked, &target));
    };
    let said = one(&form, "purpose").and_then(|word| word.parse().ok());
    let Some(now) = said.filter(|purpose| of(moment, known).contains(purpose)) else {
        return Ok(offer(moment, asked, known, &target, StatusCode::UNPROCESSABLE_ENTITY));
    };
    match moment.worker.shared.sessions.set_purpose(known.session.id, now, moment.now).await {
        Ok(_) => {}
        // It ended while they chose.
        Err(SessionError::Gone) => return Err(unlock::sign_in_first(moment, asked, &target)),
        Err(error) => {
            tracing::error!(request.id = %moment.event, %error, "a purpose could not be kept");
            return Err(Refusal::StoreUnavailable);
        }
    }
    if let Some(draft) = draft {
        let before = (!known.choice_due).then_some(known.identity.purpose);
        draft.open(|opening| opening.purpose = Some(Box::new(EventPurpose { before, now })));
    }
    let location = hold::after_reason(moment, asked, known.session.subject.id(), &target);
    Ok(lead(moment, &Redirect { location, set_cookie: None }))
}
