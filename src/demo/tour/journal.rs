//! What the journal says about the tour.

use super::steps::A_PATIENT;
use super::{Outcome, Trouble};
use crate::control::reports::{MakeError, Question, make};
use crate::demo::WorkDirectory;
use crate::domain::event::{Event, Outcome as Ending};
use crate::domain::phi::Phi;
use crate::domain::reason::Reason;
use crate::features::audit::archive::Elsewhere;
use crate::features::audit::index::Hints;
use crate::features::audit::patients::PatientKeys;
use crate::features::audit::prove::{Checked, Proof, check, prove_event};
use crate::features::audit::query::{Ended, Filter, Order, query};
use crate::features::audit::table::write_table;
use crate::features::audit::tree::keys::known;
use crate::features::audit::verify::{Expectations, verify};
use crate::features::report::{Format, ReportName, write};
use crate::foundation::clock::Timestamp;

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
    let proof =
        prove_event(&journal, event, &Elsewhere::default()).map_err(|error| unexpected(error.to_string()))?;
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

/// Every report of it, each with something to tell; and in the patient's own the nurse who was in the chart.
pub(super) fn reports(directory: &WorkDirectory) -> Outcome {
    let journal = directory.journal();
    let keys =
        PatientKeys::load(&directory.seals()).map_err(|error| Trouble::Unexpected(error.to_string()))?;
    let mut told = Vec::new();
    for report in ReportName::ALL {
        let of_patient = report.is_of_patient().then(|| Phi::new(A_PATIENT.to_owned()));
        let application = of_patient.is_some().then(|| EHR.parse()).transpose();
        let question = Question {
            patient: of_patient,
            application: application.map_err(|error| Trouble::Unexpected(format!("{error}")))?,
            format: Format::Csv,
            ..Question::default()
        };
        let order = question.order(*report, Some(&keys), Timestamp::default())?;
        let made = make(&journal, &order, Hints::Used, &Elsewhere::default(), &|| true)?;
        let table = write(&made, &order.style).map_err(MakeError::from)?;
        let is_seen = String::from_utf8_lossy(&table).contains("Noah Okafor");
        if *report == ReportName::WhoSaw && !is_seen {
            return Err(Trouble::Unexpected("the patient is not told of the nurse".to_owned()));
        }
        let rows: usize = made.sections.iter().map(|section| section.rows.len()).sum();
        told.push(format!("{report}: {rows} rows"));
    }
    Ok(told.join(", "))
}

/// What the configuration calls the demo's EHR.
const EHR: &str = "ehr";
