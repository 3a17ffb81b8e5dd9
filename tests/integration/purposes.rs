//! Why somebody works: said once a session where their roles know several purposes, and what the law asks for with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leastway::demo::browser::{Browser, Caller, Reply};
use leastway::domain::event::{EventKind, EventPurpose, Verdict};
use leastway::domain::limit::OnExceed;
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::features::audit::query::{Filter, Order, query};
use serde_json::Value;

use crate::house::{House, Neighbors, append, edit};
use crate::line::Protocol;

const EXPORT: &str = "/reports/patients?export=csv";

/// The front desk has these purposes; where a role has one by which nothing may be denied, what is beyond is the purpose's.
async fn open(purposes: &str) -> House {
    House::furnish(Neighbors::All, |directory| {
        let roles = directory.root().join("roles.toml");
        edit(&roles, "purposes = [\"operations\"]", &format!("purposes = {purposes}"));
        edit(&roles, "exports_per_day = 5\non_exceed = \"block\"", "exports_per_day = 5 #");
        edit(
            &directory.configuration(),
            "contact = \"the privacy office\"",
            "contact = \"the privacy office\"\nrisk = \"RA-2026-04, 3.2\"",
        );
        edit(&roles, "records_per_export = 500", "records_per_export = 1");
        if purposes.contains("operations") {
            append(&roles, "[purpose.operations]\ntitle = \"I am at the front desk\"");
        }
    })
    .await
}

/// A browser in which the front desk has signed in, and what came at last.
async fn signed_in(house: &House) -> (Browser, Reply) {
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/patients", house.ehr())).await.unwrap();
    let came = house.enter(&mut browser, &page, "registrar").await;
    (browser, came)
}

async fn choose(house: &House, browser: &mut Browser, purpose: &str, return_to: &str) -> Reply {
    let fields = [("return_to", return_to), ("purpose", purpose)];
    browser.submit(&format!("{}/.leastway/purpose", house.ehr()), &fields).await.unwrap()
}

/// For what the application was told that somebody works.
fn asserted(page: &Reply) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("x-leastway-assertion: ").unwrap_or_else(|| panic!("{text}"));
    let claims = URL_SAFE_NO_PAD.decode(rest.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["purpose"].as_str().unwrap().to_owned()
}

