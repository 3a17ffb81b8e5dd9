//! What somebody takes at two nodes is taken of one allowance.

use std::path::Path;

use super::house::{House, To, edit};
use crate::demo::browser::{Browser, Caller};
use crate::domain::limit::LimitName;
use crate::domain::reason::Reason;
use crate::features::session::SESSION_COOKIE;

/// The front desk, which is denied what is beyond these.
fn limits(numbers: &'static str) -> impl FnOnce(&Path) {
    move |root| edit(&root.join("roles.toml"), "patients_opened_per_shift = 120", numbers)
}

async fn ask(house: &House, browser: &mut Browser, to: To, path: &str) -> (u16, String) {
    house.lead(to);
    let reply = browser.once(Caller::Program, &format!("{}{path}", house.ehr())).await.unwrap();
    (reply.status.as_u16(), reply.text())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_pages_at_both_nodes_add_up_to_a_block_at_the_line() {
    let house = House::furnish(limits("records_per_hour = 50")).await;
    let mut browser = house.signed_in("registrar").await;
    house.until_both_know(1).await;
    for to in [To::A, To::B, To::A, To::B] {
        let (status, text) = ask(&house, &mut browser, to, "/fhir/Patient?_count=10").await;
        assert_eq!(status, 200, "{to:?}: {text}");
    }
    // What the other node has taken ahead it gives back when it is called in.
    let (status, text) = ask(&house, &mut browser, To::B, "/fhir/Patient?_count=10").await;
    assert_eq!(status, 200, "the fifth page is within the line: {text}");
    for to in [To::A, To::B] {
        let (status, text) = ask(&house, &mut browser, to, "/fhir/Patient?_count=1").await;
        assert_eq!(status, 429, "{to:?}: {text}");
        assert!(!text.contains("\"resourceType\":\"Patient\""), "nothing of it leaves");
    }
    for events in house.stop().await {
        let exceeded: Vec<_> = events
            .iter()
            .filter_map(|event| event.closing.as_ref()?.exceeded)
            .filter(|exceeded| exceeded.limit == LimitName::RecordsPerHour)
            .collect();
        assert!(exceeded.iter().any(|exceeded| exceeded.actual == 51), "{exceeded:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_at_two_nodes_have_one_allowance_of_exports() {
    let house = House::furnish(|root| {
        edit(&root.join("roles.toml"), "exports_per_day = 5\non_exceed", "exports_per_day = 3\non_exceed");
    })
    .await;
    let mut browser = house.signed_in("registrar").await;
    house.until_both_know(1).await;
    let cookie = browser.cookie("ehr.localhost", SESSION_COOKIE).unwrap().to_owned();
    house.lead(To::Both);
    let page = format!("{}/api/patients.json?limit=5", house.ehr());
    let mut tabs: Vec<_> = (0..8).map(|_| house.browser()).collect();
    let replies = futures_util::future::join_all(
        tabs.iter_mut().map(|tab| tab.once_as(Caller::Program, &page, SESSION_COOKIE, &cookie)),
    );
    let statuses: Vec<_> = replies.await.into_iter().map(|reply| reply.unwrap().status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 5, "{statuses:?}");
    assert_eq!(ask(&house, &mut browser, To::A, "/api/patients.json?limit=5").await.0, 429);
    let refused: usize = house
        .stop()
        .await
        .iter()
        .flatten()
        .filter(|event| event.opening.reasons == [Reason::ExportOverWindowBudget])
        .count();
    assert_eq!(refused, 6);
}
