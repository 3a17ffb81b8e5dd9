//! Theirs, and nobody else's; bounded; gone when it should be.

use std::sync::Arc;
use std::time::Duration;

use super::MIGRATIONS;
use super::contexts::Contexts;
use super::table::{Given, Kind, Owner, Room};
use crate::domain::application::ApplicationName;
use crate::domain::given::GivenName;
use crate::domain::patient::PatientRef;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::SessionId;
use crate::platform::store::{Statement, Store};

const NOW: Timestamp = Timestamp::from_seconds(1_772_443_800);
const HOUR: Duration = Duration::from_secs(3600);

fn session(number: u64) -> SessionId {
    SessionId::new(NOW, &SeededEntropy::new(number))
}

fn owner(number: u64) -> Owner {
    Owner::Session(session(number))
}

fn ehr() -> ApplicationName {
    "ehr".parse().unwrap()
}

fn given(of_one: usize, of_all: usize) -> Given {
    Given::new(&SeededEntropy::new(1), Room { of_one, of_all })
}

async fn has(table: &Given, owner: &Owner, kind: Kind<'_>, value: &str, now: Timestamp) -> bool {
    table.has(owner, kind, value, now).await.unwrap()
}

#[tokio::test]
async fn what_was_given_is_one_owners_of_one_kind_and_application() {
    let (table, ehr, other) = (given(10, 100), ehr(), "lab".parse::<ApplicationName>().unwrap());
    let (page, job): (GivenName, GivenName) = ("page".parse().unwrap(), "job".parse().unwrap());
    let pages = Kind { application: &ehr, name: &page };
    table.give(&owner(1), pages, ["t-1", "t-1", "t-2"], (NOW, HOUR)).await.unwrap();
    assert_eq!(table.len(), 2);
    assert!(
        has(&table, &owner(1), pages, "t-1", NOW).await && has(&table, &owner(1), pages, "t-2", NOW).await
    );
    assert!(!has(&table, &owner(2), pages, "t-1", NOW).await, "another's");
    assert!(!has(&table, &owner(1), pages, "t-3", NOW).await, "made up");
    assert!(!has(&table, &owner(1), Kind { name: &job, ..pages }, "t-1", NOW).await, "another kind");
    assert!(
        !has(&table, &owner(1), Kind { application: &other, ..pages }, "t-1", NOW).await,
        "another application"
    );
    for hostile in ["", "T-1", "t-1 ", "t-1\0", "t-1&t-2", "*", "%"] {
        assert!(!has(&table, &owner(1), pages, hostile, NOW).await, "{hostile:?}");
    }
    assert!(!format!("{table:?}").contains("t-1"), "only digests are kept");
}

#[tokio::test]
async fn what_was_given_ends_with_its_time_and_its_owner() {
    let (table, ehr, page) = (given(10, 100), ehr(), "page".parse().unwrap());
    let pages = Kind { application: &ehr, name: &page };
    table.give(&owner(1), pages, ["t"], (NOW, HOUR)).await.unwrap();
    let last = NOW.plus(HOUR).minus(Duration::from_millis(1));
    assert!(
        has(&table, &owner(1), pages, "t", last).await
            && !has(&table, &owner(1), pages, "t", NOW.plus(HOUR)).await
    );
    table.give(&owner(1), pages, ["t"], (last, HOUR)).await.unwrap();
    assert!(has(&table, &owner(1), pages, "t", NOW.plus(HOUR)).await, "its time began anew");
    table.forget(&owner(2));
    assert!(has(&table, &owner(1), pages, "t", NOW).await);
    table.forget(&owner(1));
    assert!(!has(&table, &owner(1), pages, "t", NOW).await && table.is_empty());
}

#[tokio::test]
async fn whoever_collects_loses_their_own_oldest_and_nobody_elses() {
    let (table, ehr, page) = (given(100, 150), ehr(), "page".parse().unwrap());
    let pages = Kind { application: &ehr, name: &page };
    table.give(&owner(1), pages, ["mine"], (NOW, HOUR)).await.unwrap();
    let many: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    for thing in &many {
        table.give(&owner(2), pages, [thing.as_str()], (NOW, HOUR)).await.unwrap();
        table.give(&owner(3), pages, [thing.as_str()], (NOW, HOUR)).await.unwrap();
        assert!(table.len() <= 150, "{}", table.len());
    }
    assert!(has(&table, &owner(1), pages, "mine", NOW).await, "somebody else's is still there");
    assert!(has(&table, &owner(2), pages, "999", NOW).await, "the newest is still there");
    assert!(!has(&table, &owner(2), pages, "0", NOW).await, "the oldest has gone");
    table.give(&owner(4), pages, many.iter().map(String::as_str), (NOW, HOUR)).await.unwrap();
    assert!(table.len() <= 150, "all at once: {}", table.len());
}

fn patient(id: &str) -> PatientRef {
    PatientRef::new(ehr(), id.to_owned())
}

