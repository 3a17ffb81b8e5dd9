//! Normalizing a request and finding its route among a thousand.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up has failed")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::request::Parts;
use http::{Method, Request};
use leastway::domain::action::Action;
use leastway::domain::given::WhenUnknown;
use leastway::features::route::body::Body;
use leastway::features::route::recognize::Recognized;
use leastway::features::route::settings::{ApplicationSettings, RouteSettings, Unmatched};
use leastway::features::route::table::RouteTable;
use leastway::gateway::normalize::{ConnectionFacts, locate, normalize};

const ROUTES: usize = 1000;

fn table() -> RouteTable {
    let routes = (0..ROUTES).map(|number| {
        let path = format!("/module{}/list{number}/{{patient}}/view", number % 50);
        let name = format!("route.{number}").parse().expect("a name");
        let mut route = RouteSettings::new(name, Action::View, path.parse().expect("a pattern"));
        route.matching.methods = vec![Method::GET];
        route
    });
    let application = ApplicationSettings {
        name: "ehr".parse().expect("a name"),
        hosts: vec!["ehr.example".to_owned()],
        path: "/".to_owned(),
        providers: vec!["clinic".parse().expect("a name")],
        unmatched: Unmatched::Deny,
        idle_ignore: Vec::new(),
        given: Vec::new(),
        patient_unknown: WhenUnknown::Deny,
        quirks: Vec::new(),
        downtime: None,
        routes: routes.collect(),
    };
    RouteTable::build(&[application]).expect("no two routes tie")
}

/// What a browser sends.
fn parts(target: &str) -> Parts {
    let request = Request::get(target)
        .header("host", "ehr.example")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)")
        .header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
        .header("accept-language", "en-US,en;q=0.9")
        .header("accept-encoding", "gzip, deflate, br, zstd")
        .header("referer", "https://ehr.example/module1/list1/1/view")
        .header("sec-fetch-site", "same-origin")
        .header("sec-fetch-mode", "navigate")
        .header(
            "cookie",
            "JSESSIONID=0123456789abcdef; __Host-leastway=0123456789012345678901234567890123456789abc",
        );
    request.body(()).expect("a request").into_parts().0
}

fn bench(criterion: &mut Criterion) {
    let table = table();
    let connection = ConnectionFacts {
        peer: "192.0.2.1:4000".parse().expect("an address"),
        sni: Some("ehr.example"),
        trusted_proxies: &[],
        head_bytes_max: 65_536,
    };
    for (name, target) in [
        ("plain", "/module7/list507/123456/view?from=2026-01-01&page=2"),
        ("decoded", "/module7/list507/Garc%C3%ADa%20L/view?from=2026-01-01&page=2"),
    ] {
        let head = parts(target);
        criterion.bench_function(&format!("path and route, 1000 routes, {name}"), |bencher| {
            bencher.iter(|| {
                let target = head.uri.path_and_query().expect("a target");
                let (application, path) =
                    locate(&table, "ehr.example", black_box(target)).expect("an application");
                let query = leastway::gateway::normalize::query::Query::read(target).expect("a query");
                let view = leastway::features::route::view::RequestView {
                    path: path.view(),
                    method: &head.method,
                    query: query.fields(),
                    headers: &head.headers,
                };
                let recognized = table.recognize(application, &view, Some(&Body::none()));
                assert!(matches!(recognized, Recognized::Route(_)));
            });
        });
        criterion.bench_function(&format!("whole head and route, 1000 routes, {name}"), |bencher| {
            bencher.iter_batched_ref(
                || head.clone(),
                |head| {
                    let request = normalize(head, &connection, &table).expect("it has one reading");
                    let view = request.view(&head.method, &head.headers);
                    let recognized = table.recognize(&request.application, &view, Some(&Body::none()));
                    assert!(matches!(recognized, Recognized::Route(_)));
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
