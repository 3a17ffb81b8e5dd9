//! `leastway audit query`: who did what, when, to whom, and what was decided.

use std::io::Write;

use anyhow::Context as _;

use super::{Answer, Locate, Place, Selection};
use crate::features::audit::query::{Order, query, write_json, write_table};
use crate::foundation::clock::Timestamp;

/// Arguments of `audit query`.
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
    /// Print events as lines of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &QueryArguments,
    locate: Locate<'_>,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let filter = arguments.selection.filter(&directory, now)?;
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
