//! What a segment holds: gathered from its entries, and asked whether it may hold what fits a filter.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::super::events::is_journal_opened;
use super::super::format::Head;
use super::super::query::{Filter, route_fits};
use crate::domain::event::{Closing, Entry, Opening, Verdict};
use crate::domain::patient::PatientDigest;
use crate::domain::reason::Reason;
use crate::domain::revocation::Target;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::RequestId;

/// What a segment holds: of every event that begins or ends in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contents {
    /// The place in the chain before its first entry.
    pub(super) before: Place,
    /// Its last entry.
    pub(super) through: Place,
    /// When its file was last changed, in nanoseconds since 1970: one that was changed since is read.
    pub(super) changed: u64,
    /// The entry from which on it is known what was open: that before the first segment which was there.
    pub(super) known_from: u64,
    /// When the earliest of these events began, and the latest.
    times: Option<(Timestamp, Timestamp)>,
    /// Identifiers of people.
    people: BTreeSet<String>,
    /// Their names, in lower case.
    names: BTreeSet<String>,
    applications: BTreeSet<String>,
    routes: BTreeSet<String>,
    verdicts: BTreeSet<Verdict>,
    reasons: BTreeSet<Reason>,
    /// Whether one of them may be a disclosure that is accounted for.
    is_accounted: bool,
    /// What only their ends have told, of events that began in an earlier segment.
    late: Vec<Late>,
    /// The events that have not ended, by the numbers of their opening entries.
    open: BTreeMap<u64, Open>,
    /// Patients, by a part of their digests, in rising order: written apart from the rest.
    #[serde(skip)]
    pub(super) patients: Vec<u64>,
}

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) hash: Digest,
}

impl From<Head> for Place {
    fn from(Head { sequence, hash }: Head) -> Self {
        Self { sequence, hash }
    }
}

impl From<Place> for Head {
    fn from(Place { sequence, hash }: Place) -> Self {
        Self { sequence, hash }
    }
}

/// What the end of an event has told whose opening is entry `begun`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Late {
    begun: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    person: Option<String>,
}

/// An event that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    event: RequestId,
    terms: Terms,
}

/// What an opening entry can be asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Terms {
    time: Timestamp,
    people: Vec<String>,
    names: Vec<String>,
    application: Option<String>,
    route: Option<String>,
    verdict: Verdict,
    reasons: Vec<Reason>,
    is_accounted: bool,
    patients: Vec<u64>,
    /// Whose it is may be told by its end alone.
    end_tells_person: bool,
}

impl Contents {
    /// Begins after the place `before`, with what is open of the segment that ends there.
    pub(super) fn gather(before: Head, earlier: Option<&Self>) -> Gathering {
        let open: BTreeMap<u64, Open> = earlier.map(|earlier| earlier.open.clone()).unwrap_or_default();
        let begun = open.iter().map(|(sequence, open)| (open.event, *sequence)).collect();
        let contents = Self {
            before: before.into(),
            through: before.into(),
            changed: 0,
            known_from: earlier.map_or(before.sequence, |earlier| earlier.known_from),
            times: None,
            people: BTreeSet::new(),
            names: BTreeSet::new(),
            applications: BTreeSet::new(),
            routes: BTreeSet::new(),
            verdicts: BTreeSet::new(),
            reasons: BTreeSet::new(),
            is_accounted: false,
            late: Vec::new(),
            open,
            patients: Vec::new(),
        };
        Gathering { contents, begun, patients: BTreeSet::new() }
    }

    /// Whether an event that fits may begin or end here.
    pub(super) fn may_hold(&self, filter: &Filter) -> bool {
        let Some((first, last)) = self.times else { return false };
        filter.since.is_none_or(|since| last >= since)
            && filter.until.is_none_or(|until| first < until)
            && (self.is_accounted || !filter.accounted)
            && filter.decision.is_none_or(|verdict| self.verdicts.contains(&verdict))
            && filter.reason.is_none_or(|reason| self.reasons.contains(&reason))
            && filter.application.as_ref().is_none_or(|name| self.applications.contains(name.as_str()))
            && filter.patient.as_ref().is_none_or(|it| self.patients.binary_search(&part_of(it)).is_ok())
            && filter.route.as_ref().is_none_or(|route| self.routes.iter().any(|it| route_fits(route, it)))
            && filter.person.as_ref().is_none_or(|person| self.may_know(person))
    }

    fn may_know(&self, person: &str) -> bool {
        let part = person.to_lowercase();
        self.people.contains(person) || self.names.iter().any(|name| name.contains(&part))
    }

    /// The first entry that is still needed for an event of which only its end here tells that it may fit.
    pub(super) fn needed_from(&self, filter: &Filter) -> Option<u64> {
        let may_fit = |late: &&Late| {
            (filter.reason.is_some() && late.reason == filter.reason)
                || (filter.person.is_some() && late.person == filter.person)
        };
        self.late.iter().filter(may_fit).map(|late| late.begun).min()
    }

