//! `leastway audit verify`: proves that the journal is as it was written.

use std::io::Write;

use super::{Answer, Locate, Place};
use crate::features::audit::Head;
use crate::features::audit::verify::{Expectations, Report, verify};

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

pub(super) fn run(
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
