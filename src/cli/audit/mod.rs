//! `leastway audit`: asks the journal and proves it, offline, from its files alone.

mod key;
mod prove;
mod verify;

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;

use crate::domain::application::ApplicationName;
use crate::domain::event::Verdict;
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::features::audit::query::{Ended, Filter, Order, query, write_json, write_table};
use crate::features::audit::read::{Reader, Stored, load_patient_key};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::id::RequestId;

/// What to do with the journal.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Prove that the journal is as it was written, or name the first entry that does not fit.
    Verify(verify::Arguments),
    /// Prove to an outsider that an event is in the journal, or that one checkpoint goes on from another.
    Prove(prove::Arguments),
    /// Check such a proof, with nothing but the public key.
    CheckProof(prove::CheckArguments),
    /// Show the public keys that sign checkpoints.
    Key(key::Arguments),
    /// Make a new key that signs checkpoints from now on, and have it told in the journal.
    RotateKey(key::RotateArguments),
    /// Who did what, when, to whom, and what was decided.
    Query(QueryArguments),
    /// Show the newest entries, and those to come.
    Tail(TailArguments),
}

/// Which journal.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The journal's folder; by default the one that the configuration names.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub journal: Option<PathBuf>,
    /// Configuration files that name the journal.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub config: Vec<PathBuf>,
}

/// Arguments of `audit query`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, clap::Args)]
pub struct QueryArguments {
    #[command(flatten)]
    place: Place,
    /// The event: the reference that a page shows.
    #[arg(long, value_name = "REFERENCE")]
    event: Option<RequestId>,
    /// The person: the provider's identifier, or a part of the name.
    #[arg(long, value_name = "TEXT")]
    person: Option<String>,
    /// The patient, as the application names them.
    #[arg(long, value_name = "ID", requires = "application")]
    patient: Option<String>,
    /// The application.
    #[arg(long, value_name = "NAME")]
    application: Option<ApplicationName>,
    /// The route; with `*` at the end, every route that begins so.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// What was decided: permit, challenge or deny.
    #[arg(long, value_name = "WORD")]
    decision: Option<Verdict>,
    /// Why, such as `export-over-request-limit`.
    #[arg(long, value_name = "WORD")]
    reason: Option<Reason>,
    /// The number of the request, protocol, document or authorization by which it was done.
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// Only what an accounting of disclosures lists (45 CFR 164.528).
    #[arg(long)]
    disclosures: bool,
    /// Only where rules in the shadow decided otherwise.
    #[arg(long)]
    shadow_differs: bool,
    /// How it ended: completed, refused, withheld, aborted, failed or unknown.
    #[arg(long, value_name = "WORD")]
    outcome: Option<Ended>,
    /// At this moment or later: `2026-03-01T08:00:00Z`, or how long ago: `30m`, `12h`, `7d`.
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// At most so many events.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// The oldest first, and the newest left out beyond the limit.
    #[arg(long)]
    oldest_first: bool,
    /// Print events as lines of JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit tail`.
#[derive(Debug, clap::Args)]
pub struct TailArguments {
    #[command(flatten)]
    place: Place,
    /// How many entries to begin with.
    #[arg(long, value_name = "N", default_value_t = 20)]
    lines: u16,
    /// How far back to look for them.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: Moment,
    /// Go on as entries are written.
    #[arg(long, short)]
    follow: bool,
}

/// A moment, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

/// A text that is neither.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is neither a moment such as `2026-03-01T08:00:00Z` nor a time ago such as `30m`, `12h` or `7d`"
)]
pub struct MomentError {
    text: String,
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || MomentError { text: text.to_owned() };
        let seconds = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return text.parse().map(Self::At).map_err(|_| refused()),
        };
        let number: u64 = text.trim_end_matches(['s', 'm', 'h', 'd']).parse().map_err(|_| refused())?;
        Ok(Self::Ago(Duration::from_secs(number.saturating_mul(seconds))))
    }
}

