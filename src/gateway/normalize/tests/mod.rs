//! What is refused, what passes, and that both have one reading.

mod heads;
mod paths;

use std::net::SocketAddr;

use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use proptest::prelude::*;

use super::cookies::{self, OwnCookie};
use super::framing::{BodyLength, Upgrade};
use super::path::{CanonicalPath, PathFault};
use super::{ConnectionFacts, Normalized, client, headers, normalize, own_path};
use crate::domain::action::Action;
use crate::domain::given::WhenUnknown;
use crate::features::route::body::Body;
use crate::features::route::quirks::Quirks;
use crate::features::route::recognize::Recognized;
use crate::features::route::settings::{ApplicationSettings, Quirk, RouteSettings, Unmatched};
use crate::features::route::table::RouteTable;

fn quirks(list: &[Quirk]) -> Quirks {
    list.iter().copied().collect()
}

fn segments(raw: &str, quirks: Quirks) -> Result<Vec<String>, PathFault> {
    CanonicalPath::parse(raw, quirks).map(|path| path.view().matched.iter().map(str::to_owned).collect())
}

fn route(name: &str, methods: &[Method], path: &str, action: Action) -> RouteSettings {
    let mut route = RouteSettings::new(name.parse().unwrap(), action, path.parse().unwrap());
    route.matching.methods = methods.to_vec();
    route
}

fn application(name: &str, path: &str, quirks: &[Quirk], routes: Vec<RouteSettings>) -> ApplicationSettings {
    ApplicationSettings {
        name: name.parse().unwrap(),
        hosts: vec!["ehr.example".to_owned()],
        path: path.to_owned(),
        providers: vec!["clinic".parse().unwrap()],
        unmatched: Unmatched::Deny,
        idle_ignore: Vec::new(),
        given: Vec::new(),
        patient_unknown: WhenUnknown::Deny,
        downtime: None,
        quirks: quirks.to_vec(),
        routes,
    }
}

/// An imaging server whose configuration is as wide as it can be but for the archive.
fn imaging() -> RouteTable {
    RouteTable::build(&[application(
        "imaging",
        "/",
        &[],
        vec![
            route("archive", &[], "/patients/{patient}/archive", Action::WholeRecord),
            route("anything", &[], "/**", Action::View),
        ],
    )])
    .unwrap()
}

fn facts() -> ConnectionFacts<'static> {
    ConnectionFacts {
        peer: "192.0.2.1:4000".parse().unwrap(),
        sni: Some("ehr.example"),
        trusted_proxies: &[],
        head_bytes_max: 65_536,
    }
}

fn parts(target: &str) -> Parts {
    Request::get(target).header("host", "ehr.example").body(()).unwrap().into_parts().0
}

fn with(headers: &[(&str, &str)]) -> Parts {
    let request =
        headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
    request.body(()).unwrap().into_parts().0
}

fn fault(mut parts: Parts) -> Option<(StatusCode, &'static str)> {
    normalize(&mut parts, &facts(), &imaging()).err().map(|fault| (fault.status, fault.internal))
}

#[test]
fn eleven_spellings_of_one_archive_are_refused_or_are_the_archive() {
    let table = imaging();
    let spellings = [
        "/patients/ID/archive/",
        "//patients/ID/archive",
        "/%70atients/ID/%61rchive",
        "/system/../patients/ID/archive",
        "/system/%2e%2e/patients/ID/archive",
        "/patients/ID//archive",
        "/patients/ID/./archive",
        "/patients%2fID%2farchive",
        "/patients/ID/archive%00",
        "/patients\\ID\\archive",
        "/app/explorer.html/../../patients/ID/archive",
    ];
    let mut passed = Vec::new();
    for spelling in spellings {
        let mut parts = parts("/");
        parts.uri = spelling.parse().unwrap();
        let Ok(request) = normalize(&mut parts, &facts(), &table) else { continue };
        let view = request.view(&parts.method, &parts.headers);
        let recognized = table.recognize(&request.application, &view, Some(&Body::none()));
        let Recognized::Route(matched) = &recognized else { panic!("{spelling}: {recognized:?}") };
        assert_eq!(matched.route.name.as_str(), "archive", "{spelling}");
        assert_eq!(request.target().as_str(), spelling);
        passed.push(spelling);
    }
    assert_eq!(passed, ["/patients/ID/archive/", "/%70atients/ID/%61rchive"]);
}

fn normalized(headers: &[(&str, &str)]) -> (Normalized, HeaderMap) {
    let mut parts = with(&[&[("host", "ehr.example")], headers].concat());
    let request = normalize(&mut parts, &facts(), &imaging()).unwrap();
    (request, parts.headers)
}

#[test]
fn our_own_paths_have_one_spelling_and_are_no_applications() {
    for own in ["/.leastway/me", "/.leastway/assets/page.css", "/.well-known/leastway/jwks.json"] {
        assert_eq!(own_path(&own.parse().unwrap()), Some(own));
    }
    assert_eq!(own_path(&"/.leastway/../x".parse().unwrap()), None);
    assert_eq!(own_path(&"/.Leastway/me".parse().unwrap()), None);
    for target in
        ["/.well-known/Leastway/x", "/.well-known/leastway/../x", "/.well-known/leastway", "/.well-known/x"]
    {
        assert_eq!(own_path(&target.parse().unwrap()), None, "{target}");
    }
    let keys =
        ["/.well-known/leastway/jwks.json", "/.WELL-KNOWN/leastway", "/.well-known/%6ceastway/jwks.json"];
    for target in ["/.leastway/me", "/.LEASTWAY/me", "/%2eleastway/me", "/.leastway"].into_iter().chain(keys)
    {
        assert_eq!(fault(parts(target)), Some((StatusCode::BAD_REQUEST, "path: one of our own")), "{target}");
    }
    for target in ["/.well-known/security.txt", "/.well-known", "/leastway/.well-known"] {
        assert_eq!(fault(parts(target)), None, "{target}");
    }
}

#[test]
fn an_encoded_prefix_does_not_lead_to_another_application() {
    let table = RouteTable::build(&[
        application("root", "/", &[Quirk::PathParameters], vec![route("root", &[], "/**", Action::View)]),
        application(
            "admin",
            "/Admin/",
            &[Quirk::FoldsCase],
            vec![route("admin", &[], "/Admin/**", Action::Admin)],
        ),
    ])
    .unwrap();
    let ask = |target: &str| {
        let mut parts = parts(target);
        normalize(&mut parts, &facts(), &table)
            .map_or("refused".to_owned(), |request| request.application.name.to_string())
    };
    assert_eq!(ask("/x;y=1"), "root");
    assert_eq!(ask("/%41dmin/x"), "admin");
    assert_eq!(ask("/ADMIN/x"), "admin");
    assert_eq!(ask("/admin;x/y"), "refused", "it is the other's, which has no parameters");
}

#[test]
fn a_query_is_forwarded_as_it_came_and_its_names_are_told() {
    let mut parts = parts("/x?b=1&a=%20;c=2&b");
    let request = normalize(&mut parts, &facts(), &imaging()).unwrap();
    assert_eq!(request.query.as_str(), Some("b=1&a=%20;c=2&b"));
    assert_eq!(request.query.keys(), ["b", "a", "c"]);
    for target in ["/x?a=%00", "/x?a=%zz", "/x?%c0%ae"] {
        assert_eq!(fault(super::tests::parts(target)).unwrap().0.as_u16(), 400, "{target}");
    }
}
