//! All sessions of this gateway: found, made, changed, ended, swept.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Mutex as AsyncMutex;

use super::bond::{Bond, Shows};
use super::desk::SessionDesk;
use super::ended::EndedPrograms;
use super::ending::Lately;
use super::finding::Findings;
use super::id_token::SealedIdToken;
use super::nodes::{self, Nodes};
use super::program::Order;
use super::session::{NewSession, Session, State};
use super::settings::SessionSettings;
use super::standing::Found;
use super::store;
use super::table::{SHARDS, Table};
use super::token::SessionToken;
use super::usual::UsualPurposes;
use crate::domain::application::ProviderName;
use crate::domain::device::{BoundTo, DeviceClass};
use crate::domain::reason::Reason;
use crate::domain::revocation::Target;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::store::{Store, StoreError};

/// All sessions of this gateway.
#[derive(Debug)]
pub struct Sessions {
    pub(super) table: Table,
    pub(super) store: Store,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) limits: SessionLimits,
    /// A reload may change them.
    pub(super) settings: ArcSwap<SessionSettings>,
    next_version: AtomicU64,
    /// One change of a session at a time, or one of two would be lost.
    changing: Box<[AsyncMutex<()>]>,
    /// Seen since `last_seen` was saved.
    pub(super) touched: Mutex<Vec<Arc<Session>>>,
    /// Ended here, but still in the store, which did not answer.
    pub(super) undeleted: Mutex<Vec<SessionId>>,
    /// What was found of sessions, and the store does not know yet.
    pub(super) findings: Findings,
    /// What other nodes are to be told with the next write.
    pub(super) nodes: Nodes,
    pub(super) lately: Lately,
    pub(super) programs: Order,
    pub(super) ended: EndedPrograms,
    pub(super) usual: UsualPurposes,
    /// The shard to be swept next.
    pub(super) sweep: AtomicUsize,
    /// The providers that are known to be down.
    pub(super) down: ArcSwap<BTreeSet<ProviderName>>,
}

/// How many sessions there may be.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// In all.
    pub all: usize,
    /// Of one person; beyond it their oldest ends.
    pub per_person: usize,
    /// Of programs, a few hundred bytes each; beyond it the oldest is forgotten, and its token verified anew.
    pub of_programs: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { all: 1_000_000, per_person: 64, of_programs: 65_536 }
    }
}

/// Why a session could not be made or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are as many sessions as there may be.
    #[error("there are as many sessions as there may be")]
    TooMany,
    /// Its person has as many already as they may.
    #[error("the person has as many sessions already as they may")]
    Full,
    /// It was ended or changed meanwhile.
    #[error("the session does not stand any more")]
    Gone,
    /// Its person has come back in another tab meanwhile, and it has the cookie from there.
    #[error("the session has got another cookie meanwhile")]
    Renewed(Arc<Session>),
    /// A step-up came back with another person.
    #[error("another person came back than the session belongs to")]
    OtherPerson,
    /// It is locked, or one beside it, and the provider does not say that its person has authenticated since.
    #[error(
        "the provider does not say by `auth_time` that the person has authenticated since the session was locked"
    )]
    NotAnew,
    /// It is bound to the key of a device already.
    #[error("the session is bound to the key of a device already")]
    Bound,
    /// It cannot be written down.
    #[error("the session cannot be written down")]
    Unwritable,
}

impl SessionError {
    /// Why, in the words of events and pages.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Store(_) => Reason::StoreUnavailable,
            Self::TooMany => Reason::Overloaded,
            Self::Full => Reason::TooManySessions,
            Self::Gone => Reason::SessionRevoked,
            Self::Renewed(_) | Self::OtherPerson | Self::Bound => Reason::SignInInvalid,
            Self::NotAnew => Reason::AuthTooOld,
            Self::Unwritable => Reason::InternalError,
        }
    }
}

impl From<store::Unreadable> for SessionError {
    fn from(_: store::Unreadable) -> Self {
        Self::Unwritable
    }
}

impl Sessions {
    /// The sessions that the store holds; those that have expired are dropped. Blocks: for the start.
    pub fn load(
        store: Store,
        settings: &SessionSettings,
        limits: SessionLimits,
        entropy: Arc<dyn Entropy>,
        now: Timestamp,
    ) -> Result<Self, SessionError> {
        let ended = EndedPrograms::load(&store, now)?;
        let usual = UsualPurposes::load(&store, now)?;
        let sessions = Self {
            table: Table::new(),
            store,
            entropy,
            limits,
            settings: ArcSwap::from_pointee(settings.clone()),
            next_version: AtomicU64::new(1),
            changing: (0..SHARDS).map(|_| AsyncMutex::new(())).collect(),
            touched: Mutex::default(),
            undeleted: Mutex::default(),
            findings: Findings::default(),
            nodes: Nodes::default(),
            lately: Lately::default(),
            programs: Order::default(),
            ended,
            usual,
            sweep: AtomicUsize::new(0),
            down: ArcSwap::default(),
        };
        let mut unreadable = 0_usize;
        for row in sessions.store.read(&store::all())? {
            match store::read(&row, sessions.next_version()) {
                // Expired ones too: their browsers are told, and the sweep forgets them.
                Ok(session) => sessions.table.insert(&Arc::new(session)),
                Err(store::Unreadable) => unreadable += 1,
            }
        }
        if unreadable > 0 {
            tracing::warn!(
                session.unreadable = unreadable,
                "stored sessions that cannot be read are ignored"
            );
        }
        let known = (0..SHARDS).flat_map(|shard| sessions.table.in_shard(shard));
        known.for_each(|session| drop(sessions.at_rest(session, now)));
        Ok(sessions)
    }

