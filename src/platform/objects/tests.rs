//! A bucket in front of a small server that speaks as S3 does, and looks at what it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::foundation::digest::Digest;

/// What the server has and does.
#[derive(Debug, Default)]
struct Server {
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<u32, Vec<u8>>,
    /// The lock of each object: mode, until and hold.
    locks: BTreeMap<String, [Option<String>; 3]>,
    /// Whether it forgets locks, as servers do that know of none.
    forgets: bool,
    /// What was asked: method, target, the fields that are signed.
    asked: Vec<(String, String, String)>,
}

type Shared = Arc<Mutex<Server>>;

async fn serve(State(server): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let field = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let authorization = field("authorization").unwrap();
    let signed = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let digest = Digest::of(&body);
    assert_eq!(field("x-amz-content-sha256").unwrap(), digest.to_string());
    if let Some(checksum) = field("x-amz-checksum-sha256") {
        assert_eq!(checksum, STANDARD.encode(digest.as_bytes()));
    }
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let mut server = server.lock().unwrap();
    server.asked.push((head.method.to_string(), format!("{path}?{query}"), signed));
    let answer = |status: u16, xml: &str| {
        let response =
            Response::builder().status(status).header("etag", "\"1\"").header("x-amz-version-id", "v1");
        response.body(Body::from(xml.to_owned())).unwrap()
    };
    let locked = |server: &mut Server| {
        let names = ["mode", "retain-until-date", "legal-hold"];
        let lock = names.map(|name| field(&format!("x-amz-object-lock-{name}")));
        if !server.forgets {
            server.locks.insert(path.clone(), lock);
        }
    };
    match (head.method.as_str(), query.as_str()) {
        ("PUT", "") => {
            locked(&mut server);
            server.objects.insert(path, body);
            answer(200, "")
        }
        ("POST", "uploads=") => {
            locked(&mut server);
            answer(
                200,
                "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
            )
        }
        ("PUT", part) if part.starts_with("partNumber=") => {
            let number = part["partNumber=".len()..].split('&').next().unwrap().parse().unwrap();
            server.parts.insert(number, body);
            answer(200, "")
        }
        ("POST", "uploadId=u1") => {
            let whole = std::mem::take(&mut server.parts).into_values().flatten().collect();
            server.objects.insert(path, whole);
            answer(200, "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>")
        }
        ("PUT", hold) if hold.starts_with("legal-hold") => {
            let is_on = String::from_utf8(body).unwrap().contains("<Status>ON</Status>");
            server.locks.get_mut(&path).unwrap()[2] = is_on.then(|| "ON".to_owned());
            answer(200, "")
        }
        ("GET", retention) if retention.starts_with("retention") => match server.locks.get(&path) {
            Some([Some(mode), Some(until), _]) => answer(
                200,
                &format!(
                    "<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
                ),
            ),
            Some(_) | None => answer(404, "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>"),
        },
        ("GET", "versioning") => {
            answer(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        }
        ("GET", "object-lock") if server.forgets => {
            answer(404, "<Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>")
        }
        ("GET", "object-lock") => answer(
            200,
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        ),
        ("DELETE", _) if server.locks.get(&path).is_some_and(|lock| lock[0].is_some()) => {
            answer(403, "<Error><Code>AccessDenied</Code></Error>")
        }
        ("GET", _) => match (server.objects.get(&path), field("range")) {
            (None, _) => answer(404, "<Error><Code>NoSuchKey</Code></Error>"),
            (Some(object), None) => Response::builder()
                .header("etag", "\"1\"")
                .header("last-modified", "Sun, 01 Mar 2026 08:00:00 GMT")
                .body(Body::from(object.clone()))
                .unwrap(),
            (Some(object), Some(range)) => {
                let (from, to) = range["bytes=".len()..].split_once('-').unwrap();
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                let to = to.min(object.len() - 1);
                Response::builder()
                    .status(206)
                    .header("etag", "\"1\"")
                    .header("last-modified", "Sun, 01 Mar 2026 08:00:00 GMT")
                    .header("content-range", format!("bytes {from}-{to}/{}", object.len()))
                    .body(Body::from(object[from..=to].to_vec()))
                    .unwrap()
            }
        },
        other => panic!("{other:?}"),
    }
}

async fn bucket(server: &Shared, lock: Option<LockMode>) -> Bucket {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let router = Router::new().fallback(serve).with_state(server.clone());
    tokio::spawn(IntoFuture::into_future(axum::serve(listener, router)));
    // It is used as written: whoever is on this machine needs no certificate.
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let settings = BucketSettings {
        endpoint,
        bucket: "journal".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: "gateway-1".to_owned(),
        access_key: Secret::new("account".to_owned()),
        secret_key: Secret::new("never printed".to_owned()),
        authorities: Some(authority.cert.pem().as_bytes().into()),
        lock,
    };
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
