//! Events as people and programs read them in a list: a table, CSV, lines of JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::domain::break_glass::EventBreak;
use crate::domain::count::Count;
use crate::domain::event::Event;
use crate::domain::provisioning::Provisioning;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Revocation, Target};
use crate::domain::signal::{EventSignal, SignalKind};
use crate::foundation::text::{plain, without_formula};

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

/// Writes one event as a line of a table whose other lines are not known yet.
pub fn write_line(event: &Event, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", row(event).join("  "))
}

/// Writes events as a table for spreadsheets (RFC 4180); its head only where it is asked for.
pub fn write_csv(events: &[Event], with_head: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    if with_head {
        table.write_record(COLUMNS.map(str::to_lowercase))?;
    }
    for event in events {
        table.write_record(row(event).map(without_formula))?;
    }
    table.flush()
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
        let asked = || {
            let method = opening.method.as_deref().unwrap_or("?");
            format!("{method} {}", opening.path.as_deref().unwrap_or("?"))
        };
        route.or_else(|| opening.break_glass.is_none().then(asked))
    });
    let broken = opening.break_glass.as_deref().map(what_is_broken);
    let what: Vec<String> = what.into_iter().chain(broken).collect();
    [
        opening.time.to_string(),
        plain(opening.subject.as_ref().map_or("-", |subject| &subject.name)),
        opening.application.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        plain(&what.join(", ")),
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

/// What became of which emergency access, on one line.
fn what_is_broken(told: &EventBreak) -> String {
    let end = told.end.map_or_else(String::new, |end| format!(" ({end})"));
    let which = told.id.map_or_else(String::new, |id| format!(" {id}"));
    format!("emergency access{which} {}{end}", told.step)
}

fn count(count: Count) -> String {
    match count {
        Count::Exactly(number) => number.to_string(),
        Count::AtLeast(number) => format!("{number}+"),
        Count::Unknown(_) => "unknown".to_owned(),
        Count::NotCounted => "-".to_owned(),
    }
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
