//! Out means out, by the directory: what providers send by SCIM, and what comes of it for those who are signed in.

use std::time::Duration;

use http_body_util::BodyExt as _;
use leastway::domain::event::{Event, EventKind, Outcome, Verdict};
use leastway::domain::reason::Reason;
use leastway::domain::revocation::Cause;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Line, Protocol};

const TOKEN: &str = "a token of the clinic that is long enough";
const SCIM: &str = "/.leastway/scim/v2";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Who the provider of the demo calls the nurse.
const NURSE: &str = "nurse";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A house whose provider keeps a directory here.
async fn open(settings: &'static str) -> House {
    House::furnish(Neighbors::All, move |directory| {
        std::fs::write(directory.root().join("secrets/directory-token"), TOKEN).unwrap();
        let table = format!("[provider.scim]\ntoken = \"file:secrets/directory-token\"\n{settings}");
        append(&directory.root().join("leastway.toml"), &table);
    })
    .await
}

/// A provider that keeps a directory.
struct Provisioner(Line);

impl Provisioner {
    async fn new(house: &House) -> Self {
        Self(house.line("ehr.localhost", Protocol::Http1).await)
    }

    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.ask_as(&format!("Bearer {TOKEN}"), method, path, body).await
    }

    async fn ask_as(&mut self, who: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let headers = [("authorization", who), ("content-type", "application/scim+json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let method = method.parse().unwrap();
        let came = self.0.by(method, &format!("{SCIM}{path}"), &headers, body.as_bytes()).await;
        (came.status.as_u16(), serde_json::from_str(&came.text).unwrap_or_default())
    }

    /// The person who is signed in, as Entra makes them known.
    async fn make(&mut self, sub: &str) -> String {
        let body = json!({
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "externalId": sub, "userName": format!("{sub}@clinic.example"), "active": true, "displayName": "MARKER-NAME",
            "emails": [{ "primary": true, "type": "work", "value": "MARKER-MAIL@clinic.example" }],
            "meta": { "resourceType": "User" }, "name": { "formatted": "MARKER-NAME" }, "roles": [],
        });
        let (status, made) = self.ask("POST", "/Users", &body).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }
}

async fn status(house: &House, cookie: &str) -> (u16, String) {
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let came = line.ask("/", &[("cookie", cookie), ("accept", "application/json")]).await;
    (came.status.as_u16(), came.reason().to_owned())
}

fn told(events: &[Event]) -> Vec<&str> {
    let told = events.iter().filter(|event| event.opening.kind == EventKind::Provisioning);
    told.filter_map(|event| event.opening.provisioning.as_ref().map(|told| told.step.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_directory_disables_is_out_and_cannot_come_back_until_enabled() {
    let house = open("").await;
    let (hers, at_home) = (house.cookie_of("nurse").await, house.cookie_of("nurse").await);
    let his = house.cookie_of("registrar").await;
    let mut provider = Provisioner::new(&house).await;
    let id = provider.make(NURSE).await;
    assert_eq!(status(&house, &hers).await.0, 200, "to be known changes nothing");

    let disable = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "Replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "1" },
            { "op": "Replace", "path": "active", "value": "False" },
        ],
    });
    let (changed, user) = provider.ask("PATCH", &format!("/Users/{id}"), &disable).await;
    assert_eq!((changed, &user["active"]), (200, &json!(false)), "{user}");
    for cookie in [&hers, &at_home] {
        assert_eq!(status(&house, cookie).await, (401, "session-revoked".to_owned()));
    }
    assert_eq!(status(&house, &his).await.0, 200, "nobody else is out");

    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    let refused = house.enter(&mut browser, &page, "nurse").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("Your account here is not active"), "{}", refused.text());

    let enable = json!({ "Operations": [{ "op": "replace", "value": { "active": true } }] });
    assert_eq!(provider.ask("PATCH", &format!("/Users/{id}"), &enable).await.0, 200);
    assert_eq!(status(&house, &hers).await.0, 401, "what has ended stays ended");
    let again = house.cookie_of("nurse").await;
    assert_eq!(status(&house, &again).await.0, 200);

    assert_eq!(provider.ask("DELETE", &format!("/Users/{id}"), &Value::Null).await.0, 204);
    assert_eq!(status(&house, &again).await.0, 401);
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(page.status, 403, "whoever is deleted is no stranger: {}", page.text());

    let events = house.stop().await;
    let steps = ["created", "disabled", "enabled", "deleted"];
    assert_eq!(told(&events), steps);
    let revocations: Vec<_> = events.iter().filter_map(|event| event.opening.revocation.as_ref()).collect();
    let why: Vec<_> = revocations.iter().map(|it| it.why.as_ref().unwrap().as_str()).collect();
    assert_eq!(why, ["the account was disabled", "the account was deleted"]);
    assert!(revocations.iter().all(|it| it.cause == Cause::Scim && it.request.is_some()));
    let barred =
        events.iter().filter(|event| event.opening.reasons.first() == Some(&Reason::AccountDisabled));
    assert!(barred.filter(|event| event.opening.kind == EventKind::Authentication).count() >= 2);
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains("MARKER") && !all.contains(TOKEN), "no attribute and no token is in an event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_the_directory_count_from_the_next_request_on() {
    let house = open("groups = \"replace\"\nrequired = true").await;
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    let refused = house.enter(&mut browser, &page, "nurse").await;
    assert_eq!(refused.status, 403, "nobody is known yet");
    assert!(refused.text().contains("You have no account here yet"), "{}", refused.text());

    let mut provider = Provisioner::new(&house).await;
    let id = provider.make(NURSE).await;
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert!(
        page.status == 403 && !page.text().contains("no account"),
        "known, but in no group: {}",
        page.text()
    );
    let group = json!({ "schemas": [GROUP], "displayName": "clinic-nursing", "members": [{ "value": id }] });
    let (made, group) = provider.ask("POST", "/Groups", &group).await;
    assert_eq!(made, 201, "{group}");
    let cookie = house.cookie_of(NURSE).await;
    assert_eq!(
        browser.open(&format!("{}/", house.ehr())).await.unwrap().status,
        200,
        "without a new sign-in"
    );
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut download = line.begin("/patients/quiet", &[("cookie", &cookie)]).await.into_body();
    let cut = tokio::spawn(async move { while download.frame().await.is_some_and(|frame| frame.is_ok()) {} });
    let out = json!({ "Operations": [{ "op": "Remove", "path": format!("members[value eq \"{id}\"]") }] });
    assert_eq!(provider.ask("PATCH", &path, &out).await.0, 204);
    assert_eq!(status(&house, &cookie).await, (403, "no-rule-matched".to_owned()));
    tokio::time::timeout(Duration::from_secs(3), cut).await.expect("a download that went on is cut").unwrap();
    let back = json!({ "Operations": [{ "op": "Add", "path": "members", "value": [{ "value": id }] }] });
    assert_eq!(provider.ask("PATCH", &path, &back).await.0, 204);
    let house = house.restart().await;
    assert_eq!(status(&house, &cookie).await.0, 200, "so it is after a restart");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_directory_tells_of_a_person_counts_from_the_next_request_on() {
    let house = House::furnish(Neighbors::All, |directory| {
        std::fs::write(directory.root().join("secrets/directory-token"), TOKEN).unwrap();
        let table = "[provider.scim]\ntoken = \"file:secrets/directory-token\"\n\
                     attributes = { department = \"department\" }\n";
        append(&directory.root().join("leastway.toml"), table);
        let all = "categories = [\"demographics\", \"schedule\", \"clinical\"]\n";
        let there = format!("{all}when = {{ department = [\"Ward 3\"] }}\n");
        edit(&directory.root().join("roles.toml"), all, &there);
    })
    .await;
    let mut provider = Provisioner::new(&house).await;
    let id = provider.make(NURSE).await;
    let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    let moves = |to: &str| json!({ "Operations": [{ "op": "replace", "path": path, "value": to }] });
    let user = format!("/Users/{id}");
    assert_eq!(provider.ask("PATCH", &user, &moves("Ward 3")).await.0, 200);
    let cookie = house.cookie_of("nurse").await;
    for (ward, expected) in [("Ward 4", 403), ("Ward 3", 200)] {
        assert_eq!(provider.ask("PATCH", &user, &moves(ward)).await.0, 200);
        assert_eq!(status(&house, &cookie).await.0, expected, "{ward}");
    }
    let untold = json!({ "Operations": [{ "op": "remove", "path": path }] });
    assert_eq!(provider.ask("PATCH", &user, &untold).await.0, 200);
    assert_eq!(status(&house, &cookie).await, (403, "attribute-unavailable".to_owned()));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_brings_no_token_gets_nowhere_and_is_told_to_wait() {
    let house = House::furnish(Neighbors::All, |directory| {
        std::fs::write(directory.root().join("secrets/directory-token"), TOKEN).unwrap();
        let table = "[provider.scim]\ntoken = \"file:secrets/directory-token\"\n\n\
             [gateway.limits]\nsign_ins_per_address = \"6/1m\"";
        append(&directory.root().join("leastway.toml"), table);
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let mut provider = Provisioner::new(&house).await;
    let strangers = ["Bearer not the token of the clinic at all", &format!("Basic {TOKEN}"), "Bearer", ""];
    for who in strangers {
        let (status, body) = provider.ask_as(who, "GET", "/Users", &Value::Null).await;
        assert_eq!((status, &body["status"]), (401, &json!("401")), "{who}");
    }
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(provider.ask_as("Bearer x", "DELETE", "/Users/7", &Value::Null).await.0);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(
        provider.ask("GET", "/Users", &Value::Null).await.0,
        200,
        "whoever brings it is not held up by them"
    );
    let with_session = provider.0.ask(&format!("{SCIM}/Users"), &[("cookie", &cookie)]).await;
    assert_eq!(with_session.status, 429, "a session is no token");
    let events = house.stop().await;
    let refused: Vec<_> = events
        .iter()
        .filter(|event| event.opening.reasons.first() == Some(&Reason::ProvisioningRefused))
        .collect();
    assert!(refused.len() >= 4);
    for event in refused {
        assert_eq!((event.opening.kind, event.opening.verdict), (EventKind::Provisioning, Verdict::Deny));
        assert_eq!(event.closing.as_ref().unwrap().outcome, Outcome::Refused);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_directory_is_kept_there_is_none() {
    let house = House::open(Neighbors::All).await;
    let mut provider = Provisioner::new(&house).await;
    assert_eq!(provider.ask("GET", "/Users", &Value::Null).await.0, 404);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_cannot_be_journaled_is_not_made_but_who_is_out_is_out() {
    let house = House::furnish(Neighbors::All, |directory| {
        std::fs::write(directory.root().join("secrets/directory-token"), TOKEN).unwrap();
        append(
            &directory.root().join("leastway.toml"),
            "[provider.scim]\ntoken = \"file:secrets/directory-token\"\ngroups = \"add\"",
        );
        edit(&directory.configuration(), "\"8MiB\"", "\"1MiB\"");
    })
    .await;
    let cookie = house.cookie_of(NURSE).await;
    let mut provider = Provisioner::new(&house).await;
    let id = provider.make(NURSE).await;
    house.fail_journal(&cookie).await;

    let group = json!({ "schemas": [GROUP], "displayName": "clinic-admins", "members": [{ "value": id }] });
    assert_eq!(provider.ask("POST", "/Groups", &group).await.0, 503);
    let disable = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    assert_eq!(provider.ask("PATCH", &format!("/Users/{id}"), &disable).await.0, 503, "it cannot be told");

    let house = house.restart().await;
    let mut provider = Provisioner::new(&house).await;
    let (found, groups) = provider.ask("GET", "/Groups", &Value::Null).await;
    assert_eq!((found, &groups["totalResults"]), (200, &json!(0)), "nobody was made an administrator");
    let (_, user) = provider.ask("GET", &format!("/Users/{id}"), &Value::Null).await;
    assert_eq!(user["active"], json!(false), "who is out is out");
    assert_eq!(status(&house, &cookie).await.0, 401);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_on_this_machine_keeps_it_by_the_other_door_and_each_request_is_one_event() {
    let house = open("").await;
    let body = json!({ "schemas": [USER], "userName": "nadia", "externalId": NURSE }).to_string();
    let ask = async |line: &str, body: &str| {
        let head = format!("host: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\nconnection: close");
        let kind = "content-type: application/scim+json";
        let length = body.len();
        let request =
            format!("{line} HTTP/1.1\r\n{head}\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{body}");
        let mut stream = TcpStream::connect(("127.0.0.1", house.ports.control)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(ask("POST /scim/v2/Users", &body).await, 201);
    assert_eq!(ask("POST /scim/v2/Users", &body).await, 409, "there is one");
    assert_eq!(ask("GET /scim/v2/Users", "").await, 200);
    let events = house.stop().await;
    assert_eq!(told(&events), ["created", "refused", "read"]);
    let outcomes = events.iter().filter(|event| event.opening.kind == EventKind::Provisioning);
    let outcomes: Vec<_> = outcomes.map(|event| event.closing.as_ref().unwrap().outcome).collect();
    assert_eq!(outcomes, [Outcome::Completed, Outcome::Refused, Outcome::Completed]);
}
