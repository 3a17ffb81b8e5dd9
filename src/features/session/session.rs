//! One session: who, how surely, why, and until when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::bond::Bond;
use super::id_token::SealedIdToken;
use super::program::Program;
use crate::domain::application::{ApplicationName, ClientName, ProviderName};
use crate::domain::assurance::{Assurance, AssuranceClass};
use crate::domain::device::{BoundTo, DeviceClass};
use crate::domain::holder::Holder;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Justification, Subject};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

/// What a sign-in has established.
#[derive(Debug)]
pub struct NewSession {
    /// The host whose cookie it is. On any other host the session does not exist.
    pub host: Arc<str>,
    /// Which provider vouches for the person.
    pub provider: ProviderName,
    /// Who.
    pub subject: Subject,
    /// How surely.
    pub assurance: Assurance,
    /// Why they work.
    pub purpose: Purpose,
    /// The class of the device at which they sign in.
    pub device: Option<DeviceClass>,
    /// When the person authenticated by the provider's word, as late as the clocks allow; none where it does not say.
    pub authenticated: Option<Timestamp>,
    /// The provider's own session, by which it may ask for a sign-out.
    pub provider_sid: Option<Arc<str>>,
    /// The ID token, shown to the provider at sign-out.
    pub id_token: Option<Secret>,
    /// When the sign-in was begun.
    pub begun: Timestamp,
    /// What the session is bound to beside its cookie.
    pub bond: Bond,
}

/// What a sign-in has established whose person had a session already: a step-up, or the unlocking of a session.
#[derive(Debug)]
pub struct Renewal {
    /// Who, as the provider knows them now; the same person as before.
    pub subject: Subject,
    /// What this sign-in has proven.
    pub assurance: Assurance,
    /// When the person authenticated by the provider's word, as late as the clocks allow; none where it does not say.
    pub authenticated: Option<Timestamp>,
    /// The provider's own session.
    pub provider_sid: Option<Arc<str>>,
    /// The ID token.
    pub id_token: Option<Secret>,
    /// When it was begun.
    pub begun: Timestamp,
    /// The session as it was under the cookie with which its person came back: if it has another by now, it keeps that.
    /// None: it gets another in any case.
    pub under: Option<Arc<Session>>,
}

/// One session as it was at one version. What changes in place is its state and when it was last
/// seen, nothing else.
#[derive(Debug)]
pub struct Session {
    /// Which session, as events and operators name it.
    pub id: SessionId,
    /// The host whose cookie it is.
    pub host: Arc<str>,
    /// Which provider vouches for the person. A request to an application of another provider
    /// needs a sign-in there.
    pub provider: ProviderName,
    /// Who.
    pub subject: Arc<Subject>,
    /// How surely the provider knows them.
    pub assurance: Assurance,
    /// Why they work.
    pub purpose: Purpose,
    /// Whether they have said so in this session; else it is what is taken for likely.
    pub purpose_chosen: bool,
    /// The reason last given for each application.
    pub justifications: Vec<Justification>,
    /// When the person signed in.
    pub created: Timestamp,
    /// When it ends at the latest.
    pub absolute_end: Timestamp,
    /// The class of the device at which the person signed in.
    pub device: Option<DeviceClass>,
    /// What it is bound to beside its cookie.
    pub bond: Bond,
    /// The provider's own session.
    pub provider_sid: Option<Arc<str>>,
    /// The ID token, for the sign-out at the provider.
    pub(super) id_token: Option<SealedIdToken>,
    /// The program whose it is, where it rests on an access token instead of a cookie. Such a session is never stored.
    pub program: Option<Program>,
    /// Rises with every change, and no two sessions of a process share one.
    pub version: u64,
    /// Rises with every change of the row that the store holds: the same at every node.
    pub(super) revision: AtomicI64,
    pub(super) digest: Digest,
    pub(super) state: AtomicU8,
    pub(super) last_seen: AtomicI64,
    /// When it was locked, ended or found expired.
    pub(super) gone: AtomicI64,
    /// Whether `last_seen` waits to be saved.
    pub(super) unsaved: AtomicBool,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    Live = 0,
    Replaced = 1,
    Expired = 2,
    Ended = 3,
    Locked = 4,
}

