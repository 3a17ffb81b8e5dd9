//! `leastway audit tail`: the newest entries, and those to come.

use std::collections::VecDeque;
use std::io::Write;

use super::{Answer, Locate, Moment, Place, follow};
use crate::features::audit::read::{Reader, Stored};
use crate::foundation::clock::Timestamp;

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

pub(super) fn run(
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
