//! Facts from feeds, as the gateway that runs knows them: they end with their file, and are told in events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use leastway::demo::WorkDirectory;
use leastway::domain::device::DeviceClass;
use leastway::domain::event::{Opening, Verdict};
use leastway::domain::reason::Reason;
use leastway::domain::told::FeedName;
use serde_json::{Value, json};

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Line, Protocol};

const CHART: &str = "/patients/100001/chart";
const LIST: &str = "feeds/care-team.csv";

/// A chart is for the treatment team only.
fn for_the_team(directory: &WorkDirectory) {
    edit(
        &directory.root().join("roles.toml"),
        "categories = [\"demographics\", \"schedule\", \"clinical\"]\n",
        "categories = [\"demographics\", \"schedule\"]\n\n[[role.nurse.may]]\napplication = \"ehr\"\n\
         actions = [\"view\", \"search\"]\ncategories = [\"clinical\"]\n\
         when = { relationship = [\"treatment_team\"] }\n",
    );
}

/// Puts a new list in the old one's place, as an export does.
fn replace(house: &House, text: &str) {
    let (list, beside) = (house.file(LIST), house.file("feeds/new.csv"));
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, list).unwrap();
}

/// Asks until something else comes than `before`, for ten seconds at the most.
async fn changed(line: &mut Line, session: &[(&str, &str)], before: u16) -> Came {
    for _ in 0..100 {
        let came = line.ask(CHART, session).await;
        if came.status != before {
            return came;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it stayed {before}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_ends_with_the_list_and_a_bad_list_ends_nothing() {
    let house = House::furnish(Neighbors::All, for_the_team).await;
    let cookie = house.cookie_of("nurse").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(CHART, &session).await.status, 200);
    assert_eq!(line.ask("/patients/100900/chart", &session).await.reason(), "not-on-panel");
    // Where a route names nobody there is nobody to be related to.
    assert_eq!(line.ask("/fhir/Observation", &session).await.reason(), "attribute-unavailable");

    replace(&house, "person,patient\nnurse,100900\n");
    let refused = changed(&mut line, &session, 200).await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "not-on-panel"));
    assert_eq!(line.ask("/patients/100900/chart", &session).await.status, 200);

    replace(&house, "person,patient\nnurse,100001\nnurse,\n");
    wait_for_fault(&house).await;
    assert_eq!(line.ask(CHART, &session).await.status, 403, "not half of a list");
    assert_eq!(line.ask("/patients/100900/chart", &session).await.status, 200);

    replace(&house, "person,patient\nnurse,100001\n");
    assert_eq!(changed(&mut line, &session, 403).await.status, 200);
    assert_eq!(house.metric("leastway_feed_rows").await, 1);
    assert_eq!(house.metric("leastway_feed_failures_total").await, 1);

    let events = house.stop().await;
    let rested = events.iter().filter(|event| !event.opening.relationships.is_empty());
    for event in rested.clone() {
        let [told] = event.opening.relationships.as_slice() else { panic!("one relationship") };
        assert_eq!((told.relationship.as_str(), told.stale), ("treatment_team", false));
        assert_eq!(told.feed.as_ref().map(FeedName::as_str), Some("care-team"));
        assert_eq!(event.opening.verdict, Verdict::Permit);
    }
    assert!(rested.count() >= 4);
    let notes: Vec<&str> = events.iter().filter_map(|event| event.opening.note.as_deref()).collect();
    let wrong = "the feed care-team was not taken: line 3, column `patient`: is empty";
    assert!(notes.contains(&"the feed care-team was taken: 24 rows") && notes.contains(&wrong), "{notes:?}");
}

