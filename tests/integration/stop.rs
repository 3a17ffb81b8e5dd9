//! A stop lets what is under way come to its end.

use http_body_util::BodyExt as _;
use leastway::domain::event::Outcome;
use leastway::platform::http::body::read_bounded;

use crate::application::{PIECE, PIECES};
use crate::house::{House, Neighbors};
use crate::line::Protocol;

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
