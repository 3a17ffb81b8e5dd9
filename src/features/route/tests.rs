//! Which route a request is, and which settings cannot be.

use http::{HeaderMap, HeaderValue, Method};

use super::body::{Body, BodyFault, BodyNeeds};
use super::fields::{Fields, FieldsFault, is_key};
use super::quirks::Quirks;
use super::settings::{Access, ApplicationSettings, Condition, Match, Quirk, RouteSettings, Test, Unmatched};
use super::table::{Recognized, RouteProblem, RouteTable};
use super::view::{PathView, RequestView, Segments, Span};
use crate::domain::action::Action;

fn application(name: &str, path: &str, routes: Vec<RouteSettings>) -> ApplicationSettings {
    ApplicationSettings {
        name: name.parse().unwrap(),
        hosts: vec!["ehr.example".to_owned()],
        path: path.to_owned(),
        provider: "clinic".parse().unwrap(),
        unmatched: Unmatched::Deny,
        idle_ignore: vec!["/poll/**".parse().unwrap()],
        quirks: Vec::new(),
        routes,
    }
}

fn route(name: &str, methods: &[Method], path: &str) -> RouteSettings {
    RouteSettings {
        name: name.parse().unwrap(),
        matching: Match {
            methods: methods.to_vec(),
            path: path.parse().unwrap(),
            query: Vec::new(),
            form: Vec::new(),
            json: Vec::new(),
            header: Vec::new(),
        },
        action: Action::View,
        background: false,
        categories: Vec::new(),
        reply: None,
        access: Access::Policy,
    }
}

fn equals(key: &str, value: &str) -> Condition {
    Condition { key: key.to_owned(), test: Test::Equals(value.to_owned()) }
}

fn present(key: &str) -> Condition {
    Condition { key: key.to_owned(), test: Test::Present }
}

fn absent(key: &str) -> Condition {
    Condition { key: key.to_owned(), test: Test::Absent }
}

/// A route for any method at a path, told by its query.
fn by_query(name: &str, path: &str, query: Vec<Condition>) -> RouteSettings {
    let mut route = route(name, &[], path);
    route.matching.query = query;
    route
}

fn by_form(name: &str, form: Vec<Condition>) -> RouteSettings {
    let mut route = route(name, &[Method::POST], "/do");
    route.matching.form = form;
    route
}

fn by_json(name: &str, json: Vec<Condition>) -> RouteSettings {
    let mut route = route(name, &[Method::POST], "/do");
    route.matching.json = json;
    route
}

struct Asked<'a> {
    method: Method,
    target: &'a str,
    headers: HeaderMap,
    body: Option<Body>,
}

impl<'a> Asked<'a> {
    fn get(target: &'a str) -> Self {
        Self { method: Method::GET, target, headers: HeaderMap::new(), body: Some(Body::Empty) }
    }

    fn post(target: &'a str, body: Body) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(target) }
    }
}

