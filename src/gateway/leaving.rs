//! Somebody leaves a browser: by signing out here, by the application's own logout, or because another person signs in.
//!
//! Their session is ended first, so that nothing that hangs keeps them signed in; then the applications of the host are
//! asked to end theirs, all at once, by the cookies that the request brings and for a moment at most, and these cookies
//! are taken away; then the provider is their next stop. What they are asked is declared; a body of the caller's goes with
//! it only where the policy permits that. Where a session ends without its browser (an administrator, a directory, expiry)
//! there are no cookies to ask by: the application's own session lasts until it ends by itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, RANGE, SET_COOKIE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body::Body as _;
use serde_json::json;
use tokio::time::timeout;

use super::challenge::Redirect;
use super::chooser;
use super::draft::Draft;
use super::handle::{Answer, Moment, OWN};
use super::manner::{Audience, Manner, is_same_origin};
use super::normalize::Head;
use super::normalize::cookies::server_of;
use super::own_paths::{Asked, lead, show_to, with_cookie};
use super::pages::{Page, SIGN_IN_PATH};
use super::passage::Passage;
use super::refusal::Refusal;
use super::reply::{own_head, with_text};
use super::subject::{self, Known, Person};
use crate::domain::decision::Decision;
use crate::domain::event::{EventKind, Outcome};
use crate::domain::patience::Patience;
use crate::domain::proof::{Journaled, Permit};
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Target};
use crate::features::browser::settings::SignOutSettings;
use crate::features::route::table::Application;
use crate::features::session::{Found, Locked, Session, SessionToken};
use crate::features::upstream::bond::Errand;
use crate::features::upstream::credential::send_as;
use crate::features::upstream::headers::{self, Facts};
use crate::features::upstream::send::RequestBody;
use crate::foundation::id::SessionId;

/// Whoever leaves.
struct Leaver<'a> {
    session: &'a Arc<Session>,
    /// Who they are, where that is decided; of a locked session nothing is shown.
    known: Option<&'a Known>,
}

/// What came from the browser that somebody leaves.
struct Coming<'a> {
    parts: &'a Parts,
    head: &'a Head,
    session: Option<SessionId>,
    /// Whether whoever leaves has asked for it.
    is_asked_for: bool,
}

/// What the browser is told beside.
#[derive(Debug, Default)]
pub struct Farewell {
    cookies: Vec<HeaderValue>,
    clear: Option<HeaderValue>,
}

/// A logout that somebody has sent to an application.
struct Sent {
    application: usize,
    /// What they have written with it, where the policy permits that.
    written: Option<(Permit, RequestBody)>,
}

/// Ends the session, here, at the applications and at the provider. Whoever stands before a locked one may end it, and is
/// shown nothing of whose it is.
pub async fn sign_out(moment: &Moment, asked: &Asked, draft: &mut Option<Draft>) -> Result<Answer, Refusal> {
    // Also of somebody for whom nothing is decided, since the directory bars them.
    let found = subject::look_up(moment, &asked.head);
    let Some(leaver) = leaver(&asked.person, &found) else {
        let answer = signed_out(moment, &asked.manner, false);
        return Ok(chooser::forget(&asked.manner).iter().fold(answer, |answer, it| with_cookie(answer, it)));
    };
    // A link of another site must not sign anybody out.
    if !is_same_origin(&asked.parts.headers, asked.manner.authority()) {
        return Err(Refusal::CrossSite);
    }
    let coming = Coming {
        parts: &asked.parts,
        head: &asked.head,
        session: Some(leaver.session.id),
        is_asked_for: true,
    };
    leave(moment, &leaver, &coming, None, &asked.manner, draft).await
}

/// Whether a request is an application's logout that signs out here too: that very address, asked for by somebody who is
/// here (a locked session's person is not), from a page of its own host. A link of another site must not sign anybody
/// out; that one is the application's alone.
pub fn is_logout(passage: &Passage<'_>, parts: &Parts) -> bool {
    let Passage { moment, person, .. } = passage;
    let settings = settings_of(moment, passage.application).filter(|settings| settings.ends_session);
    settings.is_some_and(|settings| {
        // One path may do other things by another query (`index.php?action=`).
        parts.method == settings.method
            && *passage.normalized.target() == settings.path
            && person.known().is_some()
            && !person.is_program()
            && is_same_origin(&parts.headers, passage.manner.authority())
    })
}

/// An application's logout has been asked for, and signs out everywhere. No rule says who may leave; what they have
/// written with it is decided as ever.
pub async fn log_out(
    passage: &Passage<'_>,
    (parts, body): (Parts, RequestBody),
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let Passage { moment, normalized, manner, .. } = passage;
    let known = passage.person.known().ok_or(Refusal::Internal)?;
    let leaver = Leaver { session: &known.session, known: Some(known) };
    if let Some(draft) = draft {
        draft.open(|opening| opening.kind = EventKind::Authentication);
    }
    let coming = Coming {
        parts: &parts,
        head: &normalized.head,
        session: Some(leaver.session.id),
        is_asked_for: true,
    };
    let permit = if body.is_end_stream() { None } else { passage.decide(draft).ok() };
    let written = permit.map(|(permit, ..)| (permit, body));
    let sent = Sent { application: passage.application.index, written };
    leave(moment, &leaver, &coming, Some(sent), manner, draft).await
}

