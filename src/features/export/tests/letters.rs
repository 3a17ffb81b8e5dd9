//! What a receiver will never take.

use super::*;

#[tokio::test]
async fn the_one_that_is_refused_is_found_and_kept_and_the_others_pass_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let is_meant = |body: &str| numbers(body).iter().any(|number| [5, 11].contains(number));
    let (address, came) =
        receiver(
            move |_, body| {
                if is_meant(body) { status(400, "no such field: number") } else { status(200, "") }
            },
        )
        .await;
    let (mut courier, standing) = courier(http(folder.path(), address, Protocol::Json));
    assert_eq!(deliver(&mut courier, &documents(0..20)).await, Delivery::Done);
    assert_eq!(counted(&standing), (18, 0, 2));
    let taken: Vec<u64> = came
        .lock()
        .unwrap()
        .iter()
        .filter(|(_, body)| !is_meant(body))
        .flat_map(|(_, body)| numbers(body))
        .collect();
    let expected: Vec<u64> = (0..20).filter(|number| ![5, 11].contains(number)).collect();
    assert_eq!(taken, expected, "each once, in order");

    let kept = std::fs::read_to_string(folder.path().join("refused.ndjson")).unwrap();
    let kept: Vec<serde_json::Value> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0]["sequence"], &kept[0]["document"]), (&5.into(), &r#"{"number":5}"#.into()));
    assert_eq!(
        (&kept[1]["why"], &kept[1]["said"]),
        (&"it answered 400".into(), &"no such field: number".into())
    );
    assert_eq!(
        (&kept[1]["export"], &kept[1]["refused_at"]),
        (&"x".into(), &"2026-03-01T08:00:00.000Z".into())
    );
}

#[tokio::test]
async fn where_it_is_to_stop_nothing_passes_the_one_that_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (address, came) =
        receiver(|_, body| if numbers(body).contains(&2) { status(422, "") } else { status(200, "") }).await;
    let settings =
        ExportSettings { on_refused: OnRefused::Stop, ..http(folder.path(), address, Protocol::Json) };
    let (mut courier, standing) = courier(settings);
    let (_stop, mut stopped) = watch::channel(false);
    let documents = documents(0..5);
    let delivery = courier.deliver(&documents, &mut stopped);
    assert!(tokio::time::timeout(Duration::from_secs(1), delivery).await.is_err(), "it waits");
    assert_eq!(counted(&standing), (2, 1, 0));
    assert!(!folder.path().join("refused.ndjson").exists());
    assert!(
        came.lock()
            .unwrap()
            .iter()
            .all(|(_, body)| numbers(body).contains(&2) || !numbers(body).contains(&3))
    );
}

#[tokio::test]
async fn what_cannot_be_kept_is_offered_again() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) =
        receiver(|number, _| if number == 1 { status(400, "") } else { status(200, "") }).await;
    let settings = http(folder.path(), address, Protocol::Json);
    let settings = ExportSettings { refused: folder.path().join("nowhere/refused.ndjson"), ..settings };
    let (mut courier, standing) = courier(settings);
    assert_eq!(deliver(&mut courier, &documents(0..1)).await, Delivery::Done);
    assert_eq!(counted(&standing), (1, 1, 0), "nothing is lost");
}
