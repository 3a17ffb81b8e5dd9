//! Out means out, by Shared Signals: what a transmitter pushes or is asked for, and what comes of it for those who are
//! signed in.

mod steady;
mod transmitter;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use leastway::domain::assurance::Assurance;
use leastway::domain::event::{Event, EventKind, Outcome, Verdict};
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::domain::revocation::{Cause, Target};
use leastway::domain::signal::SignalStep;
use leastway::domain::subject::Subject;
use leastway::features::session::{Bond, Found, NewSession, SESSION_COOKIE};
use leastway::foundation::clock::{Clock as _, SystemClock};
use leastway::foundation::id::SessionId;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use self::transmitter::{AUDIENCE, OUR_TOKEN, Transmitter};
use crate::house::{House, Neighbors, append};
use crate::line::{Protocol, web_socket};

const TOKEN: &str = "what the transmitter brings to the gateway";
const PATH: &str = "/.leastway/ssf/events";
const SET: &str = "application/secevent+jwt";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

/// A house to whose gateway somebody signals.
struct Watch {
    house: House,
    transmitter: Transmitter,
}

impl Watch {
    /// One that is pushed to, by a transmitter of its own.
    async fn pushed() -> Self {
        Self::open(|address| format!("issuer = \"{address}\"\ntoken = \"file:secrets/signals-token\"")).await
    }

    async fn open(settings: impl FnOnce(&str) -> String) -> Self {
        let transmitter = Transmitter::start().await;
        let settings = settings(&transmitter.address);
        let house = House::furnish(Neighbors::All, |directory| {
            std::fs::write(directory.root().join("secrets/signals-token"), TOKEN).unwrap();
            std::fs::write(directory.root().join("secrets/transmitter-token"), OUR_TOKEN).unwrap();
            let table = format!("[provider.signals]\naudience = \"{AUDIENCE}\"\n{settings}");
            append(&directory.root().join("leastway.toml"), &table);
        })
        .await;
        Self { house, transmitter }
    }

    /// The person of this name at the clinic's provider.
    fn person(&self, sub: &str) -> Value {
        let issuer = format!("https://id.localhost:{}", self.house.ports.provider);
        json!({ "format": "iss_sub", "iss": issuer, "sub": sub })
    }

    fn sign(&self, event_type: &str, said: Value, subject: Value) -> String {
        self.transmitter.sign(event_type, said, subject, json!({}))
    }

    /// Pushes a token: the status, and the code where it was not taken.
    async fn push(&self, token: &str) -> (u16, String) {
        self.push_as(&format!("Bearer {TOKEN}"), SET, token).await
    }

    async fn push_as(&self, who: &str, kind: &str, token: &str) -> (u16, String) {
        let mut line = self.house.line("ehr.localhost", Protocol::Http1).await;
        let headers = [("authorization", who), ("content-type", kind)];
        let came = line.post(PATH, &headers, token.as_bytes()).await;
        let body: Value = serde_json::from_str(&came.text).unwrap_or_default();
        (came.status.as_u16(), body["err"].as_str().unwrap_or_default().to_owned())
    }

    /// Pushes an event about somebody, which is taken.
    async fn signal(&self, event_type: &str, said: Value, subject: Value) {
        assert_eq!(self.push(&self.sign(event_type, said, subject)).await, taken(), "{event_type}");
    }

    async fn status(&self, cookie: &str) -> (u16, String) {
        let mut line = self.house.line("ehr.localhost", Protocol::Http1).await;
        let came = line.ask("/", &[("cookie", cookie), ("accept", "application/json")]).await;
        (came.status.as_u16(), came.reason().to_owned())
    }

    async fn is_in(&self, cookie: &str) -> bool {
        self.status(cookie).await.0 == 200
    }
}

fn taken() -> (u16, String) {
    (202, String::new())
}

fn caep(name: &str) -> String {
    format!("{CAEP}{name}")
}

fn risc(name: &str) -> String {
    format!("{RISC}{name}")
}

