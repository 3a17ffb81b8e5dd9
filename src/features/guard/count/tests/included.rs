//! Bundles as servers send them, with what comes along by `_include` and `_revinclude`.

use serde_json::{Value, json};

use super::*;

#[test]
fn entries_of_a_bundle_are_records_unless_they_come_along_only() {
    let entry = |id: &str, mode: Value| {
        json!({ "resource": { "resourceType": "Observation", "id": id,
        "subject": { "reference": format!("Patient/{id}") } }, "search": { "mode": mode } })
    };
    let bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": 3, "entry": [
        entry("1", json!("match")), entry("2", json!("match")), entry("1", json!("include")),
        { "resource": { "resourceType": "Patient", "id": "7" }, "search": { "mode": "include" } },
        { "resource": { "resourceType": "OperationOutcome" }, "search": { "mode": "outcome" } },
        { "fullUrl": "x", "resource": { "id": "8", "resourceType": "Patient" } },
    ] });
    let tally = count(&ReplyKind::FhirBundle, None, bundle.to_string());
    assert_eq!(
        tally,
        Tally { records: Count::Exactly(4), patients: Count::Exactly(4) },
        "no fewer than patients"
    );
}

#[test]
fn patients_that_come_along_with_a_practitioner_are_records() {
    // As HAPI answers `Practitioner?_id=example&_revinclude=Patient:general-practitioner&_revinclude=…`.
    let bundle = include_str!("revinclude.json");
    let tally = count(&ReplyKind::FhirBundle, None, bundle);
    assert_eq!(tally, Tally { records: Count::Exactly(4), patients: Count::Exactly(4) });
    // And `Observation?subject=Patient/pat-1&_include=Observation:subject&_include=Observation:performer`.
    let observation = |id: u8| {
        json!({ "fullUrl": format!("http://hapi.example/fhir/Observation/{id}"), "search": { "mode": "match" },
        "resource": { "resourceType": "Observation", "id": id.to_string(), "status": "final",
        "subject": { "reference": "Patient/pat-1" }, "performer": [{ "reference": "Practitioner/example" }] } })
    };
    let along = |kind: &str, id: &str| json!({ "resource": { "resourceType": kind, "id": id }, "search": { "mode": "include" } });
    let bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": 3, "entry": [
        observation(1), observation(2), observation(3), along("Patient", "pat-1"), along("Practitioner", "example") ] });
    let tally = count(&ReplyKind::FhirBundle, None, bundle.to_string());
    assert_eq!(tally, Tally { records: Count::Exactly(3), patients: Count::Exactly(1) });
}
