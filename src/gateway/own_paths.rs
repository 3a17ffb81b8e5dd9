//! Our own paths on every application's host: below `/.leastway/`, and the key of our assertions where
//! applications look for such things (RFC 8615). Never subject to an application's policy, never
//! forwarded, always recorded.

use bytes::Bytes;
use http::header::{HeaderName, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode};
use hyper::body::Incoming;

use super::challenge::{self, Leading, Redirect};
use super::chooser::Door;
use super::draft::Draft;
use super::handle::{Answer, Moment, note_person};
use super::manner::{Manner, is_same_origin};
use super::normalize::fault::Fault;
use super::normalize::{self, Head};
use super::own_path_table::{OwnPath, Row};
use super::pages::{self, Page, PageFrame};
use super::refusal::Refusal;
use super::reply::{HTML, own_head, with_text};
use super::subject::Person;
use super::{
    back_channel, beside, break_glass, callback, chooser, device_key, hold, justify, leaving, my_sessions,
    provisioning, purpose, risk, signals, unlock,
};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::event::{EventKind, Outcome};
use crate::features::authn::ReturnTo;
use crate::features::route::table::Application;
use crate::platform::http::pace::Paced;

/// A request to ourselves.
#[derive(Debug)]
pub struct Asked {
    /// Its head, stripped.
    pub parts: Parts,
    /// What was read of it.
    pub head: Head,
    /// How it wants to be answered.
    pub manner: Manner,
    /// Who asks.
    pub person: Person,
}

/// Answers a request to one of them.
pub async fn answer(
    moment: &Moment,
    path: &str,
    asked: Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let row = Row::of(path);
    note(draft, path, row, &asked);
    let post = asked.parts.method == Method::POST;
    let from_anywhere = row.is_some_and(Row::minds_no_origin);
    if post && !from_anywhere && !is_same_origin(&asked.parts.headers, asked.manner.authority()) {
        return Err(Refusal::CrossSite);
    }
    let row = row.filter(|row| row.takes(&asked.parts.method)).ok_or(Refusal::RouteNotFound)?;
    match row.is {
        OwnPath::BackChannel => back_channel::logout(moment, &asked, incoming, draft).await,
        OwnPath::Beside => beside::answer(moment, path, &asked),
        OwnPath::BreakGlass if post => Box::pin(break_glass::answered(moment, &asked, incoming, draft)).await,
        OwnPath::BreakGlass => break_glass::page(moment, &asked),
        OwnPath::BreakGlassEnd => Box::pin(break_glass::ended(moment, &asked, incoming, draft)).await,
        OwnPath::BreakGlassText => Box::pin(break_glass::attested(moment, &asked, incoming, draft)).await,
        OwnPath::Callback => callback::answer(moment, path, &asked, draft).await,
        OwnPath::DeviceKey => Box::pin(device_key::answer(moment, &asked, draft)).await,
        OwnPath::Held => hold::answer(moment, path, &asked, incoming, draft).await,
        OwnPath::Justify if post => justify::given(moment, &asked, incoming).await,
        OwnPath::Justify => Ok(justify::form(moment, &asked)),
        OwnPath::Keys => {
            let keys = moment.worker.shared.node_keys.jwks(moment.now).await;
            Ok(asset(moment, "application/jwk-set+json", keys))
        }
        OwnPath::Me => my_sessions::me(moment, &asked),
        OwnPath::MeEnd => my_sessions::end(moment, &asked, incoming).await,
        OwnPath::MeForget => my_sessions::forget(moment, &asked).await,
        OwnPath::Purpose if post => purpose::chosen(moment, &asked, incoming, draft).await,
        OwnPath::Purpose => purpose::page(moment, &asked),
        OwnPath::Scim => Box::pin(provisioning::answer(moment, path, &asked, incoming, draft)).await,
        OwnPath::SignIn if post => chooser::chosen(moment, &asked, incoming).await,
        OwnPath::SignIn => chooser::sign_in(moment, &asked).await,
        OwnPath::SignOut => Box::pin(leaving::sign_out(moment, &asked, draft)).await,
        OwnPath::Signals => Box::pin(signals::answer(moment, &asked, incoming, draft)).await,
        OwnPath::SignedOut => Ok(leaving::signed_out(moment, &asked.manner, true)),
        OwnPath::StepUp => step_up(moment, &asked).await,
        OwnPath::Stylesheet => Ok(asset(moment, "text/css; charset=utf-8", pages::STYLESHEET.to_owned())),
    }
}

/// Whether one of our own paths is answered whoever asks, so that nothing needs to be known of anybody.
pub fn asks_of_nobody(path: &str) -> bool {
    Row::of(path).is_some_and(Row::asks_of_nobody)
}

fn note(draft: &mut Option<Draft>, path: &str, row: Option<&Row>, asked: &Asked) {
    if let Some(draft) = draft {
        draft.open(|opening| {
            opening.kind = row.map_or(EventKind::OwnPath, |row| row.kind);
            let path: String = path.chars().take(OWN_PATH_CHARACTERS_MAX).collect();
            opening.path = Some(path.into());
        });
    }
    note_person(draft, &asked.person);
}

