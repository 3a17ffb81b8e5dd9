//! The EHR: pages as old ones have them, and every way in which records leave one.
//!
//! It trusts whoever reaches it and checks nothing, which is why something has to stand in front of it.

mod interfaces;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::deliver::{Content, deliver, person, person_corner};
use super::files;
use super::html::{Site, Text, icon, style};
use super::notes::{NOTE_CHARACTERS, Note, Notes};
use super::patients::{PATIENTS, Patient, WARDS, all};
use crate::foundation::clock::Clock;

const SITE: Site = Site {
    name: "Clinic EHR",
    class: "ehr",
    links: &[
        ("Home", "/"),
        ("Search", "/search"),
        ("Patients", "/patients"),
        ("Schedule", "/schedule"),
        ("Report", "/reports/patients"),
    ],
};

const PAGE_ROWS: usize = 25;
const BODY_BYTES: usize = 64 * 1024;
const CSV: &str = "text/csv; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

#[derive(Debug)]
struct Ehr {
    patients: Vec<Patient>,
    notes: Notes,
    clock: Arc<dyn Clock>,
}

type Shared = State<Arc<Ehr>>;

/// All of its pages and interfaces.
pub(super) fn router(clock: Arc<dyn Clock>) -> axum::Router {
    let ehr = Ehr { patients: all(), notes: Notes::default(), clock };
    axum::Router::new()
        .route("/", get(home))
        .route("/search", get(search))
        .route("/patients", get(list))
        .route("/patients/{mrn}", get(open))
        .route("/patients/{mrn}/chart", get(chart))
        .route("/patients/{mrn}/notes", post(note))
        .route("/schedule", get(schedule))
        .route("/reports/patients", get(report_link).post(report_form))
        .route("/api/search.json", get(interfaces::api_search))
        .route("/api/patients.json", get(interfaces::api_patients))
        .route("/fhir/Patient", get(interfaces::fhir_patients))
        .route("/fhir/Patient/{mrn}", get(interfaces::fhir_patient))
        .route("/fhir/Observation", get(interfaces::fhir_observations))
        .route("/static/clinic.css", get(style))
        .route("/static/clinic.svg", get(icon))
        .fallback(missing)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(ehr))
}

impl Ehr {
    fn patient(&self, mrn: &str) -> Option<&Patient> {
        self.patients.iter().find(|patient| patient.mrn == mrn)
    }

    /// Whose name, record number or birth date has `text` in it, in any case.
    fn found(&self, text: &str) -> Vec<&Patient> {
        let text = text.trim().to_lowercase();
        let fits = |patient: &&Patient| {
            patient.name.to_lowercase().contains(&text)
                || patient.mrn == text
                || patient.birth_date.contains(&text)
        };
        self.patients.iter().filter(fits).collect()
    }

    /// Those of one ward; all for a ward that is not given.
    fn of_ward(&self, ward: &str) -> Vec<&Patient> {
        self.patients.iter().filter(|patient| ward.is_empty() || patient.ward == ward).collect()
    }
}

fn page(headers: &HeaderMap, title: &str, body: &str) -> Response {
    let bytes = SITE.page(title, &person_corner(headers), body).into_bytes();
    deliver(headers, Content { kind: HTML, file: None, bytes })
}

