//! `leastway policy replay`: what a candidate would have decided about what was recorded.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::candidate;
use super::recorded::Recorded;
use crate::cli::Exit;
use crate::features::policy::replay::{Replay, Report};

/// Arguments of `policy replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArguments {
    #[command(flatten)]
    recorded: Recorded,
    /// The configuration that would be: a main file, or a folder with a `leastway.toml`.
    #[arg(value_name = "CANDIDATE")]
    candidate: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// What a script is told.
#[derive(Debug, Serialize)]
struct Told<'r> {
    #[serde(flatten)]
    report: &'r Report,
    /// How many events were decided again in a second.
    events_per_second: u64,
}

/// Replays. The answer is no where anything would have been decided otherwise.
pub(in crate::cli) fn run(
    arguments: &ReplayArguments,
    main: &Path,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(candidate) = candidate::read(&arguments.candidate, problems)? else { return Ok(Exit::No) };
    let mut replay = Replay::new(&candidate.rules.policy);
    let began = Instant::now();
    let stopped =
        arguments.recorded.each(main, |event| replay.add(&event.opening, event.closing.as_ref()))?;
    let report = replay.report();
    let events_per_second = per_second(report.events, began.elapsed().as_secs_f64());
    if arguments.json {
        let told = Told { report: &report, events_per_second };
        writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?;
    } else {
        writeln!(out, "{report}{events_per_second} events/s")?;
    }
    stopped?;
    Ok(if report.changes_nothing() { Exit::Ok } else { Exit::No })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a figure to be read, of positive numbers"
)]
fn per_second(events: u64, seconds: f64) -> u64 {
    if seconds > 0.0 { (events as f64 / seconds) as u64 } else { events }
}
