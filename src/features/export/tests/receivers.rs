//! Receivers by HTTP.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::features::export::settings::SigningSecret;
use crate::foundation::secret::Secret;

#[tokio::test]
async fn what_fails_is_sent_again_and_is_the_same_message() {
    let folder = tempfile::tempdir().unwrap();
    let (address, came) = receiver(|number, _| match number {
        1 => status(500, ""),
        2 => Response::builder().status(429).header("retry-after", "1").body(String::new()).unwrap(),
        _ => status(204, ""),
    })
    .await;
    let mut settings = http(folder.path(), address, Protocol::Webhook);
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    if let Target::Http(target) = &mut settings.target {
        target.signing = Some(SigningSecret::parse(key).unwrap());
        target.token = Some(Secret::new("bearer-token".to_owned()));
        target.headers = vec![("x-tenant".parse().unwrap(), "clinic".parse().unwrap())];
    }
    let (mut courier, standing) = courier(settings);
    let begun = std::time::Instant::now();
    assert_eq!(deliver(&mut courier, &documents(1..4)).await, Delivery::Done);
    assert!(
        begun.elapsed() >= Duration::from_millis(1500),
        "half a second, and the second that was asked for"
    );
    assert_eq!(counted(&standing), (3, 2, 0));

    let came = came.lock().unwrap();
    let text = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(came.len(), 3);
    for (headers, body) in came.iter() {
        assert_eq!(numbers(body), [1, 2, 3]);
        assert_eq!(
            text(headers, "webhook-id"),
            text(&came[0].0, "webhook-id"),
            "the same, the same identifier"
        );
        let signed = format!("{}.{}.{body}", text(headers, "webhook-id"), text(headers, "webhook-timestamp"));
        let key =
            hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key.strip_prefix("whsec_").unwrap()).unwrap());
        let signature = text(headers, "webhook-signature");
        let signature = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
        assert_eq!(text(headers, "authorization"), "Bearer bearer-token");
        assert_eq!(
            (text(headers, "x-tenant"), text(headers, "content-type")),
            ("clinic".into(), "application/json".into())
        );
    }
}