async fn wait_for_fault(house: &House) {
    for _ in 0..100 {
        if house.metric("leastway_feed_faulty").await == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing was found wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_too_old_asks_for_a_reason_and_one_that_is_missing_is_a_no() {
    let house = House::furnish(Neighbors::All, |directory| {
        for_the_team(directory);
        edit(&directory.configuration(), "max_age = \"3650d\"", "max_age = \"1h\"");
        let list = std::fs::File::options().write(true).open(directory.root().join(LIST)).unwrap();
        let written = list.metadata().unwrap().modified().unwrap();
        list.set_modified(written - Duration::from_secs(2 * 3600)).unwrap();
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(CHART, &session).await.reason(), "justification-required");
    assert_eq!(house.metric("leastway_feed_stale").await, 1);

    std::fs::remove_file(house.file(LIST)).unwrap();
    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(CHART, &session).await.reason(), "attribute-unavailable");
    let events = house.stop().await;
    let reasons: Vec<Reason> = events.iter().flat_map(|event| event.opening.reasons.clone()).collect();
    assert!(
        reasons.contains(&Reason::JustificationRequired) && reasons.contains(&Reason::AttributeUnavailable)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_of_such_a_role_opens_their_own_chart() {
    let house = House::furnish(Neighbors::All, |directory| {
        edit(&directory.root().join("roles.toml"), "[role.nurse]\n", "[role.nurse]\nnot_self = true\n");
        let people = "[feed.people]\nkind = \"person\"\nfile = \"feeds/people.csv\"\napplications = [\"ehr\"]\n\
                      columns = { own_patient = \"mrn\", household = \"family\" }\n\n[session]\n";
        edit(&directory.configuration(), "[session]\n", people);
        let text = "person,mrn,family\nnurse,100001,100002;100003\n";
        std::fs::write(directory.root().join("feeds/people.csv"), text).unwrap();
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for own in ["100001", "100002", "100003"] {
        let refused = line.ask(&format!("/patients/{own}/chart"), &session).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "own-chart"), "{own}");
    }
    assert_eq!(line.ask("/patients/100004/chart", &session).await.status, 200);
    assert_eq!(line.ask("/", &session).await.status, 200, "a page that is nobody's chart");
    house.stop().await;
}

/// An address that serves a list, its tag, or a failure.
struct Serving {
    status: AtomicU16,
    asked: AtomicUsize,
    unchanged: AtomicUsize,
}

async fn serve(State(serving): State<Arc<Serving>>, headers: HeaderMap) -> Response {
    serving.asked.fetch_add(1, Ordering::SeqCst);
    if headers.get("authorization").is_none_or(|it| it != "Bearer a token of the list") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let status = StatusCode::from_u16(serving.status.load(Ordering::SeqCst)).unwrap();
    if status != StatusCode::OK {
        return status.into_response();
    }
    if headers.get("if-none-match").is_some_and(|tag| tag == "\"one\"") {
        serving.unchanged.fetch_add(1, Ordering::SeqCst);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([("etag", "\"one\"")], "person,patient\nnurse,100001\n").into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_asked_for_what_is_new_and_its_failure_ends_nothing() {
    let serving = Arc::new(Serving {
        status: AtomicU16::new(200),
        asked: AtomicUsize::new(0),
        unchanged: AtomicUsize::new(0),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/care-team.csv", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/care-team.csv", get(serve)).with_state(serving.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let house = House::furnish(Neighbors::All, |directory| {
        for_the_team(directory);
        std::fs::write(directory.root().join("secrets/list"), "a token of the list").unwrap();
        let asked = format!("url = \"{url}\"\nevery = \"10s\"\ntoken = \"file:secrets/list\"");
        edit(&directory.configuration(), "file = \"feeds/care-team.csv\"", &asked);
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(CHART, &session).await.status, 200);
    let rules = house.running.shared.rules.load_full();
    let feed = rules.feeds.all().next().unwrap().clone();
    let now = || house.running.shared.clock.now();
    let entropy = house.running.shared.entropy.clone();
    feed.ask(&*entropy, now()).await;
    assert_eq!(serving.unchanged.load(Ordering::SeqCst), 1, "it was not sent again");
    serving.status.store(500, Ordering::SeqCst);
    feed.ask(&*entropy, now()).await;
    let fault = feed.now(now()).fault.unwrap();
    assert!(fault.contains("500"), "{fault}");
    assert_eq!(line.ask(CHART, &session).await.status, 200, "what was known stays in force");
    serving.status.store(200, Ordering::SeqCst);
    feed.ask(&*entropy, now()).await;
    assert_eq!(feed.now(now()).fault, None);
    server.abort();
    house.stop().await;
}

/// A search of who cares for whom, on two pages.
async fn search(State(serving): State<Arc<Serving>>, uri: Uri, headers: HeaderMap) -> Response {
    serving.asked.fetch_add(1, Ordering::SeqCst);
    let is_asked_so = headers.get("accept").is_some_and(|it| it == "application/fhir+json")
        && headers.get("authorization").is_some_and(|it| it == "Bearer a token of the list");
    if !is_asked_so {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let team = |mrn: &str| {
        json!({ "search": { "mode": "match" }, "resource": { "resourceType": "CareTeam", "status": "active",
            "subject": { "identifier": { "system": "urn:mrn", "value": mrn } },
            "participant": [{ "member": { "reference": "Practitioner/p" } }] } })
    };
    let nurse = json!({ "search": { "mode": "include" }, "resource": { "resourceType": "Practitioner", "id": "p",
        "identifier": [{ "system": "urn:login", "value": "nurse" }] } });
    let page = |entries: Vec<Value>, next: Value| json!({ "resourceType": "Bundle", "type": "searchset", "total": 2, "entry": entries, "link": next });
    let status = StatusCode::from_u16(serving.status.load(Ordering::SeqCst)).unwrap();
    let body = if uri.query() == Some("page=2") {
        if status != StatusCode::OK {
            return status.into_response();
        }
        page(vec![team("100900"), nurse], json!([]))
    } else {
        page(vec![team("100001")], json!([{ "relation": "next", "url": "?page=2" }]))
    };
    ([("content-type", "application/fhir+json")], body.to_string()).into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_fhir_says_who_cares_for_whom_and_half_of_it_says_nothing() {
    let (asked, unchanged) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let serving = Arc::new(Serving { status: AtomicU16::new(200), asked, unchanged });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/r4/CareTeam?status=active", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/r4/CareTeam", get(search)).with_state(serving.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let house = House::furnish(Neighbors::All, |directory| {
        for_the_team(directory);
        std::fs::write(directory.root().join("secrets/list"), "a token of the list").unwrap();
        let asked = format!(
            "url = \"{url}\"\nformat = \"fhir\"\nperson_system = \"urn:login\"\npatient_system = \"urn:mrn\"\n\
             token = \"file:secrets/list\""
        );
        edit(&directory.configuration(), "file = \"feeds/care-team.csv\"", &asked);
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(CHART, &session).await.status, 200);
    assert_eq!(line.ask("/patients/100900/chart", &session).await.status, 200, "who is on the second page");
    assert_eq!(line.ask("/patients/100002/chart", &session).await.reason(), "not-on-panel");
    assert_eq!(serving.asked.load(Ordering::SeqCst), 2);
    let feed = house.running.shared.rules.load_full().feeds.all().next().unwrap().clone();
    let (now, entropy) = (house.running.shared.clock.now(), house.running.shared.entropy.clone());
    serving.status.store(503, Ordering::SeqCst);
    feed.ask(&*entropy, now).await;
    assert!(feed.now(now).fault.unwrap().contains("503"));
    assert_eq!(
        line.ask("/patients/100900/chart", &session).await.status,
        200,
        "what was known stays in force"
    );
    server.abort();
    let events = house.stop().await;
    let rested: Vec<_> = events.iter().flat_map(|event| &event.opening.relationships).collect();
    assert!(!rested.is_empty() && rested.iter().all(|it| it.feed.is_some() && !it.stale));
    let notes: Vec<&str> = events.iter().filter_map(|event| event.opening.note.as_deref()).collect();
    assert!(notes.contains(&"the feed care-team was taken: 2 rows"), "{notes:?}");
}

const INVENTORY: &str = "feeds/devices.csv";

/// A house behind a proxy that says which device it is; charts are for computers of cardiology.
fn for_computers_of_cardiology(directory: &WorkDirectory) {
    let main = directory.configuration();
    edit(&main, "trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\"]");
    append(
        &main,
        "[device.ward]\n[feed.inventory]\nkind = \"device\"\nfile = \"feeds/devices.csv\"\ndevice = \"x-asset\"\n\
         columns = { class = \"type\", department = \"unit\", status = \"state\" }\n\
         classes = { ward = \"nursing station\" }\nin_use = [\"in service\"]\nmax_age = \"1h\"\n",
    );
    edit(
        &directory.root().join("roles.toml"),
        "categories = [\"demographics\", \"schedule\", \"clinical\"]\n",
        "categories = [\"demographics\", \"schedule\"]\n\n[[role.nurse.may]]\napplication = \"ehr\"\n\
         actions = [\"view\", \"search\"]\ncategories = [\"clinical\"]\n\
         when = { device = [\"ward\"], device_department = [\"cardiology\"] }\n",
    );
    std::fs::write(directory.root().join(INVENTORY), DEVICES).unwrap();
}

const DEVICES: &str = "device,type,unit,state\npc-17,nursing station,cardiology,in service\n\
                       pc-18,nursing station,surgery,in service\npc-19,tablet,cardiology,in service\n\
                       pc-20,nursing station,cardiology,stolen\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_opens_on_a_device_of_the_inventory_until_that_is_withdrawn() {
    let house = House::furnish(Neighbors::All, for_computers_of_cardiology).await;
    let cookie = house.cookie_of("nurse").await;
    let at = |asset: &'static str| [("cookie", cookie.clone()), ("x-asset", asset.to_owned())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for (asset, expected) in [
        ("pc-17", None),
        ("pc-18", Some("device-mismatch")),
        ("pc-19", Some("device-mismatch")),
        ("pc-20", Some("device-mismatch")),
        ("pc-99", Some("device-mismatch")),
    ] {
        let headers = at(asset);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let came = line.ask(CHART, &headers).await;
        let reason = (came.status != 200).then(|| came.reason().to_owned());
        assert_eq!(reason.as_deref(), expected, "{asset}");
    }

    let (list, beside) = (house.file(INVENTORY), house.file("feeds/new.csv"));
    std::fs::write(&beside, DEVICES.replacen("in service", "lost", 1)).unwrap();
    std::fs::rename(beside, list).unwrap();
    let headers = at("pc-17");
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = changed(&mut line, &headers, 200).await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "device-mismatch"));

    let events = house.stop().await;
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| Some((event.opening.device_feed.as_deref()?, &event.opening)))
        .collect();
    let is_permitted = |opening: &Opening| opening.verdict == Verdict::Permit;
    let permitted: Vec<_> = told.iter().filter(|(_, opening)| is_permitted(opening)).collect();
    assert!(!permitted.is_empty());
    for (feed, opening) in permitted {
        assert_eq!((feed.feed.as_str(), feed.stale, feed.withdrawn), ("inventory", false, false));
        assert_eq!(opening.device.as_ref().map(DeviceClass::as_str), Some("ward"));
    }
    assert!(told.iter().filter(|(feed, _)| feed.withdrawn).all(|(_, opening)| opening.device.is_none()));
    assert!(told.iter().filter(|(feed, _)| feed.withdrawn).count() >= 2, "pc-20, and at last pc-17");
    assert!(
        events.iter().any(|event| event.opening.reasons.contains(&Reason::AttributeUnavailable)),
        "pc-99"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inventory_that_is_too_old_asks_who_treats_for_a_reason() {
    let house = House::furnish(Neighbors::All, |directory| {
        for_computers_of_cardiology(directory);
        let list = std::fs::File::options().write(true).open(directory.root().join(INVENTORY)).unwrap();
        let written = list.metadata().unwrap().modified().unwrap();
        list.set_modified(written - Duration::from_secs(2 * 3600)).unwrap();
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let asked = line.ask(CHART, &[("cookie", cookie.as_str()), ("x-asset", "pc-17")]).await;
    assert_eq!(asked.reason(), "justification-required");
    let withdrawn = line.ask(CHART, &[("cookie", cookie.as_str()), ("x-asset", "pc-20")]).await;
    assert_eq!(withdrawn.reason(), "device-mismatch", "that does not come back");
    let events = house.stop().await;
    let stale = events.iter().filter_map(|event| event.opening.device_feed.as_ref()).filter(|it| it.stale);
    assert!(stale.clone().any(|it| !it.withdrawn) && stale.clone().any(|it| it.withdrawn));
}
