//! What a segment holds, and in which of its blocks: asked where it may hold what fits a filter.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::super::format::Head;
use super::super::query::{BreakAsked, Filter, route_fits};
use super::super::read::DISORDER;
use super::super::segment::{Leap, Spot};
use super::blocks::Blocks;
use crate::domain::event::{Opening, Verdict};
use crate::domain::patient::{PatientDigest, PatientDigests};
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
    /// The byte after its last entry.
    pub(super) end: u64,
    /// Identifiers of people, each with the blocks in which events of theirs begin or end; so is all that follows.
    pub(super) people: BTreeMap<String, Blocks>,
    /// Their names, in lower case.
    pub(super) names: BTreeMap<String, Blocks>,
    pub(super) applications: BTreeMap<String, Blocks>,
    pub(super) routes: BTreeMap<String, Blocks>,
    pub(super) verdicts: BTreeMap<Verdict, Blocks>,
    pub(super) reasons: BTreeMap<Reason, Blocks>,
    /// Where one of them may be a disclosure that is accounted for.
    pub(super) accounted: Blocks,
    /// What only their ends have told, of events that began in an earlier segment.
    pub(super) late: Vec<Late>,
    /// Of events whose ends list patients: the block of the end, and that of the beginning, or the first where they began in an
    /// earlier segment. What lies between is not leapt over, so that what has begun need be kept no longer than all is read.
    pub(super) spans: BTreeSet<(u16, u16)>,
    /// The events that have not ended, by the numbers of their opening entries.
    pub(super) open: BTreeMap<u64, Open>,
    /// The blocks of the segment, in order: written apart from the rest.
    #[serde(skip)]
    pub(super) blocks: Vec<Block>,
    /// Patients, by a part of their digests, and in which blocks, in rising order: written apart from the rest.
    #[serde(skip)]
    pub(super) patients: Vec<(u64, u16)>,
}

/// A part of a segment, of whole entries: what is read or leapt over as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Where its first entry begins.
    pub(super) at: Spot,
    /// When the earliest event began that begins or ends in it.
    pub(super) first: Timestamp,
    /// When the latest did.
    pub(super) last: Timestamp,
}

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The sequence of the entry; 0 before the first.
    pub sequence: u64,
    /// Its hash, and so that of all before it.
    pub hash: Digest,
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
pub(super) struct Late {
    pub(super) begun: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) person: Option<String>,
    /// Whom its reply listed, by a part of their digests.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) listed: Vec<u64>,
}

/// An event that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) event: RequestId,
    pub(super) terms: Terms,
}

/// What an opening entry can be asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) time: Timestamp,
    pub(super) people: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) application: Option<String>,
    pub(super) route: Option<String>,
    pub(super) verdict: Verdict,
    pub(super) reasons: Vec<Reason>,
    pub(super) is_accounted: bool,
    pub(super) patients: Vec<u64>,
    /// Whose it is may be told by its end alone.
    end_tells_person: bool,
    /// Whom its reply lists may be told by its end.
    end_tells_patients: bool,
}

impl Contents {
    /// Of no entry yet, with what is open of the segment that ends where this one begins.
    pub(super) fn begin(at: Spot, earlier: Option<&Self>) -> Self {
        Self {
            before: at.head.into(),
            through: at.head.into(),
            changed: 0,
            known_from: earlier.map_or(at.head.sequence, |earlier| earlier.known_from),
            end: at.offset,
            people: BTreeMap::new(),
            names: BTreeMap::new(),
            applications: BTreeMap::new(),
            routes: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            reasons: BTreeMap::new(),
            accounted: Blocks::NONE,
            late: Vec::new(),
            spans: BTreeSet::new(),
            open: earlier.map(|earlier| earlier.open.clone()).unwrap_or_default(),
            blocks: vec![Block::begin(at)],
            patients: Vec::new(),
        }
    }

