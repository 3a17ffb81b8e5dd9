//! What is under way ends with the session that it began with, and when the rules would have it begin no more: within
//! a second or so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use leastway::app::reload::Reloaded;
use leastway::domain::event::{Closing, Outcome};
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use tokio::io::AsyncReadExt as _;

use crate::application::PIECE;
use crate::house::{House, Neighbors, append, edit, without_lock};
use crate::line::{Line, Protocol, web_socket};

/// More than the second after which it is asked, and less than anybody would call a while.
const SOON: Duration = Duration::from_secs(5);

/// A download that has begun.
async fn begin(line: &mut Line, path: &str, cookie: &str) -> Incoming {
    let reply = line.begin(path, &[("cookie", cookie)]).await;
    assert_eq!(reply.status(), 200);
    let mut body = reply.into_body();
    assert_eq!(piece(&mut body).await, Some(PIECE.len()));
    body
}

/// The length of the next piece; none where the reply broke off.
async fn piece(body: &mut Incoming) -> Option<usize> {
    let frame = tokio::time::timeout(SOON, body.frame()).await.expect("neither a piece nor an end");
    frame.expect("what is cut never looks complete").ok().map(|frame| frame.into_data().unwrap().len())
}

/// Reads until the reply breaks off: how many bytes came, and how long it took.
async fn read_to_the_cut(mut body: Incoming) -> (usize, Duration) {
    let (since, mut bytes) = (Instant::now(), 0);
    while let Some(more) = piece(&mut body).await {
        bytes += more;
        assert!(since.elapsed() < SOON, "it goes on and on");
    }
    (bytes, since.elapsed())
}