#[tokio::test]
async fn a_receiver_that_breaks_off_has_taken_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut reads = Vec::new();
        for reply in ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut place = vec![0; 65_536];
            let read = stream.read(&mut place).await.unwrap();
            reads.push(String::from_utf8_lossy(&place[..read]).into_owned());
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        reads
    });
    let (mut courier, standing) = courier(http(folder.path(), address, Protocol::Json));
    assert_eq!(deliver(&mut courier, &documents(1..3)).await, Delivery::Done);
    assert_eq!(counted(&standing), (2, 2, 0));
    assert_eq!(served.await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_batch_is_only_so_large() {
    let folder = tempfile::tempdir().unwrap();
    let (address, came) = receiver(|_, _| status(200, "")).await;
    let settings = ExportSettings { batch: 4, ..http(folder.path(), address, Protocol::Json) };
    let (mut courier, _) = courier(settings);
    assert_eq!(deliver(&mut courier, &documents(0..10)).await, Delivery::Done);
    let sizes: Vec<_> = came.lock().unwrap().iter().map(|(_, body)| numbers(body)).collect();
    assert_eq!(sizes, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);

    // Three of a megabyte and a half each: one at a time.
    let large =
        |number| document(number, &format!("{{\"number\":{number},\"x\":\"{}\"}}", "x".repeat(1_500_000)));
    came.lock().unwrap().clear();
    assert_eq!(deliver(&mut courier, &[large(1), large(2), large(3)]).await, Delivery::Done);
    assert_eq!(came.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn each_entry_of_a_batch_of_fhir_has_a_fate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |status: &str| format!(r#"{{"response":{{"status":"{status}"}}}}"#);
    let bundle = |entries: &[String]| {
        format!(r#"{{"resourceType":"Bundle","type":"batch-response","entry":[{}]}}"#, entries.join(","))
    };
    let first = bundle(&[entry("201 Created"), entry("422"), entry("503 Busy"), entry("201")]);
    let second = bundle(&[entry("201"), entry("201")]);
    let (address, came) = receiver(move |number, _| match number {
        1 => status(200, &first),
        2 => status(200, "{}"),
        _ => status(200, &second),
    })
    .await;
    let (mut courier, standing) = courier(http(folder.path(), address, Protocol::Fhir));
    assert_eq!(deliver(&mut courier, &documents(1..5)).await, Delivery::Done);
    assert_eq!(counted(&standing), (3, 2, 1), "the second reply told of nothing, so it came again");
    let refused = std::fs::read_to_string(folder.path().join("refused.ndjson")).unwrap();
    assert!(refused.contains(r#""document":"{\"number\":2}""#) && refused.lines().count() == 1, "{refused}");

    let came = came.lock().unwrap();
    let sent: Vec<Vec<u64>> = came
        .iter()
        .map(|(headers, body)| {
            assert_eq!(headers["content-type"], "application/fhir+json");
            let bundle: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"batch".into()));
            let entries = bundle["entry"].as_array().unwrap();
            assert!(
                entries
                    .iter()
                    .all(|it| it["request"] == serde_json::json!({"method":"POST","url":"AuditEvent"}))
            );
            entries.iter().map(|it| it["resource"]["number"].as_u64().unwrap()).collect()
        })
        .collect();
    // In order: from the first that was not taken on.
    assert_eq!(sent, [vec![1, 2, 3, 4], vec![3, 4], vec![3, 4]]);
}

#[tokio::test]
async fn a_partial_success_is_not_sent_again_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let partial = r#"{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}"#;
    let warning = r#"{"partialSuccess":{"errorMessage":"slow down"}}"#;
    let (address, came) = receiver(move |number, _| match number {
        1 => status(200, partial),
        2 => status(200, warning),
        _ => status(200, "{}"),
    })
    .await;
    let (mut courier, standing) = courier(http(folder.path(), address, Protocol::Otlp));
    for from in [0, 3, 6] {
        assert_eq!(deliver(&mut courier, &documents(from..from + 3)).await, Delivery::Done);
    }
    assert_eq!(counted(&standing), (8, 0, 1));
    let refused = std::fs::read_to_string(folder.path().join("refused.ndjson")).unwrap();
    assert_eq!(refused.lines().count(), 3, "which of them was rejected is not said: {refused}");
    assert!(refused.contains("too old"));
    let came = came.lock().unwrap();
    let body: serde_json::Value = serde_json::from_str(&came[2].1).unwrap();
    let resource = &body["resourceLogs"][0];
    let records = resource["scopeLogs"][0]["logRecords"].as_array().unwrap();
    assert_eq!(records.iter().map(|it| it["number"].as_u64().unwrap()).collect::<Vec<_>>(), [6, 7, 8]);
    let host = serde_json::json!({"key":"service.instance.id","value":{"stringValue":"node-1"}});
    assert!(resource["resource"]["attributes"].as_array().unwrap().contains(&host));
}

#[tokio::test]
async fn whoever_waits_for_a_receiver_ends_when_there_is_to_be_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = receiver(|_, _| {
        Response::builder().status(503).header("retry-after", "3600").body(String::new()).unwrap()
    })
    .await;
    let (mut courier, standing) = courier(http(folder.path(), address, Protocol::Json));
    let (stop, mut stopped) = watch::channel(false);
    let stopping = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.send_replace(true);
    });
    let documents = documents(0..1);
    let ended =
        tokio::time::timeout(Duration::from_secs(10), courier.deliver(&documents, &mut stopped)).await;
    assert_eq!(ended.unwrap(), Delivery::Stopped);
    stopping.await.unwrap();
    assert_eq!(counted(&standing), (0, 1, 0));
    let fault = standing.now("x".parse().unwrap(), 0, MORNING).fault;
    assert_eq!(fault.as_deref(), Some("it answered 503"));
}
