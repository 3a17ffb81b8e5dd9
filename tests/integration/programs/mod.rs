//! Programs that come with an access token: which pass, within which bounds, and when they are out.

mod machines;
mod markers;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use leastway::domain::event::{EventKind, Outcome, Verdict};
use leastway::domain::reason::Reason;
use leastway::domain::revocation::{Cause, Revocation, Target};
use leastway::domain::subject::SubjectId;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use serde_json::{Value, json};

use self::machines::{Holder, Machines};
use crate::certificates::{Authority, ask, settings};
use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Line, Protocol};

const BILLING: &str = r#"
[client.billing]
provider = "machines"
client_id = "billing-export"
owner = "revenue desk"
groups = ["clinic-front-desk"]
routes = ["ehr/patient.*", "ehr/static"]
token = "jwt"
audience = ["urn:ehr"]
expires = "2999-12-31"
"#;

const LAB: &str = r#"
[client.lab]
provider = "machines"
client_id = "lab-import"
owner = "laboratory"
groups = ["clinic-nursing"]
routes = ["ehr/*"]
token = "introspection"
expires = "2999-12-31"
"#;

type Headers<'a> = &'a [(&'a str, &'a str)];

/// A house to which machines come.
struct Works {
    house: House,
    machines: Machines,
    clock: Arc<TestClock>,
}

impl Works {
    async fn open(clients: &str) -> Self {
        Self::furnish(clients, |_| {}).await
    }

    async fn furnish(clients: &str, change: impl FnOnce(&std::path::Path)) -> Self {
        let (machines, clock) = (Machines::start().await, Arc::new(TestClock::at(SystemClock.now())));
        let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
            let main = directory.root().join("leastway.toml");
            let provider = format!(
                "[[provider]]\nname = \"machines\"\nissuer = \"{}\"\nclient_id = \"gateway\"\n\
                 client_secret = \"file:secrets/client-secret\"\nauthorities = \"file:certs/authority.pem\"\n",
                machines.issuer
            );
            append(&main, &format!("{provider}\n{clients}"));
            let roles = directory.root().join("roles.toml");
            edit(&roles, "\npurposes = ", "\nproviders = [\"clinic\", \"machines\"]\npurposes = ");
            change(&main);
        })
        .await;
        Self { house, machines, clock }
    }

    /// A signed token of the billing program.
    fn token(&self, changes: Value) -> String {
        self.machines.sign(self.clock.now().as_seconds(), "at+jwt", changes)
    }

    async fn line(&self) -> Line {
        self.house.line("ehr.localhost", Protocol::Http1).await
    }

    async fn ask(&self, path: &str, token: &str) -> Came {
        self.line().await.ask(path, &[("authorization", &format!("Bearer {token}"))]).await
    }

    async fn status(&self, path: &str, token: &str) -> (u16, String) {
        let came = self.ask(path, token).await;
        (came.status.as_u16(), came.reason().to_owned())
    }

    fn order(&self, target: Target) -> Revocation {
        let now = self.clock.now();
        let why = Some("is compromised".parse().unwrap());
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

    fn subject(&self, sub: &str) -> SubjectId {
        SubjectId { issuer: self.machines.issuer.as_str().into(), sub: sub.into() }
    }
}

