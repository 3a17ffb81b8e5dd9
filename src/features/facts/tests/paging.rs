//! How a search is asked for, page by page, and as whom.

use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::fhir::{bundle, practitioner, search, team, url};
use super::*;
use crate::features::facts::Feed;
use crate::features::facts::feed::Looked;
use crate::features::facts::fhir::settings::ResourceType;
use crate::features::facts::settings::{ClientSettings, Credential};
use crate::foundation::entropy::SeededEntropy;
use crate::platform::client_assertion::SigningKey;

/// What a server was asked: where, what was brought in `Authorization`, and the body.
type Asked = (String, Option<String>, String);

/// A server that answers what it is asked in turn: a request is what stands before a space in its first line, with what it
/// brings in `Authorization`.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn answering(answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let noted = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (head, body) = request(&mut stream).await;
                let path = head.split(' ').nth(1).unwrap().to_owned();
                let brought = head.lines().find_map(|line| line.strip_prefix("authorization: "));
                noted.lock().unwrap().push((path.clone(), brought.map(str::to_owned), body));
                let (status, body) = answer(&path);
                let body = body.to_string();
                let reply = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nDate: Mon, 02 Mar 2026 09:29:00 GMT\r\nLast-Modified: Sun, 01 Feb 2026 09:29:00 GMT\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        Self { port, asked }
    }

    fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(path, ..)| path.clone()).collect()
    }

    fn feed(&self) -> FeedSettings {
        let feed = search(FeedKind::Relationship, ResourceType::CareTeam);
        FeedSettings { source: Source::Url(Box::new(url(self.port))), ..feed }
    }
}

async fn request(stream: &mut tokio::net::TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let declared = head
            .to_lowercase()
            .lines()
            .find_map(|line| Some(line.strip_prefix("content-length: ")?.parse().unwrap()));
        if body.len() >= declared.unwrap_or(0) {
            return (head.to_owned(), body.to_owned());
        }
    }
}

fn linked(mut page: Value, next: &str) -> Value {
    page["link"] = json!([{ "relation": "self", "url": "x" }, { "relation": "next", "url": next }]);
    page
}

async fn ask(feed: &Arc<Feed>, now: Timestamp) -> Looked {
    feed.ask(&SeededEntropy::new(1), now).await
}

fn refused(looked: Looked) -> String {
    let Looked::Refused(fault) = looked else { panic!("{looked:?}") };
    fault.to_string()
}

const FIRST: &str = "/r4/CareTeam?status=active";

#[tokio::test]
async fn pages_are_followed_and_are_as_old_as_the_first() {
    let server = Server::answering(|path| match path {
        FIRST => (200, linked(bundle(&[team("noor", "17"), practitioner("noor")]), "/r4?page=2")),
        "/r4?page=2" => (200, linked(bundle(&[team("ines", "17")]), "CareTeam?page=3")),
        "/CareTeam?page=3" => (200, bundle(&[practitioner("ines")])),
        _ => (404, json!({})),
    })
    .await;
    let feed = Arc::new(Feed::new(server.feed()));
    assert_eq!(ask(&feed, NOW).await, Looked::Taken(2));
    assert_eq!(server.paths(), [FIRST, "/r4?page=2", "/CareTeam?page=3"]);
    let now = feed.now(NOW);
    assert_eq!((now.age_seconds, now.left_out), (Some(60), Some(0)), "by `Date`, not by what was found");
}

#[tokio::test]
async fn a_read_that_is_not_whole_leaves_in_force_what_was_known() {
    let later = Arc::new(Mutex::new((200, bundle(&[practitioner("noor")]))));
    let given = later.clone();
    let server = Server::answering(move |path| match path {
        FIRST => (200, linked(bundle(&[team("noor", "17")]), "/r4?page=2")),
        _ => given.lock().unwrap().clone(),
    })
    .await;
    let feed = Arc::new(Feed::new(server.feed()));
    assert_eq!(ask(&feed, NOW).await, Looked::Taken(1));
    let elsewhere = format!("http://fhir.localhost:{}/r4?page=3", server.port.wrapping_add(1));
    let wrongs = [
        ((500, json!({})), "it cannot be had: the answer was 500 Internal Server Error"),
        ((200, json!({ "resourceType": "OperationOutcome" })), "entry 2: is not as FHIR has it"),
        (
            (200, linked(bundle(&[practitioner("noor")]), &elsewhere)),
            "its next page is at another origin than `url`",
        ),
        ((200, linked(bundle(&[practitioner("noor")]), FIRST)), "its pages lead in a circle"),
    ];
    for (wrong, told) in wrongs {
        *later.lock().unwrap() = wrong;
        assert_eq!(refused(ask(&feed, NOW).await), told);
        assert_eq!((feed.now(NOW).rows, feed.revision()), (Some(1), 1), "{told}");
    }
    let day = Duration::from_secs(24 * 60 * 60 + 1);
    assert!(feed.now(NOW.plus(day)).stale, "and is too old one day");
    *later.lock().unwrap() = (200, bundle(&[practitioner("noor")]));
    assert_eq!(ask(&feed, NOW.plus(day)).await, Looked::Taken(1));
}

