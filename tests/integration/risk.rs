//! What is unusual raises what is asked, says why, and is known once its person has proven who they are.

use std::sync::Arc;
use std::time::Duration;

use leastway::demo::browser::{Browser, Reply, form_fields};
use leastway::demo::people::{Person, totp_step};
use leastway::domain::event::Event;
use leastway::domain::risk::{Level, RiskStep};
use leastway::domain::subject::SubjectId;
use leastway::features::risk::{BROWSER_COOKIE, Told};
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock, Timestamp};

use crate::house::{House, Neighbors, append, edit};
use crate::line::Protocol;

const MINUTE: Duration = Duration::from_secs(60);
const NEW_DEVICE: &str = "[risk.new-device]\nwhen = \"new_device\"\nthen = \"step_up\"\nassurance = \"mfa\"";

async fn open(risks: &str) -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        append(&directory.root().join("roles.toml"), risks);
    })
    .await;
    (house, clock)
}

async fn ask(house: &House, browser: &mut Browser, path: &str) -> Reply {
    browser.open(&format!("{}{path}", house.ehr())).await.unwrap()
}

fn told(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.header("x-leastway-reason"))
}

/// Signs in with the password alone, and gives what comes then.
async fn sign_in(house: &House, browser: &mut Browser, username: &str) -> Reply {
    let page = ask(house, browser, "/").await;
    house.enter(browser, &page, username).await
}

async fn sign_out(house: &House, browser: &mut Browser) {
    let gone = browser.submit(&format!("{}/.leastway/sign-out", house.ehr()), &[]).await.unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
    browser.forget("id.localhost");
}

/// Takes the step that a page asks for, with whatever the provider wants to see.
async fn prove(
    house: &House,
    clock: &TestClock,
    browser: &mut Browser,
    page: &Reply,
    username: &str,
) -> Reply {
    let text = page.text();
    let link = text.split("href=\"/.leastway/step-up").nth(1).unwrap_or_else(|| panic!("{text}"));
    let link = link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let mut page = ask(house, browser, &format!("/.leastway/step-up{link}")).await;
    if form_fields(&page.text(), "/sign-in").is_some() {
        page = house.enter(browser, &page, username).await;
    }
    second_factor(house, clock, browser, &page, username).await
}

async fn second_factor(
    house: &House,
    clock: &TestClock,
    browser: &mut Browser,
    page: &Reply,
    username: &str,
) -> Reply {
    let ticket = form_fields(&page.text(), "/second-factor").unwrap_or_else(|| panic!("{}", page.text()));
    let code = Person::named(username).unwrap().totp(totp_step(clock.now()));
    let provider = format!("https://id.localhost:{}/second-factor", house.ports.provider);
    browser.submit(&provider, &[("code", &code), ("ticket", &ticket["ticket"])]).await.unwrap()
}

fn steps(events: &[Event]) -> Vec<(String, RiskStep)> {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| event.sequence);
    let risks = events.into_iter().flat_map(|event| &event.opening.risks);
    risks.map(|risk| (risk.rule.to_string(), risk.step)).collect()
}

