//! The path by which a provider tells that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0).
//!
//! No person stands behind such a request, and no browser: what speaks is the token that it brings. Anyone may post
//! one. Whoever does is measured as those who sign in are, before anything is looked into; a token that holds does not
//! count.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;

use super::draft::Draft;
use super::handle::{Answer, Moment};
use super::own_paths::{Asked, one};
use super::refusal::{LogoutRefused, Refusal};
use super::reply::own_head;
use super::sought::unread;
use super::turnstile;
use crate::domain::event::Outcome;
use crate::domain::revocation::{Cause, Revocation};
use crate::features::authn::{AuthnError, Logout, LogoutTokenFault};
use crate::platform::http::body::{ReadBodyError, read_bounded};
use crate::platform::http::pace::Paced;

pub use crate::domain::own_path::BACK_CHANNEL_PATH;

/// Ends the sessions that the posted token means.
pub async fn logout(
    moment: &Moment,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    turnstile::sign_in(moment)?;
    let is_form = asked.parts.headers.get(CONTENT_TYPE).is_some_and(is_form);
    let form = if is_form { read(incoming).await? } else { None };
    let refused = match understood(moment, form).await {
        Ok(logout) => {
            turnstile::no_sign_in(moment);
            match end(moment, logout).await {
                Ok(()) => return Ok(done(moment)),
                Err(incomplete) => incomplete,
            }
        }
        Err(error) => error.into(),
    };
    if let Some(draft) = draft {
        draft.open(|opening| opening.note = Some(refused.to_string()));
    }
    Err(Refusal::LogoutRefused(refused))
}

/// The form that is posted; none where it is larger than any with a token.
async fn read(incoming: Paced<Incoming>) -> Result<Option<Bytes>, Refusal> {
    match read_bounded(incoming, FORM_BYTES_MAX).await {
        Ok(form) => Ok(Some(form)),
        Err(ReadBodyError::TooLarge { .. }) => Ok(None),
        Err(error @ ReadBodyError::Broken(_)) => Err(unread(&error)),
    }
}

async fn understood(moment: &Moment, form: Option<Bytes>) -> Result<Logout, AuthnError> {
    let token = form.and_then(|form| one(&form, "logout_token")).ok_or(LogoutTokenFault::Missing)?;
    moment.worker.shared.authn.logout(&token, moment.now).await
}

fn is_form(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn end(moment: &Moment, logout: Logout) -> Result<(), LogoutRefused> {
    let Logout { provider, target, asked } = logout;
    let (cause, request, received) = (Cause::BackChannelLogout, Some(moment.event), moment.now);
    let revocation = Revocation { target, cause, why: None, request, asked, received, relayed: None };
    let revoked = moment.worker.shared.revoke(revocation, None).await?;
    tracing::debug!(request.id = %moment.event, %provider, sessions = revoked.sessions, "signed out at the provider");
    Ok(())
}

/// Nobody signed in any more is success too (section 2.7). Never stored (section 2.8).
fn done(moment: &Moment) -> Answer {
    let reply = own_head(StatusCode::OK, None, moment.event).map(|()| Bytes::new());
    Answer::Own(reply, Outcome::Completed)
}

/// Twice the largest token, for its encoding.
const FORM_BYTES_MAX: usize = 16 * 1024;
