//! What is down is said to be down, once.

use leastway::demo::browser::Caller;
use leastway::domain::event::Outcome;
use leastway::domain::reason::Reason;

use crate::house::{House, Neighbors};

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
}
