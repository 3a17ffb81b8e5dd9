//! `leastway audit prove` and `leastway audit check-proof`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;

use super::verify::read;
use super::{Answer, Asked, Locate, Place};
use crate::features::audit::archive::elsewhere;
use crate::features::audit::index::Hints;
use crate::features::audit::prove::{
    Checked, Proof, check as check_proof, prove_consistency, prove_event, sought,
};
use crate::foundation::id::RequestId;
use crate::platform::signed_note::VerifierKey;

/// Arguments of `audit prove`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The event: the reference that a page shows.
    #[arg(value_name = "REFERENCE", required_unless_present = "consistency")]
    event: Option<RequestId>,
    /// Two files with a checkpoint each: proves that the journal of the second goes on from that of the first.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "event")]
    consistency: Vec<PathBuf>,
    /// Fetch from the archive what may hold the event and is not in the journal's folder any more.
    #[arg(long, conflicts_with = "consistency")]
    archive: bool,
    /// Where the proof is written; printed by default.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `audit check-proof`.
#[derive(Debug, clap::Args)]
pub struct CheckArguments {
    /// The proof, `-` for the standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The public key of the journal, from somebody other than who brought the proof.
    #[arg(long, value_name = "KEY", required = true)]
    key: Vec<VerifierKey>,
    /// Print the event's entries, too.
    #[arg(long)]
    show: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    locate: Locate<'_>,
    out: &mut impl Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let proof = match (arguments.event, arguments.consistency.as_slice()) {
        (Some(event), _) if arguments.archive => {
            let (wanted, from) = (sought(event), (&arguments.place, true));
            let asked = Asked::find(directory, from, (&wanted, None, Hints::Used), problems)?;
            Proof::Event(prove_event(asked.directory(), event, asked.missing())?)
        }
        (Some(event), _) => {
            let missing = elsewhere(&directory, Some(event.time()), None)?;
            Proof::Event(prove_event(&directory, event, &missing)?)
        }
        (None, [old, new]) => Proof::Consistency(prove_consistency(&directory, &read(old)?, &read(new)?)?),
        (None, _) => anyhow::bail!("name an event, or two checkpoints"),
    };
    if matches!(&proof, Proof::Event(event) if !event.has_ended()) {
        writeln!(problems, "leastway: ended: unknown, {UNENDED}")?;
    }
    let text = serde_json::to_string_pretty(&proof)?;
    match &arguments.out {
        None => writeln!(out, "{text}")?,
        Some(file) => {
            std::fs::write(file, format!("{text}\n")).with_context(|| file.display().to_string())?;
            writeln!(out, "The proof is in {}. It holds the event as the journal has it.", file.display())?;
        }
    }
    Ok(Answer::Yes)
}

pub(super) fn check(arguments: &CheckArguments, out: &mut impl Write) -> anyhow::Result<Answer> {
    let text = read(&arguments.file)?;
    match check_proof(&text, &arguments.key) {
        Ok(Checked::Event { event, payloads, checkpoint }) => {
            writeln!(out, "The event {event} is in the journal {}, as it is told here.", checkpoint.origin)?;
            // The second of its entries says how it ended.
            let has_ended = payloads.len() > 1;
            for (index, payload) in payloads {
                writeln!(out, "  entry      {}", index.saturating_add(1))?;
                if arguments.show {
                    writeln!(out, "  {}", crate::foundation::text::plain(&payload))?;
                }
            }
            if !has_ended {
                writeln!(out, "  ended      unknown: {UNENDED}, or it was left out of the proof")?;
            }
            write_signed(&checkpoint, out)?;
            Ok(Answer::Yes)
        }
        Ok(Checked::Consistency { old, new }) => {
            writeln!(
                out,
                "The journal {} of {} entries goes on from that of {}: nothing of it was changed or cut off.",
                new.origin, new.size, old.size
            )?;
            write_signed(&new, out)?;
            Ok(Answer::Yes)
        }
        Err(error) => {
            writeln!(out, "The proof does not hold: {error}.")?;
            Ok(Answer::No)
        }
    }
}

fn write_signed(
    checkpoint: &crate::features::audit::tree::checkpoint::Checkpoint,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let time = checkpoint.time.map_or_else(String::new, |time| format!(", at {time}"));
    writeln!(out, "  signed     {} entries{time}", checkpoint.size)
}

/// What is said where a proof has no closing entry.
const UNENDED: &str = "closing entry not in the journal at that checkpoint";
