//! What a person has typed is not lost where a form meets an ended session: they find it after signing in, and send it
//! once; nobody else ever learns of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use leastway::demo::browser::{Browser, Reply, form_fields};
use leastway::demo::people::{Person, totp_step};
use leastway::domain::event::Event;
use leastway::domain::event::HoldStep::{self, Discarded, Expired, Held, Hidden, Offered, Sent, Shown};
use leastway::domain::revocation::{Cause, Revocation, Target};
use leastway::domain::subject::SubjectId;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock, Timestamp};
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, edit, without_lock};
use crate::line::Protocol;

const MINUTE: Duration = Duration::from_secs(60);
const NOTES: &str = "/patients/100001/notes";
const WORDS: &str = "walks without pain, stairs tomorrow";

async fn open() -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    (House::open_at(clock.clone(), Neighbors::All, without_lock).await, clock)
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

/// Follows the page's link to step up, and proves the second factor.
async fn step_up(
    house: &House,
    browser: &mut Browser,
    page: &Reply,
    (username, now): (&str, Timestamp),
) -> Reply {
    let link = attribute(page, "href", "/.leastway/step-up").unwrap();
    let factor = browser.open(&format!("{}{link}", house.ehr())).await.unwrap();
    let ticket = form_fields(&factor.text(), "/second-factor").unwrap_or_else(|| panic!("{}", factor.text()));
    let code = Person::named(username).unwrap().totp(totp_step(now));
    let provider = format!("https://id.localhost:{}/second-factor", house.ports.provider);
    browser.submit(&provider, &[("code", &code), ("ticket", &ticket["ticket"])]).await.unwrap()
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

/// Name, path, headers, body, and whether it is kept.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, bool);

/// What became of what was kept, in order.
fn steps(events: &[Event]) -> Vec<HoldStep> {
    let hold = |event: &Event| {
        let ended = event.closing.as_ref().and_then(|closing| closing.hold.as_ref());
        Some((event.sequence, event.opening.hold.as_ref().or(ended)?.step))
    };
    let mut steps: Vec<_> = events.iter().filter_map(hold).collect();
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
    assert_eq!(steps(&events), [Held, Offered, Shown, Sent]);
    let sent = events.iter().find(|event| event.opening.hold.as_ref().is_some_and(|it| it.step == Sent));
    let sent = &sent.unwrap().opening;
    assert_eq!(sent.route.as_ref().unwrap().as_str(), "note.create", "recorded like any request");
    assert_eq!(sent.verdict.as_str(), "permit");
    assert!(sent.subject.is_some() && sent.query_keys.is_empty());
    let held = &events.iter().find(|event| event.opening.hold.is_some()).unwrap().opening;
    let held = held.hold.as_ref().unwrap();
    assert_eq!(held.person.as_ref().unwrap().sub, sent.subject.as_ref().unwrap().sub);
    assert_eq!(held.id, sent.hold.as_ref().unwrap().id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_person_at_the_same_browser_learns_nothing_and_the_first_still_finds_it() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    clock.advance(16 * MINUTE);
    let told = write_note(&house, &mut browser).await;
    let link = attribute(&told, "href", "/.leastway/sign-in").unwrap();
    let id = id_in(&link.replace("hold=", "leastway-held=")).to_owned();
    let action = format!("{NOTES}?leastway-held={id}");
    let reached = house.reached();

    // The provider still knows the nurse: on a shared computer the other person is asked who they are.
    browser.forget("id.localhost");
    let others = follow(&house, &mut browser, &told, "registrar").await;
    assert_eq!((others.status.as_u16(), others.url.path()), (200, "/"), "they start clean");
    let nothing = browser.open(&format!("{}/.leastway/held", house.ehr())).await.unwrap();
    let never = post(&house, &mut browser, "show", "01980000-0000-7000-8000-000000000000").await;
    for (name, reply) in [
        ("list", nothing),
        ("show", post(&house, &mut browser, "show", &id).await),
        ("discard", post(&house, &mut browser, "discard", &id).await),
        ("send", send(&house, &mut browser, &action).await),
    ] {
        assert_eq!(reply.status, 404, "{name}: {}", reply.text());
        assert_eq!(without_reference(&reply), without_reference(&never), "{name}: as for what never was");
    }
    assert_eq!(house.reached(), reached + 1, "their first page, and nothing else");

    browser.submit(&format!("{}/.leastway/sign-out", house.ehr()), &[]).await.unwrap();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    let page = house.enter(&mut browser, &page, "nurse").await;
    assert_eq!(page.url.path(), "/.leastway/held", "by whichever way they come back: {}", page.text());
    // In another browser of the same person there is nothing, whatever they know.
    let mut elsewhere = signed_in(&house, "nurse").await;
    assert_eq!(send(&house, &mut elsewhere, &action).await.status, 404);
    assert_eq!(send(&house, &mut browser, &action).await.status, 200);
    let events = house.stop().await;
    assert_eq!(steps(&events), [Held, Hidden, Hidden, Hidden, Hidden, Offered, Hidden, Sent]);
}

fn without_reference(reply: &Reply) -> String {
    let text = reply.text();
    let (before, rest) = text.split_once("<code>").unwrap();
    format!("{before}{}", rest.split_once("</code>").unwrap().1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_is_known_to_have_typed_is_of_whoever_comes_back_from_its_sign_in() {
    let house = House::open(Neighbors::All).await;
    let mut browser = house.browser();
    let told = write_note(&house, &mut browser).await;
    assert_eq!((told.status.as_u16(), told.header("x-leastway-reason")), (401, "sign-in-required"));
    let page = follow(&house, &mut browser, &told, "nurse").await;
    assert_eq!(page.url.path(), "/.leastway/held", "{}", page.text());
    let house = house.restart().await;
    let action = action(&page);
    assert_eq!(send(&house, &mut browser, &action).await.status, 200, "a restart takes nothing away");

    // Somebody else who signs in there by another way has nothing of it.
    let mut browser = house.browser();
    write_note(&house, &mut browser).await;
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "registrar").await.url.path(), "/");
    let list = browser.open(&format!("{}/.leastway/held", house.ehr())).await.unwrap();
    assert_eq!(list.status, 404);

    // Nor where the first has only begun to sign in, and has left the browser to them.
    let mut browser = house.browser();
    let told = write_note(&house, &mut browser).await;
    let link = attribute(&told, "href", "/.leastway/sign-in").unwrap();
    browser.open(&format!("{}{link}", house.ehr())).await.unwrap();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "registrar").await.url.path(), "/");
    let list = browser.open(&format!("{}/.leastway/held", house.ehr())).await.unwrap();
    assert_eq!(list.status, 404);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_on_the_page_behind_what_was_sent_is_sent_as_it_is() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    clock.advance(16 * MINUTE);
    let told = write_note(&house, &mut browser).await;
    let page = follow(&house, &mut browser, &told, "nurse").await;
    let action = action(&page);
    assert_eq!(send(&house, &mut browser, &action).await.status, 200);
    // The page has the entry's name in its address, and its form goes back to where it came from.
    let anew = [("text", "a second thought, of another length")];
    let came = browser.submit(&format!("{}{action}", house.ehr()), &anew).await.unwrap();
    let length = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(anew).finish().len();
    assert_eq!(
        (came.status.as_u16(), came.text()),
        (200, length.to_string()),
        "the application has it, whole"
    );
    assert_eq!(send(&house, &mut browser, &action).await.status, 404, "and the entry is used up");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_an_administrator_signs_out_everywhere_leaves_nothing_behind() {
    let (house, clock) = open().await;
    let mut browser = signed_in(&house, "nurse").await;
    let sessions = house.running.shared.sessions.list(10, clock.now());
    let issuer = format!("https://id.localhost:{}", house.ports.provider);
    let person = SubjectId { issuer: issuer.into(), sub: sessions[0].sub.clone() };
    clock.advance(16 * MINUTE);
    write_note(&house, &mut browser).await;
    assert_eq!(house.running.shared.holds.len(), 1);
    let now = clock.now();
    let (target, cause) = (Target::Person(person), Cause::Administrator);
    let revocation =
        Revocation { target, cause, why: None, request: None, asked: now, received: now, relayed: None };
    house.running.shared.revoke(revocation, None).await.unwrap();
    assert!(house.running.shared.holds.is_empty());
    let events = house.stop().await;
    assert_eq!(steps(&events), [Held, Discarded]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_needs_a_step_up_is_kept_until_it_is_proven() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        let roles = directory.root().join("roles.toml");
        let proven = "when = { assurance = \"mfa\", fresh = \"15m\" }";
        edit(&roles, "when = { relationship = [\"treatment_team\"] }", proven);
    })
    .await;
    let mut browser = signed_in(&house, "nurse").await;
    let told = write_note(&house, &mut browser).await;
    assert_eq!(
        (told.status.as_u16(), told.header("x-leastway-reason")),
        (401, "acr-insufficient"),
        "{}",
        told.text()
    );
    assert!(told.text().contains("What you typed is kept"), "{}", told.text());
    // Whoever goes to it before has it, but cannot send it.
    let page = browser.open(&format!("{}/.leastway/held", house.ehr())).await.unwrap();
    let action = action(&page);
    let early = send(&house, &mut browser, &action).await;
    assert_eq!((early.status.as_u16(), early.header("x-leastway-reason")), (401, "acr-insufficient"));

    let page = step_up(&house, &mut browser, &told, ("nurse", clock.now())).await;
    assert_eq!(page.url.path(), "/.leastway/held", "{}", page.text());
    assert_eq!(send(&house, &mut browser, &action).await.status, 200);
    assert_eq!(send(&house, &mut browser, &action).await.status, 404);
    let events = house.stop().await;
    assert_eq!(steps(&events), [Held, Offered, Sent, Offered, Sent]);
}

