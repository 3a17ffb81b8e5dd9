//! Where a session stands at a moment: it is live, locked or over.
//!
//! What was found once stays so: no reload with longer times and no clock that goes back unlocks a session, or brings one
//! back. It is made of when the person was last seen, which the store holds, so that a restart forgets no lock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::finding::Finding;
use super::locked::Locked;
use super::session::{Session, State};
use super::sessions::{Sessions, lock};
use super::settings::Times;
use crate::domain::application::{ApplicationName, ProviderName};
use crate::domain::device::DeviceClass;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

/// What a cookie stands for.
#[derive(Debug)]
pub enum Found {
    /// A session.
    Session(Arc<Session>),
    /// A session that waits for its person to come back: nobody is known by it.
    Locked(Locked),
    /// A session that was idle for too long or has reached its absolute end.
    Expired,
    /// A session that was ended: by sign-out, by an operator, by a newer one.
    Ended,
    /// A session, of which the request does not show what it is bound to: nobody is known by it.
    Elsewhere,
    /// No session that we know.
    None,
}

/// When a session is locked and when it ends, if its person stays inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// When it is locked; none where it is not.
    pub lock: Option<Timestamp>,
    /// When it ends.
    pub idle: Timestamp,
    /// When it ends in any case.
    pub absolute: Timestamp,
}

impl Sessions {
    /// The session of this id as it stands now, asked from a device of this class: for what lives longer than a request.
    pub fn current(&self, id: SessionId, device: Option<&DeviceClass>, now: Timestamp) -> Found {
        self.table.by_id(id).map_or(Found::None, |session| self.judge(session, device, now))
    }

    /// What a session that was found stands for at `now`, asked from a device of this class or of none. What is stricter
    /// holds, where the person signed in or here: a cookie that is carried elsewhere gains nothing.
    pub fn judge(&self, session: Arc<Session>, device: Option<&DeviceClass>, now: Timestamp) -> Found {
        let times = self.times(&session, device);
        self.found(session, times, now)
    }

