//! A token that comes for the first time: verified, and admitted as a session.
//!
//! Anyone may bring one. Whoever does is measured as those who sign in are, before anything is looked into; a token that
//! holds does not count.

use std::sync::Arc;

use super::refused::TokenRefused;
use super::{Brought, asking};
use crate::domain::purpose::Purpose;
use crate::domain::subject::Subject;
use crate::features::authn::AccessTokenFault;
use crate::features::authn::access_token::{AccessToken, Granted};
use crate::features::client::settings::ClientSettings;
use crate::features::session::{Found, NewProgram, Session, SessionError};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::secret::Secret;
use crate::gateway::handle::Moment;
use crate::gateway::normalize::Head;
use crate::gateway::refusal::Refusal;
use crate::gateway::turnstile;
use crate::platform::signed_token::TokenFault;

/// The session of a token that is not known yet, if it holds and its program is declared.
pub(super) async fn admit(moment: &Moment, head: &Head, brought: &Brought) -> Result<Arc<Session>, Refusal> {
    turnstile::stranger(moment)?;
    let (worker, digest) = (&moment.worker, Digest::of(brought.token.reveal().as_bytes()));
    let turns = &worker.shared.turns;
    // Whoever repeats a mistake at once has nobody asked, and takes nobody's turn to sign in.
    if let Some(refused) = turns.refused(&digest, worker.now()) {
        return Err(refused.into());
    }
    turnstile::sign_in(moment)?;
    let _turn = turns.wait(&digest).await;
    let now = worker.now();
    // Whoever had the turn before has admitted it, maybe, or knows better.
    let known = worker.shared.sessions.find_program(&worker.sessions, brought.token.reveal(), now);
    let session = match known {
        Found::Session(session) => session,
        Found::Expired => return Err(TokenRefused::EXPIRED.into()),
        Found::Locked(_) | Found::Ended | Found::Elsewhere => return Err(TokenRefused::Ended.into()),
        Found::None => {
            if let Some(refused) = turns.refused(&digest, now) {
                return Err(refused.into());
            }
            let verified = verify(moment, brought, now).await;
            let (granted, client) = verified.inspect_err(|refused| turns.remember(digest, refused, now))?;
            establish(moment, head, &brought.token, granted, &client, now)?
        }
    };
    turnstile::no_sign_in(moment);
    Ok(session)
}

/// What the token itself says only tells how to find out whether it is true.
async fn verify(
    moment: &Moment,
    brought: &Brought,
    now: Timestamp,
) -> Result<(Granted, Arc<ClientSettings>), TokenRefused> {
    let (clients, authn) = (&moment.current.rules.clients, &moment.worker.shared.authn);
    let token = brought.token.reveal();
    let asked = clients.asked_about(&brought.application.name);
    let signed = AccessToken::parse(token);
    let says_all = |signed: &AccessToken<'_>| {
        // Nobody is shown another provider's token.
        let asked = asked.filter(|provider| authn.is_issuer(provider, signed.issuer()));
        let client = asked.zip(signed.client_id().ok()).and_then(|(provider, id)| clients.of(provider, id));
        client.is_none_or(|client| client.proof.lasts().is_none())
    };
    let (granted, is_asked) = match (signed, asked) {
        (Ok(signed), _) if says_all(&signed) => (authn.access_token(&signed, now).await?, false),
        (_, Some(provider)) => (authn.introspect(provider, token, now).await?, true),
        (Ok(_), None) => return Err(TokenRefused::Proof),
        (Err(fault), None) => return Err(TokenRefused::Token(fault.into())),
    };
    let unknown = || TokenRefused::Unknown {
        provider: granted.provider.clone(),
        client_id: granted.client_id.to_string(),
    };
    let client = clients.of(&granted.provider, &granted.client_id).cloned().ok_or_else(unknown)?;
    if client.proof.lasts().is_some() != is_asked {
        return Err(TokenRefused::Proof);
    }
    if !client.proof.takes(&granted.audiences) {
        let fault = AccessTokenFault::Token(TokenFault::Audience);
        return Err(TokenRefused::Token(fault.into()));
    }
    if asking::is_delegated(&granted, &client.subject) {
        return Err(TokenRefused::Delegated);
    }
    Ok((granted, client))
}

fn establish(
    moment: &Moment,
    head: &Head,
    token: &Secret,
    granted: Granted,
    client: &ClientSettings,
    now: Timestamp,
) -> Result<Arc<Session>, Refusal> {
    let policy = &moment.current.rules.policy;
    let usual = || {
        policy
            .default_purpose(&policy.roles_of(&client.provider, &client.groups))
            .unwrap_or(Purpose::Operations)
    };
    let asked = client.proof.lasts().map(|lasts| (now.plus(lasts).min(granted.ends), token.clone()));
    let new = NewProgram {
        host: head.authority.host.as_ref().into(),
        provider: granted.provider,
        subject: Subject {
            issuer: granted.issuer,
            sub: client.subject.clone(),
            name: client.name.as_str().into(),
            groups: client.groups.clone(),
            attributes: std::collections::BTreeMap::new(),
        },
        purpose: client.purpose.unwrap_or_else(usual),
        client: client.name.clone(),
        client_id: granted.client_id,
        id: granted.id,
        audiences: granted.audiences,
        holder: granted.holder,
        issued: granted.issued,
        ends: granted.ends,
        asked,
    };
    let admitted = moment.worker.shared.sessions.admit(token.reveal(), new, now);
    admitted.map_err(|error| match error {
        SessionError::Gone => TokenRefused::Ended.into(),
        SessionError::TooMany => Refusal::Overloaded,
        SessionError::Store(_)
        | SessionError::OtherPerson
        | SessionError::Renewed(_)
        | SessionError::NotAnew
        | SessionError::Full
        | SessionError::Bound
        | SessionError::Unwritable => Refusal::Internal,
    })
}
