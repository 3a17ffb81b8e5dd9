//! What was recorded, event by event, from a journal or a part of it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::audit::Moment;
use crate::cli::journal_of;
use crate::domain::event::Event;
use crate::features::audit::ReadError;
use crate::features::audit::events::events_since;
use crate::foundation::clock::{Clock as _, SystemClock};

/// Which events.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Recorded {
    /// The journal's folder; by default the one that the main file names.
    #[arg(long, value_name = "DIRECTORY")]
    journal: Option<PathBuf>,
    /// At this moment or later: `2026-03-01T08:00:00Z`, or how long ago: `30m`, `12h`, `7d`.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: Moment,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

impl Recorded {
    /// Hands on each event, and holds none. What stopped it in the middle comes back, to be told after what was found.
    pub(in crate::cli) fn each(
        &self,
        main: &Path,
        mut hand_on: impl FnMut(&Event),
    ) -> anyhow::Result<anyhow::Result<()>> {
        let directory = match &self.journal {
            Some(directory) => directory.clone(),
            None => journal_of(&[main.to_owned()])?,
        };
        let now = SystemClock.now();
        let until = self.until.map(|until| until.at(now));
        for event in events_since(&directory, self.since.at(now))? {
            match event {
                Ok(event) if until.is_none_or(|until| event.opening.time < until) => hand_on(&event),
                Ok(_) => {}
                Err(ReadError::Misfit(misfit)) => {
                    return Ok(Err(misfit).context("the journal could not be read to its end"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Ok(()))
    }
}
