//! A form that is challenged is kept, if it may be and there is room.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, ORIGIN, REFERER};
use http::request::Parts;
use http::{HeaderValue, Method};
use http_body::Body as _;

use super::super::draft::Draft;
use super::super::manner::{Audience, is_same_origin};
use super::super::passage::Passage;
use super::super::refusal::Refusal;
use super::super::subject::Person;
use super::{Held, browser, note};
use crate::domain::event::HoldStep;
use crate::domain::subject::SubjectId;
use crate::features::authn::binding_cookie;
use crate::features::hold::settings::HoldSettings;
use crate::features::hold::{Browser, New, Place, Typed};
use crate::features::upstream::send::RequestBody;
use crate::platform::http::body::read_bounded;

/// The refusal of a request, with what is kept of it.
pub async fn keep(
    passage: &Passage<'_>,
    refusal: Refusal,
    parts: &Parts,
    body: RequestBody,
    draft: &mut Option<Draft>,
) -> Refusal {
    let Refusal::Challenge(mut challenged) = refusal else { return refusal };
    challenged.held = match passage.resumes {
        // It was kept before, and still is.
        Some(held) => Some(held.clone()),
        None => put_aside(passage, parts, body, draft).await,
    };
    Refusal::Challenge(challenged)
}

async fn put_aside(
    passage: &Passage<'_>,
    parts: &Parts,
    body: RequestBody,
    draft: &mut Option<Draft>,
) -> Option<Held> {
    let HoldSettings { lifetime, body_bytes, .. } = settings(passage, parts)?;
    let (browser, set_cookie) = known_or_new(passage)?;
    let new = new(passage, &browser, lifetime);
    let person = new.person.clone();
    let place = room(passage, &new, &body, body_bytes)?;
    let typed = Typed { body: read(body, body_bytes, draft).await?, ..typed(passage, parts)? };
    let holds = &passage.moment.worker.shared.holds;
    match holds.put(place, new, &typed, passage.moment.now).await {
        Ok((id, until)) => {
            note(draft, id, HoldStep::Held, person);
            Some(Held { id, lifetime: until.since(passage.moment.now), set_cookie })
        }
        Err(error) => {
            tracing::error!(request.id = %passage.moment.event, error = %error, "an entry could not be kept");
            None
        }
    }
}

/// The browser, and the cookie by which it is known again if it has none yet.
fn known_or_new(passage: &Passage<'_>) -> Option<(Browser, Option<HeaderValue>)> {
    if let Some(browser) = browser(passage.manner) {
        return Some((browser, None));
    }
    let browser = Browser::generate(&*passage.moment.worker.shared.entropy);
    let cookie = HeaderValue::from_str(&binding_cookie(browser.reveal())).ok()?;
    Some((browser, Some(cookie)))
}

fn new<'b>(passage: &Passage<'_>, browser: &'b Browser, lifetime: Duration) -> New<'b> {
    let head = &passage.normalized.head;
    New {
        browser,
        person: whose(passage),
        address: head.client,
        host: head.authority.host.as_ref().into(),
        application: passage.application.name.clone(),
        route: passage.part.route.as_ref().map(|route| route.name.clone()),
        lifetime,
    }
}

/// Room for the body, before it is read.
fn room(passage: &Passage<'_>, new: &New<'_>, body: &RequestBody, bytes_max: usize) -> Option<Place> {
    let request = passage.moment.event;
    let expected = match body.size_hint().exact() {
        Some(bytes) => usize::try_from(bytes).ok().filter(|bytes| *bytes <= bytes_max),
        None => Some(bytes_max),
    };
    let Some(expected) = expected else {
        tracing::info!(request.id = %request, "an entry is too large to be kept");
        return None;
    };
    match passage.moment.worker.shared.holds.reserve(new, expected) {
        Ok(place) => Some(place),
        Err(error) => {
            tracing::warn!(request.id = %request, error = %error, "an entry is not kept");
            None
        }
    }
}

/// How it is kept, if it is one of those that are.
pub(super) fn settings(passage: &Passage<'_>, parts: &Parts) -> Option<HoldSettings> {
    let settings = passage.moment.current.rules.holds.get(passage.application.index)?;
    let route_keeps = passage.part.route.as_ref().is_none_or(|route| route.hold);
    let is_form = parts.method == Method::POST
        && passage.entries.is_empty()
        && passage.manner.audience() == Audience::Person
        && is_same_origin(&parts.headers, passage.manner.authority())
        && !parts.headers.contains_key(CONTENT_ENCODING)
        && field(parts, CONTENT_TYPE).is_some_and(|kind| is_kept(&kind));
    (settings.enabled && route_keeps && is_form).then_some(*settings)
}

/// Whether bodies of this media type are.
fn is_kept(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    KINDS.iter().any(|kind| essence.eq_ignore_ascii_case(kind))
}

/// Whose it is: somebody's who is signed in, or whose session is over.
fn whose(passage: &Passage<'_>) -> Option<SubjectId> {
    match &passage.person {
        Person::Known(known) => Some(known.session.subject.id()),
        Person::Locked(locked) => Some(locked.session.subject.id()),
        Person::Nobody(_) => {
            let head = &passage.normalized.head;
            let token = head.session.value()?;
            passage.moment.worker.shared.sessions.whose(token.reveal(), &head.authority.host)
        }
    }
}

/// All but the body.
fn typed(passage: &Passage<'_>, parts: &Parts) -> Option<Typed> {
    Some(Typed {
        target: passage.normalized.target().as_str().to_owned(),
        content_type: field(parts, CONTENT_TYPE)?,
        origin: field(parts, ORIGIN),
        referer: field(parts, REFERER),
        body: Bytes::new(),
    })
}

async fn read(body: RequestBody, bytes_max: usize, draft: &mut Option<Draft>) -> Option<Bytes> {
    let bytes = match body {
        RequestBody::Held(full) => full.bytes(),
        RequestBody::Streaming(incoming, _) => read_bounded(incoming, bytes_max).await.ok()?,
    };
    if let Some(draft) = draft {
        draft.count_in(Rc::new(Cell::new(bytes.len() as u64)));
    }
    (bytes.len() <= bytes_max).then_some(bytes)
}

fn field(parts: &Parts, name: HeaderName) -> Option<String> {
    let value = parts.headers.get(name)?.to_str().ok()?;
    (value.len() <= FIELD_BYTES_MAX).then(|| value.to_owned())
}

/// What browsers send forms as, and what people send from a page in another way.
const KINDS: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "application/json"];
const FIELD_BYTES_MAX: usize = 4096;
