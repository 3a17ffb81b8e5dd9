//! Break-glass at the bedside, through a whole gateway: who is asked, what opens and what stays closed, how it ends, what is
//! remembered, what is owed, and what an auditor sees of it.

use std::time::Duration;

use http::StatusCode;
use leastway::demo::browser::{Browser, Caller, Reply, form_fields};
use leastway::domain::break_glass::{BreakEnd, BreakReason, BreakRelation, BreakStep, EventBreak};
use leastway::domain::event::{Event, EventKind, Verdict};
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::foundation::entropy::SystemEntropy;
use serde_json::Value;

use crate::house::{House, append, edit};

const ROUTES: &str = r#"
[[application.ehr.route]]
name = "notes.open"
match = { path = "/notes/{patient}" }
action = "view"
category = ["psychotherapy"]

[[application.ehr.route]]
name = "programme.open"
match = { path = "/programme/{patient}" }
action = "view"
category = ["sud"]
"#;

/// A chart is for the treatment team, or for whoever breaks the glass.
const NURSE: &str = "categories = [\"demographics\", \"schedule\"]\n\n[[role.nurse.may]]\napplication = \"ehr\"\n\
     actions = [\"view\", \"search\"]\ncategories = [\"clinical\", \"sud\"]\n\
     when = { relationship = [\"treatment_team\"] }\n";

async fn house(more: &str) -> House {
    House::with_routes(ROUTES, |directory| {
        let roles = directory.root().join("roles.toml");
        edit(&roles, "categories = [\"demographics\", \"schedule\", \"clinical\"]\n", NURSE);
        edit(&roles, "[role.nurse]\n", "[role.nurse]\nbreak_glass = true\n");
        if !more.is_empty() {
            append(&directory.configuration(), more);
        }
    })
    .await
}

struct Ward {
    house: House,
    browser: Browser,
}

impl Ward {
    async fn open(more: &str) -> Self {
        let house = house(more).await;
        let mut browser = house.browser();
        let page = browser.open(&format!("{}/patients", house.ehr())).await.unwrap();
        house.enter(&mut browser, &page, "nurse").await;
        Self { house, browser }
    }

    async fn ask(&mut self, path: &str) -> Reply {
        self.browser.open(&format!("{}{path}", self.house.ehr())).await.unwrap()
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.browser.submit(&format!("{}{path}", self.house.ehr()), fields).await.unwrap()
    }

    /// Answers the question of a page.
    async fn answer(&mut self, page: &Reply, reason: &str, text: &str) -> Reply {
        let asked =
            form_fields(&page.text(), "/.leastway/break-glass").unwrap_or_else(|| panic!("{}", page.text()));
        let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let (prompt, return_to) = (field("prompt"), field("return_to"));
        let fields = [("prompt", &*prompt), ("return_to", &*return_to), ("reason", reason), ("text", text)];
        self.post("/.leastway/break-glass", &fields).await
    }
}

fn told(page: &Reply) -> (u16, &str) {
    (page.status.as_u16(), page.header("x-leastway-reason"))
}

fn broken(events: &[Event]) -> Vec<&EventBreak> {
    events.iter().filter_map(|event| event.opening.break_glass.as_deref()).collect()
}

