//! The path by which a provider tells of a sign-out: anyone may post there, and nobody gets anywhere by it. What a
//! token has to be is tried beside the provider that makes it, and in the real run of oidc-provider.

use leastway::domain::event::{EventKind, Verdict};
use leastway::domain::reason::Reason;

use crate::house::{House, Neighbors, append};
use crate::line::Protocol;

const PATH: &str = "/.leastway/back-channel-logout";
type Headers = &'static [(&'static str, &'static str)];
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_logout_token_ends_nothing_and_leaves_one_event_with_its_reason() {
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let large = format!("logout_token={}", "a".repeat(17 * 1024));
    let cases: [(&str, Headers, &[u8]); 7] = [
        ("nothing", &[FORM], b""),
        ("no token", &[FORM], b"logout_token=a.b.c"),
        ("two tokens", &[FORM], b"logout_token=a.b.c&logout_token=a.b.c"),
        ("unsigned", &[FORM], b"logout_token=eyJhbGciOiJub25lIn0.e30."),
        ("no form", &[("content-type", "application/json")], b"logout_token=a.b.c"),
        ("too large", &[FORM], large.as_bytes()),
        ("by a page of another site", &[FORM, ("origin", "https://evil.example")], b"logout_token=a.b.c"),
    ];
    for (name, headers, body) in cases {
        let headers: Vec<_> = headers.iter().copied().chain([("cookie", cookie.as_str())]).collect();
        let came = line.post(PATH, &headers, body).await;
        assert_eq!((came.status.as_u16(), came.reason()), (400, "logout-token-invalid"), "{name}");
        assert_eq!(came.headers.get("cache-control").unwrap(), "no-store", "{name}");
        assert!(!came.headers.contains_key("set-cookie"), "{name}");
        if name == "too large" {
            line = house.line("ehr.localhost", Protocol::Http1).await;
        }
    }
    assert_eq!(line.ask(PATH, &[("cookie", &cookie)]).await.status, 404, "there is nothing to look at");
    let good = [("cookie", cookie.as_str()), ("accept", "application/json")];
    assert_eq!(line.ask("/", &good).await.status, 200, "nobody was signed out");
    drop(line);
    let events = house.stop().await;
    let posted = events.iter().filter(|event| {
        event.opening.path.as_deref() == Some(PATH) && event.opening.method.as_deref() == Some("POST")
    });
    let posted: Vec<_> = posted.collect();
    assert_eq!(posted.len(), 7);
    for event in posted {
        assert_eq!((event.opening.kind, event.opening.verdict), (EventKind::Authentication, Verdict::Deny));
        assert_eq!(event.opening.reasons, [Reason::LogoutTokenInvalid]);
        let note = event.opening.note.as_deref().unwrap();
        assert!(note.starts_with("the logout token does not hold: "), "{note}");
    }
    assert!(events.iter().all(|event| event.opening.kind != EventKind::Revocation));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_posts_one_after_the_other_is_told_to_wait() {
    let house = House::furnish(Neighbors::All, |directory| {
        append(&directory.root().join("leastway.toml"), "[gateway.limits]\nsign_ins_per_address = \"3/1m\"");
    })
    .await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(line.post(PATH, &[FORM], b"logout_token=a.b.c").await.status.as_u16());
    }
    assert_eq!(statuses, [400, 400, 400, 429, 429]);
    drop(line);
    house.stop().await;
}