fn said(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_program_passes_by_the_policy_and_its_token_goes_nowhere() {
    let works = Works::open(BILLING).await;
    let token = works.token(json!({}));
    let came = works.ask("/patients/7", &token).await;
    assert_eq!(came.status, 200, "{}", came.reason());
    assert!(came.text.contains("remote-user: billing-export\n"), "{}", came.text);
    assert!(!came.text.contains("authorization") && !came.text.contains(&token), "{}", came.text);
    assert_eq!(works.status("/patients", &token).await.0, 200);
    assert_eq!(works.status("/static/a.css", &token).await.0, 200);
    // A chart is none of the front desk's, and not of the program's routes either: that is told first.
    assert_eq!(works.status("/patients/7/chart", &token).await, said(403, "client-out-of-bounds"));
    assert_eq!(works.status("/nowhere", &token).await, said(404, "route-not-found"));
    let (_, listed) = crate::revoking::say(&works.house, &["list"]).await;
    assert!(listed.contains("billing-export") && listed.contains("machines"), "{listed}");
    let text = works.house.control("/metrics").await.1;
    let counted = "leastway_client_requests_total{client=\"billing\",verdict=\"deny\",reason=\"client-out-of-bounds\"} 1";
    assert!(text.contains(counted), "{text}");

    let events = works.house.stop().await;
    let passed =
        events.iter().find(|event| event.opening.verdict == Verdict::Permit && event.opening.route.is_some());
    let passed = &passed.unwrap().opening;
    let subject = passed.subject.as_ref().unwrap();
    let client = subject.client.as_ref().unwrap();
    assert_eq!(
        (client.name.as_str(), &*client.client_id, &*client.owner),
        ("billing", "billing-export", "revenue desk")
    );
    assert_eq!(
        (&*subject.sub, subject.roles[0].as_str(), passed.rules[0].as_ref()),
        ("billing-export", "registrar", "registrar/1")
    );
    let strayed = events.iter().find(|event| event.opening.reasons == [Reason::ClientOutOfBounds]).unwrap();
    assert_eq!(strayed.opening.note.as_deref(), Some("the route is none of the program's"));
    assert_eq!(strayed.opening.subject.as_ref().unwrap().client, subject.client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_does_not_hold_is_refused_and_the_event_says_why() {
    let works = Works::open(BILLING).await;
    let now = works.clock.now().as_seconds();
    let none = works.token(json!({}));
    let none = none.split('.').nth(1).unwrap();
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{none}.");
    let id_token = works.machines.sign(now, "JWT", json!({ "aud": "gateway", "nonce": "n" }));
    let cases = [
        ("nothing", String::new(), "token-invalid", "malformed"),
        ("odd letters", "a,b".to_owned(), "token-invalid", "malformed"),
        ("says nothing itself", "opaque".to_owned(), "token-invalid", "malformed"),
        ("alg none", none, "token-invalid", "algorithm"),
        ("ID token", id_token, "token-invalid", "`typ`"),
        ("expired", works.token(json!({ "iat": now - 400, "exp": now - 100 })), "token-invalid", "expired"),
        ("another audience", works.token(json!({ "aud": "urn:pacs" })), "token-invalid", "`aud`"),
        ("a person's", works.token(json!({ "sub": "nurse-7" })), "token-invalid", "somebody else"),
        (
            "bound to a certificate",
            works.token(json!({ "cnf": { "x5t#S256": "k" } })),
            "token-invalid",
            "has not shown the certificate",
        ),
        ("another provider's", works.token(json!({ "iss": "https://id.example" })), "token-invalid", "`iss`"),
        (
            "undeclared",
            works.token(json!({ "client_id": "other", "sub": "other" })),
            "client-unknown",
            "`other`",
        ),
    ];
    let reached = works.house.reached();
    for (name, token, reason, _) in &cases {
        for _ in 0..2 {
            let came = works.ask("/patients/7", token).await;
            assert_eq!((came.status.as_u16(), came.reason()), (401, *reason), "{name}");
            let challenge = came.headers.get("www-authenticate").unwrap();
            assert_eq!(challenge, "Bearer realm=\"leastway\", error=\"invalid_token\"", "{name}");
            assert_eq!(came.headers.get("content-type").unwrap(), "application/problem+json", "{name}");
        }
    }
    assert_eq!(works.house.reached(), reached);
    let events = works.house.stop().await;
    let notes: Vec<_> = events.iter().filter_map(|event| event.opening.note.clone()).collect();
    for (name, token, _, note) in &cases {
        assert_eq!(notes.iter().filter(|told| told.contains(note)).count() % 2, 0, "{name}");
        assert!(notes.iter().any(|told| told.contains(note)), "{name}: {notes:?}");
        assert!(token.is_empty() || !notes.iter().any(|told| told.contains(token.as_str())), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_could_be_two_callers_is_none() {
    let works = Works::open(BILLING).await;
    let cookie = works.house.cookie_of("registrar").await;
    let bearer = format!("Bearer {}", works.token(json!({})));
    let proven = format!("DPoP {}", works.token(json!({})));
    let mut line = works.line().await;
    let reached = works.house.reached();
    let cases: [(Headers<'_>, u16, &str); 5] = [
        (&[("authorization", &bearer), ("cookie", &cookie)], 400, "error=\"invalid_request\""),
        (
            &[("authorization", &bearer), ("cookie", "__Host-leastway=made-up")],
            400,
            "error=\"invalid_request\"",
        ),
        (&[("authorization", &bearer), ("authorization", &bearer)], 400, "error=\"invalid_request\""),
        (&[("authorization", "Basic YTpi"), ("authorization", &bearer)], 400, "error=\"invalid_request\""),
        (&[("authorization", &proven)], 401, "error=\"invalid_dpop_proof\""),
    ];
    for (headers, status, challenge) in cases {
        let came = line.ask("/patients/7", headers).await;
        assert_eq!((came.status.as_u16(), came.reason()), (status, "token-invalid"), "{headers:?}");
        assert!(came.headers.get("www-authenticate").unwrap().to_str().unwrap().ends_with(challenge));
    }
    assert_eq!(works.house.reached(), reached);
    // What is no access token is the application's, as it was.
    let came = line.ask("/patients/7", &[("authorization", "Basic YTpi"), ("cookie", &cookie)]).await;
    assert!(came.status == 200 && came.text.contains("authorization: Basic YTpi\n"), "{}", came.text);
    drop(line);
    works.house.stop().await;

    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let came = line.ask("/patients/7", &[("authorization", "Bearer theirs"), ("cookie", &cookie)]).await;
    assert!(came.status == 200 && came.text.contains("authorization: Bearer theirs\n"), "{}", came.text);
    drop(line);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_bound_to_a_key_passes_with_a_proof_of_it_alone() {
    let works = Works::open(BILLING).await;
    let holder = Holder::new();
    let token = works.token(json!({ "cnf": { "jkt": holder.thumbprint() } }));
    let unbound = works.token(json!({ "jti": "unbound" }));
    let now = works.clock.now().as_seconds();
    let url = format!("{}/patients/7", works.house.ehr());
    let proof = |token: &str, jti: &str| holder.proof(token, &url, jti, now);
    let mut line = works.line().await;
    let ask = async |line: &mut Line, scheme: &str, token: &str, proofs: &[String]| {
        let brought = format!("{scheme} {token}");
        let mut headers = vec![("authorization", brought.as_str())];
        headers.extend(proofs.iter().map(|proof| ("dpop", proof.as_str())));
        line.ask("/patients/7?name=x", &headers).await
    };
    let good = proof(&token, "1");
    let came = ask(&mut line, "DPoP", &token, std::slice::from_ref(&good)).await;
    assert_eq!(came.status, 200, "{}", came.reason());
    assert!(!came.text.contains("dpop") && !came.text.contains(&good), "{}", came.text);
    let stranger = Holder::new().proof(&token, &url, "2", now);
    let refused: [(&str, &str, &str, Vec<String>); 6] = [
        ("the same proof again", "DPoP", &token, vec![good]),
        ("as a bearer token", "Bearer", &token, vec![]),
        ("as a bearer token, with a proof", "Bearer", &token, vec![proof(&token, "3")]),
        ("no proof", "DPoP", &token, vec![]),
        ("two proofs", "DPoP", &token, vec![proof(&token, "4"), proof(&token, "5")]),
        ("by another key", "DPoP", &token, vec![stranger]),
    ];
    for (name, scheme, token, proofs) in refused {
        let came = ask(&mut line, scheme, token, &proofs).await;
        assert_eq!((came.status.as_u16(), came.reason()), (401, "token-invalid"), "{name}");
        let challenge = came.headers.get("www-authenticate").unwrap();
        assert_eq!(challenge, "DPoP realm=\"leastway\", error=\"invalid_dpop_proof\"", "{name}");
    }
    let came = ask(&mut line, "DPoP", &unbound, &[proof(&unbound, "6")]).await;
    assert_eq!(came.status, 401, "nothing says that the key is its holder's");
    assert_eq!(ask(&mut line, "DPoP", &token, &[proof(&token, "7")]).await.status, 200);
    drop(line);
    works.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_its_networks_hours_and_days_a_program_is_refused_and_flagged() {
    let minute = |clock: &TestClock, from: i64, until: i64| {
        let moment = clock.now().as_seconds();
        let at = |hours: i64| {
            let minutes = (moment / 60 + hours * 60).rem_euclid(24 * 60);
            format!("{:02}:{:02}", minutes / 60, minutes % 60)
        };
        format!("{}-{}", at(from), at(until))
    };
    let clock = TestClock::at(SystemClock.now());
    let (now, later) = (minute(&clock, -1, 2), minute(&clock, 2, 3));
    let near = "networks = [\"127.0.0.0/8\"]\n";
    let cases = [
        (format!("{near}hours = \"{now}\"\n"), "2999-12-31", 200, ""),
        ("networks = [\"10.0.0.0/8\"]\n".to_owned(), "2999-12-31", 403, "network"),
        (format!("{near}hours = \"{later}\"\n"), "2999-12-31", 403, "hours"),
        (near.to_owned(), "2026-01-31", 403, "last day"),
    ];
    for (bounds, expires, status, note) in cases {
        let client = BILLING.replace("2999-12-31", expires);
        let works = Works::furnish(&format!("{client}{bounds}"), |main| {
            edit(main, "[gateway]", "time_zone = \"UTC\"\n[gateway]");
        })
        .await;
        let came = works.ask("/patients/7", &works.token(json!({}))).await;
        assert_eq!(came.status.as_u16(), status, "{bounds} {}", came.reason());
        let events = works.house.stop().await;
        let [event] =
            &events.iter().filter(|it| it.opening.kind == EventKind::Request).collect::<Vec<_>>()[..]
        else {
            panic!("one event")
        };
        assert!(event.opening.note.as_deref().unwrap_or_default().contains(note), "{:?}", event.opening.note);
        assert_eq!(event.opening.subject.as_ref().unwrap().client.as_ref().unwrap().name.as_str(), "billing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_takes_no_step() {
    let client = BILLING.replace("clinic-front-desk", "clinic-quality").replace("ehr/patient.*", "ehr/*");
    let works = Works::open(&client).await;
    let token = works.token(json!({}));
    let mut line = works.line().await;
    let bearer = format!("Bearer {token}");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let html = ("accept", "text/html");
    let body = b"ward=all&export=csv";
    let came = line.post("/reports/patients", &[("authorization", &bearer), form, html], body).await;
    assert_eq!((came.status.as_u16(), came.reason()), (403, "acr-insufficient"));
    assert!(!came.headers.contains_key("location") && !came.headers.contains_key("set-cookie"));
    drop(line);
    let events = works.house.stop().await;
    assert!(events.iter().all(|event| event.opening.verdict != Verdict::Challenge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_says_nothing_itself_is_asked_about_once_and_again_in_its_time() {
    let works = Works::open(LAB).await;
    let vouched = json!({ "active": true, "client_id": "lab-import", "sub": "lab-import" });
    works.machines.vouch("lab-token", vouched);
    let all = join_all((0..20).map(|_| works.status("/patients/7", "lab-token"))).await;
    assert!(all.iter().all(|answer| answer.0 == 200), "{all:?}");
    assert_eq!(works.machines.asked(), 1);

    assert_eq!(works.status("/patients/7", "made-up").await, said(401, "token-invalid"));
    assert_eq!(works.status("/patients/7", "made-up").await, said(401, "token-invalid"));
    assert_eq!(works.machines.asked(), 2, "for a moment nobody is asked again");

    works.clock.advance(Duration::from_secs(61));
    let all = join_all((0..20).map(|_| works.status("/patients/7", "lab-token"))).await;
    assert!(all.iter().all(|answer| answer.0 == 200), "{all:?}");
    assert_eq!(works.machines.asked(), 3);

    // Down: nobody knows, so nobody passes; and it is not forgotten for that.
    works.machines.is_down(true);
    works.clock.advance(Duration::from_secs(61));
    assert_eq!(works.status("/patients/7", "lab-token").await, said(502, "provider-unavailable"));
    works.machines.is_down(false);
    assert_eq!(works.status("/patients/7", "lab-token").await.0, 200);
    let events = works.house.stop().await;
    let failed = events.iter().find(|event| event.opening.reasons == [Reason::ProviderUnavailable]).unwrap();
    assert_eq!(failed.closing.as_ref().unwrap().outcome, Outcome::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_at_the_provider_is_out_within_its_time_and_what_goes_on_too() {
    let works = Works::open(LAB).await;
    works.machines.vouch("lab-token", json!({ "active": true, "client_id": "lab-import" }));
    let mut line = works.line().await;
    let stream = line.begin("/patients/quiet", &[("authorization", "Bearer lab-token")]).await;
    assert_eq!(stream.status(), 200);
    let mut body = stream.into_body();
    body.frame().await.unwrap().unwrap();
    let ended = tokio::spawn(async move { while body.frame().await.is_some_and(|frame| frame.is_ok()) {} });
    works.clock.advance(Duration::from_secs(59));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!((works.machines.asked(), ended.is_finished()), (1, false));
    works.clock.advance(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!((works.machines.asked(), ended.is_finished()), (2, false), "it is vouched for again");

    works.machines.vouch("lab-token", json!({ "active": false }));
    works.clock.advance(Duration::from_secs(60));
    tokio::time::timeout(Duration::from_secs(3), ended).await.expect("it is cut").unwrap();
    assert_eq!(works.status("/patients/7", "lab-token").await, said(401, "session-revoked"));
    let events = works.house.stop().await;
    let told: Vec<_> = events.iter().filter_map(|event| event.opening.revocation.as_ref()).collect();
    assert_eq!(told.iter().map(|told| told.cause).collect::<Vec<_>>(), [Cause::TokenInactive]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_has_a_program_out_at_once_and_it_stays_out() {
    let works = Works::open(BILLING).await;
    let (token, unseen) = (works.token(json!({})), works.token(json!({ "jti": "unseen" })));
    let mut line = works.line().await;
    let stream = line.begin("/patients/quiet", &[("authorization", &format!("Bearer {token}"))]).await;
    let mut body = stream.into_body();
    body.frame().await.unwrap().unwrap();
    let ended = tokio::spawn(async move { while body.frame().await.is_some_and(|frame| frame.is_ok()) {} });
    let order = works.order(Target::Person(works.subject("billing-export")));
    let revoked = works.house.running.shared.revoke(order, None).await.unwrap();
    assert_eq!((revoked.sessions, revoked.streams), (1, 1));
    tokio::time::timeout(Duration::from_secs(1), ended).await.expect("it is cut").unwrap();
    let out = said(401, "session-revoked");
    assert_eq!(works.status("/patients/7", &token).await, out);
    assert_eq!(works.status("/patients/7", &unseen).await, out, "issued before");
    drop(line);
    let works = Works { house: works.house.restart().await, ..works };
    assert_eq!(works.status("/patients/7", &token).await, out);
    assert_eq!(works.status("/patients/7", &unseen).await, out);
    // What its provider gives it later is another matter: it is to be barred there.
    works.clock.advance(Duration::from_secs(32));
    assert_eq!(works.status("/patients/7", &works.token(json!({}))).await.0, 200);
    works.house.stop().await;
}

/// The same token with its other signature: in ECDSA `(r, s)` and `(r, n - s)` hold both.
fn turned(token: &str) -> String {
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for (byte, of_n) in signature[32..].iter_mut().zip(N).rev() {
        let difference = i16::from(of_n) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference + 256 * borrow).unwrap();
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_ended_does_not_come_back_by_its_other_signature() {
    let works = Works::open(BILLING).await;
    let (token, later) = (works.token(json!({})), works.token(json!({ "jti": null })));
    for spelling in [&token, &turned(&token), &later] {
        assert_eq!(works.status("/patients/7", spelling).await.0, 200);
        works.clock.advance(Duration::from_secs(1));
    }
    // The latest first.
    let sessions = works.house.running.shared.sessions.list(10, works.clock.now());
    assert_eq!(sessions.len(), 3);
    for (session, ended) in [(&sessions[0], 1), (&sessions[1], 2)] {
        let order = works.order(Target::Session(session.id));
        assert_eq!(works.house.running.shared.revoke(order, None).await.unwrap().sessions, ended);
    }
    for spelling in [&token, &turned(&token), &later, &turned(&later)] {
        assert_eq!(works.status("/patients/7", spelling).await, said(401, "session-revoked"));
    }
    assert_eq!(works.status("/patients/7", &works.token(json!({ "jti": "new" }))).await.0, 200);
    works.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_tokens_are_measured_before_they_are_looked_into_and_good_ones_do_not_count() {
    let works = Works::furnish(BILLING, |main| {
        append(main, "[gateway.limits]\nsign_ins_per_address = \"3/1m\"");
    })
    .await;
    for number in 0..6 {
        let good = works.token(json!({ "jti": format!("good-{number}") }));
        assert_eq!(works.status("/patients/7", &good).await.0, 200, "{number}");
    }
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(works.status("/patients/7", &format!("made-up-{number}")).await.0);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    works.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_declared_no_more_or_otherwise_is_out_with_the_next_request() {
    let works = Works::open(BILLING).await;
    let token = works.token(json!({}));
    assert_eq!(works.status("/patients/7", &token).await.0, 200);
    let main = works.house.file("leastway.toml");
    edit(&main, "audience = [\"urn:ehr\"]", "audience = [\"urn:other\"]");
    works.house.running.reload().await;
    assert_eq!(works.status("/patients/7", &token).await, said(401, "client-unknown"));
    edit(&main, "audience = [\"urn:other\"]", "audience = [\"urn:ehr\"]");
    edit(&main, "clinic-front-desk\"]\nroutes", "clinic-interfaces\"]\nroutes");
    works.house.running.reload().await;
    assert_eq!(works.status("/patients/7", &token).await, said(403, "no-rule-matched"));
    works.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_bound_to_a_certificate_is_good_with_that_alone() {
    let authority = Authority::new();
    let pem = authority.0.pem();
    let works = Works::furnish(BILLING, |main| {
        std::fs::write(main.with_file_name("programs-ca.pem"), pem).unwrap();
        append(main, "[gateway.client_certificate]\nauthorities = \"file:programs-ca.pem\"");
    })
    .await;
    let (own, other) =
        (authority.vouch("billing.example", 1, |_| {}), authority.vouch("billing.example", 2, |_| {}));
    let bound = works.token(json!({ "cnf": { "x5t#S256": own.thumbprint() } }));
    let cases = [
        (Some(&other), "Bearer", 401),
        (None, "Bearer", 401),
        (Some(&own), "Bearer", 200),
        // It is known by now, and good for nobody else still.
        (Some(&other), "Bearer", 401),
        (None, "Bearer", 401),
        (Some(&own), "DPoP", 401),
    ];
    for (number, (identity, scheme, expected)) in cases.into_iter().enumerate() {
        let headers = format!("authorization: {scheme} {bound}\r\n");
        let status = ask(&works.house, &settings(&works.house, identity), "ehr.localhost", &headers).await;
        assert_eq!(status, expected, "{number}");
    }
    let events = works.house.stop().await;
    let shown = events.iter().filter(|event| event.opening.verdict == Verdict::Permit);
    let shown = shown.filter(|event| event.opening.certificate.as_deref() == Some(&*own.thumbprint()));
    assert_eq!(shown.count(), 1, "the event says which certificate was shown");
}
