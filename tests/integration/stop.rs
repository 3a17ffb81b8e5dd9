//! A stop lets what is under way come to its end.

use http_body_util::BodyExt as _;
use leastway::demo::browser::Caller;
use leastway::domain::event::Outcome;
use leastway::platform::http::body::read_bounded;

use crate::application::{PIECE, PIECES};
use crate::house::{House, Neighbors};
use crate::line::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_is_told_that_it_drains_and_not_that_it_is_gone() {
    let house = House::open(Neighbors::All).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut body = line.begin("/static/slow", &[]).await.into_body();
    body.frame().await.unwrap().unwrap();
    let (mut browser, url) = (house.browser(), format!("http://127.0.0.1:{}/readyz", house.ports.control));
    let asked = async {
        loop {
            let reply = browser.once(Caller::Program, &url).await.unwrap();
            let (status, told) = (reply.status.as_u16(), reply.text());
            if told.contains("\"draining\":true") {
                return status;
            }
        }
    };
    let (status, rest, _) = tokio::join!(asked, read_bounded(body, 1024 * 1024), house.stop());
    assert_eq!((status, rest.is_ok()), (503, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_download_that_has_begun_comes_whole_when_the_gateway_stops() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let house = House::open(Neighbors::All).await;
        let mut line = house.line("ehr.localhost", protocol).await;
        let mut body = line.begin("/static/slow", &[]).await.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let (rest, events) = tokio::join!(read_bounded(body, 1024 * 1024), house.stop());
        assert_eq!(first.len() + rest.unwrap().len(), PIECES * PIECE.len());
        let closing = events.iter().find_map(|event| {
            let route = event.opening.route.as_ref()?.as_str();
            (route == "static").then(|| event.closing.clone())
        });
        let closing = closing.flatten().unwrap();
        assert_eq!(closing.outcome, Outcome::Completed);
        assert_eq!(closing.bytes_out, (PIECES * PIECE.len()) as u64);
    }
}
