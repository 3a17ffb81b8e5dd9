//! `leastway audit query`: who did what, when, to whom, and what was decided.

use std::io::Write;

use anyhow::Context as _;

use super::archive::Asked;
use super::{Answer, Locate, Place, Selection, follow};
use crate::domain::closed_list;
use crate::features::audit::index::Hints;
use crate::features::audit::query::{Filter, Order, query_by};
use crate::features::audit::table::{write_csv, write_json, write_table};
use crate::foundation::clock::Timestamp;

/// Arguments of `audit query`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, clap::Args)]
pub struct QueryArguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    selection: Selection,
    /// At most so many events.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// The oldest first, and the newest left out beyond the limit.
    #[arg(long)]
    oldest_first: bool,
    /// How events are printed: table, json or csv.
    #[arg(long, value_name = "WORD", default_value = "table")]
    format: Printed,
    /// Print events as lines of JSON: the same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Go on as events end: those that fit, in the order in which they end, from `--since` or now on.
    #[arg(long, short, conflicts_with_all = ["oldest_first", "limit", "until"])]
    follow: bool,
    /// Read every segment, whatever its index says.
    #[arg(long)]
    no_index: bool,
    /// Fetch from the archive what may fit and is not in the journal's folder any more.
    #[arg(long, conflicts_with = "follow")]
    archive: bool,
}

closed_list! {
    /// How events are printed.
    Printed {
        /// For people.
        Table = "table",
        /// A line for each.
        Json = "json",
        /// For spreadsheets (RFC 4180).
        Csv = "csv",
    }
}

pub(super) fn run(
    arguments: &QueryArguments,
    locate: Locate<'_>,
    now: Timestamp,
    out: &mut impl Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let filter = arguments.selection.filter((&arguments.place, &directory), now)?;
    let format = if arguments.json { Printed::Json } else { arguments.format };
    if arguments.follow {
        let filter = Filter { since: filter.since.or(Some(now)), ..filter };
        return follow::run(&directory, &filter, format, out);
    }
    let hints = if arguments.no_index { Hints::Ignored } else { Hints::Used };
    let order = if arguments.oldest_first { Order::OldestFirst } else { Order::NewestFirst };
    let limit = usize::try_from(arguments.limit).context("the limit is too large for this machine")?;
    let asked =
        Asked::find(directory, (&arguments.place, arguments.archive), (&filter, None, hints), problems)?;
    let answer = query_by(asked.directory(), &filter, order, limit, hints)?;
    match format {
        Printed::Table => write_table(&answer.events, out)?,
        Printed::Json => write_json(&answer.events, out)?,
        Printed::Csv => write_csv(&answer.events, true, out)?,
    }
    match answer.stopped {
        Some(misfit) => Err(anyhow::Error::new(misfit).context("the journal could not be read to its end")),
        None => Ok(Answer::Yes),
    }
}
