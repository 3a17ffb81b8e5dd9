//! Our own paths on every application's host: below `/.leastway/`, and the key of our assertions where
//! applications look for such things (RFC 8615). Never subject to an application's policy, never
//! forwarded, always recorded.

use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode};
use hyper::body::Incoming;

use super::back_channel::{self, BACK_CHANNEL_PATH};
use super::challenge::{self, Redirect};
use super::draft::Draft;
use super::handle::{Answer, Moment, note_person};
use super::hold;

use super::manner::{Manner, is_same_origin};
use super::normalize::fault::Fault;
use super::normalize::{self, Head};
use super::pages::{
    self, JUSTIFY_PATH, ME_PATH, MeView, Page, PageFrame, SIGN_IN_PATH, SIGN_OUT_PATH, STEP_UP_PATH,
    STYLESHEET_PATH,
};
use super::refusal::Refusal;
use super::reply::{HTML, own_head, with_text};
use super::sought::unread;
use super::subject::Person;
use super::turnstile;
use crate::domain::application::{ApplicationName, ProviderName};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::event::{EventKind, Outcome};
use crate::domain::purpose::Purpose;
use crate::domain::revocation::{Cause, Target};
use crate::domain::subject::Justification;
use crate::features::authn::{AuthnError, Finished, Previous, ReturnTo};
use crate::features::route::table::Application;
use crate::features::session::{Found, NewSession, Renewal, SessionError, SessionToken};
use crate::foundation::secret::Secret;
use crate::platform::http::body::read_bounded;
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

/// Where the provider sends people back to.
pub fn callback_uri(authority: &str) -> String {
    format!("https://{authority}{CALLBACK_PATH}")
}

/// Answers a request to one of them.
pub async fn answer(
    moment: &Moment,
    path: &str,
    asked: Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    note(draft, path, &asked);
    let get = matches!(asked.parts.method, Method::GET | Method::HEAD);
    let post = asked.parts.method == Method::POST;
    if post && path == BACK_CHANNEL_PATH {
        return back_channel::logout(moment, &asked, incoming, draft).await;
    }
    if post && !is_same_origin(&asked.parts.headers, asked.manner.authority()) {
        return Err(Refusal::CrossSite);
    }
    match path {
        CALLBACK_PATH if get => callback(moment, &asked, draft).await,
        SIGN_IN_PATH if get => sign_in(moment, &asked).await,
        STEP_UP_PATH if get => step_up(moment, &asked).await,
        JUSTIFY_PATH if get => Ok(justify_form(moment, &asked)),
        JUSTIFY_PATH if post => justify(moment, &asked, incoming).await,
        SIGN_OUT_PATH if get || post => sign_out(moment, &asked).await,
        SIGNED_OUT_PATH if get => Ok(signed_out(moment, &asked, true)),
        ME_PATH if get => Ok(me(moment, &asked)),
        STYLESHEET_PATH if get => Ok(asset(moment, "text/css; charset=utf-8", pages::STYLESHEET.to_owned())),
        KEYS_PATH if get => {
            Ok(asset(moment, "application/jwk-set+json", moment.worker.shared.assertion_key.jwks()))
        }
        _ if hold::is_own(path) => hold::answer(moment, path, &asked, incoming, draft).await,
        _ => Err(Refusal::RouteNotFound),
    }
}

