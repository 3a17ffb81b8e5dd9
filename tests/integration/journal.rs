//! A journal that cannot be written: nothing passes unrecorded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use leastway::domain::event::Event;
use leastway::features::audit::tree::keys::known;
use leastway::features::audit::verify::{Expectations, TreeProblem, verify};
use leastway::foundation::clock::SystemClock;

use crate::house::{House, Neighbors, append, edit, take_next_segment};
use crate::line::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_fails_holds_everything_back_until_it_is_opened_again() {
    let house = House::open_at(Arc::new(SystemClock), Neighbors::All, |directory| {
        edit(&directory.configuration(), "\"8MiB\"", "\"1MiB\"");
    })
    .await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let session = [("cookie", cookie.as_str())];
    let (asked, failed) = house.fail_journal(&cookie).await;
    assert_eq!((failed.status.as_u16(), failed.reason()), (503, "audit-unavailable"));
    assert!(!failed.text.contains("x-leastway-assertion"), "the application's reply is withheld");

    let reached = house.reached();
    let here = format!("ehr.localhost:{}", house.ports.gateway);
    for path in ["/", "/static/a.css", "/nowhere", "/.leastway/me", "/.leastway/sign-in"] {
        let came = line.ask(path, &session).await;
        assert_eq!((came.status.as_u16(), came.reason()), (503, "audit-unavailable"), "{path}");
    }
    let mut stranger = house.line("ehr.localhost", Protocol::Http1).await;
    for path in ["/", "/nowhere"] {
        let page = stranger.ask(path, &[("accept", "text/html"), ("sec-fetch-mode", "navigate")]).await;
        assert_eq!((page.status.as_u16(), page.reason()), (503, "audit-unavailable"), "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}: a person reads a page");
        assert!(page.text.contains(page.header("x-request-id")), "{path}: {}", page.text);
        let problem = stranger.ask(path, &[("accept", "application/json")]).await;
        assert_eq!(problem.header("content-type"), "application/problem+json", "{path}");
        assert!(problem.text.contains(problem.header("x-request-id")), "{path}: {}", problem.text);
    }
    let post = format!(
        "POST /reports/patients HTTP/1.1\r\nhost: {here}\r\ncookie: {cookie}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 6\r\n\r\nward=3"
    );
    assert_eq!(house.raw("ehr.localhost", &post).await, 503);
    assert_eq!(house.reached(), reached, "nothing is sent any more");
    let (ready, told) = house.control("/readyz").await;
    assert_eq!(ready, 503);
    assert!(told.contains("\"journal_writable\":false"), "{told}");
    assert_eq!(house.control("/healthz").await.0, 200);
    assert_eq!(house.metric("leastway_journal_writable").await, 0);
    drop((line, stranger));

    let house = house.restart().await;
    assert_eq!(house.control("/readyz").await.0, 200);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/", &session).await.status, 200);
    assert_eq!(house.raw("ehr.localhost", &post).await, 200);
    drop(line);
    let events = house.stop().await;
    let long = |event: &&Event| event.opening.query_keys.first().is_some_and(|key| key.len() == 4000);
    assert!(events.iter().filter(long).count() >= asked - 1, "whatever was answered is recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_with_a_spool_goes_on_there_and_comes_home_with_the_next_start() {
    let house = House::open_at(Arc::new(SystemClock), Neighbors::All, |directory| {
        edit(&directory.configuration(), "\"8MiB\"", "\"1MiB\"\nspool = \"data/spool\"");
    })
    .await;
    let cookie = house.cookie_of("registrar").await;
    take_next_segment(&house.directory.journal()).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let page = format!("/?{}=1", "k".repeat(4000));
    let mut asked = 0;
    while !house.control("/readyz").await.1.contains("\"journal_goes_to\":\"spool\"") {
        for _ in 0..40 {
            assert_eq!(line.ask(&page, &[("cookie", cookie.as_str())]).await.status, 200, "nobody notices");
            asked += 1;
        }
        assert!(asked < 1000, "the spool was never used");
    }
    assert_eq!((house.control("/readyz").await.0, house.metric("leastway_journal_spooling").await), (200, 1));
    assert!(house.metric("leastway_journal_spooled").await > 0);
    drop(line);

    let house = house.restart().await;
    assert!(house.control("/readyz").await.1.contains("\"journal_goes_to\":\"journal\""));
    let events = house.stop().await;
    let long = |event: &&Event| event.opening.query_keys.first().is_some_and(|key| key.len() == 4000);
    assert_eq!(events.iter().filter(long).count(), asked);
    let told =
        |event: &Event| event.opening.note.as_deref().is_some_and(|note| note.contains("in its spool"));
    assert!(events.iter().any(told));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_house_says_so_treatment_reads_pass_a_gap_that_is_told() {
    let house = House::open_at(Arc::new(SystemClock), Neighbors::All, |directory| {
        edit(&directory.configuration(), "\"8MiB\"", "\"1MiB\"\ngap = \"treatment-reads\"");
    })
    .await;
    let (nurse, registrar) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let (_, failed) = house.fail_journal(&nurse).await;
    assert_eq!((failed.status.as_u16(), failed.reason()), (503, "audit-unavailable"), "the one under way");

    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for _ in 0..3 {
        let came = line.ask("/", &[("cookie", nurse.as_str())]).await;
        let degraded = came.headers.get("x-leastway-degraded").map(|value| value.to_str().unwrap());
        assert_eq!((came.status.as_u16(), degraded), (200, Some("no-event")));
    }
    let came = line.ask("/", &[("cookie", registrar.as_str())]).await;
    assert_eq!((came.status.as_u16(), came.reason()), (503, "audit-unavailable"), "no treatment");
    assert_eq!(line.ask("/.leastway/me", &[("cookie", nurse.as_str())]).await.status, 503, "no route");
    let here = format!("ehr.localhost:{}", house.ports.gateway);
    let post = format!(
        "POST / HTTP/1.1\r\nhost: {here}\r\ncookie: {nurse}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(house.raw("ehr.localhost", &post).await, 503, "no read");
    let (ready, told) = house.control("/readyz").await;
    assert_eq!(ready, 200, "{told}");
    assert!(
        told.contains("\"journal_goes_to\":\"nowhere\"") && told.contains("\"journal_gap_requests\":3"),
        "{told}"
    );
    assert_eq!(house.metric("leastway_audit_gap_requests_total").await, 3);
    drop(line);

    let events = house.stop().await;
    let gaps: Vec<_> = events.iter().filter_map(|event| event.opening.gap.as_deref()).collect();
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    let shares: Vec<_> = gap.shares.iter().map(|share| (share.route.is_some(), share.requests)).collect();
    assert_eq!((gap.requests, gap.others, shares.as_slice()), (3, 0, [(true, 3)].as_slice()));
}

/// What was posted.
type Posted = Arc<Mutex<Vec<String>>>;

/// Somebody who notes what is posted with the right token.
async fn notes_what_is_posted() -> (SocketAddr, Posted) {
    async fn noted(State(posted): State<Posted>, headers: HeaderMap, note: String) -> StatusCode {
        if headers.get("authorization").is_none_or(|value| value != "Bearer the token of the witness") {
            return StatusCode::UNAUTHORIZED;
        }
        posted.lock().unwrap().push(note);
        StatusCode::NO_CONTENT
    }
    let posted = Posted::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/checkpoints", post(noted)).with_state(posted.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, posted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn witnesses_note_what_was_signed_and_one_that_cannot_be_told_lags() {
    let (address, posted) = notes_what_is_posted().await;
    let house = House::open_at(Arc::new(SystemClock), Neighbors::None, |directory| {
        std::fs::write(directory.root().join("token-of-witness"), "the token of the witness").unwrap();
        let witnesses = format!(
            "\n[[journal.witness]]\nname = \"evidence\"\nevery = \"1s\"\nfile = \"evidence\"\n\
             [[journal.witness]]\nname = \"compliance\"\nevery = \"1s\"\nurl = \"http://{address}/checkpoints\"\n\
             token = \"file:token-of-witness\"\n\
             [[journal.witness]]\nname = \"away\"\nevery = \"1s\"\nfile = \"not-mounted/evidence\"\n"
        );
        append(&directory.configuration(), &witnesses);
    })
    .await;
    let posted_soon = async {
        while posted.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), posted_soon).await.expect("a witness is told");
    let (ready, told) = house.control("/readyz").await;
    assert_eq!(ready, 200, "nothing waits for witnesses: {told}");
    assert!(told.contains("\"compliance\"") && told.contains("cannot be written"), "{told}");
    let (_, metrics) = house.control("/metrics").await;
    assert!(metrics.contains("leastway_journal_witness_behind{witness=\"away\"}"), "{metrics}");

    let (journal, evidence) = (house.directory.journal(), house.directory.root().join("evidence"));
    house.running.stop().await.unwrap();
    let key = known(&journal).unwrap();
    let all = posted.lock().unwrap().join("\n");
    for witnessed in [all, std::fs::read_to_string(evidence).unwrap()] {
        let expectations =
            Expectations { keys: key.clone(), witnessed: vec![witnessed], ..Expectations::default() };
        let report = verify(&journal, &expectations).unwrap();
        assert!(report.is_sound() && report.witnessed > 0, "{report:?}");
        // The last that was noted covers all of it: whatever is cut off now is missed.
        let segment = std::fs::read_dir(&journal).unwrap().map(|file| file.unwrap().path());
        let segment =
            segment.filter(|path| path.extension().is_some_and(|end| end == "segment")).max().unwrap();
        let whole = std::fs::read(&segment).unwrap();
        let last = whole.windows(16).rposition(|bytes| bytes == br#"{"entry":"closin"#).unwrap() - 56;
        let mut cut = whole.clone();
        cut[last..].fill(0);
        std::fs::write(&segment, cut).unwrap();
        let report = verify(&journal, &expectations).unwrap();
        assert_eq!(report.misfit, None);
        let is_cut = |problem: &TreeProblem| matches!(problem, TreeProblem::Cut { .. });
        assert!(report.contradictions.iter().any(|it| is_cut(&it.problem)), "{report:?}");
        std::fs::write(&segment, whole).unwrap();
    }
}
