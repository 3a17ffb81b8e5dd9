//! `leastway policy tighten`: the least privilege that would have sufficed for what was recorded.

use std::io::Write;
use std::path::Path;

use super::candidate;
use super::recorded::Recorded;
use crate::cli::Exit;
use crate::features::policy::tighten::Tightening;

/// Arguments of `policy tighten`.
#[derive(Debug, clap::Args)]
pub struct TightenArguments {
    #[command(flatten)]
    recorded: Recorded,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Proposes, and changes nothing. The answer is no where less would have sufficed.
pub(in crate::cli) fn run(
    arguments: &TightenArguments,
    main: &Path,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(in_force) = candidate::read(main, problems)? else { return Ok(Exit::No) };
    let mut used = Tightening::of(&in_force.rules.policy);
    let stopped = arguments.recorded.each(main, |event| used.add(&event.opening, event.closing.as_ref()))?;
    let sufficient = used.sufficient();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&sufficient)?)?;
    } else {
        write!(out, "{sufficient}")?;
    }
    stopped?;
    Ok(if sufficient.is_as_it_is() { Exit::Ok } else { Exit::No })
}
