//! `leastway audit verify`.

use std::io::{IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use super::{Answer, Locate, Place};
use crate::features::audit::spool::{Spooled, spooled};
use crate::features::audit::verify::{Expectations, Progress, Report, verify_telling};
use crate::features::audit::{Head, Problem};
use crate::platform::signed_note::VerifierKey;

/// Arguments of `audit verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// A head that was noted earlier, `SEQUENCE:HASH`: proves that nothing up to it was changed or cut off.
    #[arg(long, value_name = "HEAD")]
    expect_head: Option<Head>,
    /// The last entry of those that are elsewhere, `SEQUENCE:HASH`: the journal must go on from it. Without it, a journal without its
    /// beginning must tell, in an entry that a checkpoint covers, that it was archived.
    #[arg(long, value_name = "HEAD")]
    archived_through: Option<Head>,
    /// Checkpoints that a witness has noted, `-` for the standard input: proves that the journal is the one they were
    /// signed of, and that nothing up to them was cut off.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public key that has to have signed, noted elsewhere; without it, the journal's own word for its keys is taken.
    #[arg(long, value_name = "KEY")]
    key: Vec<VerifierKey>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What a program is told.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// What is in the spool, and was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    spooled: Option<&'a Spooled>,
}

pub(super) fn run(arguments: &Arguments, locate: Locate<'_>, out: &mut impl Write) -> anyhow::Result<Answer> {
    let directory = arguments.place.directory(locate)?;
    let witnessed = arguments.checkpoint.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let expectations = Expectations {
        head: arguments.expect_head,
        through: None,
        archived: arguments.archived_through,
        keys: arguments.key.clone(),
        witnessed,
    };
    let begin = Instant::now();
    let is_watched = std::io::stderr().is_terminal() && !arguments.json;
    let report = verify_telling(&directory, &expectations, |progress| {
        if is_watched {
            tell(progress);
        }
    })?;
    let spooled = spooled(&directory)?;
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &Told { report: &report, spooled: spooled.as_ref() })?;
        writeln!(out)?;
    } else {
        write_report(&report, arguments, out)?;
        if let Some(spooled) = &spooled {
            writeln!(out, "  WARNING    {spooled}, and were not looked at")?;
        }
        write_speed(&report, &directory, begin.elapsed(), out)?;
    }
    let is_seen = arguments.expect_head.is_none_or(|head| head.sequence > elsewhere(&report));
    Ok(if report.is_sound() && is_seen { Answer::Yes } else { Answer::No })
}

/// The last entry before those that are here.
const fn elsewhere(report: &Report) -> u64 {
    report.last_sequence.saturating_sub(report.entries)
}

/// What a witness has noted, from a file or the standard input.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().take(NOTES_BYTES_MAX).read_to_string(&mut text).context("the standard input")?;
        return Ok(text);
    }
    let named = || file.display().to_string();
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(named)?;
    opened.take(NOTES_BYTES_MAX).read_to_string(&mut text).with_context(named)?;
    Ok(text)
}

/// On the terminal, in one line that is written anew.
fn tell(progress: Progress) {
    let Progress { segments, of, entries } = progress;
    let end = if segments == of { "\n" } else { "" };
    // Whoever does not see it misses nothing.
    let _unseen = write!(std::io::stderr(), "\r{segments} of {of} segments, {entries} entries{end}");
}

fn write_report(report: &Report, arguments: &Arguments, out: &mut impl Write) -> std::io::Result<()> {
    match &report.misfit {
        Some(misfit) => {
            writeln!(out, "The journal does not fit.")?;
            writeln!(out, "  {misfit}")?;
            if let (1, Problem::Missing { .. }) = (misfit.sequence, &misfit.problem) {
                writeln!(
                    out,
                    "  No entry that is signed tells that those before it were archived. Of a journal in parts, \
                     --archived-through names the last entry of the part before."
                )?;
            }
        }
        None => writeln!(out, "{}", report.verdict())?,
    }
    for contradiction in &report.contradictions {
        writeln!(out, "  {contradiction}")?;
    }
    if report.gaps > 0 {
        let (gaps, requests) = (report.gaps, report.gap_requests);
        writeln!(
            out,
            "  WARNING    in {gaps} gaps, {requests} requests were let through without an event: they are told as `gap`"
        )?;
    }
    if report.misfit.is_some() {
        writeln!(out, "Up to there it fits:")?;
    }
    writeln!(out, "  segments   {}", report.segments)?;
    writeln!(
        out,
        "  entries    {} ({} begin, {} end an event)",
        report.entries, report.openings, report.closings
    )?;
    let elsewhere = elsewhere(report);
    if elsewhere > 0 {
        writeln!(
            out,
            "  elsewhere  entries 1 to {elsewhere} (`leastway audit archive --verify` reads them back)"
        )?;
        if let Some(told) = report.archived_by {
            writeln!(out, "             archived and removed, as entry {told} tells")?;
        }
    }
    if arguments.expect_head.is_some_and(|head| head.sequence <= elsewhere) {
        writeln!(
            out,
            "             the noted head is one of these, and was not looked at: `leastway audit fetch` brings them"
        )?;
    }
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
    if let Some(silence) = report.longest_silence {
        let seconds = silence.lasts().as_secs();
        writeln!(out, "  silence    {seconds} s at the most, from {} to {}", silence.from, silence.to)?;
    }
    if report.checkpoints > 0 {
        writeln!(
            out,
            "  signed     {} entries, by {} checkpoints",
            report.signed_through, report.checkpoints
        )?;
    }
    if !arguments.checkpoint.is_empty() {
        writeln!(out, "  witnessed  {} checkpoints fit", report.witnessed)?;
        if arguments.key.is_empty() {
            writeln!(
                out,
                "             by the journal's own word for its key; name the one that was noted with --key"
            )?;
        }
    }
    writeln!(out, "  head       {}", report.head())?;
    if report.is_sound() && arguments.expect_head.is_none() && arguments.checkpoint.is_empty() {
        writeln!(
            out,
            "Note the head elsewhere: given back by --expect-head, it proves that nothing was cut off. Checkpoints that a \
             witness has noted do the same, by --checkpoint and --key."
        )?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for a reader, in three digits")]
fn write_speed(
    report: &Report,
    directory: &Path,
    took: Duration,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut bytes = 0;
    for file in std::fs::read_dir(directory)? {
        let file = file?;
        if file.path().extension().is_some_and(|ending| ending == "segment") {
            bytes += file.metadata()?.len();
        }
    }
    let seconds = took.as_secs_f64().max(0.000_001);
    writeln!(
        out,
        "  took       {seconds:.3} s, {:.0} entries/s, {:.2} GB/s",
        report.entries as f64 / seconds,
        bytes as f64 / seconds / 1e9
    )?;
    Ok(())
}

const NOTES_BYTES_MAX: u64 = 256 * 1024 * 1024;
