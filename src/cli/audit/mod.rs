//! `leastway audit`: asks the journal and proves it, offline, from its files alone.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;

use crate::domain::application::ApplicationName;
use crate::domain::closed_list;
use crate::domain::event::Verdict;
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::features::audit::Head;
use crate::features::audit::index::{Hints, Look, Made, make_missing};
use crate::features::audit::query::{Ended, Filter, Order, query_by};
use crate::features::audit::read::{Reader, Stored, load_patient_key};
use crate::features::audit::table::{write_csv, write_json, write_table};
use crate::features::audit::verify::{Expectations, Report, verify};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::id::RequestId;

mod follow;
#[cfg(test)]
mod tests;

/// What to do with the journal.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Prove that the journal is as it was written, or name the first entry that does not fit.
    Verify(VerifyArguments),
    /// Who did what, when, to whom, and what was decided.
    Query(QueryArguments),
    /// Make the indexes of full segments that are not there, by which questions read less.
    Index(IndexArguments),
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

/// Arguments of `audit verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArguments {
    #[command(flatten)]
    place: Place,
    /// A head that was noted earlier, `SEQUENCE:HASH`: proves that nothing up to it was changed or cut off.
    #[arg(long, value_name = "HEAD")]
    expect_head: Option<Head>,
    /// The head at which earlier segments were moved to an archive: the journal must go on from it.
    #[arg(long, value_name = "HEAD")]
    archived_through: Option<Head>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
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
    /// How events are printed: table, json or csv.
    #[arg(long, value_name = "WORD", default_value = "table")]
    format: Format,
    /// Print events as lines of JSON: the same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Go on as events end: those that fit, in the order in which they end, from `--since` or now on.
    #[arg(long, short, conflicts_with_all = ["oldest_first", "limit", "until"])]
    follow: bool,
    /// Read every segment, whatever its index says.
    #[arg(long)]
    no_index: bool,
}

closed_list! {
    /// How events are printed.
    Format {
        /// For people.
        Table = "table",
        /// A line for each.
        Json = "json",
        /// For spreadsheets (RFC 4180).
        Csv = "csv",
    }
}

/// Arguments of `audit index`.
#[derive(Debug, clap::Args)]
pub struct IndexArguments {
    #[command(flatten)]
    place: Place,
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
        AuditCommand::Verify(arguments) => run_verify(arguments, locate, out),
        AuditCommand::Query(arguments) => run_query(arguments, locate, clock.now(), out),
        AuditCommand::Index(arguments) => run_index(arguments, locate, out),
        AuditCommand::Tail(arguments) => run_tail(arguments, locate, clock.now(), out),
    }
}

type Locate<'a> = &'a dyn Fn(&[PathBuf]) -> anyhow::Result<PathBuf>;

impl Place {
    pub(super) fn directory(&self, locate: Locate<'_>) -> anyhow::Result<PathBuf> {
        self.journal.clone().map_or_else(|| locate(&self.config), Ok)
    }
}

fn run_verify(
    arguments: &VerifyArguments,
    locate: Locate<'_>,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let expectations = Expectations { head: arguments.expect_head, archived: arguments.archived_through };
    let report = verify(&directory, expectations)?;
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        write_report(&report, arguments.expect_head, out)?;
    }
    Ok(if report.misfit.is_some() { Answer::No } else { Answer::Yes })
}

fn write_report(report: &Report, noted: Option<Head>, out: &mut impl Write) -> std::io::Result<()> {
    match &report.misfit {
        Some(misfit) => {
            writeln!(out, "The journal does not fit.")?;
            writeln!(out, "  {misfit}")?;
            writeln!(out, "Up to there it fits:")?;
        }
        None => writeln!(out, "The journal fits, every byte of it.")?,
    }
    writeln!(out, "  segments   {}", report.segments)?;
    writeln!(
        out,
        "  entries    {} ({} begin, {} end an event)",
        report.entries, report.openings, report.closings
    )?;
    writeln!(
        out,
        "  unfinished {} with an unknown outcome, {} at the end",
        report.outcome_unknown, report.under_way
    )?;
    if report.closings_alone > 0 {
        writeln!(out, "  closings   {} whose opening entry is not here", report.closings_alone)?;
    }
    if let (Some(first), Some(last)) = (report.first, report.last) {
        writeln!(out, "  time       {first} to {last}")?;
    }
    writeln!(out, "  head       {}", report.head())?;
    if report.misfit.is_none() && noted.is_none() {
        writeln!(
            out,
            "Note the head elsewhere: given back by --expect-head, it proves that nothing was cut off."
        )?;
    }
    Ok(())
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
    let format = if arguments.json { Format::Json } else { arguments.format };
    if arguments.follow {
        let filter = Filter { since: filter.since.or(Some(now)), ..filter };
        return follow::run(&directory, &filter, format, out);
    }
    let hints = if arguments.no_index { Hints::Ignored } else { Hints::Used };
    let order = if arguments.oldest_first { Order::OldestFirst } else { Order::NewestFirst };
    let limit = usize::try_from(arguments.limit).context("the limit is too large for this machine")?;
    let answer = query_by(&directory, &filter, order, limit, hints)?;
    match format {
        Format::Table => write_table(&answer.events, out)?,
        Format::Json => write_json(&answer.events, out)?,
        Format::Csv => write_csv(&answer.events, true, out)?,
    }
    match answer.stopped {
        Some(misfit) => Err(anyhow::Error::new(misfit).context("the journal could not be read to its end")),
        None => Ok(Answer::Yes),
    }
}

/// Makes the indexes that a gateway has not made yet.
fn run_index(arguments: &IndexArguments, locate: Locate<'_>, out: &mut impl Write) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let Made { made, kept } = make_missing(&directory, Look::AtEach, &|| true)?;
    writeln!(out, "{made} segments were indexed, {kept} had their index.")?;
    Ok(Answer::Yes)
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
        follow::wait_for_more();
    }
}

fn write_entry(stored: &Stored, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, stored)?;
    writeln!(out)?;
    Ok(())
}
