//! Who did what, when, to whom, and what was decided: questions to a journal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use super::error::{Misfit, ReadError};
use super::events::fold;
use super::read::Reader;
use crate::domain::UnknownWord;
use crate::domain::application::ApplicationName;
use crate::domain::count::Count;
use crate::domain::event::{Event, EventSubject, Outcome, Verdict};
use crate::domain::patient::PatientDigest;
use crate::domain::provisioning::Provisioning;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Revocation, Target};
use crate::domain::signal::{EventSignal, SignalKind};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// Which events are asked for: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// This one: the reference that a page shows, and the request's `X-Request-Id`.
    pub event: Option<RequestId>,
    /// The provider's identifier of the person, or a part of their name in any case.
    pub person: Option<String>,
    /// The patient whom the request names.
    pub patient: Option<PatientDigest>,
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
    let mut chosen = BTreeMap::new();
    let mut stopped = None;
    for event in fitting(directory, filter)? {
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
) -> Result<impl Iterator<Item = Result<Event, ReadError>> + use<'f>, ReadError> {
    let reader = match filter.since {
        Some(since) => Reader::since(directory, since),
        None => Reader::open(directory),
    };
    Ok(fold(reader?).filter(move |event| event.as_ref().map_or(true, |event| filter.fits(event))))
}