    /// Takes new settings. Shorter ones hold for sessions that stand already.
    pub fn apply(&self, settings: &SessionSettings) {
        self.settings.store(Arc::new(settings.clone()));
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nobody is signed in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A desk for one worker.
    pub fn desk(&self) -> SessionDesk {
        SessionDesk::default()
    }

    /// What the cookie `token` stands for on `host`, sent from a device of this class.
    pub fn find(
        &self,
        desk: &SessionDesk,
        token: &str,
        host: &str,
        device: Option<&DeviceClass>,
        now: Timestamp,
    ) -> Found {
        let Some(digest) = SessionToken::digest_of(token) else { return Found::None };
        match self.met(desk, &digest) {
            Some(session) if *session.host == *host => self.judge(session, device, now),
            Some(_) | None => Found::None,
        }
    }

    /// The session under a token's digest: on the desk, if it was met there before.
    pub(super) fn met(&self, desk: &SessionDesk, digest: &Digest) -> Option<Arc<Session>> {
        desk.recall(digest).or_else(|| {
            let session = self.table.find(digest)?;
            if session.is_live() {
                desk.remember(&session);
            }
            Some(session)
        })
    }

    /// Makes a session of a sign-in; it is in the store when this answers. If its person was
    /// signed out since that was begun, there is none; nor if it would only get around a lock, or be one too many. See
    /// [`surplus`](Self::surplus) for what has to end then.
    pub async fn create(
        &self,
        new: NewSession,
        now: Timestamp,
    ) -> Result<(Arc<Session>, SessionToken), SessionError> {
        if self.table.len() >= self.limits.all {
            return Err(SessionError::TooMany);
        }
        let (token, begun) = (SessionToken::generate(&*self.entropy), new.begun);
        let authenticated = new.authenticated;
        let session = Arc::new(self.session(new, &token, now)?);
        if self.goes_around(&session, authenticated, now) {
            return Err(SessionError::NotAnew);
        }
        if self.is_full(&session, now) {
            return Err(SessionError::Full);
        }
        self.store.write_telling(vec![store::insert(&session)?], vec![nodes::changed(session.id)]).await?;
        if !self.table.insert_new(&session) || self.nodes.is_gone(session.id) {
            self.table.end(session.id, now);
            return Err(SessionError::Gone);
        }
        self.unless_ended(&session, begun, now).await?;
        Ok((session, token))
    }

    /// Ends a session that stands now, and was meant by what was ended since `begun`.
    pub(super) async fn unless_ended(
        &self,
        session: &Session,
        begun: Timestamp,
        now: Timestamp,
    ) -> Result<(), SessionError> {
        if !self.lately.names(session, begun) {
            return Ok(());
        }
        self.end(&Target::Session(session.id), now);
        self.settle(now).await?;
        Err(SessionError::Gone)
    }

    /// What a sign-in that shows this binds its session to.
    pub fn bond(&self, shows: &Shows<'_>) -> Bond {
        Bond::of(shows, &self.settings.load().bound_to)
    }

    /// Whether a browser is asked for a key to which this session can be bound.
    pub fn wants_key(&self, session: &Session) -> bool {
        session.bond.key().is_none() && self.settings.load().bound_to.contains(&BoundTo::DeviceKey)
    }

    /// How long a browser is believed to have a session's key.
    pub fn device_proof(&self) -> Duration {
        self.settings.load().device_proof
    }

    /// The ID token, sealed by the cookie of its session.
    pub(super) fn sealed(
        &self,
        id_token: Option<&Secret>,
        session: SessionId,
        cookie: &SessionToken,
    ) -> Result<Option<SealedIdToken>, SessionError> {
        let seal = |id_token| SealedIdToken::seal(id_token, session, cookie, &*self.entropy);
        id_token.map(seal).transpose().map_err(|_| SessionError::Unwritable)
    }

    fn session(
        &self,
        new: NewSession,
        token: &SessionToken,
        now: Timestamp,
    ) -> Result<Session, SessionError> {
        let id = SessionId::new(now, &*self.entropy);
        Ok(Session {
            id,
            host: new.host,
            provider: new.provider,
            subject: Arc::new(new.subject),
            assurance: new.assurance,
            purpose: new.purpose,
            purpose_chosen: false,
            justifications: Vec::new(),
            created: now,
            absolute_end: now.plus(self.settings.load().of(new.device.as_ref()).absolute),
            device: new.device,
            bond: new.bond,
            provider_sid: new.provider_sid,
            id_token: self.sealed(new.id_token.as_ref(), id, token)?,
            program: None,
            version: self.next_version(),
            revision: 0.into(),
            digest: token.digest(),
            state: (State::Live as u8).into(),
            last_seen: now.as_millis().into(),
            gone: 0.into(),
            unsaved: false.into(),
        })
    }

    /// A version that no session has had, and none will have.
    pub fn next_version(&self) -> u64 {
        self.next_version.fetch_add(1, Ordering::Relaxed)
    }

    #[expect(clippy::indexing_slicing, reason = "a number modulo SHARDS is below the number of turns")]
    pub(super) fn turn(&self, id: SessionId) -> &AsyncMutex<()> {
        use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        &self.changing[usize::from(hash.to_le_bytes()[0]) % SHARDS]
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
