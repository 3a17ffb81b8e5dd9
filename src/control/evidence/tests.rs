use std::io::{Cursor, Read as _};

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::tests::{House, TOKEN, start};
use super::*;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::domain::rulebook::Rulebook;
use crate::features::audit::archive::Elsewhere;
use crate::features::audit::prove;
use crate::features::audit::rulebooks::keep;
use crate::features::audit::tree::keys::{known, last_signer};
use crate::features::evidence::Manifest;
use crate::features::evidence::check::check;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::RequestId;
use crate::platform::http::body::read_bounded;

/// A configuration, kept beside the journal: its version.
fn rules(house: &House, text: &str) -> String {
    let mut book = Rulebook::default();
    book.add("/etc/leastway/leastway.toml".to_owned(), text.to_owned());
    keep(&house.state.journal_directory, &book).unwrap();
    book.version().short()
}

/// Somebody is denied the record of patient 47-11, under these rules.
async fn deny(house: &House, number: u64, version: &str) {
    let event = RequestId::new(start(), &SeededEntropy::new(number));
    let patient = PatientRef::new("ehr".parse().unwrap(), "47-11".to_owned());
    let opening = Opening {
        application: Some("ehr".parse().unwrap()),
        patient: Some(patient.digest(house.state.journal.patient_key())),
        verdict: Verdict::Deny,
        reasons: vec![Reason::NoRuleMatched],
        rules_version: Some(version.into()),
        ..Opening::begin(event, EventKind::Request, start())
    };
    let closing = Closing::of(event, start(), Outcome::Refused);
    house.state.journal.record(&opening, Some(&closing)).await.unwrap();
}

async fn ask(house: &House, question: Value) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::post("/api/v1/evidence")
        .header("host", "127.0.0.1:9443")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::from(question.to_string()))
        .unwrap();
    let reply = house.router().oneshot(request).await.unwrap();
    let (status, headers) = (reply.status(), reply.headers().clone());
    let body = read_bounded(reply.into_body(), 4 * 1024 * 1024).await.unwrap();
    (status, headers, body.to_vec())
}

/// The pack, if it is what the journal's key has signed.
fn opened(house: &House, pack: &[u8]) -> (Manifest, zip::ZipArchive<Cursor<Vec<u8>>>) {
    let key = house.state.journal.signing_key().unwrap();
    let checked = check(Cursor::new(pack), &[key.verifier().clone()]).unwrap();
    (checked.manifest, zip::ZipArchive::new(Cursor::new(pack.to_vec())).unwrap())
}

fn text(archive: &mut zip::ZipArchive<Cursor<Vec<u8>>>, path: &str) -> String {
    let mut text = String::new();
    archive.by_name(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_pack_shows_what_was_denied_the_rules_and_what_changed_and_tells_no_number_of_a_patient() {
    let house = House::open().await;
    let (old, new) = (rules(&house, "version = 1\n"), rules(&house, "version = 1\n# wider\n"));
    deny(&house, 1, &old).await;
    deny(&house, 2, &new).await;
    let question = json!({ "all": true, "since": "2026-01-01T00:00:00Z", "until": "2026-04-01T00:00:00Z" });
    let (status, headers, pack) = ask(&house, question).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&pack));
    assert_eq!(headers["content-type"], "application/zip");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"evidence-2026-01-01-2026-04-01.zip\"");

    let (manifest, mut archive) = opened(&house, &pack);
    assert_eq!(manifest.safeguards, Safeguard::ALL);
    assert!(manifest.journal.is_sound && manifest.journal.fault.is_none());
    assert_eq!(manifest.rules, [old.clone(), new.clone()]);
    let refusals = text(&mut archive, "events/refusals.csv");
    assert_eq!(refusals.matches("no-rule-matched").count(), 2, "{refusals}");
    assert!(refusals.contains(&old) && refusals.contains(&new), "{refusals}");
    let first = text(&mut archive, &format!("policies/0001-{old}/01-leastway.toml"));
    assert_eq!(first, "version = 1\n");
    let changes = text(&mut archive, "policies/changes/0001-to-0002.diff");
    assert!(
        changes.contains("--- /etc/leastway/leastway.toml\n") && changes.contains("\n+# wider\n"),
        "{changes}"
    );
    let verification = text(&mut archive, "verification/verification.txt");
    assert!(verification.starts_with("The journal fits, every byte of it.\n"), "{verification}");
    let page = text(&mut archive, "index.html");
    assert!(page.contains("45 CFR 164.312(b)") && page.contains("events/refusals.csv"));
    for path in manifest.files.iter().map(|file| file.path.clone()) {
        assert!(!text(&mut archive, &path).contains("47-11"), "{path} tells the number of a patient");
    }

    // The newest checkpoint goes on from the first of the period, by the public key alone.
    let proof = text(&mut archive, "checkpoints/consistency.json");
    let keys = known(&house.state.journal_directory).unwrap();
    assert!(matches!(prove::check(&proof, &keys), Ok(prove::Checked::Consistency { .. })));
    let days = text(&mut archive, "checkpoints/days.txt");
    assert!(days.contains("time 2026-03-01T08:00:00.000Z"), "{days}");
}