impl Filter {
    /// Whether `event` is asked for.
    pub fn fits(&self, event: &Event) -> bool {
        let opening = &event.opening;
        let closing = event.closing.as_ref();
        fits(self.since.as_ref(), |since| opening.time >= *since)
            && fits(self.until.as_ref(), |until| opening.time < *until)
            && fits(self.decision.as_ref(), |decision| opening.verdict == *decision)
            && (!self.shadow_differs || opening.shadow.as_ref().is_some_and(|shadow| shadow.differs))
            && (!self.accounted || is_disclosed(event))
            && fits(self.number.as_ref(), |number| {
                let given = opening.justification.as_ref().and_then(|given| given.number.as_ref());
                given.is_some_and(|given| given.eq_ignore_ascii_case(number.trim()))
            })
            && fits(self.event.as_ref(), |event| opening.event == *event)
            && fits(self.application.as_ref(), |name| opening.application.as_ref() == Some(name))
            && fits(self.patient.as_ref(), |patient| opening.patient.as_ref() == Some(patient))
            && fits(self.ended.as_ref(), |ended| match ended {
                Ended::As(outcome) => closing.is_some_and(|closing| closing.outcome == *outcome),
                Ended::Unknown => closing.is_none(),
            })
            && fits(self.reason.as_ref(), |reason| {
                opening.reasons.contains(reason)
                    || closing.is_some_and(|closing| closing.reason == Some(*reason))
            })
            && fits(self.route.as_ref(), |pattern| {
                opening.route.as_ref().is_some_and(|route| route_fits(pattern, route.as_str()))
            })
            && fits(self.person.as_ref(), |person| {
                opening.subject.as_ref().is_some_and(|subject| {
                    *subject.sub == **person || subject.name.to_lowercase().contains(&person.to_lowercase())
                }) || is_revoked(event, person)
                    || is_provisioned(event, person)
                    || is_signalled(event, person)
                    || is_detected(event, person)
            })
    }
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

/// Whether something went out that an accounting of disclosures lists. What may have gone is listed, too.
fn is_disclosed(event: &Event) -> bool {
    let ended = event.closing.as_ref().map(|closing| closing.outcome);
    let may_have_gone = match ended {
        None | Some(Outcome::Completed | Outcome::Aborted) => true,
        Some(Outcome::Refused | Outcome::Withheld | Outcome::Failed) => false,
    };
    // A file where one only looks was an export all the same.
    let is_found_file = event.closing.as_ref().is_some_and(|closing| closing.found_file);
    let is_accounted = |subject: &EventSubject| subject.purpose.is_accounted();
    let is_found =
        is_found_file && event.opening.subject.as_ref().is_some_and(|subject| is_accounted(subject));
    (event.opening.accounted || is_found) && may_have_gone
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

fn route_fits(pattern: &str, route: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == route, |begin| route.starts_with(begin))
}

/// Writes events as lines of JSON.
pub fn write_json(events: &[Event], out: &mut dyn Write) -> io::Result<()> {
    for event in events {
        serde_json::to_writer(&mut *out, event)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Writes events as a table for people.
pub fn write_table(events: &[Event], out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; COLUMNS.len()]> = events.iter().map(row).collect();
    let width = |column: usize, name: &str| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([name.len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = COLUMNS.iter().enumerate().map(|(column, name)| width(column, name)).collect();
    write_row(&COLUMNS.map(str::to_owned), &widths, out)?;
    rows.iter().try_for_each(|row| write_row(row, &widths, out))
}

fn write_row(cells: &[String], widths: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        // Writing to a string does not fail.
        write!(line, "{cell:width$}  ").map_err(io::Error::other)?;
    }
    writeln!(out, "{}", line.trim_end())
}

fn row(event: &Event) -> [String; COLUMNS.len()] {
    let opening = &event.opening;
    let closing = event.closing.as_ref();
    let reason = closing.and_then(|closing| closing.reason).or(opening.reasons.first().copied());
    let revocation = opening.revocation.as_deref().map(what_ends);
    let provisioning = opening.provisioning.as_deref().map(what_was_told);
    let signal = opening.signal.as_deref().map(what_was_signalled);
    let what = opening.note.clone().or(revocation).or(provisioning).or(signal).or_else(|| {
        let route = opening.route.as_ref().map(ToString::to_string);
        route.or_else(|| {
            Some(format!(
                "{} {}",
                opening.method.as_deref().unwrap_or("?"),
                opening.path.as_deref().unwrap_or("?")
            ))
        })
    });
    [
        opening.time.to_string(),
        plain(opening.subject.as_ref().map_or("-", |subject| &subject.name)),
        opening.application.as_ref().map_or_else(|| opening.kind.to_string(), ToString::to_string),
        plain(&what.unwrap_or_default()),
        opening.action.map_or("-", |action| action.as_str()).to_owned(),
        opening.verdict.to_string(),
        reason.map_or("-", Reason::as_str).to_owned(),
        closing.map_or("unknown", |closing| closing.outcome.as_str()).to_owned(),
        closing
            .and_then(|closing| closing.status)
            .map_or_else(|| "-".to_owned(), |status| status.to_string()),
        closing.map_or_else(|| "-".to_owned(), |closing| count(closing.records)),
        opening.event.to_string(),
    ]
}

/// Which sessions are to end, on one line.
fn what_ends(revocation: &Revocation) -> String {
    let what = match &revocation.target {
        Target::Session(id) => format!("session {id}"),
        Target::SignIn(id) => format!("sign-in of session {id}"),
        Target::Person(id) => format!("all sessions of {}", id.sub),
        Target::Others(others) => format!("all other sessions of {}", others.person.sub),
        Target::ProviderSession(session) => format!("provider session {}", session.sid),
    };
    let why = revocation.why.as_ref().map_or_else(String::new, |why| format!(": {}", why.as_str()));
    format!("{what} ({}){why}", revocation.cause)
}

/// What was done to a directory, on one line.
fn what_was_told(told: &Provisioning) -> String {
    let Provisioning { provider, step, resource, joined, left, more: _ } = told;
    let Some(resource) = resource else { return format!("directory of {provider} {step}") };
    let members = match (joined.len(), left.len()) {
        (0, 0) => String::new(),
        (joined, left) => format!(", {joined} joined, {left} left"),
    };
    format!("{} {} {step}{members}", resource.kind, resource.name)
}

/// What was signalled, and what was done, on one line.
fn what_was_signalled(told: &EventSignal) -> String {
    let kind = told.kind.map_or("signal", SignalKind::as_str);
    let whose = match told.people.as_slice() {
        [] => String::new(),
        [only] => format!(" of {}", only.sub),
        [first, others @ ..] => format!(" of {} and {} others", first.sub, others.len() + told.more),
    };
    format!("{kind}{whose} by {}: {}", told.provider, told.step)
}

fn count(count: Count) -> String {
    match count {
        Count::Exactly(number) => number.to_string(),
        Count::AtLeast(number) => format!("{number}+"),
        Count::Unknown(_) => "unknown".to_owned(),
        Count::NotCounted => "-".to_owned(),
    }
}

/// The text without anything that could move a terminal's cursor or turn its writing direction.
pub fn plain(text: &str) -> String {
    let is_tricky = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        if is_tricky(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
        plain
    })
}

const COLUMNS: [&str; 11] = [
    "TIME",
    "PERSON",
    "APPLICATION",
    "ROUTE",
    "ACTION",
    "DECISION",
    "REASON",
    "OUTCOME",
    "STATUS",
    "RECORDS",
    "EVENT",
];
