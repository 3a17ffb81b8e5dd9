//! Signals are neither lost nor taken for more than they say: whom a session alone names, whoever brings one and leaves,
//! and a transmitter that sends the same for ever.

use std::time::Duration;

use leastway::domain::event::Outcome;
use leastway::domain::signal::SignalStep;
use leastway::features::session::Found;
use leastway::foundation::clock::{Clock as _, SystemClock};
use serde_json::json;

use super::{Watch, caep, risc, steps, taken};
use crate::house::House;

/// The one session that stands, as its provider calls it.
fn only_sid(house: &House) -> String {
    let (sessions, now) = (&house.running.shared.sessions, SystemClock.now());
    let sid = |id| {
        let Found::Session(session) = sessions.current(id, None, now) else { return None };
        session.provider_sid.clone()
    };
    let sids: Vec<_> = sessions.list(10, now).into_iter().filter_map(|listed| sid(listed.id)).collect();
    assert_eq!(sids.len(), 1);
    sids[0].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_alone_is_enough_and_beside_a_user_whom_nobody_knows_it_goes_on() {
    let watch = Watch::open(|address| {
        format!("jwks_uri = \"{address}/keys\"\ntoken = \"file:secrets/signals-token\"")
    })
    .await;
    *watch.transmitter.issuer.lock().unwrap() =
        format!("https://id.localhost:{}", watch.house.ports.provider);
    let alone = |sid: &str| json!({ "session": { "format": "opaque", "id": sid } });
    for name in ["session-revoked", "token-claims-change", "device-compliance-change"] {
        let hers = watch.house.cookie_of("nurse").await;
        let sid = only_sid(&watch.house);
        let subject =
            if name == "session-revoked" { json!({ "format": "opaque", "id": sid }) } else { alone(&sid) };
        watch.signal(&caep(name), json!({}), subject).await;
        assert!(!watch.is_in(&hers).await, "{name}");
    }
    let hers = watch.house.cookie_of("nurse").await;
    let sid = only_sid(&watch.house);
    watch.signal(&caep("assurance-level-change"), json!({}), alone(&sid)).await;
    watch.signal(&risc("account-disabled"), json!({}), alone(&sid)).await;
    let stranger = json!({ "format": "iss_sub", "iss": "https://evil.example", "sub": "nurse" });
    let session = json!({ "format": "opaque", "id": sid });
    watch.signal(&caep("session-revoked"), json!({}), json!({ "user": stranger, "session": session })).await;
    let session = json!({ "format": "iss_sub", "iss": "https://evil.example", "sub": sid });
    watch.signal(&caep("session-revoked"), json!({}), json!({ "session": session })).await;
    assert!(watch.is_in(&hers).await);
    let events = watch.house.stop().await;
    let expected = [
        ("session-revoked", SignalStep::CarriedOut),
        ("token-claims-change", SignalStep::CarriedOut),
        ("device-compliance-change", SignalStep::CarriedOut),
        ("assurance-level-change", SignalStep::CarriedOut),
        ("account-disabled", SignalStep::NobodyMeant),
        ("session-revoked", SignalStep::NobodyMeant),
        ("session-revoked", SignalStep::NobodyMeant),
    ];
    assert_eq!(steps(&events), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_pushes_may_leave_and_it_is_done_and_written_down_all_the_same() {
    let watch = Watch::pushed().await;
    let hers = watch.house.cookie_of("nurse").await;
    watch.transmitter.keys_after(Duration::from_secs(1));
    let token = watch.sign(&caep("session-revoked"), json!({}), watch.person("nurse"));
    let left = tokio::time::timeout(Duration::from_millis(400), watch.push(&token)).await;
    assert!(left.is_err(), "it was answered in time");
    for _ in 0..40 {
        if !watch.is_in(&hers).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!watch.is_in(&hers).await);
    // Whoever brings it again finds it taken, and so written down.
    assert_eq!(watch.push(&token).await, taken());
    let events = watch.house.stop().await;
    assert_eq!(
        steps(&events),
        [("session-revoked", SignalStep::CarriedOut), ("session-revoked", SignalStep::TakenBefore)]
    );
    let told = events.iter().find(|event| event.opening.signal.is_some()).unwrap();
    assert!(told.opening.note.as_ref().unwrap().contains("whose caller has left"), "{:?}", told.opening.note);
    assert_eq!(told.closing.as_ref().unwrap().outcome, Outcome::Completed);
    let ended = events.iter().find_map(|event| event.opening.revocation.as_ref()).unwrap();
    assert_ne!(ended.request, Some(told.opening.event), "it tells of the request that brought it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transmitter_that_takes_no_acknowledgement_is_not_asked_again_and_again() {
    let watch = Watch::open(|address| {
        format!(
            "issuer = \"{address}\"\npoll = \"{address}/poll\"\npoll_every = \"1s\"\n\
             transmitter_token = \"file:secrets/transmitter-token\""
        )
    })
    .await;
    watch.transmitter.is_deaf(true);
    let hers = watch.house.cookie_of("nurse").await;
    watch.transmitter.keep(&watch.sign(&caep("session-revoked"), json!({}), watch.person("nurse")), None);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!watch.is_in(&hers).await);
    let polls = watch.transmitter.polls();
    assert!(polls < 10, "{polls}");
    let events = watch.house.stop().await;
    assert!(steps(&events).len() < 10);
}