/// Somebody has signed in at a browser that another person, or nobody knows who, was at before: `was` says that it was
/// another.
pub async fn hand_over(
    moment: &Moment,
    asked: &Asked,
    was_another: bool,
    draft: &mut Option<Draft>,
) -> Result<Farewell, Refusal> {
    let before = leaver(&asked.person, &Found::None).map(|leaver| leaver.session.id);
    let coming = Coming { parts: &asked.parts, head: &asked.head, session: before, is_asked_for: false };
    let mut farewell = tell_applications(moment, &coming, None, draft).await?;
    if !was_another {
        farewell.clear = None;
    }
    Ok(farewell)
}

/// The page after it.
pub fn signed_out(moment: &Moment, manner: &Manner, at_provider: bool) -> Answer {
    let sign_in = format!("{SIGN_IN_PATH}?return_to=%2F");
    let nobody = Person::Nobody(Reason::SignInRequired);
    show_to(moment, manner, &nobody, StatusCode::OK, &Page::SignedOut { at_provider, sign_in: &sign_in })
}

fn leaver<'a>(person: &'a Person, found: &'a Found) -> Option<Leaver<'a>> {
    let (session, known) = match (person, found) {
        (Person::Known(known), _) => (&known.session, Some(known)),
        (Person::Locked(locked), _) => (&locked.session, None),
        (Person::Nobody(_), Found::Session(session) | Found::Locked(Locked { session, .. })) => {
            (session, None)
        }
        (Person::Nobody(_), Found::Expired | Found::Ended | Found::Elsewhere | Found::None) => return None,
    };
    Some(Leaver { session, known })
}

async fn leave(
    moment: &Moment,
    leaver: &Leaver<'_>,
    coming: &Coming<'_>,
    sent: Option<Sent>,
    manner: &Manner,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let Leaver { session, known } = leaver;
    // A script cannot follow to another origin: its page has to go there.
    let by_script = manner.audience() != Audience::Person;
    let has_page_to_lead = by_script && sent.is_some();
    // The sessions of this sign-in at our other hosts end with it.
    moment.revoke(Target::SignIn(session.id), Cause::SignOut, *known).await?;
    let farewell = tell_applications(moment, coming, sent, draft).await?;
    let back = format!("https://{}{SIGNED_OUT_PATH}", manner.authority());
    let authn = &moment.worker.shared.authn;
    // The ID token says who they are, and goes through the browser: no script is to read it.
    let cookie = coming.head.session.value().filter(|_| known.is_some() && !by_script);
    let id_token = cookie.and_then(|cookie| session.id_token(cookie));
    let location = authn.sign_out_url(&session.provider, id_token.as_ref(), &back, moment.now).await;
    let answer = match location {
        location if has_page_to_lead => {
            let told =
                json!({ "signed_out": true, "continue": location.as_deref().unwrap_or(SIGNED_OUT_PATH) });
            let head = own_head(StatusCode::OK, None, moment.event);
            Answer::Own(with_text(head, "application/json", told.to_string()), Outcome::Completed)
        }
        Some(location) => lead(moment, &Redirect { location, set_cookie: None }),
        None => signed_out(moment, manner, false),
    };
    let cleared = std::iter::once(SessionToken::clear_cookie()).chain(chooser::forget(manner));
    Ok(farewell.and_cookies(cleared.filter_map(|cookie| HeaderValue::try_from(cookie).ok())).on(answer))
}

impl Farewell {
    fn and_cookies(mut self, more: impl Iterator<Item = HeaderValue>) -> Self {
        self.cookies.extend(more);
        self
    }

    /// Whether the browser is to forget what it has stored.
    pub const fn clears(&self) -> bool {
        self.clear.is_some()
    }

    /// The same answer, with what the browser is told beside.
    pub fn on(self, mut answer: Answer) -> Answer {
        if let Answer::Own(reply, _) = &mut answer {
            for cookie in self.cookies {
                reply.headers_mut().append(SET_COOKIE, cookie);
            }
            if let Some(clear) = self.clear {
                reply.headers_mut().insert(CLEAR_SITE_DATA, clear);
            }
        }
        answer
    }
}

fn settings_of<'m>(moment: &'m Moment, application: &Application) -> Option<&'m SignOutSettings> {
    moment.current.rules.browsers.get(application.index)?.sign_out.as_ref()
}

