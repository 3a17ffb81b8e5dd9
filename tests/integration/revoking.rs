//! Out means out: what is revoked is gone from every door at once, and nothing else is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use leastway::cli::{Exit, run};
use leastway::domain::assurance::Assurance;
use leastway::domain::event::{Event, EventKind, Outcome};
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::domain::revocation::{Cause, Revocation, Revoked, Target};
use leastway::domain::subject::{Subject, SubjectId};
use leastway::features::session::{Bond, NewSession};
use leastway::foundation::clock::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use crate::frames::{taken_to_the_brim, without_room};
use crate::house::{House, Neighbors};
use crate::line::{Line, Protocol, connect, web_socket};

const SESSIONS: usize = 10_000;
/// What is promised from when a revocation is here until the last byte of what it ends.
const PROMISED: Duration = Duration::from_secs(1);

/// Everybody else of a large house.
async fn crowd(house: &House) -> Vec<SubjectId> {
    let sessions = &house.running.shared.sessions;
    let now = SystemClock.now();
    let sign_in = |number: usize| NewSession {
        bond: Bond::default(),
        host: "ehr.localhost".into(),
        provider: "clinic".parse().unwrap(),
        subject: Subject {
            issuer: "https://id.example".into(),
            sub: format!("person-{number}").into(),
            name: "Somebody".into(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
        },
        assurance: Assurance::default(),
        purpose: Purpose::Treatment,
        device: None,
        authenticated: None,
        provider_sid: Some(format!("sid-{number}").into()),
        id_token: None,
        begun: now,
    };
    let made = join_all((0..SESSIONS).map(|number| sessions.create(sign_in(number), now))).await;
    made.into_iter().map(|made| made.unwrap().0.subject.id()).collect()
}

fn person(house: &House, group: &str) -> SubjectId {
    let sessions = &house.running.shared.sessions;
    let listed = sessions.list(SESSIONS * 2, SystemClock.now());
    let theirs = listed.iter().find(|session| session.groups.iter().any(|name| name == group)).unwrap();
    let issuer = format!("https://id.localhost:{}", house.ports.provider);
    SubjectId { issuer: issuer.into(), sub: theirs.sub.clone() }
}

/// Reads to the end, and says when that was.
fn watched(mut body: Incoming) -> JoinHandle<Instant> {
    tokio::spawn(async move {
        while body.frame().await.is_some_and(|frame| frame.is_ok()) {}
        Instant::now()
    })
}

/// Downloads that say something each moment and downloads that are silent, by both protocols, and WebSockets.
async fn open_streams(house: &House, cookie: &str) -> (Vec<JoinHandle<Instant>>, Vec<Line>) {
    let (mut streams, mut lines) = (Vec::new(), Vec::new());
    for path in ["/patients/endless", "/patients/quiet"] {
        for _ in 0..4 {
            let mut line = house.line("ehr.localhost", Protocol::Http1).await;
            streams.push(watched(line.begin(path, &[("cookie", cookie)]).await.into_body()));
            lines.push(line);
        }
        let mut line = house.line("ehr.localhost", Protocol::Http2).await;
        for _ in 0..8 {
            streams.push(watched(line.begin(path, &[("cookie", cookie)]).await.into_body()));
        }
        lines.push(line);
    }
    let authority = std::fs::read(house.directory.authority()).unwrap();
    for _ in 0..4 {
        let here = ("ehr.localhost", house.ports.gateway);
        let mut socket = web_socket(&authority, here, "/patients/socket", cookie).await;
        streams.push(tokio::spawn(async move {
            // Its close frame is the first that comes.
            let _cut = socket.read_u8().await;
            Instant::now()
        }));
    }
    (streams, lines)
}

fn order(target: Target) -> Revocation {
    let now = SystemClock.now();
    let why = Some("has left the house".parse().unwrap());
    Revocation {
        target,
        cause: Cause::Administrator,
        why,
        request: None,
        asked: now,
        received: now,
        relayed: None,
    }
}

async fn status(house: &House, cookie: &str) -> u16 {
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    line.ask("/", &[("cookie", cookie), ("accept", "application/json")]).await.status.as_u16()
}

fn revocations(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| event.opening.kind == EventKind::Revocation).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_has_left_is_out_within_a_second_among_ten_thousand() {
    let house = House::open(Neighbors::All).await;
    let others = crowd(&house).await;
    let (hers, at_home) = (house.cookie_of("nurse").await, house.cookie_of("nurse").await);
    let his = house.cookie_of("registrar").await;
    let (cut, _lines) = open_streams(&house, &hers).await;
    let (goes_on, _others_lines) = open_streams(&house, &his).await;
    let before = house.running.shared.sessions.len();
    let nurse = person(&house, "clinic-nursing");

    let begun = Instant::now();
    let revoked = house.running.shared.revoke(order(Target::Person(nurse.clone())), None).await.unwrap();
    let answered = begun.elapsed();
    let streams = cut.len();
    let ends = tokio::time::timeout(2 * PROMISED, join_all(cut)).await.expect("all are cut");
    let last = ends.into_iter().map(|end| end.unwrap().duration_since(begun)).max().unwrap();
    println!(
        "{before} sessions, {streams} streams: last one cut after {last:?}, answered after {answered:?}"
    );
    assert!(last < PROMISED && answered < PROMISED, "{last:?}, {answered:?}");
    assert_eq!((revoked.sessions, revoked.streams, revoked.waiting), (2, streams as u64, 0), "{revoked:?}");
    assert!(revoked.stored.is_some() && revoked.cut.is_some() && revoked.person == Some(nurse.clone()));

    assert_eq!([status(&house, &hers).await, status(&house, &at_home).await], [401, 401]);
    assert_eq!(status(&house, &his).await, 200);
    assert!(goes_on.iter().all(|stream| !stream.is_finished()), "what others do goes on");
    let sessions = &house.running.shared.sessions;
    let standing = sessions.list(SESSIONS * 2, SystemClock.now());
    assert_eq!(standing.len(), SESSIONS + 1);
    assert!(others.iter().all(|other| standing.iter().any(|session| session.sub == other.sub)));
    assert_eq!(house.metric("leastway_time_to_revoke_seconds_count").await, 1);
    drop(goes_on);

    let events = house.stop().await;
    let [event] = revocations(&events)[..] else { panic!("one event") };
    let (opening, closing) = (&event.opening, event.closing.as_ref().unwrap());
    let told = opening.revocation.as_ref().unwrap();
    assert_eq!(
        (told.cause, told.why.as_ref().unwrap().as_str()),
        (Cause::Administrator, "has left the house")
    );
    assert_eq!(closing.outcome, Outcome::Completed);
    let came: &Revoked = closing.revoked.as_ref().unwrap();
    assert_eq!(*came, revoked);
    assert!(
        told.asked <= told.received && Some(told.received) <= came.stored && Some(told.received) <= came.cut
    );
    let ended = events.iter().filter_map(|event| event.closing.as_ref());
    let ended = ended.filter(|closing| closing.reason == Some(Reason::SessionRevoked));
    assert_eq!(ended.filter(|closing| closing.outcome == Outcome::Aborted).count(), streams);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_is_a_revocation_and_who_takes_nothing_is_cut() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let full = taken_to_the_brim(&house, "/patients/flood", &cookie).await;
    house.sign_out(&cookie).await;
    drop(full);
    let events = house.stop().await;
    let [event] = revocations(&events)[..] else { panic!("one event") };
    let told = event.opening.revocation.as_ref().unwrap();
    assert_eq!((told.cause, &told.why), (Cause::SignOut, &None));
    let request = events.iter().find(|event| Some(event.opening.event) == told.request).unwrap();
    assert_eq!(request.opening.path.as_deref(), Some("/.leastway/sign-out"));
    let subject = |event: &Event| event.opening.subject.clone().map(|subject| Arc::clone(&subject.sub));
    assert!(subject(event).is_some() && subject(event) == subject(request));
    let came = event.closing.as_ref().unwrap().revoked.as_ref().unwrap();
    assert_eq!((came.sessions, came.streams, came.waiting), (1, 1, 0), "{came:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_is_all_here_and_has_not_left_stays_here() {
    let house = House::open(Neighbors::All).await;
    // The one is passed on as it comes; the other is counted and was held until it was known that it may pass.
    for path in ["/", "/reports/patients"] {
        let cookie = house.cookie_of("nurse").await;
        let mut taken = without_room(&house, path, &cookie).await;
        assert!(taken.gets_body().await, "{path}");
        let mut waits = without_room(&house, path, &cookie).await;
        house.sign_out(&cookie).await;
        assert!(!waits.gets_body().await, "{path}");
    }
    let events = house.stop().await;
    let told: Vec<_> = revocations(&events).iter().map(|event| event.closing.clone().unwrap()).collect();
    let told = told.iter().map(|closing| closing.revoked.as_ref().unwrap());
    let told: Vec<_> = told.map(|revoked| (revoked.sessions, revoked.streams, revoked.waiting)).collect();
    assert_eq!(told, [(1, 1, 0); 2], "what was taken is over, and what waits is not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_session_ends_while_its_body_comes_is_not_passed() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let here = format!("ehr.localhost:{}", house.ports.gateway);
    let mut statuses = Vec::new();
    for is_revoked in [false, true] {
        let reached = house.reached();
        let mut stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
        // The form says which route it is, so it is read before anything is decided.
        let head = format!("host: {here}\r\norigin: https://{here}\r\ncookie: {cookie}\r\nconnection: close");
        let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 8";
        let begun = format!("POST /reports/patients HTTP/1.1\r\n{head}\r\n{form}\r\n\r\nward");
        stream.write_all(begun.as_bytes()).await.unwrap();
        if is_revoked {
            house.sign_out(&cookie).await;
        }
        stream.write_all(b"=all").await.unwrap();
        let mut came = String::new();
        stream.read_to_string(&mut came).await.unwrap();
        let status = came.split(' ').nth(1).unwrap().to_owned();
        statuses.push((status, house.reached() - reached));
    }
    assert_eq!(statuses, [("200".to_owned(), 1), ("401".to_owned(), 0)]);
    house.stop().await;
}

/// Types a verb of `leastway session`.
pub(crate) async fn say(house: &House, words: &[&str]) -> (Exit, String) {
    let mut typed: Vec<OsString> = ["leastway", "session"].iter().chain(words).map(OsString::from).collect();
    typed.extend(["--config".into(), house.directory.configuration().into_os_string()]);
    let said = move || {
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let exit = run(typed, &mut out, &mut problems);
        (exit, String::from_utf8([out, problems].concat()).unwrap())
    };
    tokio::task::spawn_blocking(said).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_sees_who_is_signed_in_and_has_somebody_out_by_a_line() {
    let house = House::open(Neighbors::All).await;
    let (hers, his) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let nurse = person(&house, "clinic-nursing");
    let (exit, text) = say(&house, &["list"]).await;
    assert_eq!((exit, text.lines().count()), (Exit::Ok, 3), "{text}");
    let (_, text) = say(&house, &["list", "--person", &nurse.sub]).await;
    assert!(text.lines().count() == 2 && text.contains(&*nurse.sub), "{text}");

    for unclear in [
        &["revoke", "--person", &nurse.sub][..],
        &["revoke", "--reason", "has left"],
        &["revoke", "--reason", "has left", "--person", &nurse.sub, "--provider-session", "a"],
        &["revoke", "--reason", "", "--person", &nurse.sub],
    ] {
        let (exit, text) = say(&house, unclear).await;
        assert_eq!(exit, Exit::Usage, "{text}");
    }
    let (exit, text) = say(&house, &["revoke", "--person", "nobody", "--reason", "a trial"]).await;
    assert!(exit == Exit::No && text.contains("no such session stood"), "{text}");
    let elsewhere = ["revoke", "--person", &nurse.sub, "--provider", "elsewhere", "--reason", "a trial"];
    let (exit, text) = say(&house, &elsewhere).await;
    assert!(exit == Exit::No && text.contains("at which `provider`: clinic"), "{text}");
    assert_eq!(status(&house, &hers).await, 200);

    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let stream = watched(line.begin("/patients/quiet", &[("cookie", &hers)]).await.into_body());
    let (exit, text) = say(&house, &["revoke", "--person", &nurse.sub, "--reason", "has left"]).await;
    assert_eq!((exit, text.trim()), (Exit::Ok, "sessions ended: 1, long replies and WebSockets cut: 1"));
    tokio::time::timeout(PROMISED, stream).await.expect("it is cut").unwrap();
    assert_eq!([status(&house, &hers).await, status(&house, &his).await], [401, 200]);

    let events = house.stop().await;
    let told: Vec<_> = revocations(&events).iter().map(|event| event.closing.clone().unwrap()).collect();
    let ended: Vec<_> = told.iter().map(|closing| closing.revoked.as_ref().unwrap().sessions).collect();
    assert_eq!(ended, [0, 1], "what ended nobody is told of, too");
}
