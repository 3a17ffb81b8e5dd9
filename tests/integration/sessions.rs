//! A session is of one host, and there is one or none; and as long as its application likes.

use std::sync::Arc;
use std::time::Duration;

use leastway::demo::browser::Caller;
use leastway::domain::event::Verdict;
use leastway::domain::reason::Reason;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_pages_are_for_whoever_is_signed_in_and_all_others_are_told_how_to_get_there() {
    let house = House::open(Neighbors::All).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let own = ["/.leastway/me", "/.leastway/purpose"];

    let mut browser = house.browser();
    let page = browser.open(&format!("{}/.leastway/me", house.ehr())).await.unwrap();
    let me = house.enter(&mut browser, &page, "nurse").await;
    assert_eq!(
        (me.status.as_u16(), me.url.path()),
        (200, "/.leastway/me"),
        "they come back to where they were"
    );
    let navigates =
        [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-origin")];
    for path in own {
        let led = line.ask(path, &navigates).await;
        assert_eq!((led.status.as_u16(), led.reason()), (303, "sign-in-required"), "{path}");
        assert!(led.headers["location"].to_str().unwrap().contains("id.localhost"), "{path}");
    }

    let program = house.browser().once(Caller::Program, &format!("{}{}", house.ehr(), own[0])).await.unwrap();
    assert_eq!(
        (program.status.as_u16(), program.header("x-leastway-reason")),
        (401, "sign-in-required"),
        "{}",
        program.text()
    );
    assert!(program.header("content-type").starts_with("application/problem+json"));
    assert!(program.header("www-authenticate").starts_with("Bearer"));

    let posted = line.post("/.leastway/me/end", &navigates, b"all=1").await;
    assert_eq!((posted.status.as_u16(), posted.reason()), (401, "sign-in-required"));
    assert!(posted.text.contains("What you just sent was not passed on"), "{}", posted.text);
    assert!(posted.text.contains("return_to=%2F.leastway%2Fme"), "and back to their page: {}", posted.text);

    let events = house.stop().await;
    for (path, times) in [(own[0], 3), (own[1], 1), ("/.leastway/me/end", 1)] {
        let told = events.iter().map(|event| &event.opening).filter(|opening| {
            opening.path.as_deref() == Some(path)
                && opening.verdict == Verdict::Challenge
                && opening.reasons == [Reason::SignInRequired]
        });
        assert_eq!(told.count(), times, "{path}");
    }
}
