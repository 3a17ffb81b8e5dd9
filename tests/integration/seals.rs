//! What events tell only under seal: which patient, what was searched for, and what a person said.

use leastway::app::administer::{Administered, Unsealing};
use leastway::control::settings::ControlSettings;
use leastway::domain::event::{Event, EventKind};
use leastway::domain::purpose::Purpose;
use leastway::features::audit::seal::Period;
use leastway::foundation::clock::{Clock as _, SystemClock};
use leastway::foundation::id::RequestId;
use leastway::foundation::secret::Secret;

use crate::house::{House, Neighbors, append};

const WORDS: &str = "their sister asked me to look";
const CHART: &str = "/patients/100001?tab=labs&code=abc&note=Smith%20J";

/// Somebody says why, and then opens a chart.
async fn open(change: &str) -> (House, RequestId) {
    let house = House::furnish(Neighbors::All, |directory| append(&directory.configuration(), change)).await;
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/patients", house.ehr())).await.unwrap();
    house.enter(&mut browser, &page, "nurse").await;
    let fields = [("code", "other"), ("text", WORDS), ("return_to", "/patients")];
    browser.submit(&format!("{}/.leastway/justify", house.ehr()), &fields).await.unwrap();
    let chart = browser.open(&format!("{}{CHART}", house.ehr())).await.unwrap();
    assert_eq!(chart.status, 200, "{}", chart.text());
    (house, chart.header("x-request-id").parse().unwrap())
}

fn gateway(house: &House) -> Administered {
    let token = std::fs::read_to_string(house.directory.control_token()).unwrap();
    let listen = format!("127.0.0.1:{}", house.ports.control).parse().unwrap();
    Administered::by(&ControlSettings { listen, token: Some(Secret::new(token)) }).unwrap()
}

fn asked(event: RequestId) -> Unsealing {
    Unsealing { events: vec![event], purpose: Purpose::Operations, why: "a complaint".parse().unwrap() }
}

fn of(events: &[Event], event: RequestId) -> &Event {
    events.iter().find(|one| one.opening.event == event).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_seal_is_read_by_whoever_says_why_and_that_is_an_event() {
    let (house, event) = open("").await;
    let gateway = gateway(&house);
    let unknown: RequestId = "019ca869-5000-7000-8000-000000000000".parse().unwrap();
    let revealed = gateway.reveal(&asked(event)).await.unwrap();
    let [one] = &revealed[..] else { panic!("{}", revealed.len()) };
    assert_eq!(one.event, event);
    assert_eq!(one.patient.as_deref(), Some("100001"));
    assert_eq!(
        one.query.as_deref(),
        Some("tab=labs&code=...&note=Smith%20J"),
        "what may open something is left out"
    );
    assert_eq!(one.justification.as_deref(), Some(WORDS));
    let nobody = gateway.reveal(&asked(unknown)).await.unwrap();
    assert_eq!(nobody[0].not.as_deref(), Some("no such event is in this journal"));

    let journal = house.directory.journal();
    // Whoever has the journal alone reads none of it.
    for file in std::fs::read_dir(&journal).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
        for secret in [&b"100001"[..], b"Smith", b"their sister"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
    assert!(journal.parent().unwrap().join("seals").is_dir(), "the keys are beside the journal, not in it");
    let events = house.stop().await;
    let reading = events.iter().find_map(|event| event.opening.reading.as_deref()).unwrap();
    assert_eq!((&reading.events[..], reading.purpose), (&[event][..], Purpose::Operations));
    assert_eq!(reading.why.as_str(), "a complaint");
    let seen = of(&events, event);
    assert_eq!(seen.opening.kind, EventKind::Request);
    assert!(seen.opening.patient.is_some() && seen.opening.sealed.is_some());
    assert_eq!(seen.opening.justification.as_ref().unwrap().text, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_that_keeps_less_keeps_no_more_than_that() {
    let fields = "[journal.sealed]\npatient = \"hash\"\nquery = \"names\"\njustification = \"clear\"\n";
    let (house, event) = open(fields).await;
    let gateway = gateway(&house);
    let revealed = gateway.reveal(&asked(event)).await.unwrap();
    assert_eq!(revealed[0].not.as_deref(), Some("it keeps nothing under seal"));
    let key = "2026-11".parse::<Period>().unwrap().into();
    let refused = gateway.destroy(key, &"tidying".parse().unwrap()).await.unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("has no key") || refused.contains("is kept until"), "{refused}");
    let periods = gateway.periods().await.unwrap();
    assert_eq!((periods.periods.len(), periods.patients.len()), (2, 0), "of this month and the next");
    let events = house.stop().await;
    let seen = of(&events, event);
    assert_eq!(seen.opening.justification.as_ref().unwrap().text, WORDS);
    assert!(seen.opening.patient.is_some() && seen.opening.sealed.is_none());
    assert_eq!(seen.opening.query_keys, ["tab", "code", "note"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_whose_retention_is_over_are_destroyed_by_the_gateway_and_each_is_told() {
    let key = "A".repeat(43);
    let mut months = Vec::new();
    let house = House::furnish(Neighbors::All, |directory| {
        std::fs::create_dir_all(directory.seals()).unwrap();
        let mut month = Period::of(SystemClock.now());
        for _ in 0..12 {
            month = month.before();
            months.push(month.to_string());
        }
        for month in months.iter().map(String::as_str).chain(["2009-04", "2009-05"]) {
            std::fs::write(directory.seals().join(format!("{month}.key")), &key).unwrap();
        }
        std::fs::write(directory.seals().join("patients-2009-04.key"), [7; 32]).unwrap();
        append(&directory.configuration(), "[journal.sealed]\nlegal_hold = [\"2009-05\"]\n");
    })
    .await;
    let seals = house.directory.seals();
    for _ in 0..500 {
        if seals.join("patients-2009-04.destroyed").exists() && !seals.join("patients-2009-04.key").exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(!seals.join("2009-04.key").exists() && !seals.join("patients-2009-04.key").exists());
    assert!(seals.join("2009-05.key").exists(), "a legal hold keeps it");
    assert!(months.iter().all(|month| seals.join(format!("{month}.key")).exists()));
    let events = house.stop().await;
    let notes: Vec<_> = events.iter().filter_map(|event| event.opening.note.as_deref()).collect();
    for told in [
        "the key of what was sealed in 2009-04 is to be destroyed: its retention is over",
        "the key of what was sealed in 2009-04 was destroyed",
        "the key by which patients were named until 2009-04 is to be destroyed: its retention is over",
    ] {
        assert!(notes.contains(&told), "{told}: {notes:?}");
    }
}
