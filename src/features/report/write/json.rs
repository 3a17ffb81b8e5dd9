//! A report for programs: frozen words, moments in UTC.

use serde_json::{Map, Value, json};

use super::super::table::{Cell, Section};
use super::super::{People, Report};
use super::WriteError;
use crate::domain::patient::PatientDigests;

pub(super) fn write(report: &Report) -> Result<Vec<u8>, WriteError> {
    let asked = &report.asked;
    let value = json!({
        "report": asked.report,
        "asked": {
            "patient": asked.patient.as_ref().map(PatientDigests::now),
            "application": asked.application,
            "person": asked.person,
            "since": asked.since,
            "until": asked.until,
            "people": match asked.people { People::ByName => "by_name", People::ByRole => "by_role" },
            "all": asked.all,
        },
        "tables": report.sections.iter().map(table).collect::<Vec<_>>(),
        "made_of": report.made_of,
    });
    let mut bytes = serde_json::to_vec_pretty(&value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn table(section: &Section) -> Value {
    let row = |cells: &Vec<Cell>| -> Value {
        let members = section.columns.iter().zip(cells);
        let told = members.filter_map(|(column, cell)| Some((column.as_str().to_owned(), value(cell)?)));
        Value::Object(told.collect::<Map<_, _>>())
    };
    json!({
        "table": section.name,
        "rows": section.rows.iter().map(row).collect::<Vec<_>>(),
        "left_out": section.left_out,
    })
}

/// None where there is nothing to tell.
fn value(cell: &Cell) -> Option<Value> {
    Some(match cell {
        Cell::Nothing => return None,
        Cell::Text(text) | Cell::Written(text) => json!(text),
        Cell::Missing(missing) => json!({ "missing": missing }),
        Cell::Texts(texts) => json!(texts),
        Cell::Number(number) | Cell::Percent(number) => json!(number),
        Cell::Count(count) => json!(count),
        Cell::Time(time) => json!(time),
        Cell::Span(first, last) => json!({ "first": first, "last": last }),
        Cell::Action(action) => json!(action),
        Cell::Did(actions) => json!(actions),
        Cell::Purposes(purposes) => json!(purposes),
        Cell::Basis(purpose) => json!({ "purpose": purpose, "reference": purpose.basis().reference() }),
        Cell::Reason(reason) => json!(reason),
        Cell::Ending(ending) => json!(ending),
        Cell::Yes(yes) => json!(yes),
        Cell::Given(reason) => json!(reason),
        Cell::Relation(relation) => json!(relation),
        Cell::Finding(finding) => json!(finding),
        Cell::Sheet(state) => json!(state),
    })
}
