//! A small server that speaks as S3 does, and looks at what it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BucketSettings, LockMode};
use crate::foundation::digest::Digest;
use crate::foundation::secret::Secret;

pub(super) const LOCK: [&str; 3] =
    ["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold"];

/// What the server has and does.
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<u32, Vec<u8>>,
    /// The lock of each object: mode, until and hold.
    pub(crate) locks: BTreeMap<String, [Option<String>; 3]>,
    /// Whether it forgets locks, as servers do that know of none.
    pub(crate) forgets: bool,
    /// What was asked: method, target, the fields that are signed.
    pub(crate) asked: Vec<(String, String, String)>,
}

pub(crate) type Shared = Arc<Mutex<Server>>;

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
        let lock = LOCK.map(field);
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
            let number =
                part.strip_prefix("partNumber=").unwrap().split('&').next().unwrap().parse().unwrap();
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
        ("HEAD", query) if query.is_empty() || query == "versionId=v1" => {
            let Some(bytes) = server.objects.get(&path).map(|object| object.len() as u64) else {
                return answer(404, "");
            };
            let mut reply = answer(200, "");
            let written = "Sun, 01 Mar 2026 08:00:00 GMT".parse().unwrap();
            reply.headers_mut().insert("last-modified", written);
            for (name, value) in LOCK.iter().zip(server.locks.get(&path).into_iter().flatten()) {
                if let Some(value) = value {
                    reply.headers_mut().insert(*name, value.parse().unwrap());
                }
            }
            // The length of what a `GET` would bring.
            reply.headers_mut().insert("content-length", bytes.into());
            reply
        }
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
                let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
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

/// Listens, and says how a bucket there is reached.
pub(crate) async fn bucket_at(server: &Shared, lock: Option<LockMode>) -> BucketSettings {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let router = Router::new().fallback(serve).with_state(server.clone());
    tokio::spawn(IntoFuture::into_future(axum::serve(listener, router)));
    // It is used as written: whoever is on this machine needs no certificate.
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    BucketSettings {
        endpoint,
        bucket: "journal".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: "gateway-1".to_owned(),
        access_key: Secret::new("account".to_owned()),
        secret_key: Secret::new("never printed".to_owned()),
        authorities: Some(authority.cert.pem().as_bytes().into()),
        lock,
    }
}
