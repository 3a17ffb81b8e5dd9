//! Programs that come with an access token instead of a cookie: who they are, and within which bounds they may come.
//!
//! A token is taken out of the head of a request for an application that declared programs come to, so that it never
//! reaches the application. It is verified once (`admit.rs`); from then on it stands for a session in memory, and all
//! that follows (measure, policy, limits, events, the cutting of what goes on) is as for people. A request that brings a
//! session cookie too would be two callers' at once, and is refused.

mod admit;
mod asking;
mod bounds;
mod refused;
mod turns;

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use super::draft::Draft;
use super::handle::Moment;
use super::normalize::cookies::OwnCookie;
use super::normalize::{self, Head};
use super::refusal::Refusal;
use super::turnstile;
use crate::domain::holder::Holder;
use crate::features::authn::proof::Proven;
use crate::features::authn::{AccessTokenFault, AuthnError, ProofFault};
use crate::features::route::table::Application;
use crate::features::session::{Found, Session};
use crate::foundation::secret::Secret;

pub use asking::look_again;
pub use bounds::{Strayed, strayed};
pub use refused::TokenRefused;
pub use turns::Turns;

/// An access token, and the application that it was brought to.
#[derive(Debug)]
pub struct Brought {
    token: Secret,
    application: Arc<Application>,
    /// The proof beside a token that is bound to a key, and what it has to be for.
    proof: Option<Shown>,
}

/// A proof that a key is held.
#[derive(Debug)]
struct Shown {
    proof: Secret,
    method: Method,
    url: String,
}

/// The access token that a request brings, where it is for us; it is no more in the head then.
pub fn take(moment: &Moment, parts: &mut Parts, head: &Head) -> Option<Result<Brought, TokenRefused>> {
    let fields = parts.headers.get_all(AUTHORIZATION);
    if !fields.iter().any(brings_token) || normalize::own_path(head.target()).is_some() {
        return None;
    }
    let rules = &moment.current.rules;
    // Where there is no application, that is told in its place.
    let (application, _) = normalize::locate(&rules.routes, &head.authority.host, head.target()).ok()?;
    if !rules.clients.come_to(&application.name) {
        return None;
    }
    let mut fields = fields.iter();
    let token = match (fields.next(), fields.next()) {
        (Some(only), None) => token_of(only),
        _ => Err(TokenRefused::Several),
    };
    let bound = fields_of(&parts.headers, AUTHORIZATION).next().is_some_and(is_bound);
    let proof = if bound { shown(parts, head) } else { Ok(None) };
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove(DPOP);
    if !matches!(head.session, OwnCookie::None) {
        return Some(Err(TokenRefused::Beside));
    }
    let application = application.clone();
    Some(token.and_then(|token| Ok(Brought { token, application, proof: proof? })))
}

/// The session that a token stands for. What is wrong with one that stands for none is in the event's note.
pub async fn look_up(
    moment: &Moment,
    head: &Head,
    brought: Result<Brought, TokenRefused>,
    draft: &mut Option<Draft>,
) -> Result<Found, Refusal> {
    let found = match brought {
        Ok(brought) => find(moment, head, &brought).await,
        Err(refused) => Err(strangers(moment, refused)),
    };
    if let (Err(Refusal::Token(refused)), Some(draft)) = (&found, draft) {
        draft.open(|opening| opening.note = Some(refused.to_string()));
    }
    found
}

async fn find(moment: &Moment, head: &Head, brought: &Brought) -> Result<Found, Refusal> {
    let worker = &moment.worker;
    let found = worker.shared.sessions.find_program(&worker.sessions, brought.token.reveal(), moment.now);
    let session = match found {
        Found::Session(session) => asking::vouched(moment, session).await?,
        Found::None => admit::admit(moment, head, brought).await?,
        Found::Expired => return Err(strangers(moment, TokenRefused::EXPIRED)),
        Found::Locked(_) | Found::Ended | Found::Elsewhere => {
            return Err(strangers(moment, TokenRefused::Ended));
        }
    };
    // It was admitted under other rules, maybe.
    if bounds::declared(&moment.current.rules, &session).is_none() {
        return Err(strangers(moment, TokenRefused::Undeclared));
    }
    match is_held(moment, &session, brought).await {
        Ok(()) => Ok(Found::Session(session)),
        Err(AuthnError::Store(error)) => {
            tracing::error!(request.id = %moment.event, %error, "whether a proof came before cannot be known");
            Err(Refusal::StoreUnavailable)
        }
        Err(fault) => Err(strangers(moment, TokenRefused::Token(fault))),
    }
}

