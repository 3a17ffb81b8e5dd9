//! The attempts that take more than one request.

use http::Method;
use http_body_util::BodyExt as _;

use super::application::behind;
use super::{ALL, house, in_front_of};
use crate::line::{Came, Protocol};

const OVER: (u16, &str) = (429, "export-over-window-budget");

fn told(came: &Came) -> (u16, &str) {
    (came.status.as_u16(), came.reason())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_head_tells_opens_nothing() {
    let house = house("").await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let session = ("cookie", cookie.as_str());
    let head = line.by(Method::HEAD, "/csv/tagged", &[session], &[]).await;
    assert!(head.bytes.is_empty(), "{}", head.text);
    for headers in [
        &[session][..],
        &[session, ("if-none-match", "\"v0\"")],
        &[session, ("range", "bytes=0-99"), ("if-range", "\"v1\"")],
    ] {
        let came = line.ask("/csv/tagged", headers).await;
        assert_eq!(told(&came), (403, "export-over-request-limit"), "{headers:?}");
        assert!(!came.text.contains("MRN-"), "{headers:?}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_comes_behind_a_counted_reply() {
    let house = in_front_of(behind().await, "").await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    for (path, comes) in [("/screen/trailers", ALL), ("/csv/trailers", 0)] {
        let reply = line.begin(path, &[("cookie", &cookie), ("te", "trailers")]).await;
        assert_eq!(reply.status(), 200, "{path}");
        let (mut body, mut rows) = (reply.into_body(), 0);
        while let Some(frame) = body.frame().await {
            if let Ok(trailers) = frame.unwrap().into_trailers() {
                rows += trailers
                    .values()
                    .map(|value| value.to_str().unwrap().matches("MRN-").count())
                    .sum::<usize>();
            }
        }
        assert_eq!(rows, comes, "{path}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn charts_that_are_opened_by_number_add_up() {
    let house = house("patients_opened_per_shift = 5").await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for number in 100_001..100_006 {
        assert_eq!(line.ask(&format!("/patients/{number}"), &session).await.status, 200, "{number}");
    }
    for number in 100_006..100_009 {
        assert_eq!(told(&line.ask(&format!("/patients/{number}"), &session).await), OVER, "{number}");
    }
    assert_eq!(
        line.ask("/patients/100001", &session).await.status,
        200,
        "who was opened may be opened again"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_at_once_have_one_allowance() {
    let house = house("exports_per_day = 3").await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    let mut first = house.line("ehr.localhost", Protocol::Http1).await;
    let mut second = house.line("ehr.localhost", Protocol::Http2).await;
    let mut passed = 0;
    for _ in 0..3 {
        let (one, other) = tokio::join!(first.ask("/csv/few", &session), second.ask("/csv/few", &session));
        for came in [one, other] {
            if came.status == 200 {
                passed += 1;
            } else {
                assert_eq!(told(&came), OVER);
            }
        }
    }
    assert_eq!(passed, 3);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_of_time_add_up() {
    let house = house("patients_listed_per_hour = 100").await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let slice = |day: u32| {
        format!("/r4/Patient?_lastUpdated=ge2026-01-{day:02}&_lastUpdated=lt2026-01-{:02}", day + 1)
    };
    for day in [1, 2, 1] {
        let came = line.ask(&slice(day), &session).await;
        assert_eq!((came.status.as_u16(), came.text.matches("MRN-").count()), (200, 40), "{}", came.text);
    }
    for day in [3, 4] {
        let came = line.ask(&slice(day), &session).await;
        assert_eq!(told(&came), OVER, "day {day}");
        assert!(!came.text.contains("MRN-"), "day {day}");
    }
    house.stop().await;
}
