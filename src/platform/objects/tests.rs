//! A bucket in front of a small server that speaks as S3 does.

use super::fake::{LOCK, Shared, bucket_at};
use super::*;

async fn bucket(server: &Shared, lock: Option<LockMode>) -> Bucket {
    let settings = bucket_at(server, lock).await;
    assert!(!format!("{settings:?}").contains("never printed"));
    Bucket::new(&settings).unwrap()
}

fn keep(is_held: bool) -> Keep {
    Keep { until: "2036-04-01T00:00:00Z".parse().unwrap(), is_held }
}

const KEY: &str = "/journal/gateway-1/one";

#[tokio::test]
async fn what_is_put_is_locked_by_fields_that_are_signed() {
    let server = Shared::default();
    let bucket = bucket(&server, Some(LockMode::Compliance)).await;
    let version = bucket.put_bytes("one", b"bytes".to_vec(), keep(true)).await.unwrap();
    assert_eq!(version.as_deref(), Some("v1"));
    let server = server.lock().unwrap();
    let (_, _, signed) = &server.asked[0];
    for field in [
        "host",
        "x-amz-object-lock-mode",
        "x-amz-object-lock-retain-until-date",
        "x-amz-object-lock-legal-hold",
        "x-amz-sdk-checksum-algorithm",
    ] {
        assert!(signed.split(';').any(|it| it == field), "{field}: {signed}");
    }
    let lock = ["COMPLIANCE", "2036-04-01T00:00:00.000Z", "ON"].map(|it| Some(it.to_owned()));
    assert_eq!(server.locks[KEY], lock);
    // The very version is looked at, by a request that is signed too.
    let (method, target, signed) = server.asked.last().unwrap();
    assert_eq!((method.as_str(), target.as_str()), ("HEAD", "/journal/gateway-1/one?versionId=v1"));
    assert_eq!(signed, "host;x-amz-content-sha256;x-amz-date");
}

#[test]
fn a_lock_is_believed_as_servers_tell_it_and_only_if_it_keeps_long_enough() {
    let told = |fields: [&str; 3], is_held| {
        let fields = LOCK.into_iter().zip(fields).filter(|(_, value)| !value.is_empty());
        let headers = fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        wire::Locked { mode: LockMode::Compliance, keep: keep(is_held) }.is_told(&headers)
    };
    for until in [
        "2036-04-01T00:00:00Z",
        "2036-04-01T00:00:00.000Z",
        "2036-04-01T00:00:00.123456789Z",
        "2036-04-01T02:00:00+02:00",
        "2040-01-01T00:00:00Z",
    ] {
        assert!(told(["COMPLIANCE", until, ""], false), "{until}");
        assert!(told(["COMPLIANCE", until, "ON"], true), "{until}");
    }
    for (fields, is_held) in [
        (["COMPLIANCE", "2036-03-31T23:59:59.999Z", ""], false),
        (["COMPLIANCE", "2036-04-01T00:00:00+02:00", ""], false),
        (["COMPLIANCE", "", ""], false),
        (["COMPLIANCE", "Tue, 01 Apr 2036 00:00:00 GMT", ""], false),
        (["GOVERNANCE", "2036-04-01T00:00:00Z", ""], false),
        (["", "2036-04-01T00:00:00Z", ""], false),
        (["COMPLIANCE", "2036-04-01T00:00:00Z", ""], true),
        (["COMPLIANCE", "2036-04-01T00:00:00Z", "OFF"], true),
    ] {
        assert!(!told(fields, is_held), "{fields:?}");
    }
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_comes_back_in_pieces() {
    let server = Shared::default();
    let bucket = bucket(&server, Some(LockMode::Governance)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|it| u8::try_from(it % 251).unwrap()).collect();
    std::fs::write(&file, &bytes).unwrap();
    bucket.put("one", &file, keep(false)).await.unwrap();
    assert!(server.lock().unwrap().objects[KEY] == bytes);
    assert_eq!(server.lock().unwrap().locks[KEY][0].as_deref(), Some("GOVERNANCE"));
    let parts =
        server.lock().unwrap().asked.iter().filter(|(_, target, _)| target.contains("partNumber")).count();
    assert_eq!(parts, 3);
    assert!(bucket.read("one", None, 0..1000).await.unwrap() == bytes[..1000]);
    let end = bytes.len() as u64;
    assert!(bucket.read("one", None, end - 10..end).await.unwrap() == bytes[bytes.len() - 10..]);
}

#[tokio::test]
async fn a_bucket_that_forgets_the_lock_is_found() {
    let server = Shared::default();
    server.lock().unwrap().forgets = true;
    let locking = bucket(&server, Some(LockMode::Compliance)).await;
    let refused = locking.put_bytes("one", b"bytes".to_vec(), keep(false)).await.unwrap_err();
    assert!(matches!(refused, ObjectsError::Unlocked { .. }), "{refused}");
    assert_eq!(locking.examine().await.unwrap(), Examined { versioned: true, lockable: false });
    let loose = bucket(&server, None).await;
    loose.put_bytes("one", b"bytes".to_vec(), keep(false)).await.unwrap();
    assert_eq!(loose.read_all("one", None).await.unwrap(), b"bytes");
}

#[tokio::test]
async fn a_hold_is_laid_on_and_lifted_and_a_lock_refuses_removal_with_its_word() {
    let server = Shared::default();
    let bucket = bucket(&server, Some(LockMode::Compliance)).await;
    bucket.put_bytes("one", b"bytes".to_vec(), keep(false)).await.unwrap();
    bucket.hold("one", Some("v1"), true).await.unwrap();
    assert_eq!(server.lock().unwrap().locks[KEY][2].as_deref(), Some("ON"));
    bucket.hold("one", Some("v1"), false).await.unwrap();
    assert_eq!(server.lock().unwrap().locks[KEY][2], None);
    let refused = bucket.remove("one", Some("v1")).await.unwrap_err();
    assert_eq!(refused, ObjectsError::Refused { status: 403, code: " AccessDenied".to_owned() });
    assert!(matches!(bucket.read_all("two", None).await, Err(ObjectsError::Absent(_))));
}

#[tokio::test]
async fn a_server_that_is_away_is_told_without_a_secret() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = BucketSettings {
        endpoint: format!("http://{gone}"),
        bucket: "journal".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: String::new(),
        access_key: Secret::new("account".to_owned()),
        secret_key: Secret::new("never printed".to_owned()),
        authorities: Some(
            rcgen::generate_simple_self_signed(["localhost".to_owned()])
                .unwrap()
                .cert
                .pem()
                .as_bytes()
                .into(),
        ),
        lock: None,
    };
    let told = Bucket::new(&settings).unwrap().examine().await.unwrap_err().to_string();
    assert!(told.contains("cannot be reached") && !told.contains("never printed"), "{told}");
}
