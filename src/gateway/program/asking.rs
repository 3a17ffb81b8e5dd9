//! Asking the provider again about a token that says nothing itself: when it is brought once more after its time, and
//! while something goes on by it. Where the provider does not vouch for it any more, its session ends as every other.

use std::rc::Rc;
use std::sync::Arc;

use super::refused::TokenRefused;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Revocation, Target};
use crate::features::authn::access_token::Granted;
use crate::features::authn::{AccessTokenFault, AuthnError};
use crate::features::session::{Found, Program, Session};
use crate::foundation::digest::Digest;
use crate::foundation::id::RequestId;
use crate::gateway::handle::Moment;
use crate::gateway::refusal::Refusal;
use crate::gateway::rules::Shared;
use crate::gateway::worker::Worker;

/// A session whose token the provider vouches for by now.
pub(super) async fn vouched(moment: &Moment, session: Arc<Session>) -> Result<Arc<Session>, Refusal> {
    let is_due =
        |session: &Session| session.program.as_ref().is_some_and(|it| it.is_due(moment.worker.now()));
    if !is_due(&session) {
        return Ok(session);
    }
    let shared = &moment.worker.shared;
    let token = session.program.as_ref().and_then(|program| program.token.as_ref());
    let Some(token) = token else { return Err(Refusal::Internal) };
    let _turn = shared.turns.wait(&Digest::of(token.reveal().as_bytes())).await;
    // Whoever had the turn before has asked.
    if is_due(&session) {
        ask(shared, &session, Some(moment.event)).await?;
    }
    match shared.sessions.judge(session, None, moment.worker.now()) {
        Found::Session(session) => Ok(session),
        Found::Expired => Err(TokenRefused::EXPIRED.into()),
        Found::Locked(_) | Found::Ended | Found::Elsewhere | Found::None => Err(TokenRefused::Ended.into()),
    }
}

/// Has the provider asked about the token by which something goes on, if it is time; without waiting for it. Gives why
/// it must end, if nobody answers.
pub fn look_again(worker: &Rc<Worker>, session: &Arc<Session>) -> Option<Reason> {
    let (program, now) = (session.program.as_ref()?, worker.now());
    if !program.is_due(now) {
        return None;
    }
    if program.is_forsaken(now) {
        return Some(Reason::ProviderUnavailable);
    }
    if program.begin_asking() {
        let (shared, asking) = (worker.shared.clone(), Asking(session.clone()));
        tokio::task::spawn_local(async move {
            if let Err(refused) = ask(&shared, &asking.0, None).await {
                tracing::debug!(session.id = %asking.0.id, error = %refused, "what goes on by a token ends");
            }
        });
    }
    None
}

/// As long as it is there, nobody else asks.
struct Asking(Arc<Session>);

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(program) = &self.0.program {
            program.was_asked();
        }
    }
}

async fn ask(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    request: Option<RequestId>,
) -> Result<(), TokenRefused> {
    let Some((program, token)) = session.program.as_ref().and_then(|it| Some((it, it.token.as_ref()?)))
    else {
        return Ok(());
    };
    let answer = shared.authn.introspect(&session.provider, token.reveal(), shared.clock.now()).await;
    let refused = match answer {
        Ok(granted) => match still(shared, session, program, &granted) {
            None => return Ok(()),
            Some(refused) => refused,
        },
        Err(error @ AuthnError::AccessToken(_)) => error.into(),
        // Nobody knows: it does not pass, and is asked about again.
        Err(error) => return Err(error.into()),
    };
    let now = shared.clock.now();
    let revocation = Revocation {
        target: Target::Session(session.id),
        cause: Cause::TokenInactive,
        why: None,
        request,
        asked: now,
        received: now,
        relayed: None,
    };
    // It is ended in any case; what is incomplete is told where it was tried.
    let _told = shared.revoke(revocation, None).await;
    Err(refused)
}

/// Notes that it is still the same token, and until when that counts; or why it is not taken any more.
fn still(shared: &Shared, session: &Session, program: &Program, granted: &Granted) -> Option<TokenRefused> {
    let inactive = || TokenRefused::Token(AccessTokenFault::Inactive.into());
    let rules = shared.rules.load();
    let Some(client) = rules.clients.named(&program.client) else { return Some(TokenRefused::Undeclared) };
    let Some(lasts) = client.proof.lasts() else { return Some(TokenRefused::Proof) };
    let is_other = granted.client_id != program.client_id || granted.holder != program.holder;
    if is_other || is_delegated(granted, &session.subject.sub) {
        return Some(inactive());
    }
    let now = shared.clock.now();
    program.counts_until(now.plus(lasts).min(granted.ends).min(session.absolute_end));
    None
}

/// Whether it was given for somebody else than the program itself. What they may do is not what the program may.
pub(super) fn is_delegated(granted: &Granted, subject: &str) -> bool {
    granted.sub.as_deref().is_some_and(|sub| sub != subject)
}
