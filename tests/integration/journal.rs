//! A journal that cannot be written: nothing passes unrecorded.

use std::sync::Arc;

use leastway::domain::event::Event;
use leastway::foundation::clock::SystemClock;

use crate::house::{House, Neighbors, edit};
use crate::line::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_fails_holds_everything_back_until_it_is_opened_again() {
    let house = House::open_at(Arc::new(SystemClock), Neighbors::All, |directory| {
        edit(&directory.configuration(), "\"8MiB\"", "\"1MiB\"");
    })
    .await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let session = [("cookie", cookie.as_str())];
    let (asked, failed) = house.fail_journal(&cookie).await;
    assert_eq!((failed.status.as_u16(), failed.reason()), (503, "audit-unavailable"));
    assert!(!failed.text.contains("x-leastway-assertion"), "the application's reply is withheld");

    let reached = house.reached();
    let here = format!("ehr.localhost:{}", house.ports.gateway);
    for path in ["/", "/static/a.css", "/nowhere", "/.leastway/me", "/.leastway/sign-in"] {
        let came = line.ask(path, &session).await;
        assert_eq!((came.status.as_u16(), came.reason()), (503, "audit-unavailable"), "{path}");
    }
    let post = format!(
        "POST /reports/patients HTTP/1.1\r\nhost: {here}\r\ncookie: {cookie}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 6\r\n\r\nward=3"
    );
    assert_eq!(house.raw("ehr.localhost", &post).await, 503);
    assert_eq!(house.reached(), reached, "nothing is sent any more");
    let (ready, told) = house.control("/readyz").await;
    assert_eq!(ready, 503);
    assert!(told.contains("\"journal_writable\":false"), "{told}");
    assert_eq!(house.control("/healthz").await.0, 200);
    assert_eq!(house.metric("leastway_journal_writable").await, 0);
    drop(line);

    let house = house.restart().await;
    assert_eq!(house.control("/readyz").await.0, 200);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/", &session).await.status, 200);
    assert_eq!(house.raw("ehr.localhost", &post).await, 200);
    drop(line);
    let events = house.stop().await;
    let long = |event: &&Event| event.opening.query_keys.first().is_some_and(|key| key.len() == 4000);
    assert!(events.iter().filter(long).count() >= asked - 1, "whatever was answered is recorded");
}