async fn closing_of(house: House, route: &str) -> Vec<Closing> {
    let of_route = |event: &leastway::domain::event::Event| {
        event.opening.route.as_ref().is_some_and(|name| name.as_str() == route)
    };
    house.stop().await.into_iter().filter(of_route).filter_map(|event| event.closing).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_under_way_is_cut_when_its_person_signs_out() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for path in ["/patients/endless", "/patients/quiet"] {
            let house = House::open(Neighbors::All).await;
            let cookie = house.cookie_of("nurse").await;
            let mut line = house.line("ehr.localhost", protocol).await;
            let body = begin(&mut line, path, &cookie).await;
            house.sign_out(&cookie).await;
            let (bytes, took) = read_to_the_cut(body).await;
            assert!(took < SOON, "{path}: {took:?}");
            let closings = closing_of(house, "patient.open").await;
            let [closing] = closings.as_slice() else { panic!("one event, not {}", closings.len()) };
            assert_eq!((closing.outcome, closing.reason), (Outcome::Aborted, Some(Reason::SessionRevoked)));
            assert_eq!(closing.status, Some(200));
            assert!(closing.bytes_out >= (PIECE.len() + bytes) as u64, "{path}: {}", closing.bytes_out);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_under_way_is_cut_when_its_session_expires() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, without_lock).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let body = begin(&mut line, "/patients/endless", &cookie).await;
    clock.advance(Duration::from_secs(15 * 60));
    read_to_the_cut(body).await;
    let closings = closing_of(house, "patient.open").await;
    let reasons: Vec<_> = closings.iter().map(|closing| (closing.outcome, closing.reason)).collect();
    assert_eq!(reasons, [(Outcome::Aborted, Some(Reason::SessionExpired))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_socket_is_cut_when_its_session_ends() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, without_lock).await;
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let here = ("ehr.localhost", house.ports.gateway);
    let (first, second) = (house.cookie_of("nurse").await, house.cookie_of("nurse").await);
    let mut revoked = web_socket(&authority, here, "/patients/socket", &first).await;
    let mut expired = web_socket(&authority, here, "/patients/socket", &second).await;
    house.sign_out(&first).await;
    let mut rest = Vec::new();
    let _cut = tokio::time::timeout(SOON, revoked.read_to_end(&mut rest)).await.expect("it is cut");
    clock.advance(Duration::from_secs(15 * 60));
    let _cut = tokio::time::timeout(SOON, expired.read_to_end(&mut rest)).await.expect("it is cut");
    let closings = closing_of(house, "patient.open").await;
    assert!(closings.iter().all(|closing| closing.outcome == Outcome::Aborted), "{closings:?}");
    assert_eq!(reasons(&closings), [Some(Reason::SessionExpired), Some(Reason::SessionRevoked)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_after_its_person_has_left_stays_here() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    assert_eq!(line.ask("/patients/late", &session).await.text, "a chart");
    let before = house.reached();
    let (late, ()) = tokio::join!(line.ask("/patients/late", &session), async {
        while house.reached() == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        house.sign_out(&cookie).await;
    });
    assert_eq!((late.status.as_u16(), late.reason()), (401, "session-revoked"));
    assert!(!late.text.contains("a chart"), "{}", late.text);
    drop(line);
    let closings = closing_of(house, "patient.open").await;
    let ended: Vec<_> = closings.iter().map(|closing| (closing.outcome, closing.reason)).collect();
    assert_eq!(ended, [(Outcome::Completed, None), (Outcome::Withheld, Some(Reason::SessionRevoked))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_goes_on_when_its_session_is_changed_or_is_not_what_it_began_with() {
    let house = House::open(Neighbors::All).await;
    let (nurse, registrar) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    let mut nurses = begin(&mut line, "/patients/endless", &nurse).await;
    let mut public = begin(&mut line, "/static/endless", &registrar).await;
    let (sessions, now) = (&house.running.shared.sessions, SystemClock.now());
    let listed = sessions.list(10, now);
    let hers = listed.iter().find(|session| session.groups.contains(&"clinic-nursing".to_owned())).unwrap();
    // As a step-up or a reason that was given do: another session under the same id.
    sessions.set_purpose(hers.id, Purpose::Treatment, now).await.unwrap();
    house.sign_out(&registrar).await;
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(2500) {
        assert!(piece(&mut nurses).await.is_some(), "the nurse's session still stands");
        assert!(piece(&mut public).await.is_some(), "what is public belongs to no session");
    }
    drop((nurses, public, line));
    let closings = closing_of(house, "static").await;
    assert!(closings.iter().all(|closing| closing.reason == Some(Reason::CallerLeft)));
}

async fn reload(house: &House) {
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
}

/// Reads for longer than it takes until it is asked whether this may go on.
async fn goes_on(body: &mut Incoming) {
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(2500) {
        assert!(piece(body).await.is_some(), "it was cut");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_under_way_is_cut_when_the_rules_have_it_no_more() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    let mut denied = begin(&mut line, "/patients/endless", &cookie).await;
    let quiet = begin(&mut line, "/patients/quiet", &cookie).await;
    let mut gone = begin(&mut line, "/static/endless", "a=b").await;
    append(&house.file("roles.toml"), "# nothing new");
    reload(&house).await;
    tokio::join!(goes_on(&mut denied), goes_on(&mut gone));

    let nurse = r#"categories = ["demographics", "schedule", "clinical"]"#;
    edit(&house.file("roles.toml"), nurse, r#"categories = ["schedule", "clinical"]"#);
    edit(&house.file("applications/ehr.toml"), "name = \"static\"", "name = \"assets\"");
    reload(&house).await;
    tokio::join!(read_to_the_cut(denied), read_to_the_cut(quiet), read_to_the_cut(gone));
    drop(line);
    let events = house.stop().await;
    let closings = events.iter().filter_map(|event| event.closing.as_ref());
    let cut = closings.filter(|closing| closing.outcome == Outcome::Aborted);
    let mut reasons: Vec<_> = cut.filter_map(|closing| closing.reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [Reason::NoRuleMatched, Reason::NoRuleMatched, Reason::RouteNotFound]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_shift_ends_a_web_socket_and_no_download_that_began_before() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let minutes = |ahead: i64| {
        let minute = (clock.now().as_seconds() / 60 + ahead).rem_euclid(24 * 60);
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    let shift = format!("\nwhen = {{ hours = \"{}-{}\" }}", minutes(-60), minutes(5));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        let nurse = r#"categories = ["demographics", "schedule", "clinical"]"#;
        edit(&directory.root().join("roles.toml"), nurse, &format!("{nurse}{shift}"));
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let here = ("ehr.localhost", house.ports.gateway);
    let mut socket = web_socket(&authority, here, "/patients/socket", &cookie).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut body = begin(&mut line, "/patients/endless", &cookie).await;
    clock.advance(Duration::from_secs(6 * 60));
    append(&house.file("roles.toml"), "# other rules that say the same");
    reload(&house).await;
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(SOON, socket.read_to_end(&mut rest));
    let (cut, ()) = tokio::join!(cut, goes_on(&mut body));
    assert!(cut.is_ok(), "the socket stays open");
    drop((line, body));
    let closings = closing_of(house, "patient.open").await;
    assert_eq!(reasons(&closings), [Some(Reason::CallerLeft), Some(Reason::OutsideShift)]);
}

/// In the order of their names: closing entries of two workers have none.
fn reasons(closings: &[Closing]) -> Vec<Option<Reason>> {
    let mut reasons: Vec<_> = closings.iter().map(|closing| closing.reason).collect();
    reasons.sort_by_key(|reason| reason.map(Reason::as_str));
    reasons
}
