//! What the EHR offers to programs: an API of its own, and FHIR.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;

use super::{SearchQuery, Shared};
use crate::demo::deliver::{Content, deliver};
use crate::demo::files;
use crate::demo::patients::Patient;

const JSON: &str = "application/json";
const FHIR: &str = "application/fhir+json; charset=utf-8";
const API_DEFAULT: usize = 100;

#[derive(Deserialize)]
pub(super) struct LimitQuery {
    limit: Option<usize>,
}

pub(super) async fn api_search(
    State(ehr): Shared,
    Query(query): Query<SearchQuery>,
    headers: HeaderMap,
) -> Response {
    let found = ehr.found(&query.q);
    json(&headers, JSON, &files::json(&found, found.len()))
}

pub(super) async fn api_patients(
    State(ehr): Shared,
    Query(query): Query<LimitQuery>,
    headers: HeaderMap,
) -> Response {
    let some: Vec<&Patient> = ehr.patients.iter().take(query.limit.unwrap_or(API_DEFAULT)).collect();
    json(&headers, JSON, &files::json(&some, ehr.patients.len()))
}

const FHIR_DEFAULT: usize = 50;

#[derive(Deserialize)]
pub(super) struct FhirQuery {
    #[serde(rename = "_count")]
    count: Option<usize>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    patient: String,
}

pub(super) async fn fhir_patients(
    State(ehr): Shared,
    Query(query): Query<FhirQuery>,
    headers: HeaderMap,
) -> Response {
    let found = ehr.found(&query.name);
    let total = found.len();
    let count = query.count.unwrap_or(FHIR_DEFAULT);
    let matches = found.into_iter().take(count).map(files::fhir_patient).collect();
    json(&headers, FHIR, &files::fhir_bundle(matches, total))
}

pub(super) async fn fhir_patient(
    State(ehr): Shared,
    Path(mrn): Path<String>,
    headers: HeaderMap,
) -> Response {
    match ehr.patient(&mrn) {
        Some(patient) => json(&headers, FHIR, &files::fhir_patient(patient)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn fhir_observations(
    State(ehr): Shared,
    Query(query): Query<FhirQuery>,
    headers: HeaderMap,
) -> Response {
    let mrn = query.patient.trim_start_matches("Patient/");
    let asked = ehr.patients.iter().filter(|patient| mrn.is_empty() || patient.mrn == mrn);
    let observations: Vec<Value> = asked.flat_map(files::fhir_observations).collect();
    let total = observations.len();
    let matches = observations.into_iter().take(query.count.unwrap_or(FHIR_DEFAULT)).collect();
    json(&headers, FHIR, &files::fhir_bundle(matches, total))
}

fn json(headers: &HeaderMap, kind: &'static str, value: &Value) -> Response {
    deliver(headers, Content { kind, file: None, bytes: value.to_string().into_bytes() })
}
