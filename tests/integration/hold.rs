//! What a person has typed is not lost where a form meets an ended session: they find it after signing in, and send it
//! once; nobody else ever learns of it.

use std::sync::Arc;
use std::time::Duration;

use leastway::demo::browser::{Browser, Reply};
use leastway::domain::event::HoldStep;
use leastway::features::audit::events::Event;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};

use crate::house::{House, Neighbors};

const MINUTE: Duration = Duration::from_secs(60);
const NOTES: &str = "/patients/100001/notes";
const WORDS: &str = "walks without pain, stairs tomorrow";

async fn open() -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    (House::open_at(clock.clone(), Neighbors::All, |_| {}).await, clock)
}

/// A browser in which somebody has signed in.
async fn signed_in(house: &House, username: &str) -> Browser {
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, username).await.status, 200);
    browser
}

async fn write_note(house: &House, browser: &mut Browser) -> Reply {
    browser
        .submit(&format!("{}{NOTES}", house.ehr()), &[("text", WORDS), ("kind", "progress")])
        .await
        .unwrap()
}

/// Follows the page's link to sign in, and signs in as somebody.
async fn follow(house: &House, browser: &mut Browser, page: &Reply, username: &str) -> Reply {
    let link = attribute(page, "href", "/.leastway/sign-in").unwrap_or_else(|| panic!("{}", page.text()));
    let page = browser.open(&format!("{}{link}", house.ehr())).await.unwrap();
    if page.url.host_str() == Some("ehr.localhost") {
        return page;
    }
    house.enter(browser, &page, username).await
}

/// The first attribute of a page that begins like this.
fn attribute(page: &Reply, name: &str, begins: &str) -> Option<String> {
    let text = page.text();
    let (_, rest) = text.split_once(&format!("{name}=\"{begins}"))?;
    let (value, _) = rest.split_once('"')?;
    Some(format!("{begins}{value}").replace("&amp;", "&").replace("&#38;", "&"))
}

fn action(page: &Reply) -> String {
    attribute(page, "action", NOTES).unwrap_or_else(|| panic!("nothing can be sent: {}", page.text()))
}

async fn send(house: &House, browser: &mut Browser, action: &str) -> Reply {
    browser.submit(&format!("{}{action}", house.ehr()), &[]).await.unwrap()
}

async fn post(house: &House, browser: &mut Browser, what: &str, id: &str) -> Reply {
    browser.submit(&format!("{}/.leastway/held/{what}", house.ehr()), &[("id", id)]).await.unwrap()
}

fn id_in(action: &str) -> &str {
    action.split_once("leastway-held=").unwrap().1
}

/// What became of what was kept, in order.
fn steps(events: &[Event]) -> Vec<HoldStep> {
    let mut steps: Vec<_> =
        events.iter().filter_map(|event| Some((event.sequence, event.opening.hold.as_ref()?.step))).collect();
    steps.sort_unstable();
    steps.into_iter().map(|(_, step)| step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_meets_an_expired_session_is_sent_once_after_signing_in() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    let reached = house.reached();
    clock.advance(16 * MINUTE);
    let told = write_note(&house, &mut browser).await;
    assert_eq!((told.status.as_u16(), told.header("x-leastway-reason")), (401, "session-expired"));
    assert!(told.text().contains("What you typed is kept for you here for 15 minutes"), "{}", told.text());
    assert!(!told.text().contains("walks"), "and is not shown to whoever stands there");

    let page = follow(&house, &mut browser, &told, "nurse").await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/.leastway/held"), "{}", page.text());
    assert_eq!(page.header("cache-control"), "no-store");
    let text = page.text();
    assert!(text.contains("Your entry is still here") && text.contains("<bdi>kind</bdi>"), "{text}");
    assert!(!text.contains("walks"), "names first, values only when asked for");
    assert_eq!(house.reached(), reached, "nothing is sent by itself");

    let action = action(&page);
    let shown = post(&house, &mut browser, "show", id_in(&action)).await;
    assert!(shown.text().contains(WORDS), "{}", shown.text());
    let sent = send(&house, &mut browser, &action).await;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("text", WORDS), ("kind", "progress")])
        .finish();
    assert_eq!(
        (sent.status.as_u16(), sent.text()),
        (200, body.len().to_string()),
        "the application has all of it"
    );
    assert_eq!(house.reached(), reached + 1);

    for _ in 0..2 {
        let again = send(&house, &mut browser, &action).await;
        assert_eq!(again.status, 404, "{}", again.text());
    }
    assert_eq!(post(&house, &mut browser, "show", id_in(&action)).await.status, 404);
    assert_eq!(house.reached(), reached + 1, "once");
    let events = house.stop().await;
    assert_eq!(steps(&events), [HoldStep::Held, HoldStep::Offered, HoldStep::Shown, HoldStep::Sent]);
    let sent =
        events.iter().find(|event| event.opening.hold.as_ref().is_some_and(|it| it.step == HoldStep::Sent));
    let sent = &sent.unwrap().opening;
    assert_eq!(sent.route.as_ref().unwrap().as_str(), "note.create", "recorded like any request");
    assert_eq!(sent.verdict.as_str(), "permit");
    assert!(sent.subject.is_some() && sent.query_keys.is_empty());
    let held = &events.iter().find(|event| event.opening.hold.is_some()).unwrap().opening;
    let held = held.hold.as_ref().unwrap();
    assert_eq!(held.person.as_ref().unwrap().sub, sent.subject.as_ref().unwrap().sub);
    assert_eq!(held.id, sent.hold.as_ref().unwrap().id);
}
