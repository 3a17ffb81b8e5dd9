//! Requests within a request: the entries of FHIR bundles; and a search that comes as a form.

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::calls::whole;
use super::*;
use crate::features::route::bundle::{ENTRIES_MAX, entries};

fn bundle(value: &Value) -> Result<Vec<(String, String)>, BodyFault> {
    let body = read("application/fhir+json", value.to_string().as_bytes())?;
    let entries = entries(&body, "/fhir/")?;
    Ok(entries.iter().map(|entry| (entry.method.to_string(), entry.target.to_string())).collect())
}

fn batch(entries: &Value) -> Value {
    json!({ "resourceType": "Bundle", "type": "batch", "entry": entries })
}

#[test]
fn each_entry_is_a_request_below_the_base() {
    let read = bundle(&batch(&json!([
        { "request": { "method": "GET", "url": "Patient/7" } },
        { "request": { "method": "GET", "url": "Observation?patient=7&code=http://loinc.org|1234-5" } },
        { "request": { "method": "POST", "url": "Patient" }, "resource": { "resourceType": "Patient" } },
        { "request": { "method": "GET", "url": "?_type=Patient" } },
        { "request": { "method": "GET", "url": "Patient/../Group/1" } },
    ])));
    let expected = [
        ("GET", "/fhir/Patient/7"),
        ("GET", "/fhir/Observation?patient=7&code=http://loinc.org|1234-5"),
        ("POST", "/fhir/Patient"),
        ("GET", "/fhir?_type=Patient"),
        // It is for the reader of paths to refuse.
        ("GET", "/fhir/Patient/../Group/1"),
    ];
    assert_eq!(read.unwrap(), expected.map(|(method, target)| (method.to_owned(), target.to_owned())));
    assert_eq!(bundle(&json!({ "resourceType": "Bundle", "type": "transaction" })).unwrap(), []);
}

#[test]
fn a_bundle_that_servers_would_read_differently_is_refused() {
    let entry = |url: &str| batch(&json!([{ "request": { "method": "GET", "url": url } }]));
    let many: Vec<Value> =
        (0..=ENTRIES_MAX).map(|_| json!({ "request": { "method": "GET", "url": "Patient" } })).collect();
    for (name, value) in [
        ("no resource type", json!({ "type": "batch", "entry": [] })),
        ("another resource", json!({ "resourceType": "Patient", "type": "batch" })),
        ("a document", json!({ "resourceType": "Bundle", "type": "document" })),
        ("no type", json!({ "resourceType": "Bundle" })),
        ("entries that are none", batch(&json!({ "request": {} }))),
        ("an entry without a request", batch(&json!([{ "resource": {} }]))),
        ("an entry that is no object", batch(&json!([7]))),
        ("no method", batch(&json!([{ "request": { "url": "Patient" } }]))),
        ("no address", batch(&json!([{ "request": { "method": "GET" } }]))),
        ("the base: a batch in a batch", entry("")),
        ("from the root of the host", entry("/fhir/Patient")),
        ("another host", entry("//evil.example/Patient")),
        ("absolute", entry("https://ehr.example/fhir/Patient")),
        ("a name", entry("urn:uuid:1")),
        ("a fragment", entry("Patient#x")),
        ("a backslash", entry("Patient\\7")),
        ("a blank", entry("Patient?name=a b")),
        ("too many", batch(&Value::Array(many))),
        ("an array", json!([batch(&json!([]))])),
    ] {
        assert_eq!(bundle(&value).unwrap_err(), BodyFault::Bundle, "{name}");
    }
    assert_eq!(entries(&Body::none(), "/fhir").unwrap_err(), BodyFault::Bundle, "nothing");
    assert_eq!(read("application/fhir+xml", b"<Bundle/>").unwrap_err(), BodyFault::MediaType);
}

#[test]
fn a_route_with_entries_reads_its_body() {
    let mut batch = route("batch", &[Method::POST], "/fhir");
    batch.entries = Some(crate::features::route::settings::Entries::Fhir);
    let table = table(vec![batch, route("rest", &[], "/**")]);
    let post = |media_type, bytes: &[u8]| whole(&table, &Method::POST, "/fhir", media_type, bytes);
    assert_eq!(post("application/fhir+json", br#"{"resourceType":"Bundle","type":"batch"}"#), "batch");
    assert_eq!(post("application/fhir+xml", b"<Bundle/>"), "BodyUnreadable(MediaType)");
    assert_eq!(post("application/x-www-form-urlencoded", b"a=1"), "BodyUnreadable(MediaType)");
    assert_eq!(whole(&table, &Method::GET, "/fhir", "", b""), "rest");
}

fn fhir(routes: Vec<RouteSettings>) -> RouteTable {
    let mut settings = application("ehr", "/", routes);
    settings.quirks = vec![Quirk::FhirSearch];
    RouteTable::build(&[settings]).unwrap()
}

#[test]
fn a_search_by_post_is_the_search_that_a_get_would_be() {
    let by_get = |name: &str, query: Vec<Condition>| {
        let mut route = by_query(name, "/fhir/Patient", query);
        route.matching.methods = vec![Method::GET];
        route
    };
    let table = fhir(vec![
        by_get("search", vec![]),
        by_get("everybody", vec![equals("_count", "1000")]),
        route("create", &[Method::POST], "/fhir/Patient"),
    ]);
    let form = "application/x-www-form-urlencoded";
    let post =
        |target, media_type, body: &str| whole(&table, &Method::POST, target, media_type, body.as_bytes());
    assert_eq!(post("/fhir/Patient/_search", form, "name=x"), "search");
    assert_eq!(post("/fhir/Patient/_search", form, "_count=1000"), "everybody");
    assert_eq!(post("/fhir/Patient/_search?_count=1000", form, "name=x"), "everybody", "both count");
    assert_eq!(post("/fhir/Patient/_search?_count=1000", "", ""), "everybody");
    assert_eq!(post("/fhir/Patient/_search", form, "%5Fcount=1000"), "everybody");
    assert_eq!(post("/fhir/Patient/_search", "application/json", "{}"), "BodyUnreadable(MediaType)");
    assert_eq!(post("/fhir/Patient/_search", form, "_method=DELETE"), "MethodOverride");
    assert_eq!(post("/fhir/Patient", "application/json", "{}"), "create");
    assert_eq!(whole(&table, &Method::GET, "/fhir/Patient/_search", "", b""), "NoRoute");
    assert_eq!(post("/fhir/Group/_search", form, ""), "NoRoute");
}

proptest! {
    #[test]
    fn an_entry_is_found_where_its_address_says(kind in "[A-Z][a-z]{0,9}", id in "[a-z0-9.-]{1,9}", query in "[a-z]{0,5}") {
        let url = format!("{kind}/{id}?{query}");
        let value = batch(&json!([{ "request": { "method": "GET", "url": url } }]));
        prop_assert_eq!(bundle(&value).unwrap(), [("GET".to_owned(), format!("/fhir/{url}"))]);
    }

    #[test]
    fn whatever_an_address_holds_it_stays_below_the_base(url in "[ -~]{0,40}") {
        let value = batch(&json!([{ "request": { "method": "GET", "url": url } }]));
        for (_, target) in bundle(&value).unwrap_or_default() {
            let expected = if url.starts_with('?') { format!("/fhir{url}") } else { format!("/fhir/{url}") };
            prop_assert_eq!(target, expected, "not a byte of it is another");
        }
    }
}