fn of_step(events: &[Event], step: BreakStep) -> Vec<&Event> {
    let is_it = |event: &&Event| event.opening.break_glass.as_ref().is_some_and(|told| told.step == step);
    events.iter().filter(is_it).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_tap_opens_one_patients_chart_and_notes_stay_closed() {
    let mut ward = Ward::open("").await;
    let reached = ward.house.reached();
    let page = ward.ask("/patients/100900/chart").await;
    assert_eq!(told(&page), (403, "break-glass-required"), "{}", page.text());
    let text = page.text();
    for shown in
        ["number ends in 00", "I need this now because", "psychotherapy", "4 hours", "Go back without it"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("<script"), "a page that works without one");
    assert_eq!(ward.house.reached(), reached, "nothing has come through");

    let nothing = ward.answer(&page, "because", "").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let other = ward.answer(&page, "other", "").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "that is said in words");
    let chart = ward.answer(&page, "emergency", "").await;
    assert_eq!(
        (chart.status.as_u16(), chart.url.path()),
        (200, "/patients/100900/chart"),
        "{}",
        chart.text()
    );
    assert_eq!(told(&ward.ask("/patients/100900/chart").await), (200, ""));
    assert_eq!(told(&ward.ask("/notes/100900").await), (403, "psychotherapy-notes"));
    assert_eq!(
        told(&ward.ask("/patients/100901/chart").await),
        (403, "break-glass-required"),
        "another patient"
    );
    assert_eq!(told(&ward.ask("/patients/100001/chart").await), (200, ""), "their own patient");

    let events = ward.house.stop().await;
    let [started] = of_step(&events, BreakStep::Started)[..] else { panic!("{:?}", broken(&events)) };
    let it = started.opening.break_glass.as_ref().unwrap();
    assert_eq!((it.reason, it.relation), (Some(BreakReason::Emergency), Some(BreakRelation::None)));
    assert_eq!(it.id, Some(started.opening.event));
    assert!(it.text_owed && it.until.is_some());
    assert_eq!(started.opening.subject.as_ref().unwrap().purpose, Purpose::BreakGlass);
    let used = of_step(&events, BreakStep::Used);
    assert_eq!(used.len(), 2);
    for event in used {
        let opening = &event.opening;
        assert_eq!(opening.break_glass.as_ref().unwrap().id, it.id);
        assert_eq!((opening.verdict, opening.patient), (Verdict::Permit, started.opening.patient));
        assert_eq!(opening.subject.as_ref().unwrap().purpose, Purpose::BreakGlass);
        assert!(opening.rules.iter().any(|rule| rule.ends_with("/break-glass")), "{:?}", opening.rules);
    }
    let prompted = of_step(&events, BreakStep::Prompted);
    assert_eq!(prompted.len(), 2);
    assert!(prompted.iter().all(|event| event.opening.reasons == [Reason::BreakGlassRequired]));
    let own = events.iter().filter(|event| event.opening.rules.iter().any(|rule| **rule == *"nurse/2"));
    assert!(own.clone().count() >= 1);
    assert!(own.clone().all(|event| event.opening.subject.as_ref().unwrap().purpose == Purpose::Treatment));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_when_they_say_so_and_is_remembered_for_the_same_patient() {
    let mut ward = Ward::open("").await;
    let page = ward.ask("/patients/100900/chart").await;
    let chart = ward.answer(&page, "consult", "asked by Dr. Lund").await;
    assert_eq!(told(&chart), (200, ""));
    let own = ward.ask("/.leastway/break-glass").await;
    assert!(own.text().contains("End it now") && own.text().contains("A colleague asks"), "{}", own.text());
    assert!(!own.text().contains("Still to be written"), "nothing is owed");
    assert!(ward.ask("/.leastway/me").await.text().contains("/.leastway/break-glass"));
    let which = form_fields(&own.text(), "/.leastway/break-glass/end").unwrap()["break"].clone();
    let ended = ward.post("/.leastway/break-glass/end", &[("break", &which)]).await;
    assert!(ended.text().contains("No chart is open to you"), "{}", ended.text());

    // The same patient: nobody is asked again, and it is said so. Another patient is another matter.
    assert_eq!(told(&ward.ask("/patients/100900/chart").await), (200, ""));
    assert_eq!(told(&ward.ask("/patients/100901/chart").await), (403, "break-glass-required"));
    let page = ward.ask("/patients/100901/chart").await;
    let asked = form_fields(&page.text(), "/.leastway/break-glass").unwrap();
    let cancelled = ward
        .post("/.leastway/break-glass", &[("prompt", &asked["prompt"]), ("return_to", "/"), ("cancel", "1")])
        .await;
    assert_eq!(cancelled.url.path(), "/");
    assert_eq!(ward.house.metric("leastway_break_glass_active").await, 1);

    let events = ward.house.stop().await;
    let [started] = of_step(&events, BreakStep::Started)[..] else { panic!("{:?}", broken(&events)) };
    let [ended] = of_step(&events, BreakStep::Ended)[..] else { panic!("{:?}", broken(&events)) };
    let [again] = of_step(&events, BreakStep::Remembered)[..] else { panic!("{:?}", broken(&events)) };
    assert_eq!(ended.opening.break_glass.as_ref().unwrap().end, Some(BreakEnd::Person));
    let joined = again.opening.break_glass.as_ref().unwrap();
    assert_eq!((joined.joins, joined.reason), (Some(started.opening.event), Some(BreakReason::Consult)));
    assert_eq!(again.opening.patient, started.opening.patient);
    assert_eq!(of_step(&events, BreakStep::Cancelled).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_and_is_remembered_while_patients_get_another_name() {
    let mut ward = Ward::open("").await;
    let page = ward.ask("/patients/100900/chart").await;
    assert_eq!(told(&ward.answer(&page, "consult", "asked by Dr. Lund").await), (200, ""));
    let asked = ward.ask("/patients/100902/chart").await;
    ward.house.running.shared.journal.renew_patient_key(&SystemEntropy).unwrap();
    let Ward { house, browser } = ward;
    let mut ward = Ward { house: house.restart().await, browser };

    assert_eq!(told(&ward.ask("/patients/100900/chart").await), (200, ""), "without a new reason");
    assert_eq!(told(&ward.ask("/patients/100901/chart").await), (403, "break-glass-required"));
    let own = ward.ask("/.leastway/break-glass").await.text();
    let which = form_fields(&own, "/.leastway/break-glass/end").unwrap()["break"].clone();
    ward.post("/.leastway/break-glass/end", &[("break", &which)]).await;
    assert_eq!(told(&ward.ask("/patients/100900/chart").await), (200, ""), "it is remembered");
    let late = ward.answer(&asked, "emergency", "").await;
    assert_eq!(told(&late), (200, ""), "a question from before is answered");
    assert_eq!(told(&ward.ask("/patients/100902/chart").await), (200, ""));

    let events = ward.house.stop().await;
    let [first, second] = of_step(&events, BreakStep::Started)[..] else { panic!("{:?}", broken(&events)) };
    let [again] = of_step(&events, BreakStep::Remembered)[..] else { panic!("{:?}", broken(&events)) };
    assert_eq!(again.opening.break_glass.as_ref().unwrap().joins, Some(first.opening.event));
    assert_ne!(again.opening.patient, first.opening.patient, "the first patient has another name");
    assert_eq!(second.opening.break_glass.as_ref().unwrap().reason, Some(BreakReason::Emergency));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_with_the_session_and_with_its_patients_list() {
    let mut ward = Ward::open("").await;
    let page = ward.ask("/patients/100900/chart").await;
    assert_eq!(told(&ward.answer(&page, "covering", "").await), (200, ""));
    let list = ward.house.file("feeds/care-team.csv");
    let text = std::fs::read_to_string(&list).unwrap();
    std::fs::write(ward.house.file("feeds/new.csv"), format!("{text}nurse,100900\n")).unwrap();
    std::fs::rename(ward.house.file("feeds/new.csv"), list).unwrap();
    for _ in 0..150 {
        if ward.house.metric("leastway_break_glass_active").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(told(&ward.ask("/patients/100900/chart").await), (200, ""), "they are related by now");

    let page = ward.ask("/patients/100901/chart").await;
    assert_eq!(told(&ward.answer(&page, "call", "").await), (200, ""));
    let cookie = ward.house.metric("leastway_break_glass_active").await;
    assert_eq!(cookie, 1);
    ward.post("/.leastway/sign-out", &[]).await;
    for _ in 0..100 {
        if ward.house.metric("leastway_break_glass_active").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let events = ward.house.stop().await;
    let ends: Vec<_> = of_step(&events, BreakStep::Ended)
        .iter()
        .map(|event| (event.opening.kind, event.opening.break_glass.as_ref().unwrap().end))
        .collect();
    let (related, session) = (Some(BreakEnd::Related), Some(BreakEnd::Session));
    assert_eq!(ends, [(EventKind::Lifecycle, related), (EventKind::Lifecycle, session)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_a_programme_open_and_a_sheet_is_owed_until_it_is_there() {
    let mut ward = Ward::open("[break_glass]\nclose_days = 10\n").await;
    let page = ward.ask("/programme/100900").await;
    assert_eq!(told(&page), (403, "break-glass-required"));
    let opened = ward.answer(&page, "emergency", "unconscious").await;
    assert_eq!(told(&opened), (200, ""));
    let own = ward.ask("/.leastway/break-glass").await.text();
    assert!(own.contains("42 CFR 2.51(c)") && own.contains("name=\"discloser\""), "{own}");
    let which = form_fields(&own, "/.leastway/break-glass/text").unwrap()["break"].clone();
    for (text, discloser) in [("", "the programme"), ("overdose", "")] {
        let fields = [("break", &*which), ("text", text), ("discloser", discloser)];
        let refused = ward.post("/.leastway/break-glass/text", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{text} {discloser}");
    }
    let fields = [("break", &*which), ("text", "overdose of opioids"), ("discloser", "the programme's desk")];
    let kept = ward.post("/.leastway/break-glass/text", &fields).await.text();
    assert!(!kept.contains("42 CFR 2.51(c)"), "{kept}");
    assert_eq!(ward.house.metric("leastway_break_glass_owed").await, 0);

    let events = ward.house.stop().await;
    let [attested] = of_step(&events, BreakStep::Attested)[..] else { panic!("{:?}", broken(&events)) };
    let told = attested.opening.break_glass.as_ref().unwrap();
    assert_eq!(told.discloser.as_deref(), Some("the programme's desk"));
    let given = attested.opening.justification.as_ref().unwrap();
    assert!(given.recipient.as_ref().is_some_and(|recipient| recipient.contains("Noah Okafor")), "{given:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_is_told_the_way_and_what_is_made_up_opens_nothing() {
    let mut ward = Ward::open("").await;
    let url = format!("{}/patients/100900/chart", ward.house.ehr());
    let script = ward.browser.once(Caller::Program, &url).await.unwrap();
    assert_eq!(told(&script), (403, "break-glass-required"));
    let problem: Value = serde_json::from_slice(&script.body).unwrap();
    assert_eq!(problem["way_on"], serde_json::json!(["break_glass"]));
    let page = problem["break_glass_page"].as_str().unwrap().to_owned();
    let page = ward.browser.open(&page).await.unwrap();
    assert!(page.text().contains("I need this now because"), "{}", page.text());

    for prompt in ["", "made.up", "eyJhIjoxfQ.00"] {
        let fields = [("prompt", prompt), ("return_to", "/patients/100900/chart"), ("reason", "emergency")];
        let refused = ward.post("/.leastway/break-glass", &fields).await;
        assert_eq!(told(&refused), (403, "break-glass-required"), "it is asked anew");
    }
    // The front desk has no glass to break, and is told no as ever.
    let desk = ward.house.cookie_of("registrar").await;
    let mut line = ward.house.line("ehr.localhost", crate::line::Protocol::Http1).await;
    assert_ne!(
        line.ask("/patients/100900/chart", &[("cookie", &desk)]).await.reason(),
        "break-glass-required"
    );
    let events = ward.house.stop().await;
    assert!(of_step(&events, BreakStep::Started).is_empty());
}
