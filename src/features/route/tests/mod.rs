//! Which route a request is, and which settings cannot be.

mod bodies;
mod calls;
mod choosing;
mod coded;
mod entries;
mod hostile;
mod learning;
mod tables;

use http::{HeaderMap, HeaderValue, Method};

use super::body::{Body, BodyFault, BodyLimits, BodyNeeds, Content};
use super::fields::{Fields, FieldsFault, is_key};
use super::quirks::Quirks;
use super::recognize::Recognized;
use super::settings::{Access, ApplicationSettings, Condition, Quirk, RouteSettings, Test, Unmatched};
use super::table::{RouteProblem, RouteTable};
use super::view::{PathView, RequestView, Segments, Span};
use crate::domain::action::Action;
use crate::domain::given::WhenUnknown;

fn application(name: &str, path: &str, routes: Vec<RouteSettings>) -> ApplicationSettings {
    ApplicationSettings {
        name: name.parse().unwrap(),
        hosts: vec!["ehr.example".to_owned()],
        path: path.to_owned(),
        providers: vec!["clinic".parse().unwrap()],
        unmatched: Unmatched::Deny,
        idle_ignore: vec!["/poll/**".parse().unwrap()],
        given: Vec::new(),
        patient_unknown: WhenUnknown::Deny,
        downtime: None,
        quirks: Vec::new(),
        routes,
    }
}

fn route(name: &str, methods: &[Method], path: &str) -> RouteSettings {
    let mut route = RouteSettings::new(name.parse().unwrap(), Action::View, path.parse().unwrap());
    route.matching.methods = methods.to_vec();
    route
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
        Self { method: Method::GET, target, headers: HeaderMap::new(), body: Some(Body::none()) }
    }

    fn post(target: &'a str, body: Body) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(target) }
    }
}

/// Where the segments of a path are.
fn spans(path: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 1;
    for part in path.split('/').skip(1) {
        if !part.is_empty() {
            spans.push(Span::new(start, start + part.len()));
        }
        start += part.len() + 1;
    }
    spans
}

/// What the table says: the route's name, or how it ended without one.
fn ask(table: &RouteTable, asked: &Asked<'_>) -> String {
    let (path, query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let spans = spans(path);
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
    read("application/x-www-form-urlencoded", text.as_bytes()).unwrap()
}

const BOTH: BodyNeeds = BodyNeeds { form: true, json: true, rpc: false, graphql: false };
const BOUNDARY: &str = "multipart/form-data; boundary=b";
const LIMITS: BodyLimits = BodyLimits { bytes_max: 64 * 1024, ratio_max: 200 };

fn read(media_type: &str, bytes: &[u8]) -> Result<Body, BodyFault> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_str(media_type).unwrap());
    read_with(&headers, bytes, BOTH)
}

fn read_with(headers: &HeaderMap, bytes: &[u8], needs: BodyNeeds) -> Result<Body, BodyFault> {
    Body::read(headers, &Fields::none(), bytes, needs, LIMITS)
}
