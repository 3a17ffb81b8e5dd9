//! Who did what, when, to whom, and what was decided: questions to a journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

use super::ahead::Ahead;
use super::error::{Misfit, ReadError};
use super::events::fold_fitting;
use super::index::Hints;
use super::read::Reader;
use crate::domain::UnknownWord;
use crate::domain::application::ApplicationName;
use crate::domain::event::{Event, Opening, Outcome, Verdict};
use crate::domain::patient::PatientDigests;
use crate::domain::reason::Reason;
use crate::domain::revocation::Target;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{IdentifierError, RequestId};

/// Which events are asked for: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// This one: the reference that a page shows, and the request's `X-Request-Id`.
    pub event: Option<RequestId>,
    /// The provider's identifier of the person, or a part of their name in any case.
    pub person: Option<String>,
    /// The patient whom the request names, one whose record it opens beside others, or one whom its reply lists.
    pub patient: Option<PatientDigests>,
    /// The application.
    pub application: Option<ApplicationName>,
    /// The route's name; with `*` at its end, how it begins.
    pub route: Option<String>,
    /// What was decided.
    pub decision: Option<Verdict>,
    /// Why, by the opening or the closing entry.
    pub reason: Option<Reason>,
    /// The number of a request, protocol, document or authorization by which it was done.
    pub number: Option<String>,
    /// Only what belongs to an emergency access: to any, or to this one.
    pub break_glass: Option<BreakAsked>,
    /// Only what an accounting of disclosures lists (45 CFR 164.528).
    pub accounted: bool,
    /// Only where rules in the shadow decided otherwise.
    pub shadow_differs: bool,
    /// How it ended.
    pub ended: Option<Ended>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As the closing entry says.
    As(Outcome),
    /// There is no closing entry.
    Unknown,
}

impl FromStr for Ended {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unknown" { Ok(Self::Unknown) } else { text.parse().map(Self::As) }
    }
}

/// Which emergency accesses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum BreakAsked {
    /// All, also where somebody was asked for a reason and gave none.
    Any,
    /// The one that began with this request.
    This(RequestId),
}

impl FromStr for BreakAsked {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "any" { Ok(Self::Any) } else { text.parse().map(Self::This) }
    }
}

impl TryFrom<String> for BreakAsked {
    type Error = IdentifierError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Which events come first, and which are left out beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// What a question was answered.
#[derive(Debug)]
pub struct Answer {
    /// The events, in the order that was asked for.
    pub events: Vec<Event>,
    /// Where reading had to stop: what comes after is not in the answer.
    pub stopped: Option<Misfit>,
}

/// Asks a journal. Reads all that may matter, holds no more than `limit` events and those under way.
pub fn query(directory: &Path, filter: &Filter, order: Order, limit: usize) -> Result<Answer, ReadError> {
    query_by(directory, filter, order, limit, Hints::Used)
}

/// The same, with what is known of segments or without.
pub fn query_by(
    directory: &Path,
    filter: &Filter,
    order: Order,
    limit: usize,
    hints: Hints,
) -> Result<Answer, ReadError> {
    let mut chosen = BTreeMap::new();
    let mut stopped = None;
    for event in fitting(directory, filter, hints)? {
        match event {
            Ok(event) => {
                chosen.insert(event.sequence, event);
                if chosen.len() > limit {
                    match order {
                        Order::NewestFirst => chosen.pop_first(),
                        Order::OldestFirst => chosen.pop_last(),
                    };
                }
            }
            Err(ReadError::Misfit(misfit)) => stopped = Some(misfit),
            Err(error) => return Err(error),
        }
    }
    let events = chosen.into_values();
    let events = match order {
        Order::NewestFirst => events.rev().collect(),
        Order::OldestFirst => events.collect(),
    };
    Ok(Answer { events, stopped })
}

/// The events that are asked for, in the order in which they ended. Holds none but those under way. Stops with an error at the
/// first entry that does not fit.
pub fn fitting<'f>(
    directory: &Path,
    filter: &'f Filter,
    hints: Hints,
) -> Result<impl Iterator<Item = Result<Event, ReadError>> + use<'f>, ReadError> {
    let reader = Reader::fitting(directory, filter, None, hints)?;
    let entries = Ahead::begin(directory, reader)?;
    Ok(fold_fitting(entries, filter.clone())
        .filter(move |event| event.as_ref().map_or(true, |event| filter.fits(event))))
}

