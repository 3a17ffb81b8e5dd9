//! `leastway audit query --follow`: what fits, as it ends.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::{Answer, Printed};
use crate::features::audit::events::Follow;
use crate::features::audit::query::Filter;
use crate::features::audit::table::{write_csv, write_json, write_line};

/// Prints what fits as it ends, until whoever reads has seen enough.
pub(super) fn run(
    directory: &Path,
    filter: &Filter,
    format: Printed,
    out: &mut impl Write,
) -> anyhow::Result<Answer> {
    let mut followed = Follow::since(directory, filter.since.unwrap_or_default())?;
    if format == Printed::Csv {
        write_csv(&[], true, out)?;
    }
    loop {
        let mut fitting = Vec::new();
        followed.stretch(STRETCH, |_, event| {
            if filter.fits(&event) {
                fitting.push(event);
            }
        })?;
        let came = !fitting.is_empty();
        match format {
            Printed::Table => fitting.iter().try_for_each(|event| write_line(event, out))?,
            Printed::Json => write_json(&fitting, out)?,
            Printed::Csv => write_csv(&fitting, false, out)?,
        }
        out.flush()?;
        if !came {
            wait_for_more();
        }
    }
}

/// Waits a moment for the gateway to write more.
#[expect(clippy::disallowed_methods, reason = "an operator's command waits here, never a request")]
pub(super) fn wait_for_more() {
    std::thread::sleep(Duration::from_millis(300));
}

/// Events that are taken in before they are printed.
const STRETCH: usize = 1000;