/// What the table says: the route's name, or how it ended without one.
fn ask(table: &RouteTable, asked: &Asked<'_>) -> String {
    let (path, query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let mut spans = Vec::new();
    let mut start = 1;
    for part in path.split('/').skip(1) {
        if !part.is_empty() {
            spans.push(Span::new(start, start + part.len()));
        }
        start += part.len() + 1;
    }
    let segments = Segments::new(path, &spans);
    let query = Fields::parse(query.as_bytes()).unwrap();
    let view = RequestView {
        path: PathView { matched: segments, decoded: segments },
        method: &asked.method,
        query: &query,
        headers: &asked.headers,
    };
    let Some(application) = table.application("ehr.example", segments) else { return "no host".to_owned() };
    let recognized = table.recognize(application, &view, asked.body.as_ref());
    let Recognized::Route(matched) = &recognized else { return format!("{recognized:?}") };
    matched.route.name.to_string()
}

fn table(routes: Vec<RouteSettings>) -> RouteTable {
    RouteTable::build(&[application("ehr", "/", routes)]).unwrap()
}

fn form(text: &str) -> Body {
    Body::Form(Fields::parse(text.as_bytes()).unwrap())
}

const BOTH: BodyNeeds = BodyNeeds { form: true, json: true };

fn read(media_type: &str, bytes: &[u8]) -> Result<Body, BodyFault> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_str(media_type).unwrap());
    Body::read(&headers, bytes, BOTH)
}

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
    let mut csv = by_query("csv", "/report", vec![equals("export", "csv")]);
    csv.action = Action::Export;
    let table = table(vec![by_query("page", "/report", vec![]), csv]);
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
fn looking_that_holds_for_one_value_hides_nothing_that_another_does() {
    let few = || by_query("few", "/report", vec![equals("limit", "50")]);
    let mut many = by_query("many", "/report", vec![present("limit")]);
    many.action = Action::Export;
    let both = table(vec![few(), many]);
    assert_eq!(ask(&both, &Asked::get("/report?limit=50")), "few");
    assert_eq!(ask(&both, &Asked::get("/report?limit=50&limit=5000")), "many");
    assert_eq!(ask(&both, &Asked::get("/report?limit=5000&limit=50")), "many");
    assert_eq!(ask(&both, &Asked::get("/report?limit=50&limit=50")), "few");
    let alone = table(vec![few()]);
    assert_eq!(ask(&alone, &Asked::get("/report?limit=50&limit=5000")), "Ambiguous");
}

#[test]
fn one_of_several_texts_is_told_by_a_segment() {
    let table = table(vec![
        route("chart", &[], "/fhir/{Condition,Observation}/{id}"),
        route("search", &[], "/fhir/{Condition,Observation}/_search"),
        route("patient", &[], "/fhir/Patient/{patient}"),
    ]);
    assert_eq!(ask(&table, &Asked::get("/fhir/Condition/1")), "chart");
    assert_eq!(ask(&table, &Asked::get("/fhir/Observation/1")), "chart");
    assert_eq!(ask(&table, &Asked::get("/fhir/Observation/_search")), "search");
    assert_eq!(ask(&table, &Asked::get("/fhir/Patient/1")), "patient");
    assert_eq!(ask(&table, &Asked::get("/fhir/$graphql/1")), "NoRoute");
    assert_eq!(ask(&table, &Asked::get("/fhir/observation/1")), "NoRoute");
}

