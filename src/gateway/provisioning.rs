//! The path by which a provider keeps its people and groups here (SCIM 2.0, RFC 7644), on the host of any application:
//! providers in the cloud come by TLS as everybody does.
//!
//! Whoever asks is known by the provider's token, which is compared before anything else is done; whoever does not
//! bring it is measured as those who sign in are. No browser stands behind such a request, so no other site can have
//! made it: what speaks is the token, which no browser has.
//!
//! What changes is in the journal before it is made. Only who is out is out first: the account is closed, the sessions
//! end, and then it is written down. It is a task of its own: whoever asked may leave, and it is done all the same.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use super::challenge;
use super::draft::Draft;
use super::handle::{Answer, Moment, OWN};
use super::minutes::{Minutes, Requester, Told};
use super::own_paths::Asked as AskedOfUs;
use super::refusal::Refusal;
use super::reply::{SCIM, own_head, with_text};
use super::revocation::RevocationError;
use super::rules::Shared;
use super::sought::unread;
use super::turnstile;
use crate::domain::application::ProviderName;
use crate::domain::event::{EventKind, Opening, Outcome, Verdict};
use crate::domain::provisioning::{Provisioning, ProvisioningStep};
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Revocation, Target};
use crate::domain::subject::{Subject, SubjectId, identifier};
use crate::features::authn::{AuthnError, Finished};
use crate::features::directory::scim::{Asked, ErrorKind, Reply, ScimError};
use crate::features::directory::settings::MatchBy;
use crate::features::directory::{Known, Leaver, Realm, Served, Witness};
use crate::features::session::Session;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use crate::platform::http::body::{ReadBodyError, read_bounded};
use crate::platform::http::pace::Paced;

/// Whether a path is of the service.
pub fn is_own(path: &str) -> bool {
    below(path).is_some()
}

/// The path within the service.
fn below(path: &str) -> Option<&str> {
    path.strip_prefix(SCIM_PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a provider.
pub async fn answer(
    moment: &Moment,
    path: &str,
    asked: &AskedOfUs,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let shared = &moment.worker.shared;
    if !shared.directory.is_kept() {
        return Err(Refusal::RouteNotFound);
    }
    let Some(realm) = shared.provider_of(&asked.parts.headers, Some(moment.client)) else {
        turnstile::sign_in(moment)?;
        return Err(Refusal::ProvisioningRefused);
    };
    let question = Asked {
        method: asked.parts.method.clone(),
        path: below(path).unwrap_or_default().to_owned(),
        query: asked.head.target().query().unwrap_or_default().to_owned(),
        content_type: text(&asked.parts.headers, CONTENT_TYPE.as_str()),
        body: Bytes::new(),
        base: format!("https://{}{SCIM_PATH}", asked.manner.authority()),
    };
    let reply = match read_bounded(incoming, BODY_BYTES_MAX).await {
        Ok(body) => {
            let (requester, waiting) = Requester::of(moment);
            let done = shared.provision(realm, Asked { body, ..question }, Some(requester));
            waiting.write_down(draft).await;
            finished(done).await
        }
        Err(error @ ReadBodyError::Broken(_)) => return Err(unread(&error)),
        Err(ReadBodyError::TooLarge { .. }) => {
            let told = Provisioning::of(realm.settings().provider.clone(), ProvisioningStep::Refused);
            if let Some(draft) = draft {
                draft.open(|opening| told.note(opening));
            }
            too_large().reply()
        }
    };
    Ok(Answer::Own(written(&reply, moment.event), outcome(&reply)))
}

/// A larger body than is read.
pub fn too_large() -> ScimError {
    ScimError::new(ErrorKind::TooLarge, format!("a body is at most {BODY_BYTES_MAX} bytes"))
}

/// How a request counts that was answered so.
pub const fn outcome(reply: &Reply) -> Outcome {
    match reply.status {
        500.. => Outcome::Failed,
        400..=499 => Outcome::Refused,
        _ => Outcome::Completed,
    }
}

fn written(reply: &Reply, event: RequestId) -> http::Response<Bytes> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let head = own_head(status, None, event);
    let mut written = match &reply.body {
        Some(body) => with_text(head, SCIM, body.to_string()),
        None => head.map(|()| Bytes::new()),
    };
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            written.headers_mut().insert(name, value);
        }
    };
    if let Some(location) = &reply.location {
        put(LOCATION, location);
    }
    if let Some(allow) = reply.allow {
        put(ALLOW, allow);
    }
    written
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Who somebody is to the directory, if they may sign in.
pub fn admit(moment: &Moment, finished: &Finished) -> Result<Known, Refusal> {
    let known = moment.worker.shared.look_up(&finished.provider, &finished.subject);
    match known.barred {
        Some(reason) => Err(Refusal::AccountBarred(reason)),
        None if finished.groups_are_elsewhere && !known.are_all => {
            Err(challenge::failed(AuthnError::GroupsIncomplete, finished.return_to.as_str()))
        }
        None => Ok(known),
    }
}