/// Reports with a row for each of 600 patients, under the words of the form; and how many were asked for.
async fn reports() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = asked.clone();
    let report = move |form: String| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(([(CONTENT_TYPE, "text/csv")], report_of(&form)))
    };
    let application = axum::Router::new()
        .route("/reports/patients", axum::routing::post(report))
        .fallback(async || "a page");
    tokio::spawn(async move { axum::serve(listener, application).await });
    (address, asked)
}

fn report_of(form: &str) -> String {
    let rows = (0..600).map(|number| format!("{},{form}", 100_000 + number));
    std::iter::once("MRN,asked".to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_only_its_reply_shows_to_be_too_much_is_finished_after_the_step() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let (address, asked) = reports().await;
    let house = House::open_at(clock.clone(), Neighbors::Application(address), |directory| {
        let roles = directory.root().join("roles.toml");
        edit(
            &roles,
            "exports_per_day = 5\non_exceed = \"block\"",
            "exports_per_day = 5\non_exceed = \"step_up\"",
        );
    })
    .await;
    let mut browser = signed_in(&house, "registrar").await;
    let form = [("export", "csv"), ("ward", "3")];
    let told = browser.submit(&format!("{}/reports/patients", house.ehr()), &form).await.unwrap();
    assert_eq!(told.status.as_u16(), 401, "{}", told.text());
    assert_eq!(told.header("x-leastway-reason"), "export-over-request-limit");
    assert!(told.text().contains("What you typed is kept"), "{}", told.text());
    assert!(!told.text().contains("100001"), "not a row has left");

    let page = step_up(&house, &mut browser, &told, ("registrar", clock.now())).await;
    assert_eq!(page.url.path(), "/.leastway/held", "{}", page.text());
    let action = attribute(&page, "action", "/reports/patients").unwrap();
    let file = send(&house, &mut browser, &action).await;
    assert_eq!((file.status.as_u16(), file.text()), (200, report_of("export=csv&ward=3")));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let events = house.stop().await;
    assert_eq!(steps(&events), [Held, Offered, Sent]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_kept_is_not() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        without_lock(directory);
        let ehr = directory.root().join("applications/ehr.toml");
        edit(
            &ehr,
            "unmatched = \"deny\"",
            "hold = { body = \"1KiB\", lifetime = \"1m\" }\nunmatched = \"deny\"",
        );
        edit(&ehr, "name = \"report.refresh\" ", "name = \"report.refresh\"\nhold = false ");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    clock.advance(16 * MINUTE);
    let own = format!("https://ehr.localhost:{}", house.ports.gateway);
    let kept = "What you typed is kept";
    let form = ("content-type", "application/x-www-form-urlencoded");
    let page = ("accept", "text/html");
    let cookie = ("cookie", cookie.as_str());
    let (largest, large) = ("x".repeat(1024), "x".repeat(1025));
    let cases: [Case<'_>; 9] = [
        ("a form", NOTES, &[form, page, cookie, ("origin", &own)], "text=a", true),
        ("at the bound", NOTES, &[form, page, cookie, ("origin", &own)], &largest, true),
        ("beyond it", NOTES, &[form, page, cookie, ("origin", &own)], &large, false),
        ("another site's", NOTES, &[form, page, cookie, ("origin", "https://evil.example")], "text=a", false),
        ("another site's", NOTES, &[form, page, cookie, ("sec-fetch-site", "cross-site")], "text=a", false),
        ("a script's", NOTES, &[form, page, cookie, ("sec-fetch-mode", "cors")], "text=a", false),
        ("a program's", NOTES, &[form, ("accept", "application/json"), cookie], "text=a", false),
        ("neither form nor JSON", NOTES, &[("content-type", "text/plain"), page, cookie], "text=a", false),
        ("a route that is not", "/reports/patients", &[form, page, cookie], "ward=", false),
    ];
    let mut number = 0;
    for (name, path, headers, body, is_kept) in cases {
        let mut line = house.line("ehr.localhost", Protocol::Http2).await;
        let came = line.post(path, headers, body.as_bytes()).await;
        assert_eq!(came.status, 401, "{name}: {}", came.text);
        assert_eq!(came.text.contains(kept), is_kept, "{name}: {}", came.text);
        assert_eq!(came.headers.contains_key("set-cookie"), is_kept, "{name}");
        number += usize::from(is_kept);
    }
    let events = house.stop().await;
    assert_eq!(steps(&events), vec![Held; number]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_strangers_is_bounded_and_what_is_kept_expires_with_an_event() {
    let (house, clock) = open().await;
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    let mut kept = 0;
    for number in 0..40 {
        let came = line.post(NOTES, &headers, format!("text={number}").as_bytes()).await;
        assert_eq!(came.status, 401);
        kept += usize::from(came.text.contains("What you typed is kept"));
    }
    assert_eq!((kept, house.running.shared.holds.len()), (32, 32));
    clock.advance(15 * MINUTE);
    while !house.running.shared.holds.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let events = house.stop().await;
    let number = |step| steps(&events).iter().filter(|found| **found == step).count();
    assert_eq!((number(Held), number(Expired)), (32, 32));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_application_does_not_take_can_be_copied_and_what_never_reached_it_sent_again() {
    let (address, door) = Fickle::start().await;
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::Application(address), without_lock).await;
    let mut browser = signed_in(&house, "nurse").await;
    clock.advance(16 * MINUTE);
    let told = write_note(&house, &mut browser).await;
    let page = follow(&house, &mut browser, &told, "nurse").await;
    let action = action(&page);
    // Nobody listens: nothing has left.
    door.close().await;
    let unreached = send(&house, &mut browser, &action).await;
    assert_eq!(unreached.status, 502);
    assert!(attribute(&unreached, "href", "/.leastway/held").is_some(), "{}", unreached.text());
    let door = Fickle::open_again(address).await;
    let refused = send(&house, &mut browser, &action).await;
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("Your entry was not taken"), "{}", refused.text());
    let list = browser.open(&format!("{}/.leastway/held", house.ehr())).await.unwrap();
    assert_eq!(list.status, 200);
    assert!(attribute(&list, "action", NOTES).is_none(), "it is not sent a second time: {}", list.text());
    assert_eq!(send(&house, &mut browser, &action).await.status, 409);
    let shown = post(&house, &mut browser, "show", id_in(&action)).await;
    assert!(shown.text().contains(WORDS), "{}", shown.text());
    let gone = post(&house, &mut browser, "discard", id_in(&action)).await;
    assert_eq!((gone.status.as_u16(), gone.url.path()), (200, "/"));
    assert_eq!(door.posts(), 1);
    door.close().await;
    let events = house.stop().await;
    assert_eq!(steps(&events), [Held, Offered, Sent, Sent, Offered, Offered, Shown, Discarded]);
    let text = format!("{events:?}");
    assert!(!text.contains("walks") && !text.contains("stairs"), "no word of it is in an event");
}

/// An application that answers 200 to what is read and 500 to what is posted.
struct Fickle {
    task: tokio::task::JoinHandle<()>,
    posts: Arc<AtomicUsize>,
}

impl Fickle {
    async fn start() -> (SocketAddr, Self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        (listener.local_addr().unwrap(), Self::serve(listener))
    }

    async fn open_again(address: SocketAddr) -> Self {
        Self::serve(TcpListener::bind(address).await.unwrap())
    }

    fn serve(listener: TcpListener) -> Self {
        let posts: Arc<AtomicUsize> = Arc::default();
        let seen = posts.clone();
        let answer = async move |method: http::Method| {
            let is_post = method == http::Method::POST;
            seen.fetch_add(usize::from(is_post), Ordering::SeqCst);
            if is_post { http::StatusCode::INTERNAL_SERVER_ERROR } else { http::StatusCode::OK }
        };
        let router = axum::Router::new().fallback(answer);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { task, posts }
    }

    fn posts(&self) -> usize {
        self.posts.load(Ordering::SeqCst)
    }

    async fn close(self) {
        self.task.abort();
        drop(self.task.await);
    }
}
