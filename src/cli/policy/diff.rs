//! `leastway policy diff`: what changes from one configuration to another, or changed from one date to another.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::candidate::{self, Candidate};
use crate::cli::audit::Moment;
use crate::cli::{Exit, journal_of};
use crate::features::audit::rulebooks::{Kept, in_force, read};
use crate::features::policy::diff;
use crate::foundation::clock::Timestamp;

/// Arguments of `policy diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArguments {
    /// The one that is in force: a main file, or a folder with a `leastway.toml`.
    #[arg(value_name = "OLD", required_unless_present = "as_of", requires = "new")]
    old: Option<PathBuf>,
    /// The one that would be.
    #[arg(value_name = "NEW")]
    new: Option<PathBuf>,
    /// Two moments, `--as-of A --as-of B`: compares the rules in force at the first with those at the second, as they are kept
    /// beside the journal. `2026-03-01T08:00:00Z`, or how long ago: `12h`, `7d`.
    #[arg(long, value_name = "TIME", conflicts_with = "old")]
    as_of: Vec<Moment>,
    /// The journal's folder; by default the one that the main file names.
    #[arg(long, value_name = "DIRECTORY", requires = "as_of")]
    journal: Option<PathBuf>,
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
    main: &Path,
    now: Timestamp,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let (old, new) = match (&arguments.old, &arguments.new, arguments.as_of.as_slice()) {
        (Some(old), Some(new), []) => (candidate::read(old, problems)?, candidate::read(new, problems)?),
        (None, None, [old, new]) => {
            let journal = match &arguments.journal {
                Some(journal) => journal.clone(),
                None => journal_of(&[main.to_owned()])?,
            };
            let mut at = |moment: &Moment| as_of(&journal, moment.at(now), problems);
            (at(old)?, at(new)?)
        }
        _ => {
            writeln!(problems, "leastway: name two configurations, or two moments with --as-of")?;
            return Ok(Exit::Usage);
        }
    };
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

/// The rules in force just before a moment; what is missing goes to `problems`.
fn as_of(journal: &Path, moment: Timestamp, problems: &mut dyn Write) -> anyhow::Result<Option<Candidate>> {
    let Some(version) = in_force(journal, moment)? else {
        writeln!(problems, "leastway: no event before {moment} names the rules that were in force")?;
        return Ok(None);
    };
    let why = match read(journal, &version).context("what is kept of the rules cannot be read")? {
        Kept::Whole(book) => {
            writeln!(problems, "leastway: {version} was in force at {moment}")?;
            return candidate::kept(&book, problems);
        }
        Kept::Changed => "what is kept of them was changed since",
        Kept::Absent => "nothing is kept of them",
    };
    writeln!(problems, "leastway: the rules {version} were in force at {moment}, but {why}")?;
    Ok(None)
}
