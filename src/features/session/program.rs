//! Sessions of programs: what an access token that was verified stands for, until it ends.
//!
//! A token is verified once, and then found by its digest. Nothing of it is stored: after a restart it is verified anew.
//! What was ended stays so: see `ended.rs`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::bond::Bond;
use super::desk::SessionDesk;
use super::session::{Session, State};
use super::sessions::{SessionError, Sessions, lock};
use super::standing::Found;
use crate::domain::application::{ClientName, ProviderName};
use crate::domain::assurance::Assurance;
use crate::domain::holder::Holder;
use crate::domain::purpose::Purpose;
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

/// What a token that was verified has established.
#[derive(Debug)]
pub struct NewProgram {
    /// The host at which it came first.
    pub host: Arc<str>,
    /// Which provider gave the token.
    pub provider: ProviderName,
    /// The program, as it is known under the rules in force.
    pub subject: Subject,
    /// Why it works.
    pub purpose: Purpose,
    /// The program's name in the configuration.
    pub client: ClientName,
    /// What the provider calls it.
    pub client_id: Arc<str>,
    /// The digest of the token's identifier, the same for every spelling of one token.
    pub id: Digest,
    /// Whom the token is for.
    pub audiences: Vec<String>,
    /// What its holder has to show with each request.
    pub holder: Option<Holder>,
    /// When the token was issued at the earliest.
    pub issued: Timestamp,
    /// When the token ends.
    pub ends: Timestamp,
    /// Until when the provider's word on it counts, and the token itself, with which it is asked again; none where the
    /// token says all itself.
    pub asked: Option<(Timestamp, Secret)>,
}

/// The program by whose token a session is.
pub struct Program {
    /// Its name in the configuration.
    pub client: ClientName,
    /// What the provider calls it.
    pub client_id: Arc<str>,
    /// The digest of the token's identifier.
    pub id: Digest,
    /// Whom the token is for.
    pub audiences: Vec<String>,
    /// What its holder has to show with each request.
    pub holder: Option<Holder>,
    /// The token, where the provider has to be asked again.
    pub token: Option<Secret>,
    /// Milliseconds: until when the provider's last word counts.
    counts_until: AtomicI64,
    /// Whether it is being asked.
    is_asked: AtomicBool,
}

impl Program {
    /// Whether the provider is to be asked again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now.as_millis() >= self.counts_until.load(Ordering::Relaxed)
    }

    /// The provider has been asked again, and vouches for it until then.
    pub fn counts_until(&self, until: Timestamp) {
        self.counts_until.store(until.as_millis(), Ordering::Relaxed);
    }

    /// Whether nobody has been answering for it for so long that what goes on by it must end.
    pub fn is_forsaken(&self, now: Timestamp) -> bool {
        let until = Timestamp::from_millis(self.counts_until.load(Ordering::Relaxed));
        self.is_due(now) && now.since(until) >= FORSAKEN_AFTER
    }

    /// Whether it is for the caller to ask; for nobody else, until [`was_asked`](Self::was_asked).
    pub fn begin_asking(&self) -> bool {
        !self.is_asked.swap(true, Ordering::AcqRel)
    }

    /// The provider has answered, or not.
    pub fn was_asked(&self) {
        self.is_asked.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("client", &self.client).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Sessions of programs, the first that came first.
pub(super) type Order = Mutex<VecDeque<Arc<Session>>>;

impl Sessions {
    /// What an access token stands for, if it was admitted before.
    pub fn find_program(&self, desk: &SessionDesk, token: &str, now: Timestamp) -> Found {
        let digest = digest_of(token);
        match self.met(desk, &digest) {
            Some(session) => self.judge(session, None, now),
            None if self.ended.has_token(&digest) => Found::Ended,
            None => Found::None,
        }
    }

    /// Makes a session of a token that was verified. If its program was ended since it was issued, there is none.
    pub fn admit(&self, token: &str, new: NewProgram, now: Timestamp) -> Result<Arc<Session>, SessionError> {
        let issued = new.issued;
        let session = Arc::new(self.session_of(digest_of(token), new, now));
        self.make_room(now);
        self.table.insert(&session);
        lock(&self.programs).push_back(session.clone());
        let was_ended = session.token_id().is_some_and(|id| self.ended.has_token(&id));
        // After it can be found by whoever ends its program: one of both sees the other.
        if was_ended || self.ended.has_subject(&session.subject.id(), issued) {
            session.end(now);
            return Err(SessionError::Gone);
        }
        Ok(session)
    }

    /// Forgets what has ended by itself; and among as many as there may be, the one that came first: its token is verified
    /// anew when it comes again, unless it was ended, which is known of it all the same.
    fn make_room(&self, now: Timestamp) {
        let mut order = lock(&self.programs);
        while order.front().is_some_and(|first| now >= first.absolute_end) {
            order.pop_front().inspect(|over| self.leave(over, State::Expired, now));
        }
        let most = self.limits.of_programs;
        if order.len() < most {
            return;
        }
        order.retain(|session| now < session.absolute_end);
        if order.len() >= most {
            order.pop_front().inspect(|first| self.leave(first, State::Replaced, now));
        }
    }

    /// So that no desk goes by it any more either.
    fn leave(&self, session: &Arc<Session>, state: State, now: Timestamp) {
        session.leave(State::Live, state, now);
        self.table.forget(session);
    }

    fn session_of(&self, digest: Digest, new: NewProgram, now: Timestamp) -> Session {
        let (counts_until, token) = match new.asked {
            Some((until, token)) => (until.as_millis(), Some(token)),
            None => (i64::MAX, None),
        };
        Session {
            id: SessionId::new(now, &*self.entropy),
            host: new.host,
            provider: new.provider,
            subject: Arc::new(new.subject),
            assurance: Assurance { auth_time: new.issued, ..Assurance::default() },
            purpose: new.purpose,
            purpose_chosen: true,
            justifications: Vec::new(),
            created: now,
            absolute_end: new.ends,
            provider_sid: None,
            id_token: None,
            device: None,
            bond: Bond::default(),
            program: Some(Program {
                client: new.client,
                client_id: new.client_id,
                id: new.id,
                audiences: new.audiences,
                holder: new.holder,
                token,
                counts_until: counts_until.into(),
                is_asked: false.into(),
            }),
            version: self.next_version(),
            revision: AtomicI64::new(0),
            digest,
            state: (State::Live as u8).into(),
            last_seen: now.as_millis().into(),
            gone: 0.into(),
            unsaved: false.into(),
        }
    }
}

impl Session {
    /// What a program's token is, whatever its spelling: one signature of the usual kinds can be turned into another that
    /// holds as well, and the same token must not come back by it.
    pub(super) fn token_id(&self) -> Option<Digest> {
        let program = self.program.as_ref()?;
        Some(Digest::of_parts(&[b"token id ", self.subject.issuer.as_bytes(), b" ", program.id.as_bytes()]))
    }
}

/// Never that of a cookie.
fn digest_of(token: &str) -> Digest {
    Digest::of_parts(&[b"access token ", token.as_bytes()])
}

/// What goes on by a token may do so while the provider is asked again.
const FORSAKEN_AFTER: Duration = Duration::from_secs(10);
