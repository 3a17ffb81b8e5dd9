//! A session that is locked, for whoever stands before it: they are told that it is, and nothing of whose it is; and its
//! person unlocks it by authenticating at the provider.

use http::StatusCode;

use super::draft::Draft;
use super::handle::{Answer, Moment};
use super::own_paths::{Asked, show};
use super::pages::Page;
use super::subject::Person;
use crate::domain::application::ProviderName;
use crate::domain::device::Resume;
use crate::domain::event::{EventLock, LockStep};
use crate::features::authn::Again;
use crate::features::session::{Locked, Session};

/// What becomes of a locked session, in the event.
pub fn note(draft: &mut Option<Draft>, locked: &Locked, step: LockStep) {
    let Some(draft) = draft else { return };
    let lock = EventLock { session: locked.session.id, step, since: locked.since };
    draft.open(|opening| opening.lock = Some(Box::new(lock)));
}

/// The page for somebody who has to sign in before they see what is at `return_to`.
pub fn sign_in_page(moment: &Moment, asked: &Asked, return_to: &str, expired: bool) -> Answer {
    let page = match &asked.person {
        Person::Locked(_) => Page::Locked { return_to, sent: false, held: None },
        Person::Known(_) | Person::Nobody(_) => Page::SignIn { return_to, expired, held: None },
    };
    show(moment, asked, StatusCode::UNAUTHORIZED, &page)
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