fn told(page: &Reply) -> (u16, &str) {
    (page.status.as_u16(), page.header("x-leastway-reason"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_asked_once_a_session_and_everybody_goes_on_to_where_they_were_going() {
    let house = open("[\"operations\", \"payment\"]").await;
    let (mut browser, page) = signed_in(&house).await;
    assert_eq!((page.url.path(), page.status.as_u16()), ("/.leastway/purpose", 200));
    assert!(page.text().contains("name=\"return_to\" value=\"/patients\""), "{}", page.text());
    assert!(page.text().contains("I am at the front desk") && page.text().contains("Billing and claims"));

    let script = browser.once(Caller::Program, &format!("{}/patients", house.ehr())).await.unwrap();
    assert_eq!(told(&script), (403, "purpose-required"), "nothing is decided for what is only likely");
    let problem: Value = serde_json::from_slice(&script.body).unwrap();
    assert_eq!(problem["way_on"][0]["purpose"], serde_json::json!(["operations", "payment"]));
    assert!(problem["purpose_page"].as_str().unwrap().contains("/.leastway/purpose?"), "{problem}");
    assert_eq!(browser.open(&format!("{}/static/a.css", house.ehr())).await.unwrap().status, 200, "for all");
    for purpose in ["treatment", "nothing", ""] {
        let refused = choose(&house, &mut browser, purpose, "/patients").await;
        assert_eq!(refused.status, 422, "{purpose} is none of theirs");
    }
    let before = house.reached();
    let first = choose(&house, &mut browser, "payment", "/patients").await;
    assert_eq!(
        (first.url.path(), first.status.as_u16(), asserted(&first).as_str()),
        ("/patients", 200, "HPAYMT")
    );
    let again = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!((again.url.path(), again.status.as_u16()), ("/", 200), "it is asked once");
    assert_eq!(house.reached(), before + 2);

    let me = browser.open(&format!("{}/.leastway/me", house.ehr())).await.unwrap();
    assert!(me.text().contains("href=\"/.leastway/purpose?return_to=%2F.leastway%2Fme\""), "{}", me.text());
    let changed = choose(&house, &mut browser, "operations", "/.leastway/me").await;
    assert_eq!(changed.url.path(), "/.leastway/me");
    let after = browser.open(&format!("{}/patients", house.ehr())).await.unwrap();
    assert_eq!(asserted(&after), "HOPERAT", "from the next request on");

    let house = house.restart().await;
    let still = browser.open(&format!("{}/patients", house.ehr())).await.unwrap();
    assert_eq!(asserted(&still), "HOPERAT", "the session keeps it");
    let (mut other, page) = signed_in(&house).await;
    let (usual, others) = (page.text().find("value=\"operations\""), page.text().find("value=\"payment\""));
    assert!(usual < others, "what was chosen last comes first");
    assert_eq!(choose(&house, &mut other, "operations", "//evil.example/").await.url.path(), "/");

    let mut nurse = house.browser();
    let page = nurse.open(&format!("{}/", house.ehr())).await.unwrap();
    let came = house.enter(&mut nurse, &page, "nurse").await;
    assert_eq!((came.url.path(), asserted(&came).as_str()), ("/", "TREAT"), "care is never asked");

    let events = house.stop().await;
    let mut said: Vec<_> =
        events.iter().filter_map(|event| Some((event.sequence, event.opening.purpose.as_deref()?))).collect();
    said.sort_by_key(|(sequence, _)| *sequence);
    let said: Vec<_> = said.into_iter().map(|(_, said)| said.clone()).collect();
    let change = |before, now| EventPurpose { before, now };
    assert_eq!(
        said,
        [
            change(None, Purpose::Payment),
            change(Some(Purpose::Payment), Purpose::Operations),
            change(None, Purpose::Operations)
        ]
    );
    let waited = events.iter().filter(|event| event.opening.reasons == [Reason::PurposeRequired]);
    assert!(waited.clone().all(|event| event.opening.verdict == Verdict::Challenge));
    assert_eq!(waited.count(), 3, "two navigations and a script");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_posted_before_it_is_kept_and_another_site_says_it_for_nobody() {
    let house = open("[\"operations\", \"payment\"]").await;
    let (mut browser, _) = signed_in(&house).await;
    let report = format!("{}/reports/patients", house.ehr());
    let kept = browser.submit(&report, &[("ward", "north")]).await.unwrap();
    assert_eq!(told(&kept), (403, "purpose-required"));
    assert!(kept.text().contains("What you typed is kept for you here for 15 minutes"), "{}", kept.text());
    assert!(kept.text().contains("action=\"/.leastway/purpose\""), "the page is the choice");

    let cookie = browser.cookie("ehr.localhost", leastway::features::session::SESSION_COOKIE).unwrap();
    let cookie = format!("{}={cookie}", leastway::features::session::SESSION_COOKIE);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let foreign = [
        ("cookie", cookie.as_str()),
        ("origin", "https://evil.example"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let forged = line.post("/.leastway/purpose", &foreign, b"purpose=payment").await;
    assert_eq!((forged.status.as_u16(), forged.reason()), (403, "cross-site"));
    assert_eq!(house.reached(), 0, "nothing has come through");

    let page = choose(&house, &mut browser, "operations", "/reports/patients").await;
    assert_eq!(page.url.path(), "/.leastway/held", "{}", page.text());
    let text = page.text();
    let (_, action) = text.split_once("action=\"/reports/patients").unwrap();
    let action = format!("/reports/patients{}", action.split_once('"').unwrap().0).replace("&#38;", "&");
    let sent = browser.submit(&format!("{}{action}", house.ehr()), &[]).await.unwrap();
    assert_eq!((sent.status.as_u16(), sent.text().as_str()), (200, "ward=north"));
    drop(line);
    house.stop().await;
}

/// Gives a reason, with what the purpose needs.
async fn justify(house: &House, browser: &mut Browser, more: &[(&str, &str)]) -> Reply {
    let mut fields = vec![("return_to", EXPORT), ("action", "export"), ("code", "patient-request")];
    fields.extend(more);
    browser.submit(&format!("{}/.leastway/justify", house.ehr()), &fields).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_s_own_request_passes_by_its_number_and_no_volume_stops_it() {
    let house = open("[\"operations\", \"patient_request\"]").await;
    let (mut browser, _) = signed_in(&house).await;
    let export = format!("{}{EXPORT}", house.ehr());
    choose(&house, &mut browser, "operations", "/patients").await;
    let blocked = browser.open(&export).await.unwrap();
    assert_eq!(told(&blocked), (403, "export-over-request-limit"), "for the front desk a volume counts");

    let script = browser.once(Caller::Program, &export).await.unwrap();
    let problem: Value = serde_json::from_slice(&script.body).unwrap();
    assert_eq!(
        (&problem["rules"], &problem["reference"]),
        (&serde_json::json!(["registrar/2"]), &"45 CFR 164.514(d)".into())
    );
    assert_eq!(
        (&problem["contact"], &problem["answer_within_seconds"]),
        (&"the privacy office".into(), &14_400.into())
    );
    assert_eq!(problem["risk"], "RA-2026-04, 3.2");
    assert!(blocked.text().contains("is written down in RA-2026-04, 3.2"), "{}", blocked.text());
    assert_eq!(
        (problem["rules_version"].as_str().map(str::len), &problem["limit"]["allowed"]),
        (Some(16), &1.into())
    );

    choose(&house, &mut browser, "patient_request", "/patients").await;
    assert_eq!(browser.open(&format!("{}/patients", house.ehr())).await.unwrap().status, 200, "looking");
    let asked = browser.open(&export).await.unwrap();
    assert_eq!(told(&asked), (403, "justification-required"));
    assert!(asked.text().contains("Number of the patient&#39;s request"), "{}", asked.text());
    assert!(!asked.text().contains("name=\"recipient\""), "it goes to the patient");
    for wrong in ["", "Maria Lopez", "<7>"] {
        let again = justify(&house, &mut browser, &[("number", wrong)]).await;
        assert_eq!(again.status, 422, "`{wrong}` is no number");
    }
    let passed = justify(&house, &mut browser, &[("number", "ROI-2026/77")]).await;
    assert_eq!((passed.status.as_u16(), passed.url.path()), (200, "/reports/patients"), "{}", passed.text());

    choose(&house, &mut browser, "operations", "/patients").await;
    choose(&house, &mut browser, "patient_request", "/patients").await;
    let anew = browser.open(&export).await.unwrap();
    assert_eq!(
        told(&anew),
        (403, "justification-required"),
        "a number belongs to the purpose it was given for"
    );

    let journal = house.directory.journal();
    let asking = house.running.stop().await;
    assert!(asking.is_ok());
    let by_number = Filter { number: Some("roi-2026/77".to_owned()), ..Filter::default() };
    let answer = query(&journal, &by_number, Order::OldestFirst, 10).unwrap();
    let [event] = &answer.events[..] else { panic!("one export: {:?}", answer.events.len()) };
    let given = event.opening.justification.as_ref().unwrap();
    assert_eq!((given.number.as_deref(), &given.recipient), (Some("ROI-2026/77"), &None));
    assert_eq!(event.opening.subject.as_ref().unwrap().purpose, Purpose::PatientRequest);
    assert!(
        !event.opening.accounted,
        "what goes to the patient is in no accounting (45 CFR 164.528(a)(1)(ii))"
    );
    assert_eq!(event.closing.as_ref().unwrap().on_exceed, Some(OnExceed::Advise));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disclosure_to_public_health_names_its_recipient_and_is_accounted_for() {
    let house = open("[\"public_health\"]").await;
    let (mut browser, page) = signed_in(&house).await;
    assert_eq!((page.url.path(), page.status.as_u16()), ("/patients", 200), "one purpose is never asked for");
    let export = format!("{}{EXPORT}", house.ehr());
    let asked = browser.open(&export).await.unwrap();
    assert_eq!(told(&asked), (403, "justification-required"));
    assert!(asked.text().contains("name=\"recipient\"") && !asked.text().contains("name=\"number\""));
    assert_eq!(justify(&house, &mut browser, &[("number", "7")]).await.status, 422);
    let given = justify(&house, &mut browser, &[("recipient", "County health department, 1 Main St")]).await;
    assert_eq!(
        told(&given),
        (403, "export-over-request-limit"),
        "a report has its numbers: {}",
        given.text()
    );
    let events = house.stop().await;
    let disclosed: Vec<_> = events.iter().filter(|event| event.opening.accounted).collect();
    let [event] = &disclosed[..] else { panic!("one: {}", disclosed.len()) };
    assert_eq!(event.opening.kind, EventKind::Request);
    let given = event.opening.justification.as_ref().unwrap();
    assert_eq!(given.recipient.as_deref(), Some("County health department, 1 Main St"));
}
