//! No token of a program stands anywhere: not in the log, the journal, the store or the metrics.

use serde_json::json;

use super::{BILLING, LAB, Works};
use crate::traces::{Log, files_below, find};

/// In the text of a token that says nothing itself.
const OPAQUE: &str = "Marker-Opaque-8f31c0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_access_token_is_written_down() {
    let log = Log::keep();
    let works = Works::open(&format!("{BILLING}{LAB}")).await;
    works.machines.vouch(OPAQUE, json!({ "active": true, "client_id": "lab-import" }));
    let good = works.token(json!({}));
    let bad = works.token(json!({ "aud": "urn:other", "jti": "marker-jti-bad" }));
    let unknown = works.token(json!({ "client_id": "other", "jti": "marker-jti-unknown" }));
    for (token, status) in [(good.as_str(), 200), (OPAQUE, 200), (&bad, 401), (&unknown, 401)] {
        assert_eq!(works.ask("/patients/7", token).await.status, status);
    }
    let refused = works.line().await.ask("/patients/7", &[("authorization", &format!("DPoP {good}"))]).await;
    assert_eq!(refused.status, 401);
    works.machines.is_down(true);
    assert_eq!(works.ask("/patients/7", &format!("{OPAQUE}-2")).await.status, 502);

    let metrics = works.house.control("/metrics").await.1;
    let mut places = vec![("metrics".to_owned(), metrics.into_bytes())];
    let root = works.house.file("data");
    files_below(&root, &mut places);
    works.house.running.reload().await;
    places.push(("log".to_owned(), log.bytes()));
    assert!(
        places.iter().any(|(_, bytes)| find(bytes, "billing")) && places.len() > 3,
        "they are looked through"
    );
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let markers =
        [OPAQUE.to_owned(), signature(&good), signature(&bad), signature(&unknown), "marker-jti".to_owned()];
    for (place, bytes) in &places {
        for marker in &markers {
            assert!(!find(bytes, marker), "{marker} stands in {place}");
        }
    }
    works.house.stop().await;
}
