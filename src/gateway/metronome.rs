//! Pages that ask by themselves, told by their rhythm: the same request again and again at equal intervals is no sign of a
//! person, and does not keep their session alive. Only what reads (GET, HEAD) is told so: an editor that saves what somebody
//! types does it at equal intervals, too.
//!
//! Nobody who works is mistaken for one. Whatever else they do is a sign of theirs, on whichever connection it comes; a rhythm is
//! believed only after eight equal intervals, and given up with the first that is not; and what is forgotten, or spread over
//! workers, counts as a person.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use http::Method;

use super::normalize::Normalized;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

/// What one worker has heard of the rhythms of sessions.
#[derive(Debug, Default)]
pub struct Metronomes(RefCell<HashMap<SessionId, Vec<Rhythm>>>);

/// The same request, again and again.
#[derive(Debug)]
struct Rhythm {
    what: u64,
    last: Timestamp,
    /// The first of the equal intervals.
    interval: Duration,
    /// How many equal intervals there were.
    beats: u32,
}

/// Whether a request is a sign of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// As far as can be told.
    Person,
    /// No: it comes at this interval.
    Metronome {
        /// From one to the next.
        interval: Duration,
        /// Whether this is the first that is told from a person's.
        is_first: bool,
    },
}

impl Metronomes {
    /// A session asks for this.
    pub fn hear(&self, session: SessionId, normalized: &Normalized, method: &Method, now: Timestamp) -> Beat {
        let mut what = DefaultHasher::new();
        (normalized.application.index, method, normalized.target().path()).hash(&mut what);
        self.hear_what(session, method, what.finish(), now)
    }

    fn hear_what(&self, session: SessionId, method: &Method, what: u64, now: Timestamp) -> Beat {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Beat::Person;
        }
        let mut sessions = self.0.borrow_mut();
        if sessions.len() >= SESSIONS_MAX && !sessions.contains_key(&session) {
            sessions.clear();
        }
        let rhythms = sessions.entry(session).or_default();
        if let Some(rhythm) = rhythms.iter_mut().find(|rhythm| rhythm.what == what) {
            return rhythm.hear(now);
        }
        if rhythms.len() >= RHYTHMS_MAX
            && let Some(oldest) =
                rhythms.iter().enumerate().min_by_key(|(_, rhythm)| rhythm.last).map(|(position, _)| position)
        {
            rhythms.swap_remove(oldest);
        }
        rhythms.push(Rhythm { what, last: now, interval: Duration::ZERO, beats: 0 });
        Beat::Person
    }
}

impl Rhythm {
    fn hear(&mut self, now: Timestamp) -> Beat {
        let interval = now.since(self.last);
        self.last = self.last.max(now);
        if interval < SHORTEST {
            self.beats = 0;
            return Beat::Person;
        }
        if self.beats == 0 || interval.abs_diff(self.interval) > self.tolerance() {
            (self.interval, self.beats) = (interval, 1);
            return Beat::Person;
        }
        self.beats = self.beats.saturating_add(1);
        if self.beats < BELIEVED_AFTER {
            return Beat::Person;
        }
        Beat::Metronome { interval: self.interval, is_first: self.beats == BELIEVED_AFTER }
    }

    fn tolerance(&self) -> Duration {
        (self.interval / TWENTIETH).min(Duration::from_secs(1))
    }
}

