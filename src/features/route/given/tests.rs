//! What is handed out is found where it is declared, and nothing else is; hostile texts are no things.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LINK, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use super::link::{LINKS_MAX, LinkFault, targets};
use super::reply::{GIFT_BYTES_MAX, GIFTS_MAX, ReplyFault};
use super::request::{Brings, NamedPatient};
use super::settings::{Elsewhere, Give, Need, PatientSource, ReplyPlace, RouteGiven};
use crate::domain::reply_shape::RecordsPointer;
use crate::features::route::ask::Asking;
use crate::features::route::ask::settings::Place;
use crate::features::route::body::BodyLimits;
use crate::features::route::fields::Fields;
use crate::features::route::quirks::Quirks;
use crate::features::route::view::{PathView, RequestView, Segments, Span};

fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn json() -> HeaderMap {
    headers(&[(CONTENT_TYPE, "application/fhir+json; charset=utf-8")])
}

fn gives(at: ReplyPlace) -> RouteGiven {
    let give = Give { name: "page".parse().unwrap(), at, is_address: false, elsewhere: Elsewhere::Refuse };
    RouteGiven { gives: vec![give], ..RouteGiven::default() }
}

fn at(pointer: &str) -> RouteGiven {
    gives(ReplyPlace::Json(RecordsPointer::read(pointer)))
}

fn in_body(given: &RouteGiven, headers: &HeaderMap, body: &str) -> Result<Vec<String>, ReplyFault> {
    Ok(given.in_body(headers, body.as_bytes())?.into_iter().map(|gift| gift.text).collect())
}

#[test]
fn links_of_a_relation_are_found() {
    let cases: [(&str, &[&str]); 12] = [
        ("<https://a/?page=2>; rel=\"next\"", &["https://a/?page=2"]),
        ("</b>;rel=next", &["/b"]),
        ("<a>; rel=\"prev\", <b>; REL=\"last NEXT\"", &["b"]),
        ("<a,b;c>; rel=next, , <d>; rel=next;", &["a,b;c", "d"]),
        ("<a>; title=\"x, <b>; rel=next\"; rel=prev", &[]),
        ("<a>; title=\"\\\"\"; rel=next", &["a"]),
        ("<a>; rel=prev; rel=next", &[]),
        ("<a>; rel=next; anchor=\"/other\"", &[]),
        ("<a>", &[]),
        ("<a>; rel", &[]),
        ("<a>; rel=nextpage", &[]),
        ("", &[]),
    ];
    for (value, expected) in cases {
        assert_eq!(targets(value, "next").as_deref(), Ok(expected), "{value}");
    }
}

#[test]
fn a_link_header_that_can_be_read_in_two_ways_has_no_links() {
    let many = "<a>; rel=next,".repeat(LINKS_MAX + 1);
    for value in [
        "a; rel=next",
        "<a; rel=next",
        "<a> rel=next",
        "<a>; rel=\"next",
        "<a>; rel=x\"y\", <b>; rel=next",
        &many,
    ] {
        assert_eq!(targets(value, "next"), Err(LinkFault), "{value}");
    }
}

proptest! {
    #[test]
    fn links_that_are_written_are_found_again(
        links in prop::collection::vec(("[a-z/?=&,;:%.-]{0,20}", prop::bool::ANY, "[ -~]{0,12}"), 0..8),
    ) {
        let written: Vec<String> = links
            .iter()
            .map(|(target, is_next, title)| {
                let title = title.replace('\\', "\\\\").replace('"', "\\\"");
                let relation = if *is_next { "next" } else { "prev" };
                format!("<{target}>; title=\"{title}\" ;rel=\"{relation}\"")
            })
            .collect();
        let expected: Vec<&str> =
            links.iter().filter(|(_, is_next, _)| *is_next).map(|(target, ..)| target.as_str()).collect();
        let header = written.join(" , ");
        prop_assert_eq!(targets(&header, "next"), Ok(expected));
    }

    #[test]
    fn no_header_makes_it_fail_otherwise(value in "\\PC{0,80}") {
        if let Ok(found) = targets(&value, "next") {
            prop_assert!(found.iter().all(|target| value.contains(*target)));
        }
    }
}

#[test]
fn headers_hand_out_what_stands_in_them() {
    let given = gives(ReplyPlace::Header(LOCATION));
    let found = given.in_headers(&headers(&[(LOCATION, " /jobs/7 ")])).unwrap();
    assert_eq!(found[0].text, "/jobs/7");
    assert!(!format!("{found:?}").contains("jobs/7"), "never printed");
    let given = gives(ReplyPlace::Link("next".to_owned()));
    let several = headers(&[(LINK, "<a>; rel=next"), (LINK, "broken"), (LINK, "<b>; rel=next")]);
    let found: Vec<String> = given.in_headers(&several).unwrap().into_iter().map(|gift| gift.text).collect();
    assert_eq!(found, ["a", "b"]);
}

