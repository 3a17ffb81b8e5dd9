//! What the journal says about the tour.

use super::{Outcome, Trouble};
use crate::demo::WorkDirectory;
use crate::domain::event::{Event, Outcome as Ending};
use crate::domain::reason::Reason;
use crate::features::audit::prove::{Checked, Proof, check, prove_event};
use crate::features::audit::query::{Ended, Filter, Order, query, write_table};
use crate::features::audit::tree::keys::known;
use crate::features::audit::verify::{Expectations, verify};

/// Every byte of it fits.
pub(super) fn verified(directory: &WorkDirectory) -> Outcome {
    let report = verify(&directory.journal(), &Expectations::default())?;
    match report.first_fault() {
        None => Ok(format!(
            "{} entries of {} events fit, {} events have an unknown outcome",
            report.entries, report.openings, report.outcome_unknown
        )),
        Some(fault) => Err(Trouble::Unexpected(fault)),
    }
}

/// The export that was withheld from `person`, as the journal has it.
pub(super) fn blocked_export(directory: &WorkDirectory, person: &str) -> Outcome {
    let events = withheld(directory, person)?;
    let mut table = Vec::new();
    write_table(&events, &mut table).map_err(|error| Trouble::Unexpected(error.to_string()))?;
    Ok(String::from_utf8_lossy(&table).into_owned())
}

/// A proof of that event holds, and one in which a number was changed does not.
pub(super) fn proven(directory: &WorkDirectory, person: &str) -> Outcome {
    let unexpected = |error: String| Trouble::Unexpected(error);
    let journal = directory.journal();
    let events = withheld(directory, person)?;
    let event = events.first().map(|event| event.opening.event);
    let event = event.ok_or_else(|| unexpected("the journal has no such event".to_owned()))?;
    let proof = prove_event(&journal, event).map_err(|error| unexpected(error.to_string()))?;
    let text = serde_json::to_string(&Proof::Event(proof)).map_err(|error| unexpected(error.to_string()))?;
    let keys = known(&journal).map_err(|error| unexpected(error.to_string()))?;
    let changed = text.replace("withheld", "completed");
    if check(&changed, &keys).is_ok() {
        return Err(unexpected("a proof that was changed holds".to_owned()));
    }
    match check(&text, &keys).map_err(|error| unexpected(error.to_string()))? {
        Checked::Event { checkpoint, payloads, .. } => Ok(format!(
            "{} entries of {} bytes are in the journal of {} entries; changed, they are not",
            payloads.len(),
            payloads.iter().map(|(_, payload)| payload.len()).sum::<usize>(),
            checkpoint.size
        )),
        Checked::Consistency { .. } => Err(unexpected("it proves something else".to_owned())),
    }
}

fn withheld(directory: &WorkDirectory, person: &str) -> Result<Vec<Event>, Trouble> {
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
    Ok(answer.events)
}