    /// The first entry that is needed where it is not known how those end that have not ended here: the end of one may
    /// tell that it fits.
    pub(super) fn needed_for_ends(&self, filter: &Filter) -> Option<u64> {
        let may_fit =
            |terms: &Terms| filter.reason.is_some() || (filter.person.is_some() && terms.end_tells_person);
        self.open.iter().find(|(_, open)| may_fit(&open.terms)).map(|(begun, _)| *begun)
    }

    fn add(&mut self, patients: &mut BTreeSet<u64>, terms: &Terms) {
        let time = terms.time;
        self.times = Some(self.times.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        self.people.extend(terms.people.iter().cloned());
        self.names.extend(terms.names.iter().cloned());
        self.applications.extend(terms.application.clone());
        self.routes.extend(terms.route.clone());
        self.verdicts.insert(terms.verdict);
        self.reasons.extend(terms.reasons.iter().copied());
        self.is_accounted |= terms.is_accounted;
        patients.extend(&terms.patients);
    }
}

/// The entries of a segment, one after the other.
#[derive(Debug)]
pub(super) struct Gathering {
    contents: Contents,
    begun: HashMap<RequestId, u64>,
    patients: BTreeSet<u64>,
}

impl Gathering {
    /// Takes the next entry.
    pub(super) fn take(&mut self, head: Head, entry: Entry) {
        self.contents.through = head.into();
        match entry {
            Entry::Opening(opening) => self.open(head.sequence, &opening),
            Entry::Closing(closing) => self.close(&closing),
        }
    }

    fn open(&mut self, sequence: u64, opening: &Opening) {
        // Whoever was under way when the gateway ended will not be closed any more: the event ends here, its end unknown, and
        // whoever asks for it has to come by here, so that it comes in the same order as without an index.
        if is_journal_opened(opening) {
            for Open { event: _, terms } in std::mem::take(&mut self.contents.open).into_values() {
                self.contents.add(&mut self.patients, &terms);
            }
            self.begun.clear();
        }
        let terms = Terms::of(opening);
        self.contents.add(&mut self.patients, &terms);
        self.begun.insert(opening.event, sequence);
        self.contents.open.insert(sequence, Open { event: opening.event, terms });
    }

    fn close(&mut self, closing: &Closing) {
        let Some(begun) = self.begun.remove(&closing.event) else { return };
        let Some(open) = self.contents.open.remove(&begun) else { return };
        let person = closing.revoked.as_ref().and_then(|revoked| revoked.person.as_ref());
        let person = person.map(|person| person.sub.to_string());
        if begun <= self.contents.before.sequence {
            self.contents.add(&mut self.patients, &open.terms);
            if closing.reason.is_some() || person.is_some() {
                self.contents.late.push(Late { begun, reason: closing.reason, person: person.clone() });
            }
        }
        self.contents.reasons.extend(closing.reason);
        self.contents.people.extend(person);
    }

    /// What the segment holds.
    pub(super) fn finish(self) -> Contents {
        let Self { mut contents, patients, .. } = self;
        contents.patients = patients.into_iter().collect();
        contents
    }
}

impl Terms {
    /// Everything by which [`Filter::fits`] may ask for an event: what is forgotten here is not found.
    fn of(opening: &Opening) -> Self {
        let subject = opening.subject.as_deref();
        let detection = opening.detection.as_deref();
        let resource = opening.provisioning.as_ref().and_then(|told| told.resource.as_ref());
        let signalled = opening.signal.iter().flat_map(|signal| &signal.people).map(|person| &*person.sub);
        let revoked = opening.revocation.as_ref().and_then(|revocation| match &revocation.target {
            Target::Person(person) => Some(&*person.sub),
            Target::Others(others) => Some(&*others.person.sub),
            Target::ProviderSession(session) => session.sub.as_deref(),
            Target::Session(_) | Target::SignIn(_) => None,
        });
        let people = subject.map(|subject| &*subject.sub).into_iter();
        let people = people.chain(detection.map(|found| &*found.person.sub));
        let people = people.chain(resource.map(|resource| resource.name.as_str()));
        let people = people.chain(resource.and_then(|resource| resource.external_id.as_deref()));
        let names = subject.map(|subject| subject.name.to_lowercase()).into_iter();
        let opened = opening.taken.iter().flat_map(|taken| &taken.opened);
        Self {
            time: opening.time,
            people: people.chain(signalled).chain(revoked).map(str::to_owned).collect(),
            names: names.chain(detection.map(|found| found.name.to_lowercase())).collect(),
            application: opening.application.as_ref().map(ToString::to_string),
            route: opening.route.as_ref().map(ToString::to_string),
            verdict: opening.verdict,
            reasons: opening.reasons.clone(),
            is_accounted: opening.accounted || subject.is_some_and(|subject| subject.purpose.is_accounted()),
            patients: opening.patient.iter().chain(opened).map(part_of).collect(),
            end_tells_person: opening.revocation.is_some(),
        }
    }
}

/// Of two patients with the same part, one is asked for in vain: a segment is read that need not be.
fn part_of(patient: &PatientDigest) -> u64 {
    let first = patient.digest().as_bytes().first_chunk().copied();
    u64::from_be_bytes(first.unwrap_or_default())
}