/// What operators see of a session: never a token.
#[derive(Clone, Debug, Serialize)]
pub struct SessionSummary {
    /// Which session.
    pub id: SessionId,
    /// The host whose cookie it is.
    pub host: Arc<str>,
    /// Which provider vouches for the person.
    pub provider: ProviderName,
    /// The provider's identifier of the person.
    pub sub: Arc<str>,
    /// The person's name.
    pub name: Arc<str>,
    /// The person's groups at the provider.
    pub groups: Vec<String>,
    /// Why they work.
    pub purpose: Purpose,
    /// The assurance classes that were proven in this session.
    pub assurance: Vec<AssuranceClass>,
    /// When the person signed in.
    pub created: Timestamp,
    /// The program whose it is, if it is none of a person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientName>,
    /// When they were last active.
    pub last_seen: Timestamp,
    /// When it ends if they stay inactive.
    pub idle_end: Timestamp,
    /// When it ends at the latest.
    pub absolute_end: Timestamp,
    /// Whether it is locked.
    pub locked: bool,
    /// The class of the device at which the person signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceClass>,
    /// What it is bound to beside its cookie.
    pub bound_to: Vec<BoundTo>,
}

impl Session {
    /// Whether it counts only on a connection on which a certificate was shown.
    pub fn is_bound_to_certificate(&self) -> bool {
        let holds = |program: &Program| matches!(program.holder, Some(Holder::Certificate(_)));
        self.program.as_ref().map_or_else(|| self.bond.is_to_certificate(), holds)
    }

    /// Whether it still stands as it is. False once it was locked, ended, expired or replaced by a change:
    /// what lives longer than a request (a download, a WebSocket) asks again by its id.
    pub fn is_live(&self) -> bool {
        self.state() == State::Live
    }

    /// The reason last given for `application`. Whether it still counts is for the rules to say.
    pub fn justification(&self, application: &ApplicationName) -> Option<&Justification> {
        self.justifications.iter().find(|justification| justification.application == *application)
    }

    /// The ID token, for the sign-out at the provider, by the session's `cookie`.
    pub fn id_token(&self, cookie: &Secret) -> Option<Secret> {
        self.id_token.as_ref()?.open(self.id, cookie)
    }

    /// When the person was last active.
    pub fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen.load(Ordering::Relaxed))
    }

    pub(super) fn revision(&self) -> i64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Live,
            1 => State::Replaced,
            2 => State::Expired,
            4 => State::Locked,
            // Fail closed: whatever is not known is ended.
            _ => State::Ended,
        }
    }

    /// Whether it is live or locked: neither over nor replaced.
    pub(super) fn stands(&self) -> bool {
        matches!(self.state(), State::Live | State::Locked)
    }

    /// From one state to another; false if it was not in that any more.
    pub(super) fn leave(&self, from: State, to: State, at: Timestamp) -> bool {
        self.gone.store(at.as_millis(), Ordering::Relaxed);
        self.state.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Lets it expire, live or locked; false if it was neither any more.
    pub(super) fn expire(&self, now: Timestamp) -> bool {
        self.leave(State::Live, State::Expired, now) || self.leave(State::Locked, State::Expired, now)
    }

    /// When it was locked, ended or found expired.
    pub(super) fn gone(&self) -> Timestamp {
        Timestamp::from_millis(self.gone.load(Ordering::Relaxed))
    }

    /// Ends it, also if it had expired before.
    pub(super) fn end(&self, now: Timestamp) {
        self.gone.store(now.as_millis(), Ordering::Relaxed);
        self.state.store(State::Ended as u8, Ordering::Release);
    }

    /// Whether it has been gone for `grace`: nobody needs to be told any more what became of it. A program's token that
    /// was ended is refused as long as it would be good.
    pub(super) fn is_forgotten(&self, grace: Duration, now: Timestamp) -> bool {
        if self.program.is_some() {
            return now >= self.absolute_end;
        }
        !self.stands() && now.since(self.gone()) > grace
    }

    /// The same session of a person under `digest` and `version`, to be changed before it takes its place.
    pub(super) fn successor(&self, digest: Digest, version: u64) -> Self {
        Self {
            id: self.id,
            host: self.host.clone(),
            provider: self.provider.clone(),
            subject: self.subject.clone(),
            assurance: self.assurance.clone(),
            purpose: self.purpose,
            purpose_chosen: self.purpose_chosen,
            justifications: self.justifications.clone(),
            created: self.created,
            absolute_end: self.absolute_end,
            device: self.device.clone(),
            bond: self.bond.clone(),
            provider_sid: self.provider_sid.clone(),
            id_token: self.id_token.clone(),
            program: None,
            version,
            revision: AtomicI64::new(self.revision().saturating_add(1)),
            digest,
            state: AtomicU8::new(State::Live as u8),
            last_seen: AtomicI64::new(self.last_seen.load(Ordering::Relaxed)),
            gone: AtomicI64::new(0),
            unsaved: AtomicBool::new(false),
        }
    }
}

/// What both sign-ins have proven: for each class the later moment; the rest as the last one says.
pub(super) fn merged(before: &Assurance, mut after: Assurance) -> Assurance {
    for (class, moment) in &before.proven {
        let proven = after.proven.entry(class.clone()).or_insert(*moment);
        *proven = (*proven).max(*moment);
    }
    after
}
