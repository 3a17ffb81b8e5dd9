//! A session ends when its person has been away for too long, and at its absolute end.

use std::sync::Arc;
use std::time::Duration;

use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};

use crate::house::{House, Neighbors, edit, without_lock};
use crate::line::{Came, Line, Protocol};

const MINUTE: Duration = Duration::from_secs(60);

/// A house whose clock the test moves, where searching is what a page does by itself.
async fn open() -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        without_lock(directory);
        let ehr = directory.root().join("applications/ehr.toml");
        edit(&ehr, "unmatched = \"deny\"", "idle_ignore = [\"/search\"]\nunmatched = \"deny\"");
    })
    .await;
    (house, clock)
}

async fn ask(line: &mut Line, path: &str, accept: &str, cookie: &str) -> Came {
    line.ask(path, &[("accept", accept), ("cookie", cookie)]).await
}

async fn status(line: &mut Line, path: &str, cookie: &str) -> (u16, String) {
    let came = ask(line, path, "application/json", cookie).await;
    (came.status.as_u16(), came.reason().to_owned())
}

const GOOD: (u16, String) = (200, String::new());

fn expired() -> (u16, String) {
    (401, "session-expired".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_after_fifteen_minutes_without_a_sign_of_its_person() {
    let (house, clock) = open().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for _ in 0..3 {
        clock.advance(10 * MINUTE);
        assert_eq!(status(&mut line, "/", &cookie).await, GOOD, "each request is a sign");
    }
    // What a page asks for by itself, or is ours, is none.
    clock.advance(10 * MINUTE);
    assert_eq!(status(&mut line, "/search", &cookie).await, GOOD);
    assert_eq!(ask(&mut line, "/.leastway/me", "text/html", &cookie).await.status, 200);
    clock.advance(4 * MINUTE + Duration::from_millis(59_999));
    assert_eq!(status(&mut line, "/search", &cookie).await, GOOD);
    clock.advance(Duration::from_millis(1));
    let reached = house.reached();
    assert_eq!(status(&mut line, "/search", &cookie).await, expired());
    assert_eq!(status(&mut line, "/", &cookie).await, expired(), "and stays so");
    let led = ask(&mut line, "/", "text/html", &cookie).await;
    assert_eq!((led.status.as_u16(), led.reason()), (303, "session-expired"));
    assert_eq!(house.reached(), reached, "nothing of it reaches the application");
    drop(line);

    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_ne!(status(&mut line, "/", &cookie).await.0, 200, "nor does it come back with a new start");
    let events = house.stop().await;
    let of_nobody = events
        .iter()
        .filter(|event| event.opening.reasons.iter().any(|reason| reason.as_str() == "session-expired"));
    assert_eq!(of_nobody.clone().count(), 4);
    assert!(of_nobody.clone().all(|event| event.opening.subject.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_after_twelve_hours_however_busy_its_person_is() {
    let (house, clock) = open().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    // Never at equal intervals, as a page asks by itself.
    for more in [9, 11].repeat(35).into_iter().chain([10]) {
        clock.advance(more * MINUTE);
        assert_eq!(status(&mut line, "/", &cookie).await, GOOD);
    }
    drop(line);
    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    clock.advance(9 * MINUTE + Duration::from_millis(59_999));
    assert_eq!(status(&mut line, "/", &cookie).await, GOOD, "a new start ends no session");
    clock.advance(Duration::from_millis(1));
    assert_eq!(status(&mut line, "/", &cookie).await, expired());

    let again = house.cookie_of("nurse").await;
    assert_eq!(status(&mut line, "/", &again).await, GOOD, "they can sign in again");
    house.stop().await;
}