    /// The blocks in which an event that fits may begin or end.
    pub(super) fn fitting(&self, filter: &Filter) -> Blocks {
        let within = (0..).zip(&self.blocks).filter(|(_, block)| block.may_hold(filter));
        let mut fitting: Blocks = within.map(|(number, _)| number).collect();
        if filter.accounted {
            fitting.keep(&self.accounted);
        }
        if let Some(verdict) = filter.decision {
            fitting.keep(self.verdicts.get(&verdict).unwrap_or(&Blocks::NONE));
        }
        if let Some(reason) = filter.reason {
            fitting.keep(self.reasons.get(&reason).unwrap_or(&Blocks::NONE));
        }
        if let Some(name) = &filter.application {
            fitting.keep(self.applications.get(name.as_str()).unwrap_or(&Blocks::NONE));
        }
        if let Some(patient) = &filter.patient {
            let named: Vec<_> = patient.each().map(|digest| self.of_patient(part_of(digest))).collect();
            fitting.keep(&Blocks::any(named.iter()));
        }
        if let Some(pattern) = &filter.route {
            let routes = self.routes.iter().filter(|(route, _)| route_fits(pattern, route));
            fitting.keep(&Blocks::any(routes.map(|(_, blocks)| blocks)));
        }
        if let Some(person) = &filter.person {
            let part = person.to_lowercase();
            let named = self.names.iter().filter(|(name, _)| name.contains(&part)).map(|(_, blocks)| blocks);
            fitting.keep(&Blocks::any(self.people.get(person).into_iter().chain(named)));
        }
        if filter.patient.is_some() {
            let ended = self.spans.iter().filter(|(end, _)| fitting.has(*end));
            let spans: Blocks = ended.flat_map(|(end, begin)| *begin..=*end).collect();
            fitting = Blocks::any([&fitting, &spans].into_iter());
        }
        fitting
    }

    fn of_patient(&self, part: u64) -> Blocks {
        let begin = self.patients.partition_point(|(other, _)| *other < part);
        let of_this = self.patients.iter().skip(begin).take_while(|(other, _)| *other == part);
        of_this.map(|(_, block)| *block).collect()
    }

    /// What is leapt over for a question: the blocks in which nothing fits, as many at once as lie together.
    pub(super) fn leaps(&self, filter: &Filter) -> VecDeque<Leap> {
        let fitting = self.fitting(filter);
        let end = Spot { offset: self.end, head: self.through.into() };
        let ends = self.blocks.iter().skip(1).map(|block| block.at).chain([end]);
        let mut leaps: VecDeque<Leap> = VecDeque::new();
        for (number, (block, end)) in (0..).zip(self.blocks.iter().zip(ends)) {
            if fitting.has(number) {
                continue;
            }
            match leaps.back_mut().filter(|leap| leap.to == block.at) {
                Some(leap) => leap.to = end,
                None => leaps.push_back(Leap { from: block.at, to: end }),
            }
        }
        leaps
    }

    /// The first entry that is still needed for an event of which only its end here tells that it may fit.
    pub(super) fn needed_from(&self, filter: &Filter) -> Option<u64> {
        let asked = filter.patient.iter().flat_map(PatientDigests::each);
        let parts: Vec<_> = asked.map(part_of).collect();
        let may_fit = |late: &&Late| {
            (filter.reason.is_some() && late.reason == filter.reason)
                || (filter.person.is_some() && late.person == filter.person)
                || parts.iter().any(|part| late.listed.contains(part))
        };
        self.late.iter().filter(may_fit).map(|late| late.begun).min()
    }

    /// The first entry that is needed where it is not known how those end that have not ended here: the end of one may
    /// tell that it fits.
    pub(super) fn needed_for_ends(&self, filter: &Filter) -> Option<u64> {
        let may_fit = |terms: &Terms| {
            filter.reason.is_some()
                || (filter.person.is_some() && terms.end_tells_person)
                || (filter.patient.is_some() && terms.end_tells_patients)
        };
        self.open.iter().find(|(_, open)| may_fit(&open.terms)).map(|(begun, _)| *begun)
    }
}

impl Block {
    /// One in which nothing begins or ends yet.
    pub(super) const fn begin(at: Spot) -> Self {
        Self { at, first: Timestamp::from_millis(i64::MAX), last: Timestamp::from_millis(i64::MIN) }
    }

    /// An event that began at `time` begins or ends here.
    pub(super) fn spans(&mut self, time: Timestamp) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }

    fn may_hold(&self, filter: &Filter) -> bool {
        filter.since.is_none_or(|since| self.last >= since)
            && filter.until.is_none_or(|until| self.first < until)
            && filter
                .event
                .map(RequestId::time)
                .is_none_or(|made| self.last >= made.minus(DISORDER) && self.first <= made.plus(DISORDER))
            && match filter.break_glass {
                // It is called by the request in which it began: nothing of it is earlier.
                Some(BreakAsked::This(begun)) => self.last >= begun.time().minus(DISORDER),
                Some(BreakAsked::Any) | None => true,
            }
    }
}

impl Terms {
    /// Everything by which [`Filter::fits`] may ask for an event: what is forgotten here is not found.
    pub(super) fn of(opening: &Opening) -> Self {
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
            end_tells_patients: opening.may_list,
        }
    }
}

/// Of two patients with the same part, one is asked for in vain: a segment is read that need not be.
pub(super) fn part_of(patient: &PatientDigest) -> u64 {
    let first = patient.digest().as_bytes().first_chunk().copied();
    u64::from_be_bytes(first.unwrap_or_default())
}