fn not_found(headers: &HeaderMap) -> Response {
    let mut response = page(headers, "Not found", "<p>There is nothing here.</p>");
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

async fn missing(headers: HeaderMap) -> Response {
    not_found(&headers)
}

async fn home(headers: HeaderMap) -> Response {
    let body = format!(
        "<section><p>{PATIENTS} patients on {} wards.</p>\
         <form action=\"/search\"><label for=\"q\">Find a patient</label>\
         <input id=\"q\" name=\"q\" placeholder=\"Name, record number or birth date\"><br><button>Search</button></form></section>\
         <section><h2>Take records away</h2><p>The <a href=\"/reports/patients\">patient report</a> can be saved as CSV, ZIP \
         and Excel; today's <a href=\"/schedule?format=csv\">schedule</a> as CSV. Programs use \
         <code>/api/patients.json</code> and <code>/fhir/Patient</code>.</p></section>",
        WARDS.len()
    );
    page(&headers, "Good day", &body)
}

#[derive(Deserialize)]
struct SearchQuery {
    #[serde(default)]
    q: String,
}

async fn search(State(ehr): Shared, Query(query): Query<SearchQuery>, headers: HeaderMap) -> Response {
    let mut body = format!(
        "<form class=\"card\"><label for=\"q\">Name, record number or birth date</label>\
         <input id=\"q\" name=\"q\" value=\"{}\"><br><button>Search</button></form>",
        Text(&query.q)
    );
    if !query.q.trim().is_empty() {
        let found = ehr.found(&query.q);
        push(&mut body, format_args!("<p>{} found</p>", found.len()));
        body.push_str(&table(found.into_iter().take(PAGE_ROWS)));
    }
    page(&headers, "Search", &body)
}

#[derive(Deserialize)]
struct PageQuery {
    #[serde(default)]
    page: usize,
}

async fn list(State(ehr): Shared, Query(query): Query<PageQuery>, headers: HeaderMap) -> Response {
    let last = (ehr.patients.len() - 1) / PAGE_ROWS + 1;
    let number = query.page.clamp(1, last);
    let mut body = table(ehr.patients.iter().skip((number - 1) * PAGE_ROWS).take(PAGE_ROWS));
    body.push_str("<nav class=\"pages\">");
    if number > 1 {
        push(&mut body, format_args!("<a href=\"/patients?page={}\">Previous</a>", number - 1));
    }
    push(&mut body, format_args!("<span>Page {number} of {last}</span>"));
    if number < last {
        push(&mut body, format_args!("<a href=\"/patients?page={}\">Next</a>", number + 1));
    }
    body.push_str("</nav>");
    page(&headers, "Patients", &body)
}

async fn open(State(ehr): Shared, Path(mrn): Path<String>, headers: HeaderMap) -> Response {
    let Some(patient) = ehr.patient(&mrn) else { return not_found(&headers) };
    let body = format!(
        "<section><dl><dt>Record number</dt><dd>{mrn}</dd><dt>Born</dt><dd>{born}</dd><dt>Gender</dt><dd>{gender}</dd>\
         <dt>Ward</dt><dd>{ward}</dd><dt>Phone</dt><dd>{phone}</dd><dt>Address</dt><dd>{address}</dd></dl>\
         <a class=\"button\" href=\"/patients/{mrn}/chart\">Open the chart</a></section>",
        mrn = Text(&patient.mrn),
        born = patient.birth_date,
        gender = patient.gender,
        ward = patient.ward,
        phone = patient.phone,
        address = Text(&patient.address).to_string().replace('\n', "<br>"),
    );
    page(&headers, &patient.name, &body)
}

async fn chart(State(ehr): Shared, Path(mrn): Path<String>, headers: HeaderMap) -> Response {
    let Some(patient) = ehr.patient(&mrn) else { return not_found(&headers) };
    let [pulse, pressure, tenths] = patient.measured;
    let mut body = format!(
        "<section><dl><dt>Diagnosis</dt><dd>{}</dd><dt>Heart rate</dt><dd>{pulse} /min</dd>\
         <dt>Systolic pressure</dt><dd>{pressure} mmHg</dd><dt>Temperature</dt><dd>{}.{} °C</dd></dl></section>\
         <form class=\"card\" method=\"post\" action=\"/patients/{}/notes\"><label for=\"text\">Add a note</label>\
         <textarea id=\"text\" name=\"text\" rows=\"3\" maxlength=\"{NOTE_CHARACTERS}\" required></textarea><br>\
         <button>Save the note</button></form>",
        patient.diagnosis,
        tenths / 10,
        tenths % 10,
        Text(&patient.mrn),
    );
    for note in ehr.notes.of(&mrn) {
        push(
            &mut body,
            format_args!(
                "<section><p>{}</p><p class=\"quiet-text\">{}, {}</p></section>",
                Text(&note.text).to_string().replace('\n', "<br>"),
                Text(&note.author),
                note.written
            ),
        );
    }
    page(&headers, &format!("Chart of {}", patient.name), &body)
}

#[derive(Deserialize)]
struct NoteForm {
    text: String,
}

async fn note(
    State(ehr): Shared,
    Path(mrn): Path<String>,
    headers: HeaderMap,
    Form(form): Form<NoteForm>,
) -> Response {
    if ehr.patient(&mrn).is_none() {
        return not_found(&headers);
    }
    let text = form.text.trim();
    if text.is_empty() || text.chars().count() > NOTE_CHARACTERS {
        return (StatusCode::UNPROCESSABLE_ENTITY, "a note has 1 to 2000 characters\n").into_response();
    }
    let author = person(&headers).unwrap_or_else(|| "nobody in particular".to_owned());
    ehr.notes.add(&mrn, Note { author, written: ehr.clock.now(), text: text.to_owned() });
    Redirect::to(&format!("/patients/{mrn}/chart")).into_response()
}

#[derive(Deserialize)]
struct ScheduleQuery {
    format: Option<String>,
}

async fn schedule(State(ehr): Shared, Query(query): Query<ScheduleQuery>, headers: HeaderMap) -> Response {
    let mut today: Vec<&Patient> =
        ehr.patients.iter().filter(|patient| patient.appointment.is_some()).collect();
    today.sort_by(|a, b| a.appointment.cmp(&b.appointment));
    if query.format.as_deref() == Some("csv") {
        let bytes = files::schedule_csv(&today).into_bytes();
        return deliver(&headers, Content { kind: CSV, file: Some("schedule.csv"), bytes });
    }
    let mut body = format!(
        "<p>{} appointments today. <a class=\"button\" href=\"/schedule?format=csv\">Save as CSV</a></p>\
         <table><tr><th>Time<th>Record<th>Name<th>Ward</tr>",
        today.len()
    );
    for patient in today {
        push(
            &mut body,
            format_args!(
                "<tr><td class=\"number\">{}<td class=\"number\">{}<td>{}<td>{}</tr>",
                patient.appointment.as_deref().unwrap_or_default(),
                patient.mrn,
                Text(&patient.name),
                patient.ward
            ),
        );
    }
    body.push_str("</table>");
    page(&headers, "Schedule", &body)
}

/// The patient report: which ward, and how it leaves.
#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    ward: String,
    export: Option<String>,
    /// All rows on the page, and not the first few.
    all: Option<String>,
}

