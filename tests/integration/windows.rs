//! Many small pages add up to a block, in one tab or two, before a restart and after it.

use leastway::domain::event::Outcome;
use leastway::domain::limit::LimitName;
use serde_json::json;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Line, Protocol};

/// The application sends back what it is sent.
const PAGES: &str = r#"
[[application.ehr.route]]
name = "page.list"
match = { method = ["POST"], path = "/page" }
action = "list"
category = ["demographics"]
reply = { kind = "json", records = "/patients", patient = "member:mrn" }

[[application.ehr.route]]
name = "page.export"
match = { method = ["POST"], path = "/pages" }
action = "export"
category = ["demographics"]
reply = { kind = "json", records = "/patients", patient = "member:mrn" }
"#;

async fn house(limits: &str) -> House {
    House::furnish(Neighbors::All, |directory| {
        let roles = directory.root().join("roles.toml");
        edit(&roles, "patients_opened_per_shift = 120", limits);
        append(&directory.root().join("applications/ehr.toml"), PAGES);
    })
    .await
}

async fn page(line: &mut Line, path: &str, cookie: &str, patients: std::ops::Range<u32>) -> Came {
    let patients: Vec<_> = patients.map(|mrn| json!({ "mrn": mrn })).collect();
    let headers = [("cookie", cookie), ("accept", "application/json"), ("content-type", "application/json")];
    line.post(path, &headers, json!({ "patients": patients }).to_string().as_bytes()).await
}

fn told(came: &Came) -> (u16, &str) {
    (came.status.as_u16(), came.reason())
}

const OVER: (u16, &str) = (429, "export-over-window-budget");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_pages_add_up_in_both_tabs_and_after_a_restart() {
    let house = house("records_per_hour = 70").await;
    let cookie = house.cookie_of("registrar").await;
    let mut first = house.line("ehr.localhost", Protocol::Http1).await;
    let mut second = house.line("ehr.localhost", Protocol::Http2).await;
    for line in [&mut first, &mut second] {
        assert_eq!(page(line, "/page", &cookie, 0..20).await.status, 200);
    }
    assert_eq!(page(&mut first, "/page", &cookie, 0..20).await.status, 200);
    let fourth = page(&mut second, "/page", &cookie, 0..20).await;
    assert_eq!(told(&fourth), OVER);
    assert!(!fourth.text.contains("mrn"), "nothing of it leaves: {}", fourth.text);
    drop((first, second));

    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(told(&page(&mut line, "/page", &cookie, 0..20).await), OVER, "the journal tells of the three");
    assert_eq!(page(&mut line, "/page", &cookie, 0..10).await.status, 200, "ten are left");
    assert_eq!(told(&page(&mut line, "/page", &cookie, 0..1).await), OVER);
    drop(line);
    let events = house.stop().await;
    let withheld: Vec<_> = events
        .iter()
        .filter_map(|event| event.closing.as_ref().filter(|closing| closing.outcome == Outcome::Withheld))
        .collect();
    let exceeded: Vec<_> = withheld.iter().filter_map(|closing| closing.exceeded).collect();
    assert!(exceeded.iter().all(|it| it.limit == LimitName::RecordsPerHour && it.allowed == 70));
    assert_eq!(exceeded.iter().map(|it| it.actual).collect::<Vec<_>>(), [80, 80, 71]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_in_lists_are_counted_once_and_exports_add_up_by_records_and_bytes() {
    let house = house("patients_listed_per_hour = 30\nrecords_exported_per_day = 45").await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for patients in [0..20, 0..20, 10..30, 0..30] {
        assert_eq!(page(&mut line, "/page", &cookie, patients).await.status, 200);
    }
    let more = page(&mut line, "/page", &cookie, 25..31).await;
    assert_eq!(told(&more), OVER);
    assert!(more.text.contains("patients_listed_per_hour"), "{}", more.text);
    for patients in [0..20, 0..20] {
        assert_eq!(page(&mut line, "/pages", &cookie, patients).await.status, 200);
    }
    let more = page(&mut line, "/pages", &cookie, 0..6).await;
    assert_eq!(told(&more), OVER);
    assert!(more.text.contains("records_exported_per_day"), "{}", more.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patients_of_one_reply_and_lists_of_a_day_and_a_shift_are_bounded_after_a_restart_too() {
    let house =
        house("patients_per_response = 15\npatients_listed_per_day = 30\nrecords_per_shift = 70").await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for patients in [0..15, 15..30] {
        assert_eq!(page(&mut line, "/page", &cookie, patients).await.status, 200);
    }
    let many = page(&mut line, "/page", &cookie, 0..16).await;
    assert_eq!(told(&many), (403, "records-over-response-limit"));
    assert!(many.text.contains("patients_per_response") && !many.text.contains("mrn"), "{}", many.text);
    drop(line);

    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let another = page(&mut line, "/page", &cookie, 30..31).await;
    assert_eq!(told(&another), OVER);
    assert!(another.text.contains("patients_listed_per_day"), "{}", another.text);
    for patients in [0..15, 0..15] {
        assert_eq!(page(&mut line, "/page", &cookie, patients).await.status, 200);
    }
    let more = page(&mut line, "/page", &cookie, 0..11).await;
    assert_eq!(told(&more), OVER);
    assert!(more.text.contains("records_per_shift"), "{}", more.text);
    drop(line);
    house.stop().await;
}