#[tokio::test]
async fn the_same_pack_comes_again_byte_for_byte_although_asking_is_an_event() {
    let house = House::open().await;
    let version = rules(&house, "version = 1\n");
    deny(&house, 1, &version).await;
    let question = |through: Option<&str>| {
        json!({
            "safeguards": ["164.502(b)", "164.312(a)(1)"], "since": "2026-01-01T00:00:00Z",
            "until": "2026-04-01T00:00:00Z", "language": "es", "through": through,
        })
    };
    let (status, _, one) = ask(&house, question(None)).await;
    assert_eq!(status, StatusCode::OK);
    let (manifest, _) = opened(&house, &one);
    assert_eq!(manifest.safeguards, [Safeguard::AccessControl, Safeguard::MinimumNecessary]);
    let notes: Vec<_> =
        house.administration().iter().filter_map(|event| event.opening.note.clone()).collect();
    let expected = "an evidence pack was made of 164.312(a)(1), 164.502(b), from 2026-01-01T00:00:00.000Z to \
                    2026-04-01T00:00:00.000Z";
    assert_eq!(notes, [expected]);

    deny(&house, 2, &version).await;
    let (status, _, other) = ask(&house, question(None)).await;
    assert!(status == StatusCode::OK && other != one, "there is more to show");
    let (status, _, again) = ask(&house, question(manifest.journal.last.as_deref())).await;
    assert_eq!(status, StatusCode::OK);
    assert!(again == one, "the same up to the same entry");

    // And from the files alone.
    house.state.journal.close();
    let directory = &house.state.journal_directory;
    let key = last_signer(directory, None).unwrap().unwrap();
    let asked: Question = serde_json::from_value(question(manifest.journal.last.as_deref())).unwrap();
    let source = Source { directory, key, bytes_max: u64::MAX, missing: Elsewhere::default() };
    let (offline, _) =
        make(&source, &asked.order(start()).unwrap(), &|| true, Cursor::new(Vec::new())).unwrap();
    assert!(offline.into_inner() == one);
}

#[tokio::test]
async fn what_is_missing_or_not_understood_is_told_and_leaves_no_event() {
    let house = House::open().await;
    let since = "2026-01-01T00:00:00Z";
    let cases = [
        (json!({}), "name one or more"),
        (json!({ "since": since }), "name one or more"),
        (json!({ "all": true }), "`since`"),
        (json!({ "all": true, "since": since, "until": since }), "`since`"),
        (json!({ "all": true, "since": since, "language": "fr" }), "English"),
        (json!({ "all": true, "since": since, "through": "7" }), "SEQUENCE:HASH"),
        (json!({ "safeguards": ["164.1"], "since": since }), "say as JSON"),
        (json!({ "safeguard": "164.312(b)", "since": since }), "say as JSON"),
    ];
    for (question, hint) in cases {
        let (status, _, body) = ask(&house, question.clone()).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(status == StatusCode::BAD_REQUEST && body.contains(hint), "{question}: {body}");
    }
    assert!(house.administration().is_empty());
}

#[tokio::test]
async fn a_journal_that_was_changed_is_told_and_nothing_behind_the_change_is_shown() {
    let house = House::open().await;
    let version = rules(&house, "version = 1\n");
    deny(&house, 1, &version).await;
    deny(&house, 2, &version).await;
    house.state.journal.close();
    let directory = &house.state.journal_directory;
    let segment = directory.join("00000000000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let second = RequestId::new(start(), &SeededEntropy::new(2)).to_string();
    let place = bytes.windows(second.len()).position(|window| window == second.as_bytes()).unwrap();
    bytes[place] ^= 1;
    std::fs::write(&segment, bytes).unwrap();

    let asked: Question = serde_json::from_value(json!({
        "all": true, "since": "2026-01-01T00:00:00Z", "until": "2026-04-01T00:00:00Z",
    }))
    .unwrap();
    let key = last_signer(directory, None).unwrap().unwrap();
    let source = Source { directory, key: key.clone(), bytes_max: u64::MAX, missing: Elsewhere::default() };
    let made = make(&source, &asked.order(start()).unwrap(), &|| true, Cursor::new(Vec::new()));
    let (pack, manifest) = made.unwrap();
    assert!(!manifest.journal.is_sound && manifest.journal.fault.is_some());
    check(Cursor::new(pack.get_ref()), &[key.verifier().clone()]).unwrap();
    let mut archive = zip::ZipArchive::new(pack).unwrap();
    let refusals = text(&mut archive, "events/refusals.csv");
    assert_eq!(refusals.matches("no-rule-matched").count(), 1, "{refusals}");
    assert!(text(&mut archive, "index.html").contains("The journal is not as it was written."));
}

#[tokio::test]
async fn nobody_makes_a_pack_for_whoever_has_left() {
    let house = House::open().await;
    let directory = &house.state.journal_directory;
    let asked: Question = serde_json::from_value(
        json!({ "all": true, "since": "2026-01-01T00:00:00Z", "until": "2026-04-01T00:00:00Z" }),
    )
    .unwrap();
    let key = house.state.journal.signing_key().unwrap();
    let source = Source { directory, key, bytes_max: u64::MAX, missing: Elsewhere::default() };
    let made = make(&source, &asked.order(start()).unwrap(), &|| false, Cursor::new(Vec::new()));
    assert!(matches!(made, Err(MakeError::Left)));
}
