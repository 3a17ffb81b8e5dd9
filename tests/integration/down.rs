//! What is down, or not what it should be, is said to be so, once.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use leastway::demo::browser::{Caller, Reply};
use leastway::domain::event::{Event, Outcome};
use leastway::domain::reason::Reason;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use rusqlite::Connection;

use crate::house::{House, Neighbors, edit};
use crate::line::Protocol;

/// A page that says why, and leads nowhere by itself.
fn is_page_of(reply: &Reply, status: u16, reason: &str) {
    assert_eq!(
        (reply.status.as_u16(), reply.header("x-leastway-reason")),
        (status, reason),
        "{}",
        reply.text()
    );
    assert!(reply.header("content-type").starts_with("text/html"), "{}", reply.header("content-type"));
    assert!(reply.header("location").is_empty() && reply.header("refresh").is_empty());
}

/// How many events ended with this reason.
fn ended_with(events: &[Event], reason: Reason) -> usize {
    let closings = events.iter().filter_map(|event| event.closing.as_ref());
    closings.filter(|closing| closing.reason == Some(reason)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_or_a_provider_that_is_down_is_a_page_and_no_loop() {
    let house = House::open(Neighbors::None).await;
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/static/a.css", house.ehr())).await.unwrap();
    assert_eq!((page.status.as_u16(), page.header("x-leastway-reason")), (502, "upstream-unreachable"));
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));

    let page = browser.open(&format!("{}/patients", house.ehr())).await.unwrap();
    assert_eq!((page.status.as_u16(), page.header("x-leastway-reason")), (502, "provider-unavailable"));
    assert!(page.header("location").is_empty() && page.header("refresh").is_empty());

    let reply = browser.once(Caller::Program, &format!("{}/static/a.css", house.ehr())).await.unwrap();
    assert_eq!(reply.status, 502);
    assert!(reply.header("content-type").starts_with("application/problem+json"));
    let (ready, _) = house.control("/readyz").await;
    assert_eq!(ready, 200, "whoever is signed in works on");

    let events = house.stop().await;
    for reason in [Reason::UpstreamUnreachable, Reason::ProviderUnavailable] {
        let found = events.iter().filter_map(|event| event.closing.as_ref());
        let mut found = found.filter(|closing| closing.reason == Some(reason));
        assert!(found.any(|closing| closing.outcome == Outcome::Failed), "{reason:?}");
    }
    let failed = events.iter().find(|event| event.opening.reasons == [Reason::ProviderUnavailable]).unwrap();
    let note = failed.opening.note.as_deref().unwrap_or_default();
    assert!(note.starts_with("the provider cannot be used: `id.localhost` cannot be reached"), "{note}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_signs_with_keys_that_it_is_not_known_by_signs_nobody_in() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let mut house = House::open_at(clock.clone(), Neighbors::All, |_| {}).await;
    house.cookie_of("nurse").await;
    house.restart_clinic().await;
    let cookie = house.cookie_of("nurse").await; // It is asked for its new keys at once.
    house.restart_clinic().await;

    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    let back = house.enter(&mut browser, &page, "registrar").await;
    is_page_of(&back, 400, "sign-in-invalid");
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/", &[("cookie", &cookie)]).await.status, 200, "whoever is signed in works on");

    // They are asked for again, but not by everyone who comes.
    clock.advance(Duration::from_secs(60));
    house.cookie_of("registrar").await;
    let events = house.stop().await;
    assert_eq!(ended_with(&events, Reason::SignInInvalid), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_says_nothing_is_given_up_after_its_time() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::None, |directory| {
        let client = "client_id = \"leastway\"";
        edit(&directory.configuration(), client, &format!("{client}\ntimeout = \"1s\""));
    })
    .await;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, house.ports.provider)).unwrap();
    clock.advance(Duration::from_secs(60));

    let asked = Instant::now();
    let page = house.browser().open(&format!("{}/patients", house.ehr())).await.unwrap();
    is_page_of(&page, 502, "provider-unavailable");
    let took = asked.elapsed();
    assert!(Duration::from_millis(900) < took && took < Duration::from_secs(20), "{took:?}");
    silent.set_nonblocking(true).unwrap();
    silent.accept().expect("it was asked");
    let events = house.stop().await;
    assert_eq!(ended_with(&events, Reason::ProviderUnavailable), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_locked_lets_people_work_on_and_signs_them_in_once_it_is_free() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let other = Connection::open(house.file("data/leastway.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    let refused = if page.status == 200 { house.enter(&mut browser, &page, "registrar").await } else { page };
    is_page_of(&refused, 503, "store-unavailable");
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/", &[("cookie", &cookie)]).await.status, 200, "whoever is signed in works on");

    other.execute_batch("COMMIT").unwrap();
    house.cookie_of("registrar").await;
    let events = house.stop().await;
    assert_eq!(ended_with(&events, Reason::StoreUnavailable), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_out_while_the_store_takes_nothing_is_out_and_told_so() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let writable = async || {
        let (status, body) = house.control("/readyz").await;
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &told["ready"]), (200, &true.into()), "whoever is signed in works on");
        (told["store_writable"].as_bool().unwrap(), house.metric("leastway_store_writable").await)
    };
    assert_eq!(writable().await, (true, 1));
    let other = Connection::open(house.file("data/leastway.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let person = [
        ("cookie", &*cookie),
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "same-origin"),
    ];
    let out = line.post("/.leastway/sign-out", &person, b"").await;
    assert_eq!((out.status.as_u16(), out.reason()), (503, "store-unavailable"), "{}", out.text);
    assert!(out.text.contains("nobody can go on in it"), "{}", out.text);
    assert!(!out.text.contains("Nothing was changed") && !out.text.contains("not passed on"), "{}", out.text);
    let after = line.ask("/", &[("accept", "application/json"), ("cookie", &cookie)]).await;
    assert_eq!((after.status.as_u16(), after.reason()), (401, "session-revoked"));
    assert_eq!(writable().await, (false, 0));

    other.execute_batch("COMMIT").unwrap();
    house.cookie_of("registrar").await;
    assert_eq!(writable().await, (true, 1));
    house.stop().await;
}