    /// The same at applications, each of which may ask for less. A session that is found locked or over there is so
    /// everywhere.
    pub fn judge_at<'a>(
        &self,
        applications: impl IntoIterator<Item = &'a ApplicationName>,
        session: Arc<Session>,
        device: Option<&DeviceClass>,
        now: Timestamp,
    ) -> Found {
        let times = self.times_at(applications, &session, device);
        self.found(session, times, now)
    }

    /// When a session is locked and ends at applications, on a device of this class.
    pub fn ends_at<'a>(
        &self,
        applications: impl IntoIterator<Item = &'a ApplicationName>,
        session: &Session,
        device: Option<&DeviceClass>,
    ) -> Ends {
        ends(session, self.times_at(applications, session, device))
    }

    /// The same wherever nobody asks for less.
    pub fn ends(&self, session: &Session, device: Option<&DeviceClass>) -> Ends {
        ends(session, self.times(session, device))
    }

    /// Whether the session of this id is there, live or locked, by the class of the device where its person signed in.
    pub fn is_there(&self, id: SessionId, now: Timestamp) -> bool {
        self.table.by_id(id).is_some_and(|session| self.stands(&session, now))
    }

    /// Whether requests that come like a metronome's beats are to be told from a person's.
    pub fn detects_polling(&self) -> bool {
        self.settings.load().detect_polling
    }

    /// Notes that the person was active. It keeps a session from being locked, and unlocks none.
    pub fn touch(&self, session: &Arc<Session>, now: Timestamp) {
        let is_noted = now.as_millis() - session.last_seen.load(Ordering::Relaxed) < SEEN_RESOLUTION_MILLIS;
        if is_noted || !session.is_live() {
            return;
        }
        session.last_seen.fetch_max(now.as_millis(), Ordering::SeqCst);
        if session.program.is_none() && !session.unsaved.swap(true, Ordering::SeqCst) {
            lock(&self.touched).push(session.clone());
        }
    }

    /// Where nobody asks from anywhere: by the class of the device where its person signed in.
    pub(super) fn at_rest(&self, session: Arc<Session>, now: Timestamp) -> Found {
        let times = self.times_at_sign_in(&session);
        self.found(session, times, now)
    }

    /// Whether it is live or locked, where nobody asks from anywhere.
    pub(super) fn stands(&self, session: &Session, now: Timestamp) -> bool {
        self.age(session, self.times_at_sign_in(session), now);
        session.stands()
    }

    fn found(&self, session: Arc<Session>, times: Times, now: Timestamp) -> Found {
        self.age(&session, times, now);
        match session.state() {
            State::Live => Found::Session(session),
            State::Locked => Found::Locked(Locked { since: session.gone(), resume: times.resume, session }),
            State::Expired => Found::Expired,
            State::Ended => Found::Ended,
            // Replaced while we looked: what stands now is under the same id.
            State::Replaced => match self.table.by_id(session.id) {
                Some(after) if after.digest == session.digest && after.version > session.version => {
                    self.found(after, times, now)
                }
                Some(_) | None => Found::None,
            },
        }
    }

    fn times_at<'a>(
        &self,
        applications: impl IntoIterator<Item = &'a ApplicationName>,
        session: &Session,
        device: Option<&DeviceClass>,
    ) -> Times {
        let settings = self.settings.load();
        let shorter = applications.into_iter().filter_map(|name| settings.applications.get(name).copied());
        shorter.fold(self.times(session, device), Times::within)
    }

    fn times(&self, session: &Session, device: Option<&DeviceClass>) -> Times {
        let settings = self.settings.load();
        settings.of(session.device.as_ref()).stricter(settings.of(device))
    }

    fn times_at_sign_in(&self, session: &Session) -> Times {
        self.settings.load().of(session.device.as_ref())
    }

    /// From now on these providers are known to be down, and no other: what began there goes on for longer.
    pub fn note_down(&self, down: BTreeSet<ProviderName>) {
        if **self.down.load() != down {
            self.down.store(Arc::new(down));
        }
    }

    /// Whether a session is over, and goes on only because nobody can sign in anew.
    pub fn is_extended(&self, session: &Session, now: Timestamp) -> bool {
        session.program.is_none() && now >= ends(session, self.times_at_sign_in(session)).absolute
    }

    /// Whether a provider is known to be down.
    pub fn is_down(&self, provider: &ProviderName) -> bool {
        self.down.load().contains(provider)
    }

    /// For how long it goes on beyond its absolute end.
    pub fn extension(&self, session: &Session) -> Duration {
        if session.program.is_none() && self.is_down(&session.provider) {
            self.settings.load().outage_extension
        } else {
            Duration::ZERO
        }
    }

    /// Locks it or lets it expire, if that is due.
    fn age(&self, session: &Session, times: Times, now: Timestamp) {
        if !session.stands() {
            return;
        }
        let ends = ends(session, times);
        // Its person may be at work at another node, which tells us a moment later when they were seen there.
        let idle_now = if self.store.is_shared() { now.minus(HEARD_WITHIN) } else { now };
        if idle_now >= ends.idle || now >= ends.absolute.plus(self.extension(session)) {
            if session.expire(now) && session.program.is_none() {
                self.findings.note(Finding::expired(session, now));
            }
        } else if let Some(lock) = ends.lock.filter(|lock| idle_now >= *lock)
            && session.leave(State::Live, State::Locked, lock)
        {
            self.findings.note(Finding::locked(session, lock));
        }
    }
}

fn ends(session: &Session, times: Times) -> Ends {
    // A program is idle as it likes: its session is as long as its token.
    if session.program.is_some() {
        return Ends { lock: None, idle: session.absolute_end, absolute: session.absolute_end };
    }
    let seen = session.last_seen();
    // What was promised at sign-in, or less if the settings have become shorter.
    let absolute = session.absolute_end.min(session.created.plus(times.absolute));
    Ends { lock: times.locks().then(|| seen.plus(times.lock)), idle: seen.plus(times.idle), absolute }
}

/// Where a person was seen is saved every two seconds, and told to a node that is in touch within three.
pub(super) const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// Seen again within this time is not noted: it would only move memory between cores.
const SEEN_RESOLUTION_MILLIS: i64 = 1_000;