#[test]
fn a_list_of_texts_that_overlaps_another_ties() {
    let ties = |a: &str, b: &str| {
        RouteTable::build(&[application("ehr", "/", vec![route("a", &[], a), route("b", &[], b)])]).is_err()
    };
    assert!(ties("/{x,y}/z", "/{y,w}/z"));
    assert!(ties("/{x,y}/z", "/x/z"));
    assert!(!ties("/{x,y}/z", "/{v,w}/z"));
    assert!(!ties("/{x,y}/z", "/{any}/z"));
    for wrong in ["/{x,}", "/{,}", "/{x,x}", "/{x,*}", "/{x,..}", "/{x,%2e}", "/{x,{y}}", "/a{x,y}"] {
        assert!(wrong.parse::<super::pattern::PathPattern>().is_err(), "{wrong}");
    }
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
fn routes_tie_when_a_request_can_match_both_and_neither_asks_for_more() {
    struct Case {
        name: &'static str,
        a: RouteSettings,
        b: RouteSettings,
        ties: bool,
    }
    let get = [Method::GET];
    let cases = [
        Case { name: "the same", a: route("a", &get, "/x"), b: route("b", &get, "/x"), ties: true },
        Case { name: "a trailing slash", a: route("a", &get, "/x"), b: route("b", &get, "/x/"), ties: true },
        Case {
            name: "names of captures",
            a: route("a", &get, "/{x}"),
            b: route("b", &get, "/{patient}"),
            ties: true,
        },
        Case {
            name: "GET is also HEAD",
            a: route("a", &get, "/x"),
            b: route("b", &[Method::HEAD, Method::POST], "/x"),
            ties: true,
        },
        Case {
            name: "other methods",
            a: route("a", &get, "/x"),
            b: route("b", &[Method::POST], "/x"),
            ties: false,
        },
        Case { name: "any method", a: route("a", &get, "/x"), b: route("b", &[], "/x"), ties: false },
        Case { name: "another path", a: route("a", &get, "/x"), b: route("b", &get, "/y"), ties: false },
        Case {
            name: "different keys",
            a: by_query("a", "/x", vec![present("dump")]),
            b: by_query("b", "/x", vec![present("select")]),
            ties: true,
        },
        Case {
            name: "what the other excludes",
            a: by_query("a", "/x", vec![present("dump")]),
            b: by_query("b", "/x", vec![present("select"), absent("dump")]),
            ties: false,
        },
        Case {
            name: "other values",
            a: by_query("a", "/x", vec![equals("f", "1")]),
            b: by_query("b", "/x", vec![equals("f", "2")]),
            ties: false,
        },
        Case {
            name: "a form and JSON",
            a: by_form("a", vec![present("f")]),
            b: by_json("b", vec![present("/f")]),
            ties: false,
        },
        Case {
            name: "JSON that is not there is also no body",
            a: by_form("a", vec![present("f")]),
            b: by_json("b", vec![absent("/f")]),
            ties: true,
        },
    ];
    for case in cases {
        let built = RouteTable::build(&[application("ehr", "/", vec![case.a, case.b])]);
        let tie = |problem: &RouteProblem| {
            matches!(problem, RouteProblem::Tie { route_a, route_b, .. }
                if route_a.as_str() == "a" && route_b.as_str() == "b")
        };
        assert_eq!(built.is_err_and(|problems| problems.iter().all(tie)), case.ties, "{}", case.name);
    }
}

#[test]
fn applications_of_one_host_are_told_apart_by_whole_segments() {
    let table = RouteTable::build(&[
        application("root", "/", vec![route("root", &[], "/**")]),
        application("admin", "/admin/", vec![route("admin", &[], "/admin/**")]),
    ])
    .unwrap();
    for (target, expected) in
        [("/", "root"), ("/admin", "admin"), ("/admin/x", "admin"), ("/administration", "root")]
    {
        assert_eq!(ask(&table, &Asked::get(target)), expected, "{target}");
    }
}

#[test]
fn a_route_outside_its_application_and_two_applications_in_one_place_are_problems() {
    let problems = RouteTable::build(&[
        application("one", "/ehr/", vec![route("lost", &[], "/patients"), route("fine", &[], "/ehr/x")]),
        application("two", "/ehr/", vec![]),
    ])
    .unwrap_err();
    assert!(matches!(&problems[0], RouteProblem::Outside { route, .. } if route.as_str() == "lost"));
    assert!(matches!(&problems[1], RouteProblem::SameAddress { .. }));
    assert_eq!(problems.len(), 2);
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
fn the_body_is_asked_for_only_where_a_route_depends_on_it() {
    let table = table(vec![
        route("other", &[Method::POST], "/other"),
        by_form("plain", vec![]),
        by_form("export", vec![equals("export", "csv")]),
    ]);
    let unread = |target| Asked { body: None, ..Asked::post(target, Body::Empty) };
    assert_eq!(ask(&table, &unread("/other")), "other");
    assert_eq!(ask(&table, &unread("/do")), "NeedsBody(BodyNeeds { form: true, json: false })");
    assert_eq!(ask(&table, &Asked::get("/do")), "NoRoute");
    assert_eq!(ask(&table, &Asked::post("/do", Body::Empty)), "plain");
    assert_eq!(ask(&table, &Asked::post("/do", form("a=1"))), "plain");
    assert_eq!(ask(&table, &Asked::post("/do", form("export=csv&a=1"))), "export");
    let json = read("application/json", b"{}").unwrap();
    assert_eq!(ask(&table, &Asked::post("/do", json)), "BodyUnreadable(MediaType)");
}

#[test]
fn json_is_told_by_pointer_in_every_spelling() {
    let table = table(vec![
        by_json("other", vec![]),
        by_json("view", vec![equals("/method", "view")]),
        by_json("export", vec![equals("/method", "export")]),
    ]);
    let asked = |text: &str| {
        let body = read("application/json", text.as_bytes()).unwrap();
        ask(&table, &Asked::post("/do", body))
    };
    assert_eq!(asked(r#"{"method":"export"}"#), "export");
    assert_eq!(asked(r#"{"m\u0065thod":"\u0065xport"}"#), "export");
    assert_eq!(asked(r#"{"METHOD":"export"}"#), "export");
    assert_eq!(asked(r#"[{"method":"export"}]"#), "export");
    assert_eq!(asked(r#"[{"method":"view"},{"method":"export"}]"#), "Ambiguous");
    assert_eq!(asked(r#"{"params":{"method":"export"}}"#), "other");
}

#[test]
fn json_that_two_readers_would_read_differently_is_refused() {
    let deep = "[".repeat(65) + &"]".repeat(65);
    let cases: [(&str, &[u8]); 11] = [
        ("a duplicate key", br#"{"a":1,"a":2}"#),
        ("a duplicate key, escaped", br#"{"a":1,"\u0061":2}"#),
        ("a duplicate key in another case", br#"{"a":1,"A":2}"#),
        ("a duplicate key, deeper", br#"{"x":[{"a":1,"a":2}]}"#),
        ("a byte order mark", b"\xef\xbb\xbf{}"),
        ("UTF-16", b"{\0}\0"),
        ("something after it", b"{} {}"),
        ("a comment", b"{/**/}"),
        ("a NUL", br#"{"a":"x\u0000y"}"#),
        ("not UTF-8", b"{\"a\":\"\xff\"}"),
        ("too deep", deep.as_bytes()),
    ];
    for (name, bytes) in cases {
        assert_eq!(read("application/json", bytes).unwrap_err(), BodyFault::Json, "{name}");
    }
}

#[test]
fn a_body_whose_type_the_route_cannot_be_told_by_is_refused() {
    for (name, media_type, fault) in [
        ("text", "text/plain", BodyFault::MediaType),
        ("XML", "application/xml", BodyFault::MediaType),
        ("UTF-16", "application/json; charset=utf-16", BodyFault::Charset),
        ("UTF-7", "application/x-www-form-urlencoded; charset=\"UTF-7\"", BodyFault::Charset),
        ("twice", "application/json; charset=utf-8; charset=utf-16", BodyFault::MediaType),
        ("no boundary", "multipart/form-data", BodyFault::Multipart),
        ("a list", "application/json, text/plain", BodyFault::MediaType),
    ] {
        assert_eq!(read(media_type, b"{}").unwrap_err(), fault, "{name}");
    }
    let mut headers = HeaderMap::new();
    assert_eq!(Body::read(&headers, b"{}", BOTH).unwrap_err(), BodyFault::MediaType);
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(Body::read(&headers, b"{}", BOTH).unwrap_err(), BodyFault::Coding);
    assert!(matches!(Body::read(&headers, b"", BOTH), Ok(Body::Empty)));
}

const BOUNDARY: &str = "multipart/form-data; boundary=b";

#[test]
fn multipart_fields_are_read() {
    let body = b"--b\r\nContent-Disposition: form-data; name=\"export\"\r\n\r\ncsv\r\n\
        --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\nContent-Type: image/png\r\n\r\n\0\x01\r\n\
        --b--\r\n";
    let Ok(Body::Form(fields)) = read(BOUNDARY, body) else { panic!("it is well formed") };
    assert_eq!(fields.iter().collect::<Vec<_>>(), [("export", "csv"), ("f", "\u{fffd}")]);
}

#[test]
fn multipart_that_readers_disagree_about_is_refused() {
    let part = |head: &str| format!("--b\r\n{head}\r\n\r\nv\r\n--b--");
    let named = "Content-Disposition: form-data; name=\"a\"";
    let cases = [
        ("a preamble", format!("x\r\n{}", part(named))),
        ("an epilogue", format!("{}x", part(named))),
        ("bare line ends", part(named).replace("\r\n", "\n")),
        ("no end", format!("--b\r\n{named}\r\n\r\nv\r\n")),
        ("no name", part("Content-Disposition: form-data")),
        ("two names", part("Content-Disposition: form-data; name=\"a\"; name=\"b\"")),
        ("two dispositions", part(&format!("{named}\r\n{named}"))),
        ("an extended name", part("Content-Disposition: form-data; name*=utf-8''a")),
        ("an escape", part("Content-Disposition: form-data; name=\"a\\\"b\"")),
        ("an unquoted name", part("Content-Disposition: form-data; name=a")),
        ("a folded header", part("Content-Disposition: form-data;\r\n name=\"a\"")),
        ("a transfer encoding", part(&format!("{named}\r\nContent-Transfer-Encoding: base64"))),
        ("nested", part(&format!("{named}\r\nContent-Type: multipart/mixed; boundary=c"))),
        ("a longer boundary", part(named).replace("--b--", "--bc--")),
    ];
    for (name, body) in cases {
        assert_eq!(read(BOUNDARY, body.as_bytes()).unwrap_err(), BodyFault::Multipart, "{name}");
    }
    assert!(read(BOUNDARY, part(named).as_bytes()).is_ok(), "and the plain one is read");
}

#[test]
fn parameters_that_no_application_should_be_sent_are_refused() {
    for (raw, fault) in [
        ("a=%", FieldsFault::Escape),
        ("a=%4", FieldsFault::Escape),
        ("a=%zz", FieldsFault::Escape),
        ("a=%u0041", FieldsFault::Escape),
        ("a=%00", FieldsFault::Control),
        ("a%0a=1", FieldsFault::Control),
        ("a=%c0%ae", FieldsFault::Overlong),
    ] {
        assert_eq!(Fields::parse(raw.as_bytes()).unwrap_err(), fault, "{raw}");
    }
    let many = "a&".repeat(Fields::COUNT_MAX + 1);
    assert_eq!(Fields::parse(many.as_bytes()).unwrap_err(), FieldsFault::TooMany);
}

#[test]
fn old_pages_send_latin_letters_and_line_ends() {
    let fields = Fields::parse(b"name=Garc%EDa&note=a%0D%0Ab+c&bare&=x").unwrap();
    let pairs: Vec<_> = fields.iter().collect();
    assert_eq!(pairs, [("name", "García"), ("note", "a\r\nb c"), ("bare", ""), ("", "x")]);
    assert!(is_key("bare[1]", "bare", false) && !is_key("barely", "bare", false));
}

#[test]
fn a_method_override_is_refused_unless_a_route_asks_about_it() {
    let table = table(vec![
        route("open", &[], "/a"),
        by_query("delete", "/b", vec![equals("_method", "DELETE")]),
        by_form("do", vec![present("x")]),
    ]);
    assert_eq!(ask(&table, &Asked::get("/a?_method=DELETE")), "MethodOverride");
    assert_eq!(ask(&table, &Asked::get("/a?_METHOD=DELETE")), "MethodOverride");
    assert_eq!(ask(&table, &Asked::get("/b?_method=DELETE")), "delete");
    assert_eq!(ask(&table, &Asked::post("/do", form("x=1&_method=PUT"))), "MethodOverride");
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

#[test]
fn quirks_of_a_host_are_those_of_all_its_applications() {
    let mut one = application("one", "/one/", vec![]);
    one.quirks = vec![Quirk::FoldsCase];
    let mut two = application("two", "/", vec![]);
    two.quirks = vec![Quirk::PathParameters];
    let table = RouteTable::build(&[one, two]).unwrap();
    let expected: Quirks = [Quirk::FoldsCase, Quirk::PathParameters].into_iter().collect();
    assert_eq!(table.quirks("ehr.example"), Some(expected));
    assert_eq!(table.quirks("other.example"), None);
}