/// Asks the applications of the host, all at once, to end what the request's cookies stand for. Nothing is asked before
/// it is recorded, as any request that changes something.
async fn tell_applications(
    moment: &Moment,
    coming: &Coming<'_>,
    mut sent: Option<Sent>,
    draft: &mut Option<Draft>,
) -> Result<Farewell, Refusal> {
    let rules = &moment.current.rules;
    let host = &coming.head.authority.host;
    let declared = rules.routes.at(host).filter_map(|found| Some((found, settings_of(moment, found)?)));
    let (mut farewell, mut asked) = (Farewell::default(), Vec::new());
    for (application, settings) in declared {
        farewell.cookies.extend(settings.expired_cookies());
        // Also where none of its cookies is seen: one of another `Path` does not come here.
        farewell.clear = farewell.clear.or_else(|| settings.clear_site_data());
        let its_own = sent.take_if(|sent| sent.application == application.index);
        // Without a name of a cookie nobody can see whether there is anything to end.
        let is_seen = settings.has_session(&coming.parts.headers)
            && (coming.is_asked_for || !settings.cookies.is_empty());
        if its_own.is_some() || is_seen || keeps(moment, application, coming.session) {
            asked.push((application, settings, its_own.and_then(|sent| sent.written)));
        }
    }
    if asked.is_empty() {
        return Ok(farewell);
    }
    let (journaled, pending) = draft.as_mut().ok_or(Refusal::Internal)?.journal(OWN.0, &[OWN.1])?;
    let _durable = pending.durable().await?;
    let asking = asked.into_iter().map(|(application, settings, written)| {
        ask(moment, coming, (application, settings), written, &journaled)
    });
    Box::pin(join_all(asking)).await;
    Ok(farewell)
}

/// Whether the application's session of whoever leaves is kept here.
fn keeps(moment: &Moment, application: &Application, session: Option<SessionId>) -> bool {
    let pool = moment.current.pools.get(application.index);
    pool.zip(session).is_some_and(|(pool, session)| pool.upstream().keeps(session))
}

/// Asks one application. Whatever becomes of it, its person has left here.
async fn ask(
    moment: &Moment,
    coming: &Coming<'_>,
    (application, settings): (&Arc<Application>, &SignOutSettings),
    written: Option<(Permit, RequestBody)>,
    journaled: &Journaled,
) {
    let Some(pool) = moment.current.pools.get(application.index) else { return };
    let (permit, body) = match (written, moment.current.rules.policy.public()) {
        (Some((permit, body)), _) => (permit, Some(body)),
        // No rule says who may leave.
        (None, Decision::Permit(permit, _)) => (permit, None),
        (None, Decision::Challenge(..) | Decision::Deny(..)) => return,
    };
    let mut request = request(moment, coming, application, settings, body);
    let bound = server_of(&coming.head.servers, application.name.as_str());
    let errand = Errand {
        session: coming.session,
        line: SocketAddr::new(moment.client, 0),
        server: pool.upstream().bound_to(bound.as_deref(), request.headers()),
        patience: Patience { head: Some(ASKED_FOR), silence: Some(ASKED_FOR) },
    };
    let (request_id, name) = (moment.event, application.name.as_str());
    match timeout(ASKED_FOR, send_as(pool, &mut request, &errand, None, &permit, journaled)).await {
        Ok(Ok(reply)) => {
            let status = reply.status().as_u16();
            tracing::debug!(request.id = %request_id, application = name, status, "an application was signed out");
        }
        Ok(Err(error)) => {
            tracing::warn!(request.id = %request_id, application = name, %error, "an application could not be signed out");
        }
        Err(_) => {
            tracing::warn!(request.id = %request_id, application = name, "an application was not signed out in time");
        }
    }
}

/// A request of ours with what their browser says of them, and with what a person has written where that may go.
fn request(
    moment: &Moment,
    coming: &Coming<'_>,
    application: &Application,
    settings: &SignOutSettings,
    written: Option<RequestBody>,
) -> Request<RequestBody> {
    let mut fields = coming.parts.headers.clone();
    if written.is_none() {
        for name in OF_ANOTHER {
            fields.remove(name);
        }
    }
    let authority = coming.head.authority.as_str();
    let facts =
        Facts { request: moment.event, client: moment.client, authority, identity: None, assertion: None };
    if let Some(upstream) = moment.current.pools.get(application.index).map(|pool| pool.settings()) {
        let own_host = upstream.servers.first().filter(|_| !upstream.preserve_host);
        headers::write(&mut fields, &facts, &[], own_host);
        upstream.credentials.write(&mut fields, None);
    }
    let mut request = Request::new(written.unwrap_or_default());
    *request.method_mut() = Method::clone(&settings.method);
    *request.uri_mut() = Uri::from(settings.path.clone());
    *request.headers_mut() = fields;
    request
}

/// Where the provider sends people back to who have signed out.
pub const SIGNED_OUT_PATH: &str = "/.leastway/signed-out";
/// For how long somebody who leaves waits for an application.
const ASKED_FOR: Duration = Duration::from_secs(2);
/// What a request says of its own body, or of what its caller has already.
const OF_ANOTHER: [HeaderName; 7] =
    [CONTENT_TYPE, CONTENT_ENCODING, RANGE, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