/// The query's parameters of ours. One that comes twice counts as absent.
pub(super) fn parameter(asked: &Asked, name: &str) -> Option<String> {
    one(asked.head.target().query().unwrap_or_default().as_bytes(), name)
}

pub(super) fn one(form: &[u8], name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(form).filter(|(key, _)| key == name);
    let value = found.next().map(|(_, value)| value.into_owned());
    value.filter(|_| found.next().is_none())
}

pub(super) fn return_to(asked: &Asked) -> String {
    ReturnTo::new(&parameter(asked, "return_to").unwrap_or_default()).as_str().to_owned()
}

/// The application that a path of this host belongs to.
pub(super) fn application<'m>(
    moment: &'m Moment,
    asked: &Asked,
    target: &str,
) -> Option<&'m std::sync::Arc<Application>> {
    let located = |target: &PathAndQuery| {
        normalize::locate(&moment.current.rules.routes, &asked.head.authority.host, target).ok()
    };
    let target: PathAndQuery = ReturnTo::page(target).parse().ok()?;
    located(&target).or_else(|| located(&PathAndQuery::from_static("/"))).map(|(application, _)| application)
}

async fn step_up(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let target = return_to(asked);
    let malformed = || Refusal::from(Fault::malformed("step-up: needs a class of assurance"));
    let class = parameter(asked, "class").and_then(|class| class.parse().ok()).ok_or_else(malformed)?;
    let fresh = parameter(asked, "fresh").and_then(|seconds| seconds.parse().ok());
    let need = AssuranceNeed { class, fresh: fresh.map(std::time::Duration::from_secs) };
    let application = application(moment, asked, &target).ok_or(Refusal::HostUnknown)?;
    let theirs = match &asked.person {
        Person::Known(known) => Some(&known.session),
        Person::Locked(locked) => Some(&locked.session),
        Person::Nobody(_) => None,
    };
    let session = theirs.filter(|session| application.admits(&session.provider));
    // What a step-up proves is for the provider to say that vouches for the session.
    let door =
        session.map_or_else(|| Door::of(application, &asked.manner), |it| Door::At(it.provider.clone()));
    let Door::At(provider) = door else {
        let location = pages::sign_in_address(&target);
        return Ok(lead(moment, &Redirect { location, set_cookie: None }));
    };
    let anew = risk::asks_anew(moment, &asked.person, &asked.manner, &need.class);
    let (_, again) = unlock::by_sign_in(&asked.person, &provider, anew);
    let leading = Leading {
        provider: &provider,
        need: Some(&need),
        session: session.map(|session| &**session),
        again,
        return_to: &target,
        held: None,
        login_hint: None,
    };
    let redirect = challenge::begin(moment, leading, &asked.manner).await?;
    Ok(lead(moment, &redirect))
}

pub(super) fn show(moment: &Moment, asked: &Asked, status: StatusCode, page: &Page<'_>) -> Answer {
    show_to(moment, &asked.manner, &asked.person, status, page)
}

/// A page of ours as an answer.
pub(super) fn show_to(
    moment: &Moment,
    manner: &Manner,
    person: &Person,
    status: StatusCode,
    page: &Page<'_>,
) -> Answer {
    let frame = PageFrame {
        language: manner.language(),
        application: None,
        reference: moment.event,
        person: person.known().map(|known| &*known.session.subject.name),
        is_choice: chooser::is_choice(moment, manner, "/"),
        written: None,
    };
    let text = pages::render(&frame, page);
    Answer::Own(with_text(own_head(status, None, moment.event), HTML, text), Outcome::Completed)
}

pub(super) fn asset(moment: &Moment, media_type: &'static str, text: String) -> Answer {
    let mut reply = with_text(own_head(StatusCode::OK, None, moment.event), media_type, text);
    let an_hour = HeaderValue::from_static("public, max-age=3600");
    reply.headers_mut().insert(http::header::CACHE_CONTROL, an_hour);
    Answer::Own(reply, Outcome::Completed)
}

pub(super) fn lead(moment: &Moment, redirect: &Redirect) -> Answer {
    let mut reply = own_head(StatusCode::SEE_OTHER, None, moment.event).map(|()| Bytes::new());
    if let Ok(location) = HeaderValue::from_str(&redirect.location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    let answer = Answer::Own(reply, Outcome::Completed);
    match &redirect.set_cookie {
        Some(cookie) => with_cookie(answer, cookie),
        None => answer,
    }
}

pub(super) fn with_cookie(answer: Answer, cookie: &str) -> Answer {
    match HeaderValue::from_str(cookie) {
        Ok(cookie) => with_field(answer, SET_COOKIE, cookie),
        Err(_) => answer,
    }
}

pub(super) fn with_field(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    if let Answer::Own(reply, _) = &mut answer {
        reply.headers_mut().append(name, value);
    }
    answer
}

pub(super) const FORM_BYTES_MAX: usize = 16 * 1024;
const OWN_PATH_CHARACTERS_MAX: usize = 64;