fn note(draft: &mut Option<Draft>, path: &str, asked: &Asked) {
    let kind = match path {
        CALLBACK_PATH | SIGN_IN_PATH | STEP_UP_PATH | SIGN_OUT_PATH | BACK_CHANNEL_PATH => {
            EventKind::Authentication
        }
        _ => EventKind::OwnPath,
    };
    if let Some(draft) = draft {
        draft.open(|opening| {
            opening.kind = kind;
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
fn application<'m>(
    moment: &'m Moment,
    asked: &Asked,
    target: &str,
) -> Option<&'m std::sync::Arc<Application>> {
    let located = |target: &PathAndQuery| {
        normalize::locate(&moment.current.rules.routes, &asked.head.authority.host, target).ok()
    };
    let target: PathAndQuery = target.parse().ok()?;
    located(&target).or_else(|| located(&PathAndQuery::from_static("/"))).map(|(application, _)| application)
}

fn provider(moment: &Moment, asked: &Asked, target: &str) -> Result<ProviderName, Refusal> {
    application(moment, asked, target).map(|found| found.provider.clone()).ok_or(Refusal::HostUnknown)
}

async fn sign_in(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let target = return_to(asked);
    let provider = provider(moment, asked, &target)?;
    // What the page that led here told them is kept: whoever comes back from this has it, if nobody else does.
    let held = parameter(asked, "hold").and_then(|id| id.parse().ok());
    let redirect = challenge::begin(moment, &provider, None, None, &asked.manner, &target, held).await?;
    Ok(lead(moment, &redirect))
}

async fn step_up(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let target = return_to(asked);
    let malformed = || Refusal::from(Fault::malformed("step-up: needs a class of assurance"));
    let class = parameter(asked, "class").and_then(|class| class.parse().ok()).ok_or_else(malformed)?;
    let fresh = parameter(asked, "fresh").and_then(|seconds| seconds.parse().ok());
    let need = AssuranceNeed { class, fresh: fresh.map(std::time::Duration::from_secs) };
    let provider = provider(moment, asked, &target)?;
    let known = asked.person.known();
    let redirect =
        challenge::begin(moment, &provider, Some(&need), known, &asked.manner, &target, None).await?;
    Ok(lead(moment, &redirect))
}

/// The provider has sent the person back.
async fn callback(moment: &Moment, asked: &Asked, draft: &mut Option<Draft>) -> Result<Answer, Refusal> {
    turnstile::sign_in(moment)?;
    let query = asked.head.target().query().unwrap_or_default();
    let redirect_uri = callback_uri(asked.manner.authority());
    let binding = asked.manner.binding();
    let binding = binding.as_ref().map(Secret::reveal);
    let finished = match moment.worker.shared.authn.finish(query, binding, &redirect_uri, moment.now).await {
        Ok(finished) => finished,
        // An old tab of somebody who has signed in meanwhile: nothing is wrong.
        Err(AuthnError::UnknownTransaction) if asked.person.known().is_some() => {
            return Ok(lead(moment, &Redirect { location: "/".to_owned(), set_cookie: None }));
        }
        Err(error) => return Err(challenge::failed(error, "/")),
    };
    let location = hold::after_sign_in(moment, asked, &finished, draft).await;
    let (session, token) = establish(moment, asked, finished).await?;
    note_person(draft, &Person::Known(moment.current.known(&session, None)));
    Ok(lead(moment, &Redirect { location, set_cookie: Some(token.set_cookie()) }))
}

/// A new session, or the old one under a new cookie where the same person has stepped up.
async fn establish(
    moment: &Moment,
    asked: &Asked,
    finished: Finished,
) -> Result<(std::sync::Arc<crate::features::session::Session>, SessionToken), Refusal> {
    let sessions = &moment.worker.shared.sessions;
    let Finished {
        subject,
        assurance,
        provider,
        sid,
        id_token,
        previous,
        begun,
        need: _,
        return_to: _,
        held: _,
    } = finished;
    let id_token = Some(id_token);
    match previous {
        Previous::Same(session) => {
            let renewal = Renewal {
                subject: subject.clone(),
                assurance: assurance.clone(),
                provider_sid: sid.clone(),
                id_token: id_token.clone(),
                begun,
            };
            match sessions.rotate(session, renewal, moment.now).await {
                // It expired while its person was at the provider: they have signed in anew. One that somebody has
                // ended does not come back by a sign-in that was begun before.
                Err(SessionError::Gone)
                    if matches!(sessions.current(session, moment.now), Found::Expired) => {}
                rotated => return rotated.map_err(|error| unkept(moment, &error)),
            }
        }
        // Another person at the same browser starts clean.
        Previous::OfAnother(session) => {
            moment.revoke(Target::Session(session), Cause::OtherPerson, None).await?;
        }
        Previous::None => {}
    }
    let policy = &moment.current.rules.policy;
    let purpose = policy.default_purpose(&policy.roles_of(&subject.groups)).unwrap_or(Purpose::Operations);
    let host = asked.head.authority.host.as_ref().into();
    let new = NewSession { host, provider, subject, assurance, purpose, provider_sid: sid, id_token, begun };
    let created = sessions.create(new, moment.now).await.map_err(|error| unkept(moment, &error))?;
    for oldest in sessions.surplus(&created.0.subject.id()) {
        // The person is signed in whatever becomes of it; it is told where it was tried.
        let _told = moment.revoke(Target::Session(oldest), Cause::TooMany, None).await;
    }
    Ok(created)
}

fn unkept(moment: &Moment, error: &SessionError) -> Refusal {
    if matches!(error, SessionError::Gone) {
        // Its person was signed out everywhere while they came back.
        return Refusal::SignInFailed(AuthnError::UnknownTransaction, "/".to_owned());
    }
    tracing::error!(request.id = %moment.event, error = %error, "a session could not be kept");
    Refusal::StoreUnavailable
}

fn justify_form(moment: &Moment, asked: &Asked) -> Answer {
    let return_to = return_to(asked);
    let page = Page::Justify {
        exceeded: None,
        action: None,
        return_to: &return_to,
        entered: pages::Entered::default(),
        problem: None,
        held: None,
    };
    show(moment, asked, StatusCode::OK, &page)
}

/// A reason was given: it counts for the application that the person goes back to.
async fn justify(moment: &Moment, asked: &Asked, incoming: Paced<Incoming>) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let field = |name: &str| one(&form, name).unwrap_or_default();
    let target = ReturnTo::new(&field("return_to")).as_str().to_owned();
    let application = application(moment, asked, &target).ok_or(Refusal::HostUnknown)?;
    let Some(known) = asked.person.known() else {
        let page = Page::SignIn { return_to: &target, expired: true, held: None };
        return Ok(show(moment, asked, StatusCode::UNAUTHORIZED, &page));
    };
    let (code, text) = (field("code"), field("text"));
    let (code, text) = match pages::read_justification(&code, &text) {
        Ok(given) => given,
        Err(problem) => {
            let entered = pages::Entered { code: code.parse().ok(), text: &text };
            let page = Page::Justify {
                exceeded: None,
                action: None,
                return_to: &target,
                entered,
                problem: Some(problem),
                held: None,
            };
            return Ok(show(moment, asked, StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let given = Justification {
        code: code.as_str().to_owned(),
        text,
        application: ApplicationName::clone(&application.name),
        given: moment.now,
    };
    let kept = moment.worker.shared.sessions.justify(known.session.id, given, moment.now).await;
    kept.map_err(|error| {
        tracing::error!(request.id = %moment.event, error = %error, "a reason could not be kept");
        Refusal::StoreUnavailable
    })?;
    let location = hold::after_reason(moment, asked, known.session.subject.id(), &target);
    Ok(lead(moment, &Redirect { location, set_cookie: None }))
}

/// Ends the session, here and at the provider.
async fn sign_out(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let Some(known) = asked.person.known() else { return Ok(signed_out(moment, asked, false)) };
    // A link of another site must not sign anybody out.
    if !is_same_origin(&asked.parts.headers, asked.manner.authority()) {
        return Err(Refusal::CrossSite);
    }
    let session = &known.session;
    // The sessions of this sign-in at our other hosts end with it.
    moment.revoke(Target::SignIn(session.id), Cause::SignOut, Some(known)).await?;
    let back = format!("https://{}{SIGNED_OUT_PATH}", asked.manner.authority());
    let authn = &moment.worker.shared.authn;
    let location = authn.sign_out_url(&session.provider, session.id_token.as_ref(), &back, moment.now).await;
    let cleared = SessionToken::clear_cookie();
    Ok(match location {
        Some(location) => lead(moment, &Redirect { location, set_cookie: Some(cleared) }),
        None => with_cookie(signed_out(moment, asked, false), &cleared),
    })
}

fn signed_out(moment: &Moment, asked: &Asked, at_provider: bool) -> Answer {
    let sign_in = format!("{SIGN_IN_PATH}?return_to=%2F");
    show(moment, asked, StatusCode::OK, &Page::SignedOut { at_provider, sign_in: &sign_in })
}

fn me(moment: &Moment, asked: &Asked) -> Answer {
    let Some(known) = asked.person.known() else {
        let page = Page::SignIn { return_to: ME_PATH, expired: false, held: None };
        return show(moment, asked, StatusCode::UNAUTHORIZED, &page);
    };
    let session = &known.session;
    let view = MeView {
        identity: &known.identity,
        since: session.created,
        idle_end: moment.worker.shared.sessions.idle_end(session),
        absolute_end: session.absolute_end,
        now: moment.now,
        zone: moment.current.rules.policy.zone(),
    };
    show(moment, asked, StatusCode::OK, &Page::Me(view))
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
    };
    let text = pages::render(&frame, page);
    Answer::Own(with_text(own_head(status, None, moment.event), HTML, text), Outcome::Completed)
}

fn asset(moment: &Moment, media_type: &'static str, text: String) -> Answer {
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

fn with_cookie(mut answer: Answer, cookie: &str) -> Answer {
    if let (Answer::Own(reply, _), Ok(cookie)) = (&mut answer, HeaderValue::from_str(cookie)) {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

const CALLBACK_PATH: &str = "/.leastway/callback";
const SIGNED_OUT_PATH: &str = "/.leastway/signed-out";
const KEYS_PATH: &str = "/.well-known/leastway/jwks.json";
pub(super) const FORM_BYTES_MAX: usize = 16 * 1024;
const OWN_PATH_CHARACTERS_MAX: usize = 64;
