//! `leastway policy learn`: routes for what was observed and none matched.

use std::io::Write;
use std::path::Path;

use super::recorded::Recorded;
use crate::cli::Exit;
use crate::domain::application::ApplicationName;
use crate::features::route::learn::Learning;

/// Arguments of `policy learn`.
#[derive(Debug, clap::Args)]
pub struct LearnArguments {
    #[command(flatten)]
    recorded: Recorded,
    /// Of which application.
    #[arg(long, value_name = "NAME")]
    application: ApplicationName,
}

/// Learns. The answer is no where there is nothing to learn from.
pub(in crate::cli) fn run(
    arguments: &LearnArguments,
    main: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let mut learning = Learning::of(arguments.application.clone());
    let stopped =
        arguments.recorded.each(main, |event| learning.add(&event.opening, event.closing.as_ref()))?;
    let is_empty = learning.is_empty();
    write!(out, "{}", learning.propose())?;
    stopped?;
    Ok(if is_empty { Exit::No } else { Exit::Ok })
}
