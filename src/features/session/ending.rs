//! How sessions end before their time: in memory at once, in the store right after.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::session::Session;
use super::sessions::{SessionError, Sessions, lock};
use crate::domain::revocation::{ProviderSession, Target};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

impl Sessions {
    /// Ends what is meant, at once and on every desk; gives the sessions that stood. They are in the store until
    /// [`settle`](Self::settle).
    ///
    /// To be called by the gateway's `revocation.rs` alone, which does what else belongs to an ending.
    pub fn end(&self, target: &Target, now: Timestamp) -> Vec<Arc<Session>> {
        // First this: a session that is put into the table after it was looked through finds it here.
        self.lately.note(target, now);
        if let Target::Person(subject) = target {
            self.ended.note_subject(subject, now);
        }
        let mut meant = self.meant(target);
        let tokens: Vec<_> = meant.iter().filter(|session| session.program.is_some()).collect();
        if !tokens.is_empty() {
            let spellings = tokens.iter().map(|session| session.digest);
            let ids = tokens.iter().filter_map(|session| session.token_id());
            self.ended.note_tokens(spellings.chain(ids).collect(), now);
            // Whatever was admitted meanwhile finds itself noted, or is found here.
            meant = self.meant(target);
        }
        let ended = meant.iter().filter_map(|session| self.table.end(session.id, now)).collect();
        let stored = meant.iter().filter(|session| session.program.is_none());
        let mut undeleted = lock(&self.undeleted);
        undeleted.extend(stored.map(|session| session.id));
        // Another node may have made it a moment ago.
        if let (Target::Session(id) | Target::SignIn(id), true, true) =
            (target, meant.is_empty(), self.store.is_shared())
        {
            undeleted.push(*id);
        }
        ended
    }

    /// Takes the sessions that were ended out of the store, and writes down what was ended of programs. Where it does not
    /// answer, that is done as soon as it does.
    pub async fn settle(&self, now: Timestamp) -> Result<(), SessionError> {
        self.delete_ended().await?;
        self.write_ended(now).await
    }

    pub(super) fn meant(&self, target: &Target) -> Vec<Arc<Session>> {
        match target {
            Target::Session(id) => {
                let Some(session) = self.table.by_id(*id) else { return Vec::new() };
                let Some(token) = session.token_id() else { return vec![session] };
                // A token is one token in whatever spelling it has come.
                let mut meant = self.table.of_subject(&session.subject.id());
                meant.retain(|other| other.token_id() == Some(token));
                meant
            }
            Target::SignIn(id) => {
                let Some(session) = self.table.by_id(*id) else { return Vec::new() };
                let sid = session.provider_sid.as_ref();
                let mut meant =
                    sid.map_or_else(Vec::new, |sid| self.table.of_provider_sid(&session.subject.issuer, sid));
                meant.retain(|other| other.id != session.id);
                meant.push(session);
                meant
            }
            Target::Person(person) => self.table.of_subject(person),
            Target::Others(others) => {
                let mut meant = self.table.of_subject(&others.person);
                meant.retain(|session| session.id != others.but);
                meant
            }
            Target::ProviderSession(ProviderSession { issuer, sid, sub }) => {
                let mut meant = self.table.of_provider_sid(issuer, sid);
                let person = sub.clone().map(|sub| SubjectId { issuer: issuer.clone(), sub });
                let theirs = person.map(|person| self.table.of_subject(&person));
                meant.extend(theirs.into_iter().flatten().filter(|session| session.provider_sid.is_none()));
                meant
            }
        }
    }
}

/// What was ended lately: a sign-in that was under way at that moment, however far it had come, does not outlive it.
#[derive(Debug, Default)]
pub(super) struct Lately(Mutex<VecDeque<(Timestamp, Target)>>);

impl Lately {
    fn note(&self, target: &Target, now: Timestamp) {
        // A single session is found by its id, and nothing of it is under another.
        if matches!(target, Target::Session(_) | Target::SignIn(_)) {
            return;
        }
        let mut lately = lock(&self.0);
        lately.retain(|(moment, _)| now.since(*moment) < SIGN_IN_LASTS);
        if lately.len() >= LATELY_MAX {
            lately.pop_front();
        }
        lately.push_back((now, target.clone()));
    }

    /// Whether a session whose sign-in was begun at `since` was meant by what was ended then or later.
    pub(super) fn names(&self, session: &Session, since: Timestamp) -> bool {
        lock(&self.0).iter().any(|(moment, target)| *moment >= since && is_meant(target, session))
    }
}

fn is_meant(target: &Target, session: &Session) -> bool {
    match target {
        Target::Session(id) | Target::SignIn(id) => *id == session.id,
        Target::Person(person) => session.subject.id() == *person,
        Target::Others(others) => session.subject.id() == others.person && session.id != others.but,
        Target::ProviderSession(meant) => {
            let of_sid = session.provider_sid.as_ref().map(|sid| *sid == meant.sid);
            let of_sub = meant.sub.as_ref() == Some(&session.subject.sub);
            session.subject.issuer == meant.issuer && of_sid.unwrap_or(of_sub)
        }
    }
}

/// A person may take ten minutes at the provider, and the provider five times 30 s to say who has come back.
const SIGN_IN_LASTS: Duration = Duration::from_secs(15 * 60);
/// As many as there are logout tokens that are known not to come again.
const LATELY_MAX: usize = 16_384;