#[test]
fn the_patient_is_the_one_that_was_opened_last_in_that_session_and_application() {
    let (contexts, ehr) = (Arc::new(Contexts::default()), ehr());
    let now = || contexts.patient(session(1), &ehr, NOW);
    assert_eq!(now(), None);
    let setting = contexts.set(session(1), &ehr, Some(patient("7")), NOW);
    assert_eq!(now(), None, "not before the application has answered");
    setting.taken();
    assert_eq!(now(), Some(patient("7")));
    contexts.set(session(1), &ehr, Some(patient("8")), NOW).taken();
    assert_eq!(now(), Some(patient("8")));
    assert_eq!(contexts.patient(session(2), &ehr, NOW), None, "another session");
    assert_eq!(contexts.patient(session(1), &"lab".parse().unwrap(), NOW), None, "another application");
    contexts.forget(session(1));
    assert_eq!(now(), None);
}

#[test]
fn who_it_is_is_not_known_where_the_application_did_not_take_it_or_two_came_at_once() {
    let (contexts, ehr) = (Arc::new(Contexts::default()), ehr());
    let now = || contexts.patient(session(1), &ehr, NOW);
    contexts.set(session(1), &ehr, Some(patient("7")), NOW).taken();
    drop(contexts.set(session(1), &ehr, Some(patient("8")), NOW));
    assert_eq!(now(), None, "refused by the application: 7 or 8");
    contexts.set(session(1), &ehr, Some(patient("9")), NOW).taken();
    assert_eq!(now(), Some(patient("9")), "the next one says it again");

    let (one, other) = (
        contexts.set(session(1), &ehr, Some(patient("7")), NOW),
        contexts.set(session(1), &ehr, Some(patient("8")), NOW),
    );
    assert_eq!(now(), None);
    one.taken();
    other.taken();
    assert_eq!(now(), None, "which of the two came last is not known");
    let (one, other) = (
        contexts.set(session(1), &ehr, Some(patient("7")), NOW),
        contexts.set(session(1), &ehr, Some(patient("7")), NOW),
    );
    one.taken();
    other.taken();
    assert_eq!(now(), Some(patient("7")), "the same twice is that one");
    contexts.set(session(1), &ehr, None, NOW).taken();
    assert_eq!(now(), None, "it was said of nobody");
}

#[test]
fn contexts_have_a_bound_and_those_in_use_stay() {
    let (contexts, ehr) = (Arc::new(Contexts::with_room(16)), ehr());
    contexts.set(session(1000), &ehr, Some(patient("7")), NOW).taken();
    for number in 0..100 {
        let later = NOW.plus(Duration::from_secs(number));
        contexts.set(session(number), &ehr, Some(patient("8")), later).taken();
        assert_eq!(contexts.patient(session(1000), &ehr, later.plus(HOUR)), Some(patient("7")));
        assert!(contexts.len() <= 16, "{}", contexts.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_hands_out_may_be_brought_to_another_and_is_forgotten_at_both() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
    let room = Room { of_one: 600, of_all: 2_000 };
    let (ehr, page) = (ehr(), "page".parse().unwrap());
    let pages = Kind { application: &ehr, name: &page };
    let [a, b] = [
        Given::sharing(stores[0].clone(), &SeededEntropy::new(1), room).await.unwrap(),
        Given::sharing(stores[1].clone(), &SeededEntropy::new(2), room).await.unwrap(),
    ];
    let many: Vec<String> = (0..501).map(|number| format!("t-{number}")).collect();
    a.give(&owner(1), pages, many.iter().map(String::as_str), (NOW, HOUR)).await.unwrap();
    for thing in &many {
        assert!(has(&b, &owner(1), pages, thing, NOW).await, "{thing}");
    }
    assert!(!has(&b, &owner(1), pages, "t-501", NOW).await, "made up");
    assert!(!has(&b, &owner(2), pages, "t-1", NOW).await, "another's");
    let person = Owner::Person(SubjectId { issuer: "https://id".into(), sub: "7".into() });
    assert!(!has(&b, &person, pages, "t-1", NOW).await, "another's");
    assert!(!has(&b, &owner(1), pages, "t-1", NOW.plus(HOUR)).await, "over");

    a.give(&person, pages, ["t-1"], (NOW, HOUR)).await.unwrap();
    b.give(&person, pages, ["t-1"], (NOW, HOUR / 2)).await.unwrap();
    assert!(has(&a, &person, pages, "t-1", NOW.plus(HOUR / 2)).await, "the longer of the two");
    let rows = || stores[0].read(&Statement::new("SELECT item FROM given_thing")).unwrap().len();
    assert_eq!(rows(), 502);
    for node in [&a, &b] {
        node.forget(&owner(1));
        node.maintain(NOW).await.unwrap();
    }
    assert_eq!(rows(), 1);
    assert!(!has(&a, &owner(1), pages, "t-1", NOW).await && !has(&b, &owner(1), pages, "t-1", NOW).await);
    a.maintain(NOW.plus(HOUR * 2)).await.unwrap();
    assert_eq!(rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_collects_has_no_more_in_the_store_than_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
    let room = Room { of_one: 100, of_all: 1_000 };
    let a = Given::sharing(stores[0].clone(), &SeededEntropy::new(1), room).await.unwrap();
    let (ehr, page) = (ehr(), "page".parse().unwrap());
    let pages = Kind { application: &ehr, name: &page };
    for number in 0..150 {
        a.give(&owner(1), pages, [format!("t-{number}").as_str()], (NOW, HOUR)).await.unwrap();
    }
    let rows = stores[0].read(&Statement::new("SELECT item FROM given_thing")).unwrap();
    assert_eq!(rows.len(), 100);
    assert!(has(&a, &owner(1), pages, "t-149", NOW).await, "the newest is known where it was handed out");
}
