//! What the journal says about the tour.

use super::{Outcome, Trouble};
use crate::demo::WorkDirectory;
use crate::domain::event::Outcome as Ending;
use crate::domain::reason::Reason;
use crate::features::audit::query::{Ended, Filter, Order, query};
use crate::features::audit::table::write_table;
use crate::features::audit::verify::{Expectations, verify};

/// Every byte of it fits.
pub(super) fn verified(directory: &WorkDirectory) -> Outcome {
    let report = verify(&directory.journal(), Expectations::default())?;
    match &report.misfit {
        None => Ok(format!(
            "{} entries of {} events fit, {} events have an unknown outcome",
            report.entries, report.openings, report.outcome_unknown
        )),
        Some(misfit) => Err(Trouble::Unexpected(misfit.to_string())),
    }
}

/// The export that was withheld from `person`, as the journal has it.
pub(super) fn blocked_export(directory: &WorkDirectory, person: &str) -> Outcome {
    let filter = Filter {
        person: Some(person.to_owned()),
        reason: Some(Reason::ExportOverRequestLimit),
        ended: Some(Ended::As(Ending::Withheld)),
        ..Filter::default()
    };
    let answer = query(&directory.journal(), &filter, Order::NewestFirst, 1)?;
    if answer.events.is_empty() {
        return Err(Trouble::Unexpected("the journal has no such event".to_owned()));
    }
    let mut table = Vec::new();
    write_table(&answer.events, &mut table).map_err(|error| Trouble::Unexpected(error.to_string()))?;
    Ok(String::from_utf8_lossy(&table).into_owned())
}