/// What comes faster is the work of a page that somebody has just opened.
const SHORTEST: Duration = Duration::from_secs(1);
/// So many intervals have to be equal.
const BELIEVED_AFTER: u32 = 8;
/// By which part of an interval two may differ, a second at the most.
const TWENTIETH: u32 = 20;
/// Different requests of one session; the one that was not heard for longest gives way.
const RHYTHMS_MAX: usize = 8;
/// Sessions of one worker. Beyond it all are forgotten, and count as people's.
const SESSIONS_MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::entropy::SeededEntropy;

    const BEGIN: Timestamp = Timestamp::from_seconds(1_772_443_800);

    fn session(seed: u64) -> SessionId {
        SessionId::new(BEGIN, &SeededEntropy::new(seed))
    }

    /// Which of the requests that come after these pauses, in milliseconds, are a person's.
    fn heard(method: &Method, pauses: &[u64]) -> Vec<bool> {
        let (metronomes, mut now) = (Metronomes::default(), BEGIN);
        let mut hear = |pause: &u64| {
            now = now.plus(Duration::from_millis(*pause));
            metronomes.hear_what(session(1), method, 7, now) == Beat::Person
        };
        pauses.iter().map(&mut hear).collect()
    }

    #[test]
    fn a_rhythm_is_believed_after_eight_equal_intervals_and_given_up_with_the_first_other() {
        let mut pauses = vec![0];
        pauses.extend([30_000; 9]);
        pauses.push(33_000);
        pauses.extend([30_000; 8]);
        let people = heard(&Method::GET, &pauses);
        let metronomes: Vec<_> =
            people.iter().enumerate().filter(|(_, person)| !**person).map(|(at, _)| at).collect();
        assert_eq!(metronomes, [8, 9, 18]);
    }

    #[test]
    fn each_request_has_a_rhythm_of_its_own_and_so_has_each_session() {
        let metronomes = Metronomes::default();
        let at = |beat: u64| BEGIN.plus(Duration::from_secs(60 * beat));
        for beat in 0..8 {
            assert_eq!(metronomes.hear_what(session(1), &Method::GET, 1, at(beat)), Beat::Person);
            let work = at(beat).plus(Duration::from_millis(beat * beat * 700));
            assert_eq!(metronomes.hear_what(session(1), &Method::GET, 2, work), Beat::Person);
        }
        let interval = Duration::from_secs(60);
        assert_eq!(metronomes.hear_what(session(2), &Method::GET, 1, at(8)), Beat::Person);
        assert_eq!(
            metronomes.hear_what(session(1), &Method::GET, 1, at(8)),
            Beat::Metronome { interval, is_first: true }
        );
        assert_eq!(
            metronomes.hear_what(session(1), &Method::GET, 1, at(9)),
            Beat::Metronome { interval, is_first: false }
        );
        assert_eq!(metronomes.hear_what(session(1), &Method::GET, 2, at(9)), Beat::Person);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let metronomes = Metronomes::default();
        for what in 0..100 {
            metronomes.hear_what(session(1), &Method::GET, what, BEGIN.plus(Duration::from_secs(what)));
        }
        assert_eq!(metronomes.0.borrow()[&session(1)].len(), RHYTHMS_MAX);
        for seed in 0..SESSIONS_MAX as u64 + 5 {
            metronomes.hear_what(session(seed), &Method::GET, 1, BEGIN);
        }
        assert!(metronomes.0.borrow().len() <= SESSIONS_MAX);
    }

    proptest! {
        /// Whoever is never as regular as a twentieth, or a second, is a person with each request.
        #[test]
        fn whoever_works_is_a_person(pauses in proptest::collection::vec(1_000_u64..120_000, 1..60)) {
            let mut uneven = pauses.clone();
            for position in 1..uneven.len() {
                // An interval that is as the one before becomes longer by more than may be.
                if uneven[position].abs_diff(uneven[position - 1]) <= 1_000 {
                    uneven[position] = uneven[position - 1] + 1_001 + position as u64;
                }
            }
            prop_assert!(heard(&Method::GET, &uneven).into_iter().all(|person| person), "{uneven:?}");
        }

        /// Whoever types into an editor that saves by itself is a person, however regular that is.
        #[test]
        fn what_changes_something_is_a_persons_at_equal_pauses_too(pause in 1_000_u64..600_000, times in 9_usize..40) {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let people = heard(&method, &vec![pause; times]);
                prop_assert!(people.into_iter().all(|person| person), "{method} each {pause} ms");
            }
        }

        /// A page that asks by itself is found, whatever its interval and its little delays.
        #[test]
        fn a_page_that_asks_by_itself_is_none(
            interval in 1_000_u64..600_000,
            jitter in proptest::collection::vec(0_u64..=20, 30),
        ) {
            let most = (interval / 20).min(1_000);
            let pauses: Vec<u64> = jitter.iter().map(|twentieth| interval + most * twentieth / 20).collect();
            let people = heard(&Method::HEAD, &pauses);
            // The reference may be the longest or the shortest: what lies between is within what may differ.
            let wrong = people.iter().skip(9).filter(|person| **person).count();
            prop_assert_eq!(wrong, 0, "{:?}", pauses);
        }
    }
}
