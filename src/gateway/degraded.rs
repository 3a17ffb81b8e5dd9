//! What goes on where something of ours is down, and how it shows: in the reply, for whoever watches, and in the event or, where
//! there can be none, in the diagnostics.

use std::sync::atomic::Ordering;

use http::{HeaderName, HeaderValue, Method};

use super::draft::WithoutEntry;
use super::handle::{Answer, Moment};
use super::passage::Passage;
use super::subject::Person;
use crate::domain::degraded::Degraded;
use crate::domain::purpose::Basis;

/// What is degraded now for whoever asks at a host, the worst first; nothing where all is well.
pub(super) fn states(moment: &Moment, host: &str, person: &Person) -> Vec<Degraded> {
    Degraded::ALL.iter().copied().filter(|state| stands(*state, moment, host, person)).collect()
}

fn stands(state: Degraded, moment: &Moment, host: &str, person: &Person) -> bool {
    let (shared, rules) = (&moment.worker.shared, &moment.current.rules);
    match state {
        Degraded::NoEvent => !shared.journal.is_writable(),
        Degraded::OutOfTouch => !moment.is_in_touch,
        Degraded::ProviderDown => {
            let session = match person {
                Person::Known(known) => Some(&known.session),
                Person::Locked(locked) => Some(&locked.session),
                Person::Nobody(_) => None,
            };
            session.is_some_and(|session| shared.sessions.is_down(&session.provider))
        }
        Degraded::FeedStale => person.known().is_some_and(|known| {
            let applications: Vec<_> = rules.routes.at(host).map(|application| &application.name).collect();
            rules.feeds.are_aged_at(&known.session.provider, &applications, moment.now)
        }),
        Degraded::RulesOld => shared.are_rules_old.load(Ordering::Relaxed),
    }
}

impl Passage<'_> {
    /// What becomes of it where no disk takes its entry: somebody who treats a patient and only looks may be let through, and
    /// then it is counted. A batch may hold anything, and what is not known may be an export.
    pub(super) fn without_entry(&self, method: &Method) -> WithoutEntry {
        let only_looks = (*method == Method::GET || *method == Method::HEAD)
            && self.entries.is_empty()
            && self.normalized.head.upgrade.is_none()
            && self.part.route.as_ref().is_some_and(|route| route.action.is_looking());
        let treats =
            self.person.identity().is_some_and(|identity| identity.purpose.basis() == Basis::Treatment);
        if only_looks && treats && !self.public && !self.person.is_program() {
            WithoutEntry::Counted
        } else {
            WithoutEntry::Refused
        }
    }

    /// Whether its session is over, and goes on because nobody can sign in anew.
    fn is_extended(&self) -> bool {
        let (sessions, now) = (&self.moment.worker.shared.sessions, self.moment.now);
        self.person.known().is_some_and(|known| sessions.is_extended(&known.session, now))
    }

    /// The diagnostics are all that tells of this request alone.
    fn note_gap(&self, number: u64) {
        let (application, route) =
            (&self.application.name, self.part.route.as_ref().map(|route| &route.name));
        let session = self.person.known().map(|known| known.session.id);
        tracing::warn!(
            request.id = %self.moment.event,
            session.id = ?session,
            gap.number = number,
            %application,
            ?route,
            "a request was let through without an event",
        );
    }

    /// Says in the reply what is wrong although it is right.
    pub(super) fn tell_degraded(&self, in_gap: Option<u64>, answer: &mut Answer) {
        let Some(headers) = answer.headers_mut() else { return };
        if let Some(number) = in_gap {
            self.note_gap(number);
            headers.insert(DEGRADED, HeaderValue::from_static("no-event"));
        } else if self.is_extended() {
            headers.insert(DEGRADED, HeaderValue::from_static("provider-down"));
        }
    }
}

/// `no-event`: the request left none; `provider-down`: the session is over, and nobody can sign in anew.
const DEGRADED: HeaderName = HeaderName::from_static("x-leastway-degraded");
