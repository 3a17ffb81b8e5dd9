//! Answers that were given and still hold, kept per person so that a person can be forgotten at once.
//!
//! An answer is found again only for the same rules and for a person about whom nothing has changed:
//! the whole standing is compared, not just its version, so that two sessions of one person never share
//! an answer unless they stand alike. What feeds tell is looked up for each question and compared, too. What else the answer depended on is in its footprint, and time is
//! in `until`. Finding an answer allocates nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::world::Networks;
use crate::domain::application::{ProviderName, RoleName};
use crate::domain::assurance::Assurance;
use crate::domain::decision::{Challenge, Decision, Denial, Grounds, Obligations};
use crate::domain::device::DeviceClass;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Identity, Justification, Subject, SubjectId};
use crate::domain::told::{Marks, Told};
use crate::foundation::clock::Timestamp;

/// What a worker remembers. Each worker has its own.
#[derive(Debug)]
pub struct Memory {
    people: moka::sync::Cache<SubjectId, Arc<Person>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(PEOPLE)
    }
}

impl Memory {
    /// A memory for this many people; beyond that, those least asked about are forgotten.
    pub fn new(people: u64) -> Self {
        Self { people: moka::sync::Cache::new(people) }
    }

    /// Forgets every answer about a person, at once.
    pub fn forget(&self, subject: &SubjectId) {
        self.people.invalidate(subject);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.people.invalidate_all();
    }

    /// The answer to a question that was asked before, if it still holds at `now`.
    pub(super) fn recall(&self, identity: &Identity, key: &Key, now: Timestamp) -> Option<Outcome> {
        let person = self.people.get(&identity.subject.id())?;
        let mut standings = person.0.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = standings.iter_mut().find(|standing| standing.is(identity, key.generation))?;
        let found = standing.answers.get(&key.question)?;
        (found.made <= now && now <= found.until).then(|| found.outcome.clone())
    }

    /// Remembers an answer until a moment.
    pub(super) fn keep(
        &self,
        identity: &Identity,
        key: Key,
        outcome: Outcome,
        made: Timestamp,
        until: Timestamp,
    ) {
        let person = self.people.get_with(identity.subject.id(), Arc::default);
        let mut standings = person.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = standings.iter().position(|standing| standing.is(identity, key.generation));
        let mut standing = match position.and_then(|position| standings.remove(position)) {
            Some(standing) => standing,
            None => Standing::of(identity, key.generation),
        };
        if standing.answers.len() >= ANSWERS {
            standing.answers.retain(|_, answer| answer.until >= made);
        }
        if standing.answers.len() >= ANSWERS {
            standing.answers.clear();
        }
        standing.answers.insert(key.question, Remembered { outcome, made, until });
        standings.push_front(standing);
        standings.truncate(STANDINGS);
    }
}

/// What an answer is found by, beside the person.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Which rules.
    pub(super) generation: u64,
    /// What was asked.
    pub(super) question: Asked,
}

/// What was asked, reduced to what the rules of the route can tell apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub(super) route: usize,
    pub(super) networks: Option<Networks>,
    pub(super) device: Option<DeviceClass>,
    pub(super) one_patient: bool,
    /// What feeds tell, as they tell it now.
    pub(super) told: Told,
}

/// An answer with what it rests on.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) answer: Answer,
    pub(super) rules: Arc<[Arc<str>]>,
    pub(super) obligations: Obligations,
    /// The relationships that a permit rests on.
    pub(super) rested: Marks,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Permit,
    Challenge(Challenge),
    Deny(Arc<Denial>),
}

impl Outcome {
    pub(super) fn grounds(&self, cached: bool) -> Grounds {
        Grounds {
            rules: self.rules.clone(),
            obligations: self.obligations.clone(),
            rested: self.rested,
            cached,
        }
    }

    /// The decision, if it is not to go on: going on takes a proof that is made elsewhere.
    pub(super) fn refusal(&self, cached: bool) -> Option<Decision> {
        match &self.answer {
            Answer::Permit => None,
            Answer::Challenge(challenge) => {
                Some(Decision::Challenge(challenge.clone(), self.grounds(cached)))
            }
            Answer::Deny(denial) => Some(Decision::Deny(denial.as_ref().clone(), self.grounds(cached))),
        }
    }
}

#[derive(Debug, Default)]
struct Person(Mutex<VecDeque<Standing>>);

/// All that is known of a person in one session, and the answers given about it.
#[derive(Debug)]
struct Standing {
    generation: u64,
    version: u64,
    subject: Arc<Subject>,
    provider: ProviderName,
    roles: Vec<RoleName>,
    purpose: Purpose,
    assurance: Assurance,
    justification: Option<Justification>,
    answers: HashMap<Asked, Remembered>,
}

#[derive(Debug)]
struct Remembered {
    outcome: Outcome,
    made: Timestamp,
    until: Timestamp,
}

impl Standing {
    fn of(identity: &Identity, generation: u64) -> Self {
        Self {
            generation,
            version: identity.version,
            subject: identity.subject.clone(),
            provider: identity.provider.clone(),
            roles: identity.roles.clone(),
            purpose: identity.purpose,
            assurance: identity.assurance.clone(),
            justification: identity.justification.clone(),
            answers: HashMap::new(),
        }
    }

    fn is(&self, identity: &Identity, generation: u64) -> bool {
        self.generation == generation
            && self.version == identity.version
            && self.purpose == identity.purpose
            && (Arc::ptr_eq(&self.subject, &identity.subject) || self.subject == identity.subject)
            && self.provider == identity.provider
            && self.roles == identity.roles
            && self.assurance == identity.assurance
            && self.justification == identity.justification
    }
}

/// How many people a worker remembers by default.
const PEOPLE: u64 = 10_000;
/// How many sessions, or states of a session, are remembered per person.
const STANDINGS: usize = 4;
/// How many answers are remembered per standing.
const ANSWERS: usize = 256;
