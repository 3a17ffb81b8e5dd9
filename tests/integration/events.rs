//! Every request leaves one event, whatever becomes of it.

use std::time::Duration;

use leastway::domain::event::{EventKind, Outcome};
use leastway::domain::reason::Reason;

use crate::house::{House, Neighbors};
use crate::line::raw;

/// More than are told of one by one.
const FLOOD: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_became_a_request_is_told_of_and_a_flood_of_it_together() {
    let house = House::open(Neighbors::All).await;
    let long = format!("GET / HTTP/1.1\r\nhost: ehr.localhost\r\nx-long: {}\r\n\r\n", "x".repeat(66_000));
    assert_eq!(house.raw("ehr.localhost", &long).await, 431);
    for _ in 0..FLOOD {
        assert_eq!(house.raw("ehr.localhost", "SECRET \u{1}nonsense\r\n\r\n").await, 400);
    }
    let reached = house.reached();
    let events = house.stop().await;
    assert_eq!(reached, 0);
    let of_reason = |reason: Reason| {
        let events = events.iter().filter(move |event| event.opening.kind == EventKind::Request);
        events.filter(move |event| event.opening.reasons == [reason])
    };
    let [too_long] = of_reason(Reason::HeaderTooLarge).collect::<Vec<_>>()[..] else { panic!("one event") };
    let peer = Some(std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST));
    assert_eq!((too_long.opening.client_ip, &too_long.opening.note), (peer, &None));
    let (mut alone, mut together) = (0, 0);
    for event in of_reason(Reason::RequestMalformed) {
        assert_eq!(event.closing.as_ref().unwrap().outcome, Outcome::Refused);
        assert!(!serde_json::to_string(&event.opening).unwrap().contains("SECRET"));
        match &event.opening.note {
            None => {
                assert_eq!(event.opening.client_ip, peer);
                alone += 1;
            }
            Some(note) => together += note.split(' ').next().unwrap().parse::<u64>().unwrap(),
        }
    }
    assert_eq!(alone + together, FLOOD, "none is forgotten");
    assert!(together > 0, "not each of them is an event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_as_many_events_as_requests_and_the_metric_says_so() {
    let house = House::open(Neighbors::All).await;
    let here = format!("ehr.localhost:{}", house.ports.gateway);
    let cases = [
        ("a public page", "GET /static/a.css HTTP/1.1", here.as_str(), "", 200),
        ("nobody, a program", "GET /api/patients.json HTTP/1.1", &here, "accept: application/json\r\n", 401),
        ("nobody, a person", "GET /patients HTTP/1.1", &here, "accept: text/html\r\n", 303),
        ("no such route", "GET /nowhere HTTP/1.1", &here, "", 404),
        ("a method that no route has", "DELETE / HTTP/1.1", &here, "", 404),
        ("a host of nobody's", "GET / HTTP/1.1", "evil.example", "", 421),
        ("another application's host", "GET / HTTP/1.1", "console.localhost", "", 421),
        ("an escape that is none", "GET /%zz HTTP/1.1", &here, "", 400),
        ("a hidden slash", "GET /static/..%2fpatients HTTP/1.1", &here, "", 400),
        ("a zero byte", "GET /static/%00 HTTP/1.1", &here, "", 400),
        ("a way up", "GET /static/../patients HTTP/1.1", &here, "", 400),
        ("two hosts", "GET / HTTP/1.1", &here, "host: evil.example\r\n", 400),
        ("our own page", "GET /.leastway/me HTTP/1.1", &here, "accept: application/json\r\n", 401),
        ("an own path that is not there", "GET /.leastway/nothing HTTP/1.1", &here, "", 404),
        (
            "a form from elsewhere",
            "POST /.leastway/sign-out HTTP/1.1",
            &here,
            "origin: https://evil.example\r\ncontent-length: 0\r\n",
            403,
        ),
        ("a callback out of nowhere", "GET /.leastway/callback?code=a&state=b HTTP/1.1", &here, "", 400),
    ];
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let mut wrong = Vec::new();
    for (name, line, host, headers, expected) in cases {
        let bytes = format!("{line}\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
        let status = raw(&authority, "ehr.localhost", house.ports.gateway, bytes.as_bytes()).await;
        if status != expected {
            wrong.push(format!("{name}: {status}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let number = cases.len() as u64;
    assert_eq!(house.metric("leastway_requests_total").await, number);
    // An event ends with the last byte of its reply, which the caller may see a moment before.
    for _ in 0..40 {
        if house.metric("leastway_events_total").await == number {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(house.metric("leastway_events_total").await, number);
    assert_eq!(house.metric("leastway_events_lost_total").await, 0);

    let events = house.stop().await;
    let of_requests: Vec<_> =
        events.iter().filter(|event| event.opening.kind != EventKind::Lifecycle).collect();
    assert_eq!(of_requests.len(), cases.len());
    assert!(of_requests.iter().all(|event| event.closing.is_some()));
}