impl Filter {
    /// Whether an event may be asked for that begins so. Its end may tell another reason, whose sessions were ended and whom the
    /// reply listed; the rest stands here.
    pub(super) fn may_fit(&self, opening: &Opening) -> bool {
        fits(self.since.as_ref(), |since| opening.time >= *since)
            && fits(self.until.as_ref(), |until| opening.time < *until)
            && fits(self.decision.as_ref(), |decision| opening.verdict == *decision)
            && (!self.shadow_differs || opening.shadow.as_ref().is_some_and(|shadow| shadow.differs))
            && fits(self.event.as_ref(), |event| opening.event == *event)
            && fits(self.application.as_ref(), |name| opening.application.as_ref() == Some(name))
            && fits(self.route.as_ref(), |pattern| {
                opening.route.as_ref().is_some_and(|route| route_fits(pattern, route.as_str()))
            })
            && fits(self.break_glass.as_ref(), |asked| {
                opening.break_glass.as_ref().is_some_and(|told| match asked {
                    BreakAsked::Any => true,
                    BreakAsked::This(id) => told.id == Some(*id),
                })
            })
            && fits(self.patient.as_ref(), |patient| opening.may_list || opening.concerns_any(patient))
            && fits(self.person.as_ref(), |person| {
                // Whom the house's own events are about stands elsewhere in them.
                let is_own = opening.revocation.is_some()
                    || opening.provisioning.is_some()
                    || opening.signal.is_some()
                    || opening.detection.is_some();
                is_own || is_of(opening, person)
            })
    }

    /// Whether `event` is asked for.
    pub fn fits(&self, event: &Event) -> bool {
        let opening = &event.opening;
        let closing = event.closing.as_ref();
        self.may_fit(opening)
            && (!self.accounted || event.is_disclosure())
            && fits(self.patient.as_ref(), |patient| event.concerns(patient))
            && fits(self.number.as_ref(), |number| {
                let given = opening.justification.as_ref().and_then(|given| given.number.as_ref());
                given.is_some_and(|given| given.eq_ignore_ascii_case(number.trim()))
            })
            && fits(self.ended.as_ref(), |ended| match ended {
                Ended::As(outcome) => closing.is_some_and(|closing| closing.outcome == *outcome),
                Ended::Unknown => closing.is_none(),
            })
            && fits(self.reason.as_ref(), |reason| {
                opening.reasons.contains(reason)
                    || closing.is_some_and(|closing| closing.reason == Some(*reason))
            })
            && fits(self.person.as_ref(), |person| {
                is_of(opening, person)
                    || is_revoked(event, person)
                    || is_provisioned(event, person)
                    || is_signalled(event, person)
                    || is_detected(event, person)
            })
    }

    /// Whether only its end may tell that an event fits which begins so: it lists the patient.
    pub(super) fn waits_for_end(&self, opening: &Opening) -> bool {
        self.patient.as_ref().is_some_and(|patient| !opening.concerns_any(patient))
    }
}

/// Whether somebody with this identifier, or of this name, did it.
fn is_of(opening: &Opening, person: &str) -> bool {
    opening.subject.as_ref().is_some_and(|subject| {
        *subject.sub == *person || subject.name.to_lowercase().contains(&person.to_lowercase())
    })
}

fn fits<T>(asked: Option<&T>, holds: impl FnOnce(&T) -> bool) -> bool {
    asked.is_none_or(holds)
}

/// Whether something was found in what the person with this identifier, or of this name, does.
fn is_detected(event: &Event, person: &str) -> bool {
    let found = event.opening.detection.as_ref();
    found.is_some_and(|it| {
        *it.person.sub == *person || it.name.to_lowercase().contains(&person.to_lowercase())
    })
}

/// Whether a directory was told something of the person with this name or identifier.
fn is_provisioned(event: &Event, person: &str) -> bool {
    let told = event.opening.provisioning.as_ref().and_then(|told| told.resource.as_ref());
    told.is_some_and(|it| it.name == person || it.external_id.as_deref() == Some(person))
}

/// Whether something was done because of a signal about the person with this identifier.
fn is_signalled(event: &Event, person: &str) -> bool {
    event.opening.signal.as_ref().is_some_and(|told| told.people.iter().any(|id| *id.sub == *person))
}

/// Whether sessions of the person with this identifier were, or were to be, ended.
fn is_revoked(event: &Event, person: &str) -> bool {
    let meant = event.opening.revocation.as_ref().and_then(|revocation| match &revocation.target {
        Target::Person(id) => Some(&id.sub),
        Target::Others(others) => Some(&others.person.sub),
        Target::ProviderSession(session) => session.sub.as_ref(),
        Target::Session(_) | Target::SignIn(_) => None,
    });
    let ended = event.closing.as_ref().and_then(|closing| closing.revoked.as_ref()?.person.as_ref());
    meant.into_iter().chain(ended.map(|id| &id.sub)).any(|sub| **sub == *person)
}

/// Whether a route is meant: `*` at the end of a pattern stands for any end.
pub(super) fn route_fits(pattern: &str, route: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == route, |begin| route.starts_with(begin))
}