#[test]
fn bodies_hand_out_what_a_pointer_leads_to() {
    let body = r#"{"n":1.10,"link":[{"relation":"self","url":"u1"},{"url":"u\u0032","url":"u3"},{"url":7}],"ID":"x"}"#;
    assert_eq!(in_body(&at("/link/*/url"), &json(), body).unwrap(), ["u1", "u2", "u3", "7"]);
    assert_eq!(in_body(&at("/ID"), &json(), body).unwrap(), ["x"]);
    assert_eq!(in_body(&at("/link/0/url"), &json(), body).unwrap(), ["u1"]);
    for nowhere in ["/id", "/link", "/link/url", "/link/9/url", "/n/x", "/*/url"] {
        assert!(in_body(&at(nowhere), &json(), body).unwrap().is_empty(), "{nowhere}");
    }
    let given = at("/link/*/url");
    let found = given.in_body(&json(), body.as_bytes()).unwrap();
    let spans: Vec<_> = found.iter().map(|gift| body.get(gift.span.clone().unwrap()).unwrap()).collect();
    assert_eq!(spans, ["\"u1\"", "\"u\\u0032\"", "\"u3\"", "7"], "byte for byte");
}

#[test]
fn a_body_that_cannot_be_read_hands_out_nothing() {
    let given = at("/a");
    assert_eq!(in_body(&given, &json(), "{\"a\":"), Err(ReplyFault::NotJson));
    assert_eq!(in_body(&given, &json(), "\u{feff}{\"a\":1}"), Err(ReplyFault::NotJson));
    let html = headers(&[(CONTENT_TYPE, "text/html")]);
    assert_eq!(in_body(&given, &html, " {\"a\":1}").unwrap(), ["1"], "some applications send JSON so");
    assert!(in_body(&given, &html, "<p>{\"a\":1}").unwrap().is_empty());
    assert!(in_body(&given, &json(), "").unwrap().is_empty(), "of a HEAD");
    let mut coded = json();
    coded.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(in_body(&given, &coded, "{\"a\":1}"), Err(ReplyFault::Coded));
    let many = format!("[{}1]", "1,".repeat(GIFTS_MAX));
    assert_eq!(in_body(&at("/*"), &json(), &many), Err(ReplyFault::TooMany));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(GIFT_BYTES_MAX + 1));
    assert!(in_body(&given, &json(), &long).unwrap().is_empty(), "too long to be brought back");
}

#[test]
fn a_mark_in_a_page_says_where_a_thing_begins() {
    let given = gives(ReplyPlace::Text("ReportSession=".into()));
    let page = "<a href='?ReportSession=a-1_b.c~&amp;x=1'>ReportSession='ReportSession=</a> ReportSession=zz";
    let html = headers(&[(CONTENT_TYPE, "text/html")]);
    assert_eq!(in_body(&given, &html, page).unwrap(), ["a-1_b.c~", "zz"]);
}

fn brings(given: &RouteGiven, query: &str, form: &str) -> Brings {
    let fields = Fields::parse(query.as_bytes()).unwrap();
    let spans = [Span::new(1, 5), Span::new(6, 9)];
    let segments = Segments::new("/jobs/a b", &spans);
    let path = PathView { matched: segments, decoded: segments };
    let head = if form.is_empty() {
        HeaderMap::new()
    } else {
        headers(&[(CONTENT_TYPE, "application/x-www-form-urlencoded")])
    };
    assert!(form.is_empty() || given.minds_body(&head));
    let view = RequestView { path, method: &Method::POST, query: &fields, headers: &head };
    let asking = Asking {
        target: &format!("/jobs/a%20b?{query}").parse().unwrap(),
        view: &view,
        bytes: form.as_bytes(),
        quirks: Quirks::STRICT,
        captures: &[("id".into(), 1)],
    };
    given.read(&asking, BodyLimits { bytes_max: 4096, ratio_max: 10 }).unwrap()
}

#[test]
fn every_reading_of_what_a_request_brings_counts() {
    let need = |at| Need { name: "page".parse().unwrap(), at };
    let given = RouteGiven {
        needs: vec![need(Place::Query("t".to_owned())), need(Place::Path("id".to_owned()))],
        ..RouteGiven::default()
    };
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let cases: [(&str, &str, &[&str]); 6] = [
        ("t=1", "", &["1"]),
        ("t=1&t=2", "", &["1", "2"]),
        ("T=1&t[]=2", "", &["1", "2"]),
        ("t=1", "t=2", &["1", "2"]),
        ("x=1", "", &[]),
        ("t=%31", "", &["1"]),
    ];
    for (query, form, expected) in cases {
        let brought = brings(&given, query, form);
        assert_eq!(brought.needed, [texts(expected), texts(&["a b"])], "{query} {form}");
        assert!(!format!("{brought:?}").contains('1'), "never printed");
    }
}

#[test]
fn a_patient_who_is_named_twice_is_nobody_in_particular() {
    let patient = PatientSource::At(Place::Query("set_pid".to_owned()));
    let given = RouteGiven { patient, sets_patient: true, ..RouteGiven::default() };
    let whom = |query: &str, form: &str| brings(&given, query, form).patient;
    assert!(whom("set_pid=7", "") == NamedPatient::One("7".to_owned()));
    assert!(whom("set_pid=", "") == NamedPatient::Nobody);
    assert!(whom("a=1", "") == NamedPatient::Nobody);
    for (query, form) in
        [("set_pid=7&set_pid=8", ""), ("set.pid=8", ""), ("set_pid[]=7", ""), ("set_pid=7", "set_pid=8")]
    {
        assert!(whom(query, form) == NamedPatient::Unclear, "{query} {form}");
    }
}
