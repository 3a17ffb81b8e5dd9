//! A session that nobody uses for a while is locked: its person goes on where they were, after a fresh sign-in; another
//! person starts clean; and a class of devices has times of its own.

use std::sync::Arc;
use std::time::Duration;

use leastway::demo::browser::{Browser, Reply};
use leastway::domain::event::{Event, EventLock, HoldStep, LockStep, Outcome};
use leastway::domain::reason::Reason;
use leastway::domain::revocation::Cause;
use leastway::features::session::SessionSummary;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use leastway::foundation::id::SessionId;
use tokio::io::AsyncReadExt as _;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Protocol, web_socket};
use crate::recorder::Recorder;

const MINUTE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(5);
const NOTES: &str = "/patients/100001/notes";

async fn open() -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    (House::open_at(clock.clone(), Neighbors::All, |_| {}).await, clock)
}

async fn signed_in(house: &House, username: &str) -> Browser {
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, username).await.status, 200);
    browser
}

async fn ask(house: &House, browser: &mut Browser, path: &str) -> Reply {
    browser.open(&format!("{}{path}", house.ehr())).await.unwrap()
}

fn told(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.header("x-leastway-reason"))
}

/// The links of a page that lead to a sign-in: to unlock it, and as somebody else.
fn links(page: &Reply) -> Vec<String> {
    let text = page.text();
    let begins = text.split("href=\"/.leastway/sign-in").skip(1);
    let link = |rest: &str| format!("/.leastway/sign-in{}", rest.split('"').next().unwrap());
    begins.map(|rest| link(rest).replace("&#38;", "&").replace("&amp;", "&")).collect()
}

/// Who is signed in, and whether they are locked.
fn listed(house: &House, clock: &TestClock) -> Vec<(SessionId, bool)> {
    let sessions = house.running.shared.sessions.list(100, clock.now());
    sessions.into_iter().map(|one| (one.id, one.locked)).collect()
}

fn locks(events: &[Event]) -> Vec<&EventLock> {
    let mut events: Vec<_> = events.iter().filter(|event| event.opening.lock.is_some()).collect();
    events.sort_by_key(|event| event.sequence);
    events.into_iter().filter_map(|event| event.opening.lock.as_deref()).collect()
}