/// Whoever brings a token that is bound to a key has to show that they hold it, with each request; and with one that is
/// not there is nothing to show (RFC 9449 section 7.1). Of one that is bound to a certificate, the connection shows it.
async fn is_held(moment: &Moment, session: &Session, brought: &Brought) -> Result<(), AuthnError> {
    let holder = session.program.as_ref().and_then(|program| program.holder.as_ref());
    match (holder, &brought.proof) {
        (None, None) => Ok(()),
        (Some(Holder::Certificate(bound)), None) => {
            let shown = moment.certificate.as_ref().is_some_and(|shown| shown.thumbprint == *bound);
            if shown { Ok(()) } else { Err(ProofFault::Certificate.into()) }
        }
        (Some(Holder::Key(holder)), Some(Shown { proof, method, url })) => {
            let proven = Proven { method: method.as_str(), url, holder };
            let (authn, token) = (&moment.worker.shared.authn, brought.token.reveal());
            // By now: it may have waited for the provider.
            // Apart, so that the future of every request stays small.
            Box::pin(authn.proves(proof.reveal(), token, &proven, moment.worker.now())).await
        }
        (None | Some(Holder::Certificate(_)), Some(_)) | (Some(Holder::Key(_)), None) => {
            Err(ProofFault::Missing.into())
        }
    }
}

/// The one proof of a request.
fn shown(parts: &Parts, head: &Head) -> Result<Option<Shown>, TokenRefused> {
    let mut fields = fields_of(&parts.headers, DPOP);
    let (Some(only), None) = (fields.next(), fields.next()) else {
        return Err(TokenRefused::Token(ProofFault::Missing.into()));
    };
    let proof = only.to_str().map_err(|_| TokenRefused::Token(ProofFault::Malformed.into()))?;
    let url = format!("https://{}{}", head.authority.as_str(), head.target().path());
    Ok(Some(Shown { proof: Secret::new(proof.to_owned()), method: parts.method.clone(), url }))
}

fn fields_of(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &HeaderValue> {
    headers.get_all(name).iter()
}

/// A refusal of somebody of whom nobody knows who they are, who is measured as such.
fn strangers(moment: &Moment, refused: TokenRefused) -> Refusal {
    turnstile::stranger(moment).err().unwrap_or(refused.into())
}

fn brings_token(field: &HeaderValue) -> bool {
    scheme(field.as_bytes()).is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer"))
        || is_bound(field)
}

fn is_bound(field: &HeaderValue) -> bool {
    scheme(field.as_bytes()).is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(b"dpop"))
}

fn scheme(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let field = field.trim_ascii();
    let end = field.iter().position(u8::is_ascii_whitespace).unwrap_or(field.len());
    field.split_at_checked(end)
}

/// One token of a narrow alphabet (RFC 6750 section 2.1; RFC 9449 section 7.1).
fn token_of(field: &HeaderValue) -> Result<Secret, TokenRefused> {
    let malformed = || TokenRefused::Token(AccessTokenFault::Malformed.into());
    let (_, token) = scheme(field.as_bytes()).ok_or_else(malformed)?;
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    let token = token.trim_ascii();
    let fits = (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.iter().all(known);
    let token = std::str::from_utf8(token).ok().filter(|_| fits).ok_or_else(malformed)?;
    Ok(Secret::new(token.to_owned()))
}

const DPOP: HeaderName = HeaderName::from_static("dpop");
const TOKEN_BYTES_MAX: usize = 8 * 1024;
