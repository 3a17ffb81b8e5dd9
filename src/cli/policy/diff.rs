//! `leastway policy diff`: what changes from one configuration to another.

use std::io::Write;
use std::path::PathBuf;

use super::candidate;
use crate::cli::Exit;
use crate::features::policy::diff;

/// Arguments of `policy diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArguments {
    /// The one that is in force: a main file, or a folder with a `leastway.toml`.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The one that would be.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Answer in JSON.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Answer in Markdown, for a change ticket.
    #[arg(long)]
    markdown: bool,
}

/// Compares. The answer is no where they differ in what they permit.
pub(in crate::cli) fn run(
    arguments: &DiffArguments,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let old = candidate::read(&arguments.old, problems)?;
    let new = candidate::read(&arguments.new, problems)?;
    let (Some(old), Some(new)) = (old, new) else { return Ok(Exit::No) };
    let diff = diff::diff(&old.rules.policy, &new.rules.policy, (&old.around(), &new.around()));
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&diff)?)?;
    } else if arguments.markdown {
        write!(out, "{}", diff.markdown())?;
    } else {
        write!(out, "{diff}")?;
    }
    Ok(if diff.permits_the_same() { Exit::Ok } else { Exit::No })
}