/// Whoever was signed in at this moment may still be: of two that come at once, a sign-in and its account's end, the
/// end holds.
pub async fn admit_still(moment: &Moment, session: &Session) -> Result<(), Refusal> {
    let shared = &moment.worker.shared;
    let known = shared.look_up(&session.provider, &session.subject);
    let Some(reason) = known.barred else { return Ok(()) };
    let is_of_directory = shared.directory.look_up(&session.provider, &session.subject).barred.is_some();
    let cause = if is_of_directory { Cause::Scim } else { Cause::AccountDisabled };
    moment.revoke(Target::Session(session.id), cause, None).await?;
    Err(Refusal::AccountBarred(reason))
}

/// The one bearer token that a request brings.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut brought = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (brought.next(), brought.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Shared {
    /// Who somebody is to their provider's directory, and to its signals: nobody, if either bars them.
    pub fn look_up(&self, provider: &ProviderName, subject: &Subject) -> Known {
        let known = self.directory.look_up(provider, subject);
        Known { barred: known.barred.or_else(|| self.signals.barred(provider, subject)), ..known }
    }

    /// Rises whenever somebody may have become another to the directory or to signals.
    pub fn people_revision(&self) -> u64 {
        self.directory.revision().wrapping_add(self.signals.revision())
    }

    /// The directory for which a request from `client` brings the token; none is somebody on this machine.
    pub fn provider_of(&self, headers: &HeaderMap, client: Option<IpAddr>) -> Option<Arc<Realm>> {
        let realm = self.directory.realm_of(bearer(headers)?)?;
        client.is_none_or(|client| realm.settings().may_come_from(client)).then_some(realm)
    }

    /// Does what a provider asks, ends the sessions of who may have none any more, and writes it down: in the event of
    /// the request by which it came, or in one of its own. It goes on also where nobody waits for it.
    pub fn provision(
        self: &Arc<Self>,
        realm: Arc<Realm>,
        asked: Asked,
        by: Option<Requester<Provisioning>>,
    ) -> JoinHandle<Reply> {
        tokio::spawn(run(self.clone(), realm, asked, by))
    }

    /// Ends the sessions of an account's people; says of the last that could not be ended for good.
    async fn see_out(
        self: &Arc<Self>,
        realm: &Realm,
        leaver: &Leaver,
        request: RequestId,
        received: Timestamp,
    ) -> Result<(), RevocationError> {
        let mut seen_out = Ok(());
        for person in self.people_of(realm, leaver) {
            let revocation = Revocation {
                target: Target::Person(person),
                cause: if leaver.has_left { Cause::Scim } else { Cause::AccountRenamed },
                why: leaver.why.parse().ok(),
                request: Some(request),
                asked: received,
                received,
                relayed: None,
            };
            seen_out = self.revoke(revocation, None).await.map(drop).and(seen_out);
        }
        seen_out
    }

    /// The people who are signed in by an account.
    fn people_of(&self, realm: &Realm, leaver: &Leaver) -> Vec<SubjectId> {
        let settings = realm.settings();
        let is_exact = settings.match_by != MatchBy::UserName;
        if settings.claim.is_none() && is_exact {
            // The account is the person: a sign-in that is under way is found by that, too.
            let sub = identifier(&leaver.account);
            return sub.map(|sub| SubjectId { issuer: settings.issuer.clone(), sub }).into_iter().collect();
        }
        self.sessions.people(|subject| realm.is_account_of(leaver, subject))
    }
}

async fn run(
    shared: Arc<Shared>,
    realm: Arc<Realm>,
    asked: Asked,
    by: Option<Requester<Provisioning>>,
) -> Reply {
    let mut witnessed = Witnessed { minutes: Minutes::begin(&shared, by), is_written: None };
    let (request, received) = (witnessed.minutes.event(), witnessed.minutes.received());
    let Served { mut reply, told, leaver } =
        shared.directory.serve(&realm, asked, received, &mut witnessed).await;
    if let Some(leaver) = &leaver {
        // They are ended in any case; the provider is told that not all of it is done, and asks again.
        if let Err(error) = shared.see_out(&realm, leaver, request, received).await {
            reply = ScimError::new(ErrorKind::Unavailable, error.to_string()).reply();
        }
    }
    if witnessed.is_written.is_none() && !witnessed.write(&told).await {
        let detail = "the journal does not answer: ask again";
        reply = ScimError::new(ErrorKind::Unavailable, detail).reply();
    }
    witnessed.minutes.close(outcome(&reply));
    reply
}

/// What comes of it.
pub async fn finished(done: JoinHandle<Reply>) -> Reply {
    let broken = |_| ScimError::new(ErrorKind::Internal, "that is a mistake of ours").reply();
    done.await.unwrap_or_else(broken)
}

/// Whether what a provider asks is written down yet, and where it is.
struct Witnessed<'s> {
    minutes: Minutes<'s, Provisioning>,
    is_written: Option<bool>,
}

impl Witness for Witnessed<'_> {
    async fn write(&mut self, told: &Provisioning) -> bool {
        let is_written = self.minutes.write(told.clone()).await;
        self.is_written = Some(is_written);
        is_written
    }
}

impl Told for Provisioning {
    fn verdict(&self) -> (Verdict, Reason) {
        OWN
    }

    fn note(self, opening: &mut Opening) {
        opening.kind = EventKind::Provisioning;
        opening.provisioning = Some(Box::new(self));
    }
}

/// Where a provider finds the service.
pub const SCIM_PATH: &str = "/.leastway/scim/v2";
/// The largest body that is read: a group of fifty thousand with all that is said of its members.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
