//! What is found in the stream of events is written down, asks what it asks, and is reviewed.

use std::sync::Arc;
use std::time::Duration;

use leastway::app::administer::Administered;
use leastway::config::load;
use leastway::demo::browser::{Browser, Reply};
use leastway::domain::detection::{DetectionKind, ReviewFinding, ReviewState};
use leastway::domain::event::Event;
use leastway::domain::event::EventKind;
use leastway::features::detect::Item;
use leastway::foundation::clock::Clock as _;
use leastway::foundation::clock::{SystemClock, TestClock};

use crate::house::{House, Neighbors, append};

const RULES: &str = "\n[detect.sweep]\nwhen = \"panel_sweep\"\nmore_than = 3\nthen = \"step_up\"\nin_treatment = true\n\
    [detect.steps]\nwhen = \"sequential_ids\"\nmore_than = 4\n\
    [risk.found]\nwhen = \"detection\"\nthen = \"step_up\"\nassurance = \"mfa\"\n";

async fn open() -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        append(&directory.root().join("roles.toml"), RULES);
    })
    .await;
    (house, clock)
}

async fn ask(house: &House, browser: &mut Browser, path: &str) -> Reply {
    browser.open(&format!("{}{path}", house.ehr())).await.unwrap()
}

async fn sign_in(house: &House, username: &str) -> Browser {
    let mut browser = house.browser();
    let page = ask(house, &mut browser, "/").await;
    let back = house.enter(&mut browser, &page, username).await;
    assert_eq!(back.status, 200, "{}", back.text());
    browser
}

/// Opens so many charts, whose numbers follow one another.
async fn sweep(house: &House, clock: &TestClock, browser: &mut Browser, patients: u32) {
    for number in 0..patients {
        clock.advance(Duration::from_secs(5));
        let chart = ask(house, browser, &format!("/patients/{}", 100_001 + number)).await;
        assert_eq!(chart.status, 200, "{}", chart.text());
    }
}

/// Waits until so many items are there, and gives them.
async fn items(house: &House, number: usize) -> Vec<Item> {
    for _ in 0..200 {
        let items = house.running.shared.detections.list(None, 100);
        if items.len() >= number {
            return items;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing was found: {:?}", house.running.shared.detections.list(None, 100))
}

fn found(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| event.opening.kind == EventKind::Detection).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_is_found_asks_who_it_is_and_is_closed_by_a_reviewer() {
    let (house, clock) = open().await;
    let mut browser = sign_in(&house, "nurse").await;
    sweep(&house, &clock, &mut browser, 3).await;
    assert_eq!(ask(&house, &mut browser, "/").await.status, 200, "so many are her usual work");
    sweep(&house, &clock, &mut browser, 4).await;
    let item = items(&house, 1).await.remove(0);
    assert_eq!((item.detection.kind, item.detection.count), (DetectionKind::PanelSweep, 4), "{item:?}");
    assert_eq!((item.state, item.detection.raises), (ReviewState::Open, true));
    assert!(!serde_json::to_string(&item).unwrap().contains("10000"), "no patient is named");

    clock.advance(Duration::from_secs(5));
    let page = ask(&house, &mut browser, "/").await;
    assert_eq!((page.status.as_u16(), page.header("x-leastway-reason")), (401, "after-detection"));
    assert!(page.text().contains("more was done under your name than is usual"), "{}", page.text());

    let control = load(&house.directory.configuration()).unwrap().settings.control;
    let asked = Administered::by(&control).unwrap();
    let listed = asked.detections(Some(ReviewState::Open), 10).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&item));
    let rules = house.running.shared.rules.load().detections.clone();
    let said = serde_json::from_str(r#"{"state":"closed","finding":"fine","note":"a ward round"}"#).unwrap();
    let detections = house.running.shared.detections.clone();
    let closed = detections.reviewed(item.detection.id, said, &rules, clock.now()).unwrap();
    detections.settle(closed).await.unwrap();
    // It holds the store open.
    drop(detections);

    // A restart tells nothing twice, and forgets neither the item nor what it asks.
    let house = house.restart().await;
    let again = items(&house, 1).await;
    assert_eq!(
        (again.len(), again[0].state, again[0].finding),
        (1, ReviewState::Closed, Some(ReviewFinding::Fine))
    );
    let still = ask(&house, &mut browser, "/").await;
    assert_eq!(still.header("x-leastway-reason"), "after-detection", "{}", still.text());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let events = house.stop().await;
    let [event] = found(&events)[..] else { panic!("{:?}", found(&events)) };
    let told = event.opening.detection.as_ref().unwrap();
    assert_eq!((told.id, told.requests.len()), (item.detection.id, 4));
    assert!(
        events
            .iter()
            .any(|event| event.opening.patient.is_some() && told.requests.contains(&event.opening.event))
    );
    assert_eq!(event.opening.note.as_deref(), Some(&*told.why));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_follow_one_another_are_found_without_being_written_anywhere() {
    let (house, clock) = open().await;
    let mut browser = sign_in(&house, "nurse").await;
    for number in [700_001, 700_003, 700_005, 700_007, 700_009] {
        clock.advance(Duration::from_secs(1));
        ask(&house, &mut browser, &format!("/patients/{number}")).await;
    }
    let kinds = |items: &[Item]| items.iter().any(|item| item.detection.kind == DetectionKind::SequentialIds);
    for _ in 0..100 {
        if kinds(&items(&house, 1).await) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(kinds(&items(&house, 1).await));
    assert!(house.metric("leastway_detections_total").await > 0);
    let kept = std::fs::read_dir(house.directory.journal()).unwrap().map(|file| file.unwrap().path());
    for file in kept.filter(|path| path.is_file()) {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(6).any(|six| six == b"700003"), "a number of a patient");
    }
    let events = house.stop().await;
    let longest = events.iter().filter_map(|event| event.opening.patients_in_steps).max();
    assert_eq!(longest, Some(5));
}