async fn report_link(State(ehr): Shared, Query(report): Query<Report>, headers: HeaderMap) -> Response {
    run_report(&ehr, &report, &headers)
}

async fn report_form(State(ehr): Shared, headers: HeaderMap, Form(report): Form<Report>) -> Response {
    run_report(&ehr, &report, &headers)
}

fn run_report(ehr: &Ehr, report: &Report, headers: &HeaderMap) -> Response {
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

    let patients = ehr.of_ward(&report.ward);
    let (kind, file, bytes) = match report.export.as_deref() {
        Some("csv") => (CSV, "patients.csv", Ok(files::csv(&patients).into_bytes())),
        Some("zip") => ("application/zip", "patients.zip", files::zip(&patients)),
        Some("xlsx") => (XLSX, "patients.xlsx", files::xlsx(&patients)),
        _ => {
            let rows = if report.all.is_some() { patients.len() } else { PAGE_ROWS };
            return report_page(&patients, rows, &report.ward, headers);
        }
    };
    match bytes {
        Ok(bytes) => deliver(headers, Content { kind, file: Some(file), bytes }),
        Err(error) => {
            tracing::error!(%error, "a file could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn report_page(patients: &[&Patient], rows: usize, ward: &str, headers: &HeaderMap) -> Response {
    let mut body = "<form class=\"card\" method=\"post\"><label for=\"ward\">Ward</label>\
                    <select id=\"ward\" name=\"ward\"><option value=\"\">All wards</option>"
        .to_owned();
    for name in WARDS {
        let selected = if name == ward { " selected" } else { "" };
        push(&mut body, format_args!("<option{selected}>{name}</option>"));
    }
    push(
        &mut body,
        format_args!(
            "</select><br><button class=\"quiet\">Refresh</button>\
             <button class=\"quiet\" name=\"all\" value=\"1\">Show all</button>\
             <button name=\"export\" value=\"csv\">Save as CSV</button>\
             <button name=\"export\" value=\"zip\">Save as ZIP</button>\
             <button name=\"export\" value=\"xlsx\">Save for Excel</button></form>\
             <p>{} patients; the first {} are shown.</p>",
            patients.len(),
            rows.min(patients.len())
        ),
    );
    body.push_str(&table(patients.iter().copied().take(rows)));
    page(headers, "Patient report", &body)
}

fn table<'a>(patients: impl Iterator<Item = &'a Patient>) -> String {
    let mut html =
        "<table id=\"patients\"><thead><tr><th>Record<th>Name<th>Born<th>Ward<th>Phone</thead><tbody>"
            .to_owned();
    for patient in patients {
        push(
            &mut html,
            format_args!(
                "<tr><td class=\"number\">{mrn}<td><a href=\"/patients/{mrn}\">{}</a><td class=\"number\">{}<td>{}<td>{}</tr>",
                Text(&patient.name),
                patient.birth_date,
                patient.ward,
                patient.phone,
                mrn = patient.mrn,
            ),
        );
    }
    html.push_str("</tbody></table>");
    html
}

fn push(html: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    html.write_fmt(part).unwrap_or_default();
}
