//! A session that is locked, for whoever stands before it: they are told that it is, and nothing of whose it is; and its
//! person unlocks it by authenticating at the provider.

use super::draft::Draft;
use super::handle::Moment;
use super::own_paths::{Asked, application};
use super::refusal::{Challenged, Refusal};
use super::subject::Person;
use crate::domain::application::ProviderName;
use crate::domain::decision::Challenge;
use crate::domain::device::Resume;
use crate::domain::event::{EventLock, LockStep};
use crate::domain::reason::Reason;
use crate::features::authn::Again;
use crate::features::session::{Locked, Session};

/// What becomes of a locked session, in the event.
pub fn note(draft: &mut Option<Draft>, locked: &Locked, step: LockStep) {
    let Some(draft) = draft else { return };
    let lock = EventLock { session: locked.session.id, step, since: locked.since };
    draft.open(|opening| opening.lock = Some(Box::new(lock)));
}

/// Somebody has to sign in before they see what is at `return_to`, or before what they sent is done: whoever navigates is led
/// there, all others are told.
pub fn sign_in_first(moment: &Moment, asked: &Asked, return_to: &str) -> Refusal {
    let reason = match &asked.person {
        Person::Locked(_) => Reason::SessionLocked,
        Person::Nobody(reason) => *reason,
        // Their session is none by which one comes here, or it has ended just now.
        Person::Known(known) if known.session.is_live() => Reason::SignInRequired,
        Person::Known(_) => Reason::SessionRevoked,
    };
    let Some(application) = application(moment, asked, return_to) else { return Refusal::HostUnknown };
    Refusal::Challenge(Box::new(Challenged {
        step: Challenge::SignIn,
        reason,
        application: application.clone(),
        return_to: Some(return_to.to_owned()),
        known: None,
        action: None,
        withheld: None,
        held: None,
        has_notice: false,
        asking: None,
    }))
}

/// The locked session that a sign-in at this provider is to unlock, and what the person has to do for it. `anew` says that
/// whoever is there wants to be asked who they are.
pub fn by_sign_in<'a>(
    person: &'a Person,
    provider: &ProviderName,
    anew: bool,
) -> (Option<&'a Session>, Again) {
    let always = if anew { Again::Always } else { Again::No };
    match person {
        Person::Locked(Locked { session, since, resume }) if session.provider == *provider => {
            let again = match (anew, resume) {
                (true, _) => Again::Always,
                (false, Resume::Login) => Again::Since(*since),
                (false, Resume::Sso) => Again::No,
            };
            (Some(session), again)
        }
        Person::Locked(_) | Person::Known(_) | Person::Nobody(_) => (None, always),
    }
}
