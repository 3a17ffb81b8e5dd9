//! Which route a request is.

use super::*;

#[test]
fn the_most_specific_path_wins_from_the_left() {
    let table = table(vec![
        route("rest", &[], "/**"),
        route("one", &[], "/patients/*"),
        route("patient", &[], "/patients/{patient}"),
        route("new", &[], "/patients/new"),
        route("archive", &[], "/patients/{patient}/archive"),
        route("below", &[], "/patients/{patient}/**"),
        route("home", &[], "/"),
    ]);
    for (target, expected) in [
        ("/", "home"),
        ("/patients", "rest"),
        ("/patients/new", "new"),
        ("/patients/new/", "new"),
        ("/patients/7", "patient"),
        ("/patients/new/archive", "archive"),
        ("/patients/7/archive/", "archive"),
        ("/patients/7/letters", "below"),
        ("/elsewhere", "rest"),
    ] {
        assert_eq!(ask(&table, &Asked::get(target)), expected, "{target}");
    }
}

#[test]
fn a_route_whose_method_differs_leaves_the_request_to_a_wider_path() {
    let table = table(vec![route("open", &[Method::GET], "/a/{id}"), route("wide", &[], "/a/**")]);
    assert_eq!(ask(&table, &Asked::get("/a/1")), "open");
    assert_eq!(ask(&table, &Asked::post("/a/1", Body::Empty)), "wide");
    assert_eq!(ask(&table, &Asked { method: Method::HEAD, ..Asked::get("/a/1") }), "open");
}

#[test]
fn nothing_is_guessed_where_no_route_matches() {
    let mut settings = application("ehr", "/", vec![route("open", &[Method::GET], "/a")]);
    let table = RouteTable::build(std::slice::from_ref(&settings)).unwrap();
    assert_eq!(ask(&table, &Asked::get("/b")), "NoRoute");
    assert_eq!(ask(&table, &Asked::get("/a/b")), "NoRoute");
    settings.unmatched = Unmatched::Observe;
    let table = RouteTable::build(&[settings]).unwrap();
    assert_eq!(ask(&table, &Asked::get("/b")), "Unmatched");
}

#[test]
fn a_patient_is_whom_the_path_names() {
    let settings = [application("ehr", "/", vec![route("open", &[], "/p/{patient}/x")])];
    let table = RouteTable::build(&settings).unwrap();
    let spans = [Span::new(1, 2), Span::new(3, 6), Span::new(7, 8)];
    let segments = Segments::new("/p/AbC/x", &spans);
    let query = Fields::none();
    let view = RequestView {
        path: PathView { matched: segments, decoded: segments },
        method: &Method::GET,
        query: &query,
        headers: &HeaderMap::new(),
    };
    let application = table.application("ehr.example", segments).unwrap();
    let Recognized::Route(matched) = table.recognize(application, &view, Some(&Body::Empty)) else {
        panic!("a route matches");
    };
    let expected = crate::domain::patient::PatientRef::new("ehr".parse().unwrap(), "AbC".to_owned());
    assert_eq!(matched.patient, Some(expected));
}

#[test]
fn any_value_of_a_parameter_that_matches_counts() {
    let table = table(vec![
        by_query("page", "/report", vec![]),
        by_query("csv", "/report", vec![equals("export", "csv")]),
    ]);
    for (target, expected) in [
        ("/report", "page"),
        ("/report?export=pdf", "page"),
        ("/report?export=csv", "csv"),
        ("/report?export=no&export=csv", "csv"),
        ("/report?export=csv&export=no", "csv"),
        ("/report?%65xport=%63sv", "csv"),
        ("/report?x=1;export=csv", "csv"),
        ("/report?export[]=csv", "csv"),
        ("/report?export[a]=csv", "csv"),
        ("/report?+export=csv", "csv"),
    ] {
        assert_eq!(ask(&table, &Asked::get(target)), expected, "{target}");
    }
}

#[test]
fn what_lets_everybody_in_must_hold_for_every_value() {
    let mut public = by_query("preview", "/report", vec![equals("mode", "preview")]);
    public.access = Access::Public;
    let table = table(vec![by_query("full", "/report", vec![]), public]);
    assert_eq!(ask(&table, &Asked::get("/report?mode=preview")), "preview");
    assert_eq!(ask(&table, &Asked::get("/report?mode=preview&mode=full")), "full");
    assert_eq!(ask(&table, &Asked::get("/report?mode=full&mode=preview")), "full");
}

#[test]
fn two_values_for_one_key_are_ambiguous_where_each_is_a_route() {
    let table = table(vec![
        by_query("csv", "/report", vec![equals("format", "csv")]),
        by_query("pdf", "/report", vec![equals("format", "pdf")]),
    ]);
    assert_eq!(ask(&table, &Asked::get("/report?format=pdf")), "pdf");
    assert_eq!(ask(&table, &Asked::get("/report?format=pdf&format=csv")), "Ambiguous");
}

#[test]
fn more_parameters_do_not_hide_an_export() {
    let problems = RouteTable::build(&[application(
        "ehr",
        "/",
        vec![
            by_query("harmless", "/report", vec![present("a"), present("b")]),
            by_query("export", "/report", vec![equals("export", "csv")]),
        ],
    )]);
    assert!(problems.is_err(), "a request with a, b and export would match both");
}

#[test]
fn letter_case_is_folded_where_the_application_folds_it() {
    let mut settings = application(
        "ehr",
        "/",
        vec![
            by_query("page", "/Reports", vec![]),
            by_query("csv", "/Reports", vec![equals("Export", "csv")]),
        ],
    );
    settings.quirks = vec![Quirk::FoldsCase];
    let table = RouteTable::build(&[settings]).unwrap();
    assert_eq!(ask(&table, &Asked::get("/reports?EXPORT=csv")), "csv");
    assert_eq!(ask(&table, &Asked::get("/reports")), "page");
}

#[test]
fn headers_are_lists() {
    let mut csv = route("csv", &[], "/report");
    csv.matching.header = vec![equals("accept", "text/csv")];
    let table = table(vec![route("page", &[], "/report"), csv]);
    for (accept, expected) in [
        ("text/csv", "csv"),
        ("text/html, Text/CSV;q=0.5, */*", "csv"),
        ("text/html", "page"),
        ("text/csv-schema", "page"),
    ] {
        let mut asked = Asked::get("/report");
        asked.headers.insert("accept", HeaderValue::from_str(accept).unwrap());
        assert_eq!(ask(&table, &asked), expected, "{accept}");
    }
}

#[test]
fn polling_is_no_sign_of_a_person() {
    let table = table(vec![]);
    let spans = [Span::new(1, 5), Span::new(6, 7)];
    let view = |text| {
        let segments = Segments::new(text, &spans);
        PathView { matched: segments, decoded: segments }
    };
    assert!(table.applications()[0].is_background(view("/poll/x")));
    assert!(!table.applications()[0].is_background(view("/page/x")));
}
