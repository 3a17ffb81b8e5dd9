//! New rules take effect whole, or not at all, on connections that stay open.

use leastway::app::reload::Reloaded;

use crate::house::{House, Neighbors, edit};
use crate::line::{Line, Protocol, connect};

const CHART: &str = "/patients/100001/chart";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_rules_hold_from_the_next_request_on_and_bad_ones_never() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(CHART, &session).await.status, 200);

    let (roles, nurse) =
        (house.file("roles.toml"), r#"categories = ["demographics", "schedule", "clinical"]"#);
    edit(&roles, nurse, r#"categories = ["demographics", "schedule"]"#);
    let reloaded = house.running.reload().await;
    assert!(matches!(reloaded, Reloaded::Swapped(_)), "{reloaded:?}");
    let refused = line.ask(CHART, &session).await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "no-rule-matched"));
    assert_eq!(house.metric("leastway_config_last_reload_success").await, 1);
    let before = ready(&house).await;

    let good = std::fs::read(&roles).unwrap();
    edit(&roles, "[role.nurse]", "[role.nurse");
    assert!(matches!(house.running.reload().await, Reloaded::Refused(_)));
    assert_eq!(line.ask("/patients/100001", &session).await.status, 200, "what was in force stays in force");
    assert_eq!(line.ask(CHART, &session).await.status, 403);
    assert_eq!(house.metric("leastway_config_last_reload_success").await, 0);
    assert_eq!(ready(&house).await, before);

    let (chain, whole) =
        (house.file("certs/gateway.pem"), std::fs::read(house.file("certs/gateway.pem")).unwrap());
    std::fs::write(&roles, good).unwrap();
    std::fs::write(&chain, "no certificate").unwrap();
    assert!(!matches!(house.running.reload().await, Reloaded::Swapped(_)));
    std::fs::write(&chain, whole).unwrap();
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    assert_eq!(house.metric("leastway_config_last_reload_success").await, 1);

    let events = house.stop().await;
    let notes = events.iter().filter_map(|event| event.opening.note.as_deref());
    assert!(notes.filter(|note| note.starts_with("new rules")).count() >= 4, "each reload leaves an event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_into_force_by_a_restart_alone_is_told() {
    let house = House::open(Neighbors::All).await;
    edit(&house.directory.configuration(), "[gateway]", "[gateway]\ndrain = \"7s\"");
    let reloaded = house.running.reload().await;
    let Reloaded::Swapped(swapped) = &reloaded else { panic!("{reloaded:?}") };
    assert_eq!(*swapped.needs_restart, ["gateway.drain"]);
    let events = house.stop().await;
    let mut notes = events.iter().filter_map(|event| event.opening.note.as_deref());
    assert!(notes.any(|note| note == "new rules are in force; by a restart alone: gateway.drain"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_shown_from_the_next_connection_on() {
    let house = House::open(Neighbors::All).await;
    let before = std::fs::read(house.directory.authority()).unwrap();
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/static/clinic.css", &[]).await.status, 200);

    let hosts = ["ehr.localhost", "console.localhost"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(hosts).unwrap();
    std::fs::write(house.file("certs/gateway.pem"), made.cert.pem()).unwrap();
    std::fs::write(house.file("certs/gateway.key"), made.signing_key.serialize_pem()).unwrap();
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));

    assert_eq!(line.ask("/static/clinic.css", &[]).await.status, 200, "who is connected stays so");
    let after = made.cert.pem().into_bytes();
    let mut new = Line::open(&after, "ehr.localhost", house.ports.gateway, Protocol::Http2).await;
    assert_eq!(new.ask("/static/clinic.css", &[]).await.status, 200);
    let shown = connect(&after, "console.localhost", house.ports.gateway, b"http/1.1").await;
    assert_ne!(shown.get_ref().1.peer_certificates().unwrap()[0].as_ref(), before);
    house.stop().await;
}

/// What readiness tells, but for how much of the journal waits to be signed.
async fn ready(house: &House) -> serde_json::Value {
    let (status, told) = house.control("/readyz").await;
    assert_eq!(status, 200);
    let mut told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(told.as_object_mut().unwrap().remove("journal_unsigned").is_some());
    told
}