impl Moment {
    pub(super) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => now.minus(duration),
        }
    }
}

/// What a command has to say for a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All is well.
    Yes,
    /// The answer is no.
    No,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => Self::SUCCESS,
            Answer::No => Self::FAILURE,
        }
    }
}

/// Runs a command. `locate` finds the journal's folder by the configuration files that were given,
/// which may be none.
pub fn run(
    command: &AuditCommand,
    locate: &dyn Fn(&[PathBuf]) -> anyhow::Result<PathBuf>,
    clock: &dyn Clock,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    match command {
        AuditCommand::Verify(arguments) => verify::run(arguments, locate, out),
        AuditCommand::Prove(arguments) => prove::run(arguments, locate, out),
        AuditCommand::CheckProof(arguments) => prove::check(arguments, out),
        AuditCommand::Key(arguments) => key::show(arguments, locate, out),
        AuditCommand::RotateKey(arguments) => key::rotate(arguments, locate, out),
        AuditCommand::Query(arguments) => run_query(arguments, locate, clock.now(), out),
        AuditCommand::Tail(arguments) => run_tail(arguments, locate, clock.now(), out),
    }
}

type Locate<'a> = &'a dyn Fn(&[PathBuf]) -> anyhow::Result<PathBuf>;

impl Place {
    fn directory(&self, locate: Locate<'_>) -> anyhow::Result<PathBuf> {
        self.journal.clone().map_or_else(|| locate(&self.config), Ok)
    }
}

fn run_query(
    arguments: &QueryArguments,
    locate: Locate<'_>,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let patient = match (&arguments.patient, &arguments.application) {
        (Some(id), Some(application)) => {
            let key = load_patient_key(&directory)?;
            Some(PatientRef::new(application.clone(), id.clone()).digest(&key))
        }
        _ => None,
    };
    let filter = Filter {
        event: arguments.event,
        person: arguments.person.clone(),
        patient,
        application: arguments.application.clone(),
        route: arguments.route.clone(),
        decision: arguments.decision,
        reason: arguments.reason,
        number: arguments.number.clone(),
        accounted: arguments.disclosures,
        shadow_differs: arguments.shadow_differs,
        ended: arguments.outcome,
        since: arguments.since.map(|since| since.at(now)),
        until: arguments.until.map(|until| until.at(now)),
    };
    let order = if arguments.oldest_first { Order::OldestFirst } else { Order::NewestFirst };
    let limit = usize::try_from(arguments.limit).context("the limit is too large for this machine")?;
    let answer = query(&directory, &filter, order, limit)?;
    if arguments.json {
        write_json(&answer.events, out)?;
    } else {
        write_table(&answer.events, out)?;
    }
    match answer.stopped {
        Some(misfit) => Err(anyhow::Error::new(misfit).context("the journal could not be read to its end")),
        None => Ok(Answer::Yes),
    }
}

fn run_tail(
    arguments: &TailArguments,
    locate: Locate<'_>,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let mut reader = Reader::since(&directory, arguments.since.at(now))?;
    let mut newest: VecDeque<Stored> = VecDeque::new();
    for stored in reader.by_ref() {
        newest.push_back(stored?);
        if newest.len() > usize::from(arguments.lines) {
            newest.pop_front();
        }
    }
    newest.iter().try_for_each(|stored| write_entry(stored, out))?;
    if !arguments.follow {
        return Ok(Answer::Yes);
    }
    loop {
        for stored in reader.by_ref() {
            write_entry(&stored?, out)?;
        }
        out.flush()?;
        wait_for_more();
    }
}

fn write_entry(stored: &Stored, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, stored)?;
    writeln!(out)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an operator's command waits here, never a request")]
fn wait_for_more() {
    std::thread::sleep(Duration::from_millis(300));
}

#[cfg(test)]
mod tests;