fn nurse(house: &House) -> SubjectId {
    let issuer = format!("https://id.localhost:{}", house.ports.provider).into();
    SubjectId { issuer, sub: "nurse".into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_browser_is_asked_once_and_known_then_also_after_a_restart() {
    let (house, clock) = open(NEW_DEVICE).await;
    let mut browser = house.browser();
    let reached = house.reached();
    let page = sign_in(&house, &mut browser, "nurse").await;
    assert_eq!(told(&page), (401, "device-new"));
    assert!(page.text().contains("We do not know this browser as one of yours yet"), "{}", page.text());
    assert_eq!(house.reached(), reached, "nothing reaches the application before");
    let name = browser.cookie("ehr.localhost", BROWSER_COOKIE).unwrap().to_owned();
    assert_eq!(name.len(), 43);

    let back = prove(&house, &clock, &mut browser, &page, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/"), "{}", back.text());
    assert_eq!(browser.cookie("ehr.localhost", BROWSER_COOKIE), Some(&*name), "the name stays");
    sign_out(&house, &mut browser).await;
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200, "known: a password is enough");
    let other_person = {
        sign_out(&house, &mut browser).await;
        sign_in(&house, &mut browser, "registrar").await
    };
    assert_eq!(told(&other_person), (401, "device-new"), "known is known of one person");
    sign_out(&house, &mut browser).await;

    let house = house.restart().await;
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200, "a restart forgets nothing");
    let mut another = house.browser();
    assert_eq!(told(&sign_in(&house, &mut another, "nurse").await), (401, "device-new"));
    assert!(house.metric("leastway_risks_total").await > 0);
    let events = house.stop().await;
    let of_nurse = steps(&events);
    assert_eq!(of_nurse.iter().filter(|(_, step)| *step == RiskStep::Cleared).count(), 1, "{of_nurse:?}");
    assert_eq!(of_nurse.iter().filter(|(_, step)| *step == RiskStep::Raised).count(), 3, "{of_nurse:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_that_is_carried_elsewhere_is_asked_there_and_makes_nothing_known() {
    let (house, clock) = open(NEW_DEVICE).await;
    let mut browser = house.browser();
    let page = sign_in(&house, &mut browser, "nurse").await;
    assert_eq!(prove(&house, &clock, &mut browser, &page, "nurse").await.status, 200);
    let session = browser.cookie("ehr.localhost", "__Host-leastway").unwrap().to_owned();
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let cookie = format!("__Host-leastway={session}");
    for stolen in [cookie.clone(), format!("{cookie}; {BROWSER_COOKIE}={}", "x".repeat(43))] {
        let came = line.ask("/", &[("accept", "application/json"), ("cookie", &stolen)]).await;
        assert_eq!((came.status.as_u16(), came.reason()), (401, "device-new"));
        let problem: serde_json::Value = serde_json::from_str(&came.text).unwrap();
        assert_eq!(problem["way_on"][0]["step_up"]["class"], "mfa", "{problem}");
    }
    assert_eq!(ask(&house, &mut browser, "/").await.status, 200, "its own browser goes on");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_store_was_lost_everything_is_new() {
    let (house, clock) = open(NEW_DEVICE).await;
    let mut browser = house.browser();
    let page = sign_in(&house, &mut browser, "nurse").await;
    assert_eq!(prove(&house, &clock, &mut browser, &page, "nurse").await.status, 200);
    let store = house.file("data/leastway.db");
    let house = house
        .restart_after(|| {
            for name in ["leastway.db", "leastway.db-wal", "leastway.db-shm"] {
                drop(std::fs::remove_file(store.with_file_name(name)));
            }
        })
        .await;
    // Not even the provider knows the browser any more: what it has seen just now would be proof enough.
    browser.forget("id.localhost");
    let again = sign_in(&house, &mut browser, "nurse").await;
    assert_eq!(told(&again), (401, "device-new"), "{}", again.text());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_is_new_by_its_first_24_bits_unless_it_is_the_houses_own() {
    let rule = "[risk.elsewhere]\nwhen = \"new_network\"\nthen = \"step_up\"\nassurance = \"mfa\"\n\
                networks = [\"127.0.0.0/8\", \"10.9.8.0/24\"]\nactions = [\"search\"]";
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        append(&directory.root().join("roles.toml"), rule);
        edit(&directory.configuration(), "trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\"]");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let cases = [
        ("10.9.8.7", "/search", 200, ""),
        ("10.9.9.7", "/search", 401, "network-new"),
        ("10.9.9.7", "/", 200, ""),
        ("2001:db8::1", "/search", 401, "network-new"),
    ];
    for (client, path, status, reason) in cases {
        let from = [("accept", "application/json"), ("cookie", &*cookie), ("x-forwarded-for", client)];
        let came = line.ask(path, &from).await;
        assert_eq!((came.status.as_u16(), came.reason()), (status, reason), "{client} {path}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_burst_of_denials_whoever_it_is_shows_that_it_is_them() {
    let rule = "[risk.burst]\nwhen = \"denials\"\nmore_than = 3\nthen = \"step_up\"\nassurance = \"mfa\"";
    let (house, clock) = open(rule).await;
    let mut browser = house.browser();
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200);
    let step_up = "/.leastway/step-up?class=mfa&return_to=%2F";
    let page = ask(&house, &mut browser, step_up).await;
    assert_eq!(second_factor(&house, &clock, &mut browser, &page, "nurse").await.status, 200);
    clock.advance(3 * MINUTE);
    for _ in 0..4 {
        clock.advance(Duration::from_secs(5));
        assert_eq!(ask(&house, &mut browser, "/reports/patients?export=csv").await.status, 403);
    }
    let page = ask(&house, &mut browser, "/patients/100001").await;
    assert_eq!(told(&page), (401, "after-denials"), "{}", page.text());
    let again = ask(&house, &mut browser, "/.leastway/sign-in?return_to=%2F").await;
    assert_eq!(told(&again), (401, "after-denials"), "what was proven before says nothing: {}", again.text());
    let asked = ask(&house, &mut browser, step_up).await;
    assert!(form_fields(&asked.text(), "/sign-in").is_some(), "{}", asked.text());
    clock.advance(MINUTE);
    assert!(page.text().contains("not open to your role"), "{}", page.text());
    let still = ask(&house, &mut browser, "/reports/patients?export=csv").await;
    assert_eq!(still.status, 403, "what is denied stays denied");
    let back = prove(&house, &clock, &mut browser, &page, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients/100001"), "{}", back.text());
    assert_eq!(ask(&house, &mut browser, "/").await.status, 200);
    let events = house.stop().await;
    let steps = steps(&events);
    assert_eq!(steps.last().unwrap().1, RiskStep::Cleared, "{steps:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_somebody_counts_until_it_is_proven_or_taken_back_also_after_a_restart() {
    let rule = "[risk.said]\nwhen = \"told\"\nlevel = \"high\"\nthen = \"step_up\"\nassurance = \"mfa\"";
    let (house, clock) = open(rule).await;
    let mut browser = house.browser();
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200);
    let tell = async |house: &House, level| {
        let said = Told { level, why: "leaked password".parse().ok(), since: clock.now(), until: None };
        house.running.shared.risk.told(&nurse(house), said, clock.now()).await.unwrap();
    };
    tell(&house, Level::Medium).await;
    assert_eq!(ask(&house, &mut browser, "/").await.status, 200, "not as much as the rule asks for");
    tell(&house, Level::High).await;
    let house = house.restart().await;
    let page = ask(&house, &mut browser, "/").await;
    assert_eq!(told(&page), (401, "risk-told"));
    clock.advance(MINUTE);
    let back = prove(&house, &clock, &mut browser, &page, "nurse").await;
    assert_eq!(back.status, 200, "{}", back.text());
    let mut another = house.browser();
    assert_eq!(told(&sign_in(&house, &mut another, "nurse").await), (401, "risk-told"), "another session");
    tell(&house, Level::Low).await;
    assert_eq!(ask(&house, &mut another, "/").await.status, 200);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_only_noted_asks_nothing_and_is_known_after_the_next_sign_in() {
    let rule = "[risk.watched]\nwhen = \"new_device\"\nthen = \"note\"";
    let (house, _clock) = open(rule).await;
    let mut browser = house.browser();
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200);
    sign_out(&house, &mut browser).await;
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200);
    let events = house.stop().await;
    assert_eq!(steps(&events), [("watched".to_owned(), RiskStep::Noted)], "the sign-in that made it known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn their_page_shows_where_they_are_known_and_has_it_forgotten() {
    let (house, clock) = open(NEW_DEVICE).await;
    let mut browser = house.browser();
    let page = sign_in(&house, &mut browser, "nurse").await;
    assert_eq!(prove(&house, &clock, &mut browser, &page, "nurse").await.status, 200);
    let me = ask(&house, &mut browser, "/.leastway/me").await;
    assert!(me.text().contains("This browser") && me.text().contains("Forget all of them"), "{}", me.text());
    let forgot = browser.submit(&format!("{}/.leastway/me/forget", house.ehr()), &[]).await.unwrap();
    assert_eq!((forgot.status.as_u16(), forgot.url.path()), (200, "/.leastway/me"));
    assert!(!forgot.text().contains("This browser"), "{}", forgot.text());
    assert_eq!(told(&ask(&house, &mut browser, "/").await), (401, "device-new"));
    let house = house.restart().await;
    assert_eq!(told(&ask(&house, &mut browser, "/").await), (401, "device-new"), "for good");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_not_answered_a_risk_sees_nothing_of_what_is_known_and_forgets_nothing() {
    let (house, clock) = open(NEW_DEVICE).await;
    let mut browser = house.browser();
    let page = sign_in(&house, &mut browser, "nurse").await;
    assert_eq!(prove(&house, &clock, &mut browser, &page, "nurse").await.status, 200);
    let mut another = house.browser();
    assert_eq!(told(&sign_in(&house, &mut another, "nurse").await), (401, "device-new"));
    let me = ask(&house, &mut another, "/.leastway/me").await;
    assert!(me.status == 200 && !me.text().contains("Forget all of them"), "{}", me.text());
    let forgot = another.submit(&format!("{}/.leastway/me/forget", house.ehr()), &[]).await.unwrap();
    assert_eq!(told(&forgot), (403, "device-new"), "{}", forgot.text());
    assert!(forgot.text().contains("/.leastway/step-up?class=mfa"), "{}", forgot.text());
    assert_eq!(ask(&house, &mut browser, "/").await.status, 200, "nothing is forgotten");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_meets_a_risk_is_kept_until_it_is_proven() {
    let rule = "[risk.said]\nwhen = \"told\"\nthen = \"step_up\"\nassurance = \"mfa\"";
    let (house, clock) = open(rule).await;
    let mut browser = house.browser();
    assert_eq!(sign_in(&house, &mut browser, "nurse").await.status, 200);
    let said = Told { level: Level::High, why: None, since: clock.now(), until: None };
    house.running.shared.risk.told(&nurse(&house), said, clock.now()).await.unwrap();
    let reached = house.reached();
    let note = format!("{}/patients/100001/notes", house.ehr());
    let page = browser.submit(&note, &[("text", "slept well")]).await.unwrap();
    assert_eq!(told(&page), (401, "risk-told"));
    assert!(page.text().contains("is kept for you here"), "{}", page.text());
    assert_eq!(house.reached(), reached);
    clock.advance(MINUTE);
    let back = prove(&house, &clock, &mut browser, &page, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/.leastway/held"), "{}", back.text());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_asks_by_itself_keeps_no_session_alive_and_whoever_works_does() {
    let (house, clock) = open("").await;
    let (idle, busy) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut status = async |path: &str, cookie: &str| {
        let came = line.ask(path, &[("accept", "application/json"), ("cookie", cookie)]).await;
        (came.status.as_u16(), came.reason().to_owned())
    };
    let begin: Timestamp = clock.now();
    let mut locked = None;
    for minute in 1_u32..=40 {
        clock.advance(MINUTE);
        if locked.is_none() && status("/search", &idle).await.1 == "session-locked" {
            locked = Some(minute);
        }
        assert_eq!(status("/search", &busy).await.0, 200, "{minute}");
        // They open something now and then.
        if minute % 13 == 0 || minute % 7 == 3 {
            assert_eq!(status("/patients/100001", &busy).await.0, 200, "{minute}");
        }
    }
    // Eight equal intervals are heard as a person's, the last of them at nine minutes but one.
    assert_eq!(locked, Some(8 + 15), "{}", clock.now().since(begin).as_secs());
    assert!(house.metric("leastway_keep_alives_ignored_total").await > 20);
    let events = house.stop().await;
    let ignored = events.iter().filter(|event| event.opening.keep_alive_ignored);
    assert!(ignored.clone().count() > 20 && ignored.clone().all(|event| event.opening.route.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_as_many_as_one_person_may_have_the_oldest_ends_or_nobody_is_let_in() {
    for (when_full, first, second) in [("end_oldest", 401, 200), ("refuse", 200, 403)] {
        let house = House::furnish(Neighbors::All, |directory| {
            let keys = format!("concurrent = 1\nwhen_full = \"{when_full}\"\nlock = \"15m\"");
            edit(&directory.configuration(), "lock = \"15m\"", &keys);
        })
        .await;
        let cookie = house.cookie_of("nurse").await;
        let mut browser = house.browser();
        let came = sign_in(&house, &mut browser, "nurse").await;
        assert_eq!(came.status.as_u16(), second, "{when_full}: {}", came.text());
        if second == 403 {
            assert_eq!(told(&came), (403, "too-many-sessions"));
            assert!(came.text().contains("Sign out where you no longer work"), "{}", came.text());
        }
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        let before = line.ask("/", &[("accept", "application/json"), ("cookie", &cookie)]).await;
        assert_eq!(before.status.as_u16(), first, "{when_full}");
        let events = house.stop().await;
        let ended = events.iter().filter_map(|event| Some(event.opening.revocation.as_ref()?.cause.as_str()));
        let expected: &[&str] = if first == 401 { &["too-many"] } else { &[] };
        assert_eq!(ended.collect::<Vec<_>>(), expected, "{when_full}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_tabs_of_one_browser_are_one_session() {
    let house = House::furnish(Neighbors::All, |directory| {
        edit(&directory.configuration(), "lock = \"15m\"", "concurrent = 1\nlock = \"15m\"");
    })
    .await;
    let mut browser = house.browser();
    let mut tabs = Vec::new();
    for number in 0..10 {
        tabs.push(ask(&house, &mut browser, &format!("/patients?tab={number}")).await);
    }
    for (number, tab) in tabs.iter().enumerate() {
        let back = house.enter(&mut browser, tab, "nurse").await;
        assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients"), "{number}: {}", back.text());
    }
    assert_eq!(house.running.shared.sessions.len(), 1);
    assert_eq!(ask(&house, &mut browser, "/patients").await.status, 200);
    let events = house.stop().await;
    assert!(events.iter().all(|event| event.opening.revocation.is_none()), "none is cut");
}
