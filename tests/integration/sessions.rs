//! A session is of one host, and there is one or none; and as long as its application likes.

use std::sync::Arc;
use std::time::Duration;

use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};

use crate::house::{House, Neighbors, append};
use crate::line::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_holds_on_its_own_host_and_two_are_none() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let other = house.cookie_of("registrar").await;
    let accept = ("accept", "application/json");
    let mut ehr = house.line("ehr.localhost", Protocol::Http1).await;
    let mut console = house.line("console.localhost", Protocol::Http1).await;

    assert_eq!(ehr.ask("/", &[accept, ("cookie", &cookie)]).await.status, 200);
    assert_eq!(console.ask("/", &[accept, ("cookie", &cookie)]).await.status, 401);
    for both in
        [format!("{cookie}; {other}"), format!("{cookie}; {cookie}"), format!("{other}; a=b; {cookie}")]
    {
        let came = ehr.ask("/", &[accept, ("cookie", &both)]).await;
        assert_ne!(came.status, 200, "{}", came.reason());
    }
    let apart = ehr.ask("/", &[accept, ("cookie", &cookie), ("cookie", &other)]).await;
    assert_ne!(apart.status, 200, "{}", apart.reason());
    let mut changed = cookie.clone();
    changed.pop();
    assert_eq!(ehr.ask("/", &[accept, ("cookie", &changed)]).await.status, 401);
    assert_eq!(
        ehr.ask("/", &[accept, ("cookie", &cookie)]).await.status,
        200,
        "the session itself is unharmed"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_may_ask_for_shorter_sessions_than_others() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        append(&directory.root().join("applications/ehr.toml"), "[application.ehr.session]\nlock = \"10m\"");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let headers = [("accept", "application/json"), ("cookie", &*cookie)];
    clock.advance(Duration::from_millis(10 * 60 * 1000 - 1));
    assert_eq!(line.ask("/", &headers).await.status, 200);
    clock.advance(Duration::from_secs(10 * 60));
    // Also on our own pages, before the application is asked.
    let me = line.ask("/.leastway/me", &[("accept", "text/html"), ("cookie", &*cookie)]).await;
    assert_eq!(me.status, 401);
    let came = line.ask("/", &headers).await;
    assert_eq!((came.status.as_u16(), came.reason()), (401, "session-locked"));
    house.stop().await;
}