/// What was done about each signal.
fn steps(events: &[Event]) -> Vec<(&str, SignalStep)> {
    let told = events.iter().filter_map(|event| event.opening.signal.as_deref());
    told.map(|told| (told.kind.map_or("", |kind| kind.as_str()), told.step)).collect()
}

fn causes(events: &[Event]) -> Vec<Cause> {
    events.iter().filter_map(|event| Some(event.opening.revocation.as_ref()?.cause)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_session_is_out_with_all_that_goes_on_by_it_and_its_event_tells_when_it_happened() {
    let watch = Watch::pushed().await;
    let (hers, his) = (watch.house.cookie_of("nurse").await, watch.house.cookie_of("registrar").await);
    let mut line = watch.house.line("ehr.localhost", Protocol::Http1).await;
    let mut download = line.begin("/patients/quiet", &[("cookie", &hers)]).await.into_body();
    let authority = std::fs::read(watch.house.directory.authority()).unwrap();
    let address = ("ehr.localhost", watch.house.ports.gateway);
    let mut socket = web_socket(&authority, address, "/patients/socket", &hers).await;
    let ends = tokio::spawn(async move {
        while download.frame().await.is_some_and(|frame| frame.is_ok()) {}
        let _cut = socket.read_u8().await;
        Instant::now()
    });
    let happened = SystemClock.now().as_seconds() - 3;
    let begun = Instant::now();
    watch
        .signal(&caep("session-revoked"), json!({ "event_timestamp": happened }), watch.person("nurse"))
        .await;
    let accepted = begun.elapsed();
    let last = ends.await.unwrap().duration_since(begun);
    println!("accepted after {accepted:?}, the last byte after {last:?}");
    assert!(accepted < Duration::from_secs(1) && last < Duration::from_secs(1), "{accepted:?}, {last:?}");
    assert_eq!(watch.status(&hers).await, (401, "session-revoked".to_owned()));
    assert!(watch.is_in(&his).await, "nobody else is out");
    let back = watch.house.cookie_of("nurse").await;
    assert!(watch.is_in(&back).await, "who is no leaver may sign in again");

    let events = watch.house.stop().await;
    let told = events.iter().find(|event| event.opening.signal.is_some()).unwrap();
    let signal = told.opening.signal.as_ref().unwrap();
    assert_eq!((told.opening.kind, told.opening.verdict), (EventKind::Administration, Verdict::Permit));
    assert_eq!(told.closing.as_ref().unwrap().status, Some(202));
    assert_eq!((signal.step, &*signal.people[0].sub, signal.more), (SignalStep::CarriedOut, "nurse", 0));
    let ended = events.iter().find(|event| event.opening.revocation.is_some()).unwrap();
    let order = ended.opening.revocation.as_ref().unwrap();
    let came = ended.closing.as_ref().unwrap().revoked.as_ref().unwrap();
    assert_eq!((order.cause, order.request), (Cause::SessionRevokedSignal, Some(told.opening.event)));
    assert_eq!(order.asked.as_seconds(), happened);
    assert!(
        order.asked < order.received
            && Some(order.received) <= came.stored
            && Some(order.received) <= came.cut
    );
    assert_eq!((came.sessions, came.streams), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_account_is_disabled_is_out_and_cannot_sign_in_until_it_is_enabled_not_even_after_a_restart() {
    let watch = Watch::pushed().await;
    let hers = watch.house.cookie_of("nurse").await;
    let signed = SystemClock.now().as_seconds();
    let sign = |name: &str, iat: i64| {
        watch.transmitter.sign(&risc(name), json!({}), watch.person("nurse"), json!({ "iat": iat }))
    };
    let (disabled, enabled) = (sign("account-disabled", signed - 9), sign("account-enabled", signed - 5));
    assert_eq!(watch.push(&disabled).await, taken());
    assert_eq!(watch.status(&hers).await, (401, "session-revoked".to_owned()));
    let refused = |house: &House| {
        let mut browser = house.browser();
        let ehr = house.ehr();
        async move { (browser.open(&format!("{ehr}/")).await.unwrap(), browser) }
    };
    let (page, mut browser) = refused(&watch.house).await;
    let page = watch.house.enter(&mut browser, &page, "nurse").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("Your account here is not active"), "{}", page.text());

    let watch = Watch { house: watch.house.restart().await, ..watch };
    let page = browser.open(&format!("{}/", watch.house.ehr())).await.unwrap();
    assert_eq!(page.status, 403, "a restart forgets nobody: {}", page.text());
    assert_eq!(watch.house.metric("leastway_signals_barred").await, 1);
    assert_eq!(watch.push(&enabled).await, taken());
    let back = watch.house.cookie_of("nurse").await;
    assert!(watch.is_in(&back).await);
    // What came before is accepted again, and nobody is out by it.
    assert_eq!(watch.push(&disabled).await, taken());
    assert_eq!(watch.push(&enabled).await, taken());
    let late = watch.transmitter.sign(
        &risc("account-purged"),
        json!({}),
        watch.person("nurse"),
        json!({ "iat": signed - 7 }),
    );
    assert_eq!(watch.push(&late).await, taken());
    assert!(!watch.is_in(&back).await, "sessions end all the same");
    let again = watch.house.cookie_of("nurse").await;
    assert!(watch.is_in(&again).await, "but nobody is barred by what was signed before they were admitted");

    let events = watch.house.stop().await;
    let expected = [
        ("account-disabled", SignalStep::CarriedOut),
        ("account-enabled", SignalStep::CarriedOut),
        ("account-disabled", SignalStep::TakenBefore),
        ("account-enabled", SignalStep::TakenBefore),
        ("account-purged", SignalStep::Overtaken),
    ];
    assert_eq!(steps(&events), expected);
    assert_eq!(causes(&events), [Cause::AccountDisabled, Cause::AccountPurged]);
    let barred =
        events.iter().filter(|event| event.opening.reasons.first() == Some(&Reason::AccountDisabled));
    assert!(barred.count() >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_signal_does_what_it_calls_for_and_what_calls_for_nothing_is_told_of() {
    let watch = Watch::pushed().await;
    let his = watch.house.cookie_of("registrar").await;
    let ends = [
        (caep("credential-change"), json!({ "change_type": "revoke", "credential_type": "fido2-roaming" })),
        (caep("token-claims-change"), json!({ "claims": { "groups": [] } })),
        (caep("device-compliance-change"), json!({ "current_status": "not-compliant" })),
        (risc("sessions-revoked"), json!({})),
        (risc("account-credential-change-required"), json!({})),
    ];
    for (event_type, said) in ends {
        let hers = watch.house.cookie_of("nurse").await;
        watch.signal(&event_type, said, watch.person("nurse")).await;
        assert_eq!(watch.status(&hers).await, (401, "session-revoked".to_owned()), "{event_type}");
    }
    let hers = watch.house.cookie_of("nurse").await;
    let nothing = [
        (caep("credential-change"), json!({ "change_type": "create" }), watch.person("nurse")),
        (caep("device-compliance-change"), json!({ "current_status": "compliant" }), watch.person("nurse")),
        (caep("session-established"), json!({}), watch.person("nurse")),
        ("https://example.org/heard-of-nothing".to_owned(), json!({}), watch.person("nurse")),
        (caep("session-revoked"), json!({}), json!({ "format": "account", "uri": "acct:nurse@x" })),
        (caep("session-revoked"), json!({}), json!({ "format": "email", "email": "MARKER@clinic.example" })),
        (risc("account-disabled"), json!({}), json!({ "format": "email", "email": "MARKER@clinic.example" })),
        (
            caep("session-revoked"),
            json!({}),
            json!({ "format": "iss_sub", "iss": "https://evil.example", "sub": "nurse" }),
        ),
    ];
    for (event_type, said, subject) in nothing {
        watch.signal(&event_type, said, subject).await;
    }
    assert!(watch.is_in(&hers).await && watch.is_in(&his).await);
    let events = watch.house.stop().await;
    let done: Vec<_> = steps(&events).into_iter().skip(5).collect();
    let expected = [
        ("credential-change", SignalStep::NotActedOn),
        ("device-compliance-change", SignalStep::NotActedOn),
        ("session-established", SignalStep::NotActedOn),
        ("other", SignalStep::NotActedOn),
        ("session-revoked", SignalStep::NobodyMeant),
        ("session-revoked", SignalStep::NobodyMeant),
        ("account-disabled", SignalStep::NobodyMeant),
        ("session-revoked", SignalStep::NobodyMeant),
    ];
    assert_eq!(done, expected);
    let ended = [
        Cause::CredentialChange,
        Cause::TokenClaimsChange,
        Cause::DeviceComplianceChange,
        Cause::SessionsRevokedSignal,
        Cause::CredentialChangeRequired,
    ];
    assert_eq!(causes(&events), ended);
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains("MARKER") && !all.contains(TOKEN), "no address and no token is in an event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_proven_is_forgotten_when_the_provider_is_less_sure() {
    let watch = Watch::pushed().await;
    let sessions = &watch.house.running.shared.sessions;
    let now = SystemClock.now();
    let proven = BTreeMap::from([("mfa".parse().unwrap(), now)]);
    let sign_in = NewSession {
        bond: Bond::default(),
        host: "ehr.localhost".into(),
        provider: "clinic".parse().unwrap(),
        subject: Subject {
            issuer: format!("https://id.localhost:{}", watch.house.ports.provider).into(),
            sub: "analyst".into(),
            name: "Amara".into(),
            groups: vec!["clinic-nursing".to_owned()],
            attributes: BTreeMap::new(),
        },
        assurance: Assurance { auth_time: now, proven, ..Assurance::default() },
        purpose: Purpose::Treatment,
        device: None,
        authenticated: Some(now),
        provider_sid: None,
        id_token: None,
        begun: now,
    };
    let (session, token) = sessions.create(sign_in, now).await.unwrap();
    let cookie = token.set_cookie().split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with(SESSION_COOKIE));
    let proven = |house: &House| {
        let listed = house.running.shared.sessions.list(10, SystemClock.now());
        listed.iter().find(|listed| listed.id == session.id).unwrap().assurance.len()
    };
    watch
        .signal(
            &caep("assurance-level-change"),
            json!({ "change_direction": "increase" }),
            watch.person("analyst"),
        )
        .await;
    assert_eq!(proven(&watch.house), 1);
    watch
        .signal(
            &caep("assurance-level-change"),
            json!({ "change_direction": "decrease" }),
            watch.person("analyst"),
        )
        .await;
    assert_eq!(proven(&watch.house), 0);
    assert!(watch.is_in(&cookie).await, "the session goes on");
    let house = watch.house.restart().await;
    assert_eq!(proven(&house), 0, "so it is after a restart");
    let events = house.stop().await;
    assert_eq!(causes(&events), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_named_by_the_providers_own_word_and_others_go_on() {
    let watch = Watch::open(|address| {
        format!("jwks_uri = \"{address}/keys\"\ntoken = \"file:secrets/signals-token\"")
    })
    .await;
    *watch.transmitter.issuer.lock().unwrap() =
        format!("https://id.localhost:{}", watch.house.ports.provider);
    let (first, second) = (watch.house.cookie_of("nurse").await, watch.house.cookie_of("nurse").await);
    let sessions = &watch.house.running.shared.sessions;
    let value = first.split_once('=').unwrap().1;
    let ids = sessions.list(10, SystemClock.now()).into_iter().map(|listed| listed.id).collect::<Vec<_>>();
    assert!(ids.len() == 2 && !value.is_empty());
    let of_provider = |id: &SessionId| {
        let Found::Session(session) = sessions.current(*id, None, SystemClock.now()) else { return None };
        session.provider_sid.clone()
    };
    let sid = ids.iter().rev().find_map(of_provider).unwrap();
    let session = json!({ "format": "opaque", "id": &*sid });
    let subject = json!({ "format": "complex", "session": session, "user": watch.person("nurse") });
    watch.signal(&caep("session-revoked"), json!({}), subject).await;
    let stand = [watch.is_in(&first).await, watch.is_in(&second).await];
    assert!(stand == [true, false] || stand == [false, true], "one of both: {stand:?}");
    let subject = json!({ "format": "complex", "session": { "format": "opaque", "id": "another" } });
    watch.signal(&caep("session-revoked"), json!({}), subject).await;
    assert_eq!([watch.is_in(&first).await, watch.is_in(&second).await], stand);
    let events = watch.house.stop().await;
    let targets: Vec<_> =
        events.iter().filter_map(|event| Some(&event.opening.revocation.as_ref()?.target)).collect();
    assert!(
        targets.len() == 2 && targets.iter().all(|it| matches!(it, Target::ProviderSession(_))),
        "{targets:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_hold_ends_nothing_and_is_told_by_its_code() {
    let watch = Watch::pushed().await;
    let hers = watch.house.cookie_of("nurse").await;
    let (revoked, nurse) = (caep("session-revoked"), watch.person("nurse"));
    let good = watch.sign(&revoked, json!({}), nurse.clone());
    // What another says, under its signature.
    let part = |token: &str, number| token.split('.').nth(number).unwrap().to_owned();
    let other = watch.sign(&caep("token-claims-change"), json!({}), nurse.clone());
    let changed = [part(&good, 0), part(&other, 1), part(&good, 2)].join(".");
    let with = |changes| watch.transmitter.sign(&revoked, json!({}), nurse.clone(), changes);
    let cases = [
        ("no token", "a.b.c".to_owned(), "invalid_request"),
        ("nothing", String::new(), "invalid_request"),
        ("too large", "a".repeat(9 * 1024), "invalid_request"),
        ("by a key that nobody knows", watch.transmitter.forge(&revoked, nurse.clone()), "invalid_key"),
        ("of another kind", watch.transmitter.sign_as("JWT", &revoked, nurse.clone()), "invalid_request"),
        ("changed", changed, "invalid_key"),
        ("from another", with(json!({ "iss": "https://evil.example" })), "invalid_issuer"),
        ("for another", with(json!({ "aud": "https://elsewhere.example" })), "invalid_audience"),
        ("of last year", with(json!({ "iat": 1 })), "invalid_request"),
        ("of two events", with(json!({ "events": { "a": {}, "b": {} } })), "invalid_request"),
    ];
    for (name, token, code) in cases {
        assert_eq!(watch.push(&token).await, (400, code.to_owned()), "{name}");
    }
    assert_eq!(
        watch.push_as(&format!("Bearer {TOKEN}"), "application/jwt", &good).await.1,
        "invalid_request"
    );
    for who in ["", "Bearer another token than the transmitter's", &format!("Basic {TOKEN}")] {
        assert_eq!(watch.push_as(who, SET, &good).await, (400, "authentication_failed".to_owned()), "{who}");
    }
    let mut line = watch.house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask(PATH, &[("authorization", &format!("Bearer {TOKEN}"))]).await.status, 404);
    assert!(watch.is_in(&hers).await, "nobody is out by any of them");
    watch.transmitter.rotate();
    // A second after the last one that nobody knew.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    watch.signal(&revoked, json!({}), nurse).await;
    assert!(!watch.is_in(&hers).await, "a new key is looked for");

    let events = watch.house.stop().await;
    let refused: Vec<_> =
        events.iter().filter(|event| event.opening.reasons.first() == Some(&Reason::SignalRefused)).collect();
    assert_eq!(refused.len(), 14);
    for event in refused {
        assert_eq!((event.opening.kind, event.opening.verdict), (EventKind::Administration, Verdict::Deny));
        assert_eq!(event.closing.as_ref().unwrap().outcome, Outcome::Refused);
    }
    assert_eq!(causes(&events), [Cause::SessionRevokedSignal]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transmitter_is_asked_one_question_at_a_time_and_told_what_was_carried_out() {
    let watch = Watch::open(|address| {
        format!(
            "issuer = \"{address}\"\npoll = \"{address}/poll\"\npoll_every = \"1s\"\n\
             transmitter_token = \"file:secrets/transmitter-token\""
        )
    })
    .await;
    assert_eq!(watch.push("a.b.c").await.0, 404, "nothing is pushed here");
    let (hers, his) = (watch.house.cookie_of("nurse").await, watch.house.cookie_of("registrar").await);
    let transmitter = &watch.transmitter;
    let begun = Instant::now();
    transmitter.keep(&watch.sign(&caep("session-revoked"), json!({}), watch.person("nurse")), None);
    let (done, refused) = transmitter.emptied().await;
    println!("asked for, carried out and acknowledged after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(2), "it does not wait for the next question");
    assert_eq!((done.len(), refused.len()), (1, 0));
    assert!(!watch.is_in(&hers).await && watch.is_in(&his).await);

    // The one that was signed later holds, whatever the order; and what does not hold is told.
    for (name, before) in [("account-disabled", 0), ("account-enabled", 1)] {
        let (about, at) =
            (watch.person("registrar"), json!({ "iat": SystemClock.now().as_seconds() - before }));
        transmitter.keep(&transmitter.sign(&risc(name), json!({}), about, at), None);
    }
    transmitter.keep(&transmitter.forge(&caep("session-revoked"), watch.person("nurse")), None);
    let misnamed = watch.sign(&caep("session-revoked"), json!({}), watch.person("nurse"));
    transmitter.keep(&misnamed, Some("another-name"));
    let (done, refused) = transmitter.emptied().await;
    assert_eq!(done.len(), 3);
    let mut codes: Vec<_> = refused.values().map(String::as_str).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["invalid_key", "invalid_request"]);
    assert!(!watch.is_in(&his).await);
    assert_eq!(watch.house.metric("leastway_signals_barred").await, 1);

    // One that does not answer is left alone for a while, and then heard again.
    transmitter.is_down(true);
    transmitter.keep(&watch.sign(&risc("account-enabled"), json!({}), watch.person("registrar")), None);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let polls = transmitter.polls();
    transmitter.is_down(false);
    let (done, _) = transmitter.emptied().await;
    assert_eq!(done.len(), 4);
    assert!(polls < 20, "{polls}");
    assert_eq!(transmitter.most_under_way(), 1);
    let house = watch.house;
    let events = house.stop().await;
    let polls = transmitter.polls();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(transmitter.polls(), polls, "who has stopped asks nothing");
    let told: Vec<_> = events.iter().filter(|event| event.opening.signal.is_some()).collect();
    assert_eq!(told.len(), 6, "one event each");
    assert!(
        told.iter().all(|event| event.opening.kind == EventKind::Administration && event.closing.is_some())
    );
    assert_eq!(causes(&events), [Cause::SessionRevokedSignal, Cause::AccountDisabled]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_silent_is_asked_whether_it_is_there_and_says_how_it_stands() {
    let watch = Watch::open(|address| {
        format!(
            "issuer = \"{address}\"\ntoken = \"file:secrets/signals-token\"\nstream = \"stream-1\"\n\
             transmitter_token = \"file:secrets/transmitter-token\""
        )
    })
    .await;
    let receiver = watch.house.running.shared.signals.receivers().remove(0);
    let entropy = leastway::foundation::entropy::SystemEntropy;
    let now = SystemClock.now();
    receiver.ask_whether_there(&entropy, now).await.unwrap();
    assert_eq!(watch.transmitter.asked_to_verify(), [], "something was heard just now");
    receiver.ask_whether_there(&entropy, now.plus(Duration::from_secs(301))).await.unwrap();
    let asked = watch.transmitter.asked_to_verify();
    assert_eq!((asked.len(), &*asked[0].0), (1, "stream-1"));
    let stream = || json!({ "format": "opaque", "id": "stream-1" });
    let verification = format!("{SSF}verification");
    let made_up = watch.sign(&verification, json!({ "state": "made up" }), stream());
    assert_eq!(watch.push(&made_up).await, (400, "invalid_state".to_owned()));
    watch.signal(&verification, json!({ "state": asked[0].1 }), stream()).await;
    watch.signal(&verification, json!({}), stream()).await;
    assert_eq!(watch.house.metric("leastway_signals_enabled").await, 1);
    watch
        .signal(&format!("{SSF}stream-updated"), json!({ "status": "paused", "reason": "x" }), stream())
        .await;
    assert_eq!(watch.house.metric("leastway_signals_enabled").await, 0);
    assert_eq!(watch.house.metric("leastway_signals_silent").await, 0);
    assert!(receiver.has_fallen_silent(now.plus(Duration::from_secs(60 * 60))));
    watch.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transmitter_on_this_machine_has_a_door_of_its_own_and_strangers_are_measured() {
    let transmitter = Transmitter::start().await;
    let house = House::furnish(Neighbors::All, |directory| {
        std::fs::write(directory.root().join("secrets/signals-token"), TOKEN).unwrap();
        let table = format!(
            "[provider.signals]\naudience = \"{AUDIENCE}\"\nissuer = \"{}\"\n\
             token = \"file:secrets/signals-token\"\n\n[gateway.limits]\nsign_ins_per_address = \"3/1m\"",
            transmitter.address
        );
        append(&directory.root().join("leastway.toml"), &table);
    })
    .await;
    let hers = house.cookie_of("nurse").await;
    let watch = Watch { house, transmitter };
    let token = watch.sign(&caep("session-revoked"), json!({}), watch.person("nurse"));
    let push = |who: &str| {
        let head = format!(
            "POST /ssf/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {SET}"
        );
        let text =
            format!("{head}\r\nauthorization: {who}\r\ncontent-length: {}\r\n\r\n{token}", token.len());
        let port = watch.house.ports.control;
        async move { crate::line::plain(port, text.as_bytes()).await }
    };
    let refused = push("Bearer x").await;
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains("authentication_failed"), "{refused}");
    assert!(watch.is_in(&hers).await);
    let reply = push(&format!("Bearer {TOKEN}")).await;
    assert!(reply.starts_with("HTTP/1.1 202 "), "{reply}");
    assert!(!watch.is_in(&hers).await);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(watch.push_as("Bearer x", SET, &token).await.0);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(watch.push(&token).await.0, 202, "whoever brings it is not held up by them");
    let events = watch.house.stop().await;
    assert_eq!(
        steps(&events),
        [("session-revoked", SignalStep::CarriedOut), ("session-revoked", SignalStep::TakenBefore)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_signals_there_is_nothing() {
    let house = House::open(Neighbors::All).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.post(PATH, &[("content-type", SET)], b"a.b.c").await.status, 404);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_persons_risk_counts_for_the_risks_that_are_declared() {
    let watch = Watch::open(|address| {
        format!(
            "issuer = \"{address}\"\ntoken = \"file:secrets/signals-token\"\n\
             [risk.said]\nwhen = \"told\"\nlevel = \"medium\"\nthen = \"note\""
        )
    })
    .await;
    let hers = watch.house.cookie_of("nurse").await;
    let word = |level: &str, principal: &str| json!({ "current_level": level, "principal": principal });
    let levels = [("HIGH", "USER"), ("LOW", "USER"), ("HIGH", "DEVICE"), ("odd", "SESSION")];
    for (level, principal) in levels {
        watch.signal(&caep("risk-level-change"), word(level, principal), watch.person("nurse")).await;
        assert!(watch.is_in(&hers).await, "a risk that is only noted asks nothing");
    }
    let events = watch.house.stop().await;
    let expected =
        [SignalStep::CarriedOut, SignalStep::CarriedOut, SignalStep::NotActedOn, SignalStep::CarriedOut];
    assert_eq!(steps(&events).into_iter().map(|(_, step)| step).collect::<Vec<_>>(), expected);
    let of_requests = events.iter().filter(|event| event.opening.kind == EventKind::Request);
    let hers = of_requests.filter(|event| event.opening.path.as_deref() == Some("/"));
    let at_risk: Vec<bool> = hers.map(|event| !event.opening.risks.is_empty()).collect();
    assert_eq!(at_risk[at_risk.len() - 4..], [true, false, false, true]);
}