#[tokio::test]
async fn all_pages_together_are_bounded() {
    let server = Server::answering(|path| {
        let number: u64 = path.rsplit('=').next().and_then(|it| it.parse().ok()).unwrap_or(1);
        (200, linked(bundle(&[team("noor", "17")]), &format!("/r4?page={}", number + 1)))
    })
    .await;
    let small = FeedSettings { bytes_max: 4096, ..server.feed() };
    assert_eq!(
        refused(ask(&Arc::new(Feed::new(small)), NOW).await),
        "it is larger than 4096 bytes (`bytes_max`)"
    );
    let few = FeedSettings { rows_max: 5, ..server.feed() };
    assert_eq!(refused(ask(&Arc::new(Feed::new(few)), NOW).await), "it has more than 5 rows (`rows_max`)");
}

#[tokio::test]
async fn a_client_is_given_a_token_and_another_when_that_is_over() {
    let server = Server::answering(|path| match path {
        "/token" => (200, json!({ "access_token": "T-1", "token_type": "Bearer", "expires_in": 300 })),
        _ => (200, bundle(&[team("noor", "17"), practitioner("noor")])),
    })
    .await;
    let token_url = format!("http://fhir.localhost:{}/token", server.port);
    let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let client = ClientSettings {
        token_url: token_url.clone(),
        id: "leastway".to_owned(),
        key: SigningKey::from_pem(pem.as_bytes()).unwrap(),
        key_id: Some("k-1".to_owned()),
        scope: Some("system/CareTeam.rs".to_owned()),
    };
    let mut address = url(server.port);
    address.credential = Some(Credential::Client(client));
    let feed = Arc::new(Feed::new(FeedSettings { source: Source::Url(Box::new(address)), ..server.feed() }));
    for later in [0, 60, 400] {
        ask(&feed, NOW.plus(Duration::from_secs(later))).await;
    }
    assert_eq!(server.paths(), ["/token", FIRST, FIRST, "/token", FIRST]);
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[1].1.as_deref(), Some("Bearer T-1"));
    let form: BTreeMap<String, String> =
        url::form_urlencoded::parse(asked[0].2.as_bytes()).into_owned().collect();
    assert_eq!((&*form["grant_type"], &*form["scope"]), ("client_credentials", "system/CareTeam.rs"));
    let part = |at: usize| -> Value {
        let part = form["client_assertion"].split('.').nth(at).unwrap();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!((&part(0)["alg"], &part(0)["kid"]), (&json!("ES384"), &json!("k-1")));
    assert_eq!((&part(1)["aud"], &part(1)["iss"]), (&json!(token_url), &json!("leastway")));
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_brought_again_and_nothing_of_it_is_told() {
    let server = Server::answering(|path| match path {
        "/token" => (200, json!({ "access_token": "SECRET", "token_type": "bearer" })),
        _ => (401, json!({ "secret": "SECRET" })),
    })
    .await;
    let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let client = ClientSettings {
        token_url: format!("http://fhir.localhost:{}/token", server.port),
        id: "leastway".to_owned(),
        key: SigningKey::from_pem(pem.as_bytes()).unwrap(),
        key_id: None,
        scope: None,
    };
    let mut address = url(server.port);
    address.credential = Some(Credential::Client(client));
    let feed = Arc::new(Feed::new(FeedSettings { source: Source::Url(Box::new(address)), ..server.feed() }));
    assert_eq!(refused(ask(&feed, NOW).await), "it cannot be had: the answer was 401 Unauthorized");
    ask(&feed, NOW).await;
    assert_eq!(server.paths(), ["/token", FIRST, "/token", FIRST]);
    assert!(!format!("{feed:?}").contains("SECRET"));
}
