//! Searches of FHIR.

use super::*;
use crate::features::route::ask::settings::FhirAsk;

fn fhir(ask: FhirAsk) -> Asks {
    Asks { fhir: Some(ask), ..Asks::default() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn what_joins_other_resources_is_refused_unless_it_is_listed() {
    let strict = fhir(FhirAsk::default());
    let listed = fhir(FhirAsk {
        include: words(&["Observation:subject"]),
        revinclude: words(&["Provenance:target"]),
        has: words(&["Observation:patient:code"]),
        chain: words(&["subject:Patient.name"]),
        ..FhirAsk::default()
    });
    for query in [
        "_include=Observation:subject",
        "_include:iterate=Observation:subject",
        "_revinclude=Provenance:target",
        "_has:Observation:patient:code=1234",
        "subject:Patient.name=smith",
        "subject:Patient.name:exact=smith",
    ] {
        let target = format!("/fhir/Observation?{query}");
        assert_eq!(Ask::get(&target).query(&strict), Err(Reason::JoinNotAllowed), "{query}");
        assert_eq!(Ask::get(&target).query(&listed).unwrap(), query);
    }
    for query in [
        "_include=*",
        "_include=Observation:performer",
        "_include=Observation:subject&_include=*",
        "_include=Observation:subject,Observation:performer",
        "_INCLUDE=*",
        "%5Finclude=*",
        "_include[]=*",
        "_has=x",
        "_has:Condition:patient:code=1234",
        "_has:Observation:patient:_has:Provenance:target:agent=x",
        "subject.name=smith",
        "subject:Patient.name.given=smith",
        "patient.identifier:of-type=x",
        "_sort=subject.name",
        "_filter=subject.name%20eq%20smith",
        "_query=everything",
        "_contained=true",
        "code=1;_include=*",
    ] {
        let target = format!("/fhir/Observation?{query}");
        for asks in [&strict, &listed] {
            assert_eq!(Ask::get(&target).query(asks), Err(Reason::JoinNotAllowed), "{query}");
        }
    }
    for query in [
        "name:exact=Li",
        "subject=Patient/1",
        "code:in=http://a.b/c",
        "_format=json&_pretty=true",
        "_sort=-date",
        "date=ge2026-01-01",
    ] {
        assert_eq!(Ask::get(&format!("/fhir/Patient?{query}")).query(&strict).unwrap(), query);
    }
}

#[test]
fn the_page_is_capped_in_the_address_and_in_the_form_of_a_posted_search() {
    let asks = fhir(FhirAsk { count: Some(50), ..FhirAsk::default() });
    assert_eq!(Ask::get("/fhir/Patient?name=a").query(&asks).unwrap(), "name=a&_count=50");
    assert_eq!(Ask::get("/fhir/Patient?_count=0").query(&asks).unwrap(), "_count=0");
    assert_eq!(Ask::get("/fhir/Patient?_count=1000").query(&asks).unwrap(), "_count=50");
    let posted = |target, body| Ask { target, ..Ask::post(FORM, body) };
    let sent = |ask: Ask<'_>| ask.of(&asks).map(|(query, body, _)| (query, body)).map_err(|not| reason(&not));
    let pair = |query: &str, body: &str| Ok((query.to_owned(), body.to_owned()));
    let search = "/fhir/Patient/_search";
    assert_eq!(sent(posted(search, "name=a")), pair("", "name=a&_count=50"));
    assert_eq!(sent(posted(search, "_count=900&name=a")), pair("", "_count=50&name=a"));
    assert_eq!(sent(posted("/fhir/Patient/_search?_count=900", "name=a")), pair("_count=50", "name=a"));
    assert_eq!(sent(posted("/fhir/Patient/_search?_count=5", "_count=900")), Err(Reason::PageSizeRejected));
    assert_eq!(sent(posted(search, "_has:Condition:patient:code=1")), Err(Reason::JoinNotAllowed));
}

#[test]
fn elements_are_those_that_are_listed_and_are_asked_for_where_none_are() {
    let asks = fhir(FhirAsk { elements: words(&["id", "name"]), ..FhirAsk::default() });
    for (query, sent) in [
        ("name=a", Ok("name=a&_elements=id,name")),
        ("_elements=name", Ok("_elements=name")),
        ("_summary=count", Ok("_summary=count")),
        ("_elements=name,birthDate", Err(Reason::ColumnsNotAllowed)),
        ("_elements=name&_elements=birthDate", Err(Reason::ColumnsNotAllowed)),
        ("_elements=", Err(Reason::ColumnsNotAllowed)),
        ("_summary=false", Err(Reason::ColumnsNotAllowed)),
        ("_summary=data", Err(Reason::ColumnsNotAllowed)),
    ] {
        let found = Ask::get(&format!("/fhir/Patient?{query}")).query(&asks);
        assert_eq!(found.as_deref().map_err(|why| *why), sent, "{query}");
    }
}

#[test]
fn totals_are_told_as_the_route_says() {
    let asks = fhir(FhirAsk { total: words(&["none", "estimate"]), ..FhirAsk::default() });
    for (query, passes) in [
        ("_total=none", true),
        ("", true),
        ("_total=accurate", false),
        ("_total=none&_total=accurate", false),
    ] {
        assert_eq!(Ask::get(&format!("/fhir/Patient?{query}")).query(&asks).is_ok(), passes, "{query}");
    }
}

#[test]
fn a_join_is_refused_under_care_too() {
    let ask = Ask { bounds: Bounds { may_deny: false, ..BOUNDS }, ..Ask::get("/fhir/Patient?_has:A:b:c=1") };
    assert_eq!(ask.query(&fhir(FhirAsk::default())), Err(Reason::JoinNotAllowed));
}