fn steps(events: &[Event]) -> Vec<LockStep> {
    locks(events).into_iter().map(|lock| lock.step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_person_unlocks_a_session_and_goes_on_where_they_were() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    let (session, _) = listed(&house, &clock)[0];
    let (began, reached) = (clock.now(), house.reached());
    clock.advance(15 * MINUTE);
    let page = ask(&house, &mut browser, "/patients/100001?tab=notes").await;
    assert_eq!(told(&page), (401, "session-locked"));
    let text = page.text();
    assert!(text.contains("This session is locked") && text.contains("It is not me"), "{text}");
    assert!(!text.contains("Okafor"), "nothing of whose it is: {text}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(house.reached(), reached, "nothing is decided under it");
    assert_eq!(listed(&house, &clock), [(session, true)]);
    for own in ["/.leastway/me", "/.leastway/held"] {
        let page = ask(&house, &mut browser, own).await;
        assert!(page.status == 401 && page.text().contains("This session is locked"), "{own}");
        assert!(!page.text().contains("Okafor"), "{own}");
    }

    // The provider's own session would let them in; it is asked to see them again.
    let unlock = links(&page)[0].clone();
    let sign_in = ask(&house, &mut browser, &unlock).await;
    assert_eq!(sign_in.url.host_str(), Some("id.localhost"), "{}", sign_in.text());
    let query = sign_in.url.query().unwrap_or_default().to_owned();
    let back = house.enter(&mut browser, &sign_in, "nurse").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients/100001"), "{query}");
    assert_eq!(back.url.query(), Some("tab=notes"));
    assert_eq!(listed(&house, &clock), [(session, false)], "the same session");
    let now = house.running.shared.sessions.list(1, clock.now()).remove(0);
    assert!(now.created <= began && now.absolute_end <= began.plus(12 * 60 * MINUTE));

    let events = house.stop().await;
    assert_eq!(
        steps(&events),
        [LockStep::Met; 4].into_iter().chain([LockStep::Unlocked]).collect::<Vec<_>>()
    );
    assert!(locks(&events).iter().all(|lock| lock.session == session));
    let met = events.iter().find(|event| event.opening.reasons.contains(&Reason::SessionLocked)).unwrap();
    assert!(met.opening.subject.is_none(), "nobody is known by it");
    let by = events.iter().filter_map(|event| Some(event.opening.subject.as_ref()?.session));
    assert!(by.clone().count() > 2 && by.into_iter().all(|by| by == session));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_told_and_a_lock_outlives_a_restart() {
    let (house, clock) = open().await;
    let cookie = house.cookie_of("nurse").await;
    clock.advance(15 * MINUTE);
    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let came = line.ask("/", &[("accept", "application/json"), ("cookie", &cookie)]).await;
    assert_eq!((came.status.as_u16(), came.reason()), (401, "session-locked"));
    assert_eq!(came.headers["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&came.text).unwrap();
    assert_eq!((&problem["reason"], &problem["way_on"]), (&"session-locked".into(), &["sign_in"][..].into()));
    clock.advance(4 * 60 * MINUTE);
    let came = line.ask("/", &[("accept", "application/json"), ("cookie", &cookie)]).await;
    assert_eq!((came.status.as_u16(), came.reason()), (401, "session-expired"), "it ends at last");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_person_starts_clean_and_ends_the_session_that_they_found() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    let (session, _) = listed(&house, &clock)[0];
    clock.advance(15 * MINUTE);
    let page = ask(&house, &mut browser, "/patients/100001").await;
    let not_me = links(&page)[1].clone();
    assert!(not_me.contains("anew=1") && !not_me.contains("100001"), "{not_me}");
    let sign_in = ask(&house, &mut browser, &not_me).await;
    assert_eq!(sign_in.url.host_str(), Some("id.localhost"), "the provider asks who it is");
    let back = house.enter(&mut browser, &sign_in, "registrar").await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/"));
    let after = listed(&house, &clock);
    assert!(after.len() == 1 && after[0].0 != session, "{after:?}");
    let events = house.stop().await;
    assert_eq!(steps(&events), [LockStep::Met, LockStep::Met, LockStep::OtherPerson]);
    let causes: Vec<_> =
        events.iter().filter_map(|event| Some(event.opening.revocation.as_ref()?.cause)).collect();
    assert_eq!(causes, [Cause::OtherPerson]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lets_the_provider_vouch_for_who_was_there_unlocks_nothing() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    clock.advance(15 * MINUTE);
    let page = ask(&house, &mut browser, "/").await;
    assert_eq!(page.status, 401);
    // What is asked of the provider is in the hands of whoever stands there: they take it out of the address.
    let (location, binding) = begun(&house, &browser, &links(&page)[0]).await;
    assert!(location.contains("prompt=login") && location.contains("max_age="), "{location}");
    let eased: String = url::Url::parse(&location)
        .map(|mut url| {
            let kept: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(name, _)| !matches!(&**name, "prompt" | "max_age"))
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            url.query_pairs_mut().clear().extend_pairs(kept);
            url.into()
        })
        .unwrap();
    assert!(binding, "the browser is the one that begins");
    let back = browser.open(&eased).await.unwrap();
    assert_eq!(told(&back), (403, "auth-too-old"), "{}", back.text());
    assert!(links(&back)[0].contains("anew=1"), "and can try again, properly: {}", back.text());
    assert!(listed(&house, &clock)[0].1, "it stays locked");

    // Nor does whoever loses the cookie.
    browser.forget("ehr.localhost");
    let back = ask(&house, &mut browser, "/").await;
    assert_eq!(told(&back), (403, "auth-too-old"), "{}", back.text());
    let sign_in = ask(&house, &mut browser, &links(&back)[0]).await;
    let back = house.enter(&mut browser, &sign_in, "nurse").await;
    assert_eq!(back.status, 200, "whoever does authenticate is in");
    let events = house.stop().await;
    assert!(steps(&events).contains(&LockStep::Unproven), "{:?}", steps(&events));
    assert!(!steps(&events).contains(&LockStep::Unlocked));
}

/// Where a link of ours leads a browser, which does not go there yet; and whether it has its binding cookie.
async fn begun(house: &House, browser: &Browser, way: &str) -> (String, bool) {
    let cookie = |name: &str| format!("{name}={}", browser.cookie("ehr.localhost", name).unwrap_or_default());
    let cookies = format!("{}; {}", cookie("__Host-leastway"), cookie("__Host-leastway-b"));
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let came = line.ask(way, &[("accept", "text/html"), ("cookie", &cookies)]).await;
    assert_eq!(came.status, 303, "{}", came.text);
    let location = came.headers["location"].to_str().unwrap().to_owned();
    (location, !came.headers.contains_key("set-cookie"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_providers_session_is_enough_nobody_is_asked() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        edit(&directory.configuration(), "lock = \"15m\"", "resume = \"sso\"\nlock = \"15m\"");
    })
    .await;
    let mut browser = signed_in(&house, "nurse").await;
    let before = listed(&house, &clock)[0].0;
    clock.advance(15 * MINUTE);
    let page = ask(&house, &mut browser, "/patients/100001").await;
    assert_eq!(told(&page), (401, "session-locked"));
    let unlock = links(&page)[0].clone();
    let back = ask(&house, &mut browser, &unlock).await;
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/patients/100001"), "{}", back.text());
    assert_eq!(listed(&house, &clock), [(before, false)]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_on_by_a_session_is_cut_when_it_is_locked() {
    let (house, clock) = open().await;
    let cookie = house.cookie_of("nurse").await;
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let here = ("ehr.localhost", house.ports.gateway);
    let mut socket = web_socket(&authority, here, "/patients/socket", &cookie).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let reply = line.begin("/patients/quiet", &[("cookie", &cookie)]).await;
    assert_eq!(reply.status(), 200);
    clock.advance(15 * MINUTE);
    let mut rest = Vec::new();
    let _cut = tokio::time::timeout(SOON, socket.read_to_end(&mut rest)).await.expect("the socket is cut");
    let body = leastway::platform::http::body::read_bounded(reply.into_body(), 1 << 20);
    assert!(tokio::time::timeout(SOON, body).await.expect("the reply is cut").is_err());
    drop(line);
    let events = house.stop().await;
    let closings = events.iter().filter_map(|event| event.closing.as_ref());
    let cut: Vec<_> =
        closings.filter(|it| it.outcome == Outcome::Aborted).filter_map(|it| it.reason).collect();
    assert_eq!(cut, [Reason::SessionLocked, Reason::SessionLocked]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_under_a_locked_session_is_kept_and_sent_after_it_was_unlocked() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    let session = listed(&house, &clock)[0].0;
    clock.advance(16 * MINUTE);
    let note = [("text", "walks without pain")];
    let page = browser.submit(&format!("{}{NOTES}", house.ehr()), &note).await.unwrap();
    assert_eq!(told(&page), (401, "session-locked"));
    assert!(page.text().contains("What you typed is kept for you here for 15 minutes"), "{}", page.text());
    let unlock = links(&page)[0].clone();
    let sign_in = ask(&house, &mut browser, &unlock).await;
    let held = house.enter(&mut browser, &sign_in, "nurse").await;
    assert_eq!(held.url.path(), "/.leastway/held", "{}", held.text());
    let text = held.text();
    let (_, action) = text.split_once(&format!("action=\"{NOTES}")).unwrap();
    let action = format!("{NOTES}{}", action.split('"').next().unwrap()).replace("&#38;", "&");
    let sent = browser.submit(&format!("{}{action}", house.ehr()), &[]).await.unwrap();
    assert_eq!(sent.status, 200, "{}", sent.text());
    let events = house.stop().await;
    let of_note =
        events.iter().filter(|it| it.opening.hold.as_ref().is_some_and(|it| it.step == HoldStep::Sent));
    let by: Vec<_> = of_note.map(|it| it.opening.subject.as_ref().unwrap().session).collect();
    assert_eq!(by, [session]);
}

/// A house behind a trusted proxy, where kiosks are told by their network and wards by what the proxy says.
async fn house_of_devices() -> (House, Arc<TestClock>, Recorder) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let (address, recorder) = Recorder::start().await;
    let house = House::open_at(clock.clone(), Neighbors::Application(address), |directory| {
        let main = directory.configuration();
        edit(&main, "trusted_proxies = []", "trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.1\"]");
        append(
            &main,
            "[device.kiosk]\nnetworks = [\"10.9.0.0/16\"]\nlock = \"2m\"\nidle = \"3m\"\nabsolute = \"1h\"\n\
             [device.ward]\nheader = { x-workstation = \"ward\" }\nlock = \"30m\"",
        );
        let clinical = "categories = [\"demographics\", \"schedule\", \"clinical\"]";
        let roles = directory.root().join("roles.toml");
        edit(&roles, clinical, &format!("{clinical}\nroutes = [\"home\"]"));
        append(
            &roles,
            "[[role.nurse.may]]\napplication = \"ehr\"\nactions = [\"view\"]\nroutes = [\"patient.*\"]\n\
             when = { device = [\"ward\"] }",
        );
    })
    .await;
    (house, clock, recorder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_of_devices_has_its_times_its_rules_and_its_place_in_events() {
    let (house, clock, recorder) = house_of_devices().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let json = ("accept", "application/json");
    let ward = [json, ("cookie", cookie.as_str()), ("x-workstation", "ward")];
    let none = [json, ("cookie", cookie.as_str())];
    let kiosk = [json, ("cookie", cookie.as_str()), ("x-forwarded-for", "10.9.0.7")];

    assert_eq!(line.ask("/patients/100001", &ward).await.status, 200);
    assert_eq!(recorder.last().header("x-workstation"), None, "what the proxy says is for us");
    let refused = line.ask("/patients/100001", &none).await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "device-mismatch"), "{}", refused.text);
    assert!(refused.text.contains("\"device\":[\"ward\"]"), "{}", refused.text);
    // A caller beyond the proxy claims a class: the proxy did not take it off, and says its own.
    let twice = [ward[0], ward[1], ward[2], ("x-workstation", "ward")];
    assert_eq!(line.ask("/patients/100001", &twice).await.reason(), "request-malformed");
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let other = [json, ("cookie", cookie.as_str()), ("x_workstation", "ward")];
    assert_eq!(line.ask("/patients/100001", &other).await.reason(), "device-mismatch");

    // The session began where no class fits, with `[session]`'s times; a kiosk's are stricter.
    clock.advance(2 * MINUTE);
    assert_eq!(line.ask("/patients/100001", &ward).await.status, 200);
    clock.advance(2 * MINUTE);
    let at_kiosk = line.ask("/patients/100001", &kiosk).await;
    assert_eq!((at_kiosk.status.as_u16(), at_kiosk.reason()), (401, "session-locked"));
    assert_eq!(line.ask("/patients/100001", &ward).await.reason(), "session-locked", "locked is locked");
    drop(line);
    let events = house.stop().await;
    let classes: Vec<_> =
        events.iter().filter_map(|event| event.opening.device.as_ref().map(ToString::to_string)).collect();
    assert!(classes.contains(&"kiosk".to_owned()) && classes.contains(&"ward".to_owned()), "{classes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_their_sessions_and_end_the_others() {
    let (house, clock) = open().await;
    let (first, second) = (house.cookie_of("nurse").await, house.cookie_of("nurse").await);
    let (mut browser, registrars) = (signed_in(&house, "nurse").await, house.cookie_of("registrar").await);
    clock.advance(16 * MINUTE);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/", &[("accept", "application/json"), ("cookie", &registrars)]).await.status, 401);
    let page = ask(&house, &mut browser, "/").await;
    let unlock = links(&page)[0].clone();
    let sign_in = ask(&house, &mut browser, &unlock).await;
    house.enter(&mut browser, &sign_in, "nurse").await;

    let me = ask(&house, &mut browser, "/.leastway/me").await.text();
    assert_eq!(me.matches("name=\"session\"").count(), 2, "not this one: {me}");
    assert!(me.contains("Locked") && me.contains(": this session") && !me.contains("registrar"), "{me}");
    let all = house.running.shared.sessions.list(10, clock.now());
    let is_front_desk = |one: &&SessionSummary| one.groups.contains(&"clinic-front-desk".to_owned());
    let strangers: Vec<_> = all.iter().filter(is_front_desk).map(|one| one.id).collect();
    assert_eq!(strangers.len(), 1);
    let end = format!("{}/.leastway/me/end", house.ehr());
    for id in strangers {
        browser.submit(&end, &[("session", &id.to_string())]).await.unwrap();
    }
    assert_eq!(listed(&house, &clock).len(), 4, "nobody ends what is another's");
    let (_, other) = me.split_once("name=\"session\" value=\"").unwrap();
    let other = other.split('"').next().unwrap().to_owned();
    let forged = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
    let cookie = format!("__Host-leastway={}", browser.cookie("ehr.localhost", "__Host-leastway").unwrap());
    let mut evil = forged.to_vec();
    evil.push(("cookie", &cookie));
    let came = line.post("/.leastway/me/end", &evil, b"all=1").await;
    assert_eq!(came.reason(), "cross-site");
    assert_eq!(listed(&house, &clock).len(), 4);

    let back = browser.submit(&end, &[("session", &other)]).await.unwrap();
    assert_eq!((back.status.as_u16(), back.url.path()), (200, "/.leastway/me"));
    assert_eq!(listed(&house, &clock).len(), 3);
    browser.submit(&end, &[("all", "1")]).await.unwrap();
    assert_eq!(listed(&house, &clock).len(), 2, "this one, and the registrar's");
    for cookie in [&first, &second] {
        let came = line.ask("/", &[("accept", "application/json"), ("cookie", cookie)]).await;
        assert_eq!(came.reason(), "session-revoked");
    }
    assert_eq!(ask(&house, &mut browser, "/").await.status, 200);
    let events = house.stop().await;
    let revoked: Vec<_> = events.iter().filter_map(|event| event.opening.revocation.as_ref()).collect();
    assert!(revoked.len() == 2 && revoked.iter().all(|it| it.cause == Cause::OwnList), "{revoked:?}");
}
