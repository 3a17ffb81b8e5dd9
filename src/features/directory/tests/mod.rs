//! A directory as its provider keeps it, and as those meet it who sign in.

mod nodes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::scim::Asked;
use super::settings::{DirectoryBounds, DirectorySettings, GroupName, GroupUse, MatchBy, Told};
use super::{Census, DIRECTORY_PART, Directory, Known, Leaver, MIGRATIONS, Served, Witness};
use crate::domain::application::ProviderName;
use crate::domain::provisioning::{Provisioning, ProvisioningStep};
use crate::domain::reason::Reason;
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::secret::Secret;
use crate::platform::store::Store;

const BASE: &str = "https://ehr.example/.leastway/scim/v2";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const DAY: u64 = 24 * 60 * 60;
const TOKEN: &str = "a token of the clinic that is long enough";

struct House {
    folder: tempfile::TempDir,
    directory: Directory,
    now: AtomicI64,
}

fn clinic() -> ProviderName {
    "clinic".parse().unwrap()
}

fn settings() -> DirectorySettings {
    DirectorySettings {
        provider: clinic(),
        issuer: "https://id.example".into(),
        token: Secret::new(TOKEN.to_owned()),
        networks: Vec::new(),
        match_by: MatchBy::ExternalId,
        claim: None,
        required: false,
        groups: GroupUse::Replace,
        group_name: GroupName::DisplayName,
        attributes: Vec::new(),
        max_age: Duration::from_secs(30 * DAY),
    }
}

fn open(folder: &Path, settings: DirectorySettings, bounds: DirectoryBounds, seed: u64) -> Directory {
    let store = Store::open(&folder.join("store.db"), &[MIGRATIONS]).unwrap();
    Directory::load(store, vec![settings], bounds, Arc::new(SeededEntropy::new(seed))).unwrap()
}

fn subject(sub: &str) -> Subject {
    Subject {
        issuer: "https://id.example".into(),
        sub: sub.into(),
        name: sub.into(),
        groups: vec!["of-the-token".to_owned()],
        attributes: BTreeMap::new(),
    }
}

fn user(name: &str, external_id: &str) -> Value {
    json!({ "schemas": [USER], "userName": name, "externalId": external_id, "active": true })
}

fn disable() -> Value {
    json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] })
}

/// Writes nothing down, but what it was asked to.
struct Asks {
    answers: bool,
    asked: Vec<Provisioning>,
}

impl Witness for Asks {
    async fn write(&mut self, told: &Provisioning) -> bool {
        self.asked.push(told.clone());
        self.answers
    }
}

impl House {
    fn open() -> Self {
        Self::with(settings(), DirectoryBounds::default())
    }

    fn with(settings: DirectorySettings, bounds: DirectoryBounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(folder.path(), settings, bounds, 1);
        Self { folder, directory, now: AtomicI64::new(1_772_352_000_000) }
    }

    /// The process ends and another begins.
    fn restart(self) -> Self {
        let Self { folder, directory, now } = self;
        drop(directory);
        let directory = open(folder.path(), settings(), DirectoryBounds::default(), 2);
        Self { folder, directory, now }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Served {
        self.ask_before(true, method, path, body).await.0
    }

    /// Asks before a journal that answers, or does not; gives what was to be written down before it was done, too.
    async fn ask_before(
        &self,
        answers: bool,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (Served, Vec<Provisioning>) {
        let mut witness = Asks { answers, asked: Vec::new() };
        let realm = self.directory.realm_of(TOKEN).unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let asked = Asked {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            content_type: Some("application/scim+json; charset=utf-8".to_owned()),
            body: Bytes::from(body.to_string()),
            base: BASE.to_owned(),
        };
        let served = self.directory.serve(&realm, asked, self.moment(), &mut witness).await;
        (served, witness.asked)
    }

    /// A moment after the last one: what is made has its place in lists by when it was made.
    fn moment(&self) -> Timestamp {
        Timestamp::from_millis(self.now.fetch_add(1, Ordering::Relaxed))
    }

    async fn make(&self, path: &str, body: &Value) -> String {
        let served = self.ask(Method::POST, path, body).await;
        assert_eq!(served.reply.status, 201, "{:?}", served.reply.body);
        let made = served.reply.body.unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!(served.reply.location, Some(format!("{BASE}{path}/{id}")));
        assert_eq!(made["meta"]["location"], json!(served.reply.location));
        id
    }

    async fn found(&self, path: &str) -> Value {
        let served = self.ask(Method::GET, path, &Value::Null).await;
        assert_eq!((served.reply.status, served.told.step), (200, ProvisioningStep::Read), "{path}");
        served.reply.body.unwrap()
    }

    async fn status(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let reply = self.ask(method, path, body).await.reply;
        (reply.status, reply.body.unwrap_or_default()["scimType"].clone())
    }

    fn look_up(&self, sub: &str) -> Known {
        self.directory.look_up(&clinic(), &subject(sub))
    }

    fn barred(&self, sub: &str) -> Option<Reason> {
        self.look_up(sub).barred
    }
}

#[tokio::test]
async fn who_is_disabled_or_deleted_is_barred_and_who_is_enabled_or_made_anew_is_not() {
    let house = House::open();
    let id = house.make("/Users", &user("nadia", "4711")).await;
    assert_eq!((house.barred("4711"), house.barred("nobody")), (None, None));
    let leaver = |why| {
        let has_left = why != "the account goes by another name";
        Some(Leaver { account: "4711".to_owned(), why, has_left })
    };

    let served = house.ask(Method::PATCH, &format!("/Users/{id}"), &disable()).await;
    assert_eq!(
        (served.told.step, served.leaver),
        (ProvisioningStep::Disabled, leaver("the account was disabled"))
    );
    assert_eq!(house.barred("4711"), Some(Reason::AccountDisabled));
    let again = house.ask(Method::PATCH, &format!("/Users/{id}"), &disable()).await;
    assert_eq!((again.reply.status, again.leaver), (200, None), "nobody is signed in any more");

    // Nothing but a word of it makes them active.
    let silent = json!({ "schemas": [USER], "userName": "nadia", "externalId": "4711" });
    let removed = json!({ "Operations": [{ "op": "remove", "path": "active" }] });
    for (method, body) in [(Method::PUT, &silent), (Method::PATCH, &removed), (Method::PUT, &silent)] {
        let served = house.ask(method, &format!("/Users/{id}"), body).await;
        assert_eq!((served.reply.status, served.leaver), (200, None));
        assert_eq!(house.barred("4711"), Some(Reason::AccountDisabled), "{body}");
    }
    let served = house.ask(Method::PATCH, &format!("/Users/{id}"), &removed).await;
    let shown = served.reply.body.unwrap();
    assert!(!shown.to_string().contains("active") && !shown.to_string().contains("stays_out"), "{shown}");

    let served = house.ask(Method::PUT, &format!("/Users/{id}"), &user("nadia", "4711")).await;
    assert_eq!((served.told.step, served.leaver), (ProvisioningStep::Enabled, None));
    assert_eq!(house.barred("4711"), None);

    let served = house.ask(Method::DELETE, &format!("/Users/{id}"), &Value::Null).await;
    assert_eq!((served.reply.status, served.leaver), (204, leaver("the account was deleted")));
    assert_eq!(house.barred("4711"), Some(Reason::AccountDisabled));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(house.status(method, &format!("/Users/{id}"), &Value::Null).await.0, 404);
    }
    let house = house.restart();
    assert_eq!(house.barred("4711"), Some(Reason::AccountDisabled), "also after a restart");
    house.make("/Users", &user("nadia", "4711")).await;
    assert_eq!(house.barred("4711"), None);
    let house = house.restart();
    assert_eq!(house.barred("4711"), None);
}

#[tokio::test]
async fn whoever_goes_by_another_name_is_signed_out_under_the_old_one() {
    let house = House::open();
    let id = house.make("/Users", &user("nadia", "4711")).await;
    let rename = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": "4712" }] });
    let served = house.ask(Method::PATCH, &format!("/Users/{id}"), &rename).await;
    assert_eq!(served.leaver.unwrap().account, "4711");
    let revision = house.directory.revision();
    let same = house.ask(Method::PATCH, &format!("/Users/{id}"), &rename).await;
    assert_eq!((same.reply.status, same.told.step, same.leaver), (200, ProvisioningStep::Read, None));
    assert_eq!(house.directory.revision(), revision, "nothing has changed");
}

#[tokio::test]
async fn a_person_is_found_by_what_the_settings_say_and_who_cannot_be_looked_up_is_barred() {
    let by = |match_by, claim: Option<&str>, required| DirectorySettings {
        match_by,
        claim: claim.map(str::to_owned),
        required,
        ..settings()
    };
    let house = House::with(by(MatchBy::UserName, None, true), DirectoryBounds::default());
    let id = house.make("/Users", &user("Nadia@Clinic.example", "4711")).await;
    assert_eq!(house.barred("nadia@clinic.EXAMPLE"), None);
    assert_eq!(house.barred("4711"), Some(Reason::AccountUnknown));

    house.directory.apply(vec![by(MatchBy::Id, None, true)]);
    assert_eq!((house.barred(&id), house.barred("4711")), (None, Some(Reason::AccountUnknown)));

    house.directory.apply(vec![by(MatchBy::ExternalId, Some("object_id"), false)]);
    let with = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = BTreeMap::from([("object_id".to_owned(), values)]);
        house.directory.look_up(&clinic(), &Subject { attributes, ..subject("x") }).barred
    };
    assert_eq!((with(&["4711"]), with(&["4712"])), (None, None));
    assert_eq!(house.barred("4711"), Some(Reason::AccountUnknown), "without the claim");
    assert_eq!(with(&["4711", "4712"]), Some(Reason::AccountUnknown), "with two of them");

    let elsewhere = house.directory.look_up(&"elsewhere".parse().unwrap(), &subject("4711"));
    assert_eq!(elsewhere, Known::nobody(None));
    house.directory.apply(Vec::new());
    assert!(house.directory.realm_of(TOKEN).is_none() && !house.directory.is_kept());
}

#[tokio::test]
async fn what_is_told_of_a_person_is_by_our_words_and_only_while_it_is_there() {
    let house = House::open();
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let mut nadia = user("nadia", "4711");
    nadia["title"] = json!("Head nurse");
    nadia[enterprise] = json!({ "department": "Ward 3", "division": " " });
    let id = house.make("/Users", &nadia).await;
    let attributes = [("department", Told::Department), ("rank", Told::Title), ("division", Told::Division)];
    let attributes = attributes.map(|(word, what)| (word.to_owned(), what)).to_vec();
    house.directory.apply(vec![DirectorySettings { attributes, ..settings() }]);
    let told = |sub: &str| house.look_up(sub).attributes;
    let expected = [("department", "Ward 3"), ("rank", "Head nurse")];
    let expected = expected.map(|(word, value)| (word.to_owned(), vec![value.to_owned()]));
    assert_eq!(told("4711"), BTreeMap::from(expected));
    assert_eq!(told("nobody"), BTreeMap::new());
    let gone = json!({ "Operations": [{ "op": "remove", "path": format!("{enterprise}:department") }] });
    house.ask(Method::PATCH, &format!("/Users/{id}"), &gone).await;
    assert_eq!(told("4711").keys().collect::<Vec<_>>(), ["rank"]);
}

#[tokio::test]
async fn groups_of_the_directory_are_added_or_replace_or_are_ignored() {
    let house = House::open();
    let id = house.make("/Users", &user("nadia", "4711")).await;
    let group = json!({ "schemas": [GROUP], "displayName": "clinical", "externalId": "g-1", "members": [{ "value": id }] });
    let group_id = house.make("/Groups", &group).await;
    let expected = |groups: GroupUse, group_name| {
        house.directory.apply(vec![DirectorySettings { groups, group_name, ..settings() }]);
        let (known, unknown) = (house.look_up("4711"), house.look_up("nobody"));
        (known.groups, known.are_all, unknown.groups, unknown.are_all)
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(expected(GroupUse::Ignore, GroupName::DisplayName), (None, false, None, false));
    let replaced = (names(&["g-1"]), true, names(&[]), false);
    assert_eq!(expected(GroupUse::Replace, GroupName::ExternalId), replaced);
    let added = (names(&["of-the-token", "clinical"]), true, names(&["of-the-token"]), false);
    assert_eq!(expected(GroupUse::Add, GroupName::DisplayName), added);

    let revision = house.directory.revision();
    let out = json!({ "Operations": [{ "op": "Remove", "path": "members", "value": [{ "value": id }] }] });
    let served = house.ask(Method::PATCH, &format!("/Groups/{group_id}"), &out).await;
    assert_eq!((served.reply.status, served.told.left.len(), served.leaver), (204, 1, None));
    assert!(house.directory.revision() > revision);
    assert_eq!(house.look_up("4711").groups, names(&["of-the-token"]));
}

#[tokio::test]
async fn members_come_and_go_in_all_the_ways_in_which_providers_say_it() {
    let house = House::open();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(house.make("/Users", &user(name, name)).await);
    }
    let [a, b, c] = ids.as_slice() else { panic!() };
    let group = house.make("/Groups", &json!({ "schemas": [GROUP], "displayName": "Ward 3" })).await;
    let path = format!("/Groups/{group}");
    let steps = [
        (json!({ "op": "Add", "path": "members", "value": [{ "value": a }, { "value": b }] }), vec![a, b]),
        (json!({ "op": "add", "path": "members", "value": [{ "value": a }] }), vec![a, b]),
        (json!({ "op": "Remove", "path": format!("members[value eq \"{a}\"]") }), vec![b]),
        (
            json!({ "op": "replace", "value": { "id": group, "displayName": "Ward 4", "members": [{ "value": c }] } }),
            vec![c],
        ),
        (json!({ "op": "add", "path": "members", "value": { "value": b, "type": "User" } }), vec![b, c]),
        (
            json!({ "op": "Remove", "path": "members", "value": [{ "value": c }, { "value": "nobody" }] }),
            vec![b],
        ),
        (json!({ "op": "remove", "path": format!("members[value eq \"{a}\" or value eq \"{b}\"]") }), vec![]),
        (json!({ "op": "replace", "path": "members", "value": [a, c] }), vec![a, c]),
        (json!({ "op": "replace", "path": "members", "value": [] }), vec![]),
    ];
    for (operation, expected) in steps {
        let served = house.ask(Method::PATCH, &path, &json!({ "Operations": [operation] })).await;
        assert_eq!(served.reply.status, 204, "{operation}: {:?}", served.reply.body);
        let shown = house.found(&path).await;
        let members = shown["members"].as_array().cloned().unwrap_or_default();
        let values: Vec<_> = members.iter().map(|member| member["value"].as_str().unwrap()).collect();
        assert_eq!(values, expected, "{operation}");
    }
    let strange =
        json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": group }] }] });
    assert_eq!(house.status(Method::PATCH, &path, &strange).await, (400, json!("invalidValue")));

    let all = json!({ "Operations": [{ "op": "add", "path": "members", "value": [a, b, c] }] });
    house.ask(Method::PATCH, &path, &all).await;
    assert_eq!(house.found(&format!("/Users/{a}")).await["groups"][0]["display"], "Ward 4");
    house.ask(Method::DELETE, &format!("/Users/{a}"), &Value::Null).await;
    let house = house.restart();
    assert_eq!(house.found(&path).await["members"].as_array().unwrap().len(), 2);
    let found = house.found(&format!("{path}?excludedAttributes=members")).await;
    assert!(found.get("members").is_none(), "{found}");
    let served = house.ask(Method::DELETE, &path, &Value::Null).await;
    assert_eq!((served.reply.status, served.told.left.len()), (204, 2));
    assert!(house.found(&format!("/Users/{b}")).await.get("groups").is_none());
}

#[tokio::test]
async fn names_are_of_one_user_each() {
    let house = House::open();
    house.make("/Users", &user("nadia", "4711")).await;
    let other = house.make("/Users", &user("noah", "4712")).await;
    let path = format!("/Users/{other}");
    for taken in [user("NADIA", "4713"), user("nobody", "4711")] {
        assert_eq!(house.status(Method::POST, "/Users", &taken).await, (409, json!("uniqueness")));
        assert_eq!(house.status(Method::PUT, &path, &taken).await, (409, json!("uniqueness")));
    }
    let take = json!({ "Operations": [{ "op": "replace", "value": { "userName": "Nadia" } }] });
    assert_eq!(house.status(Method::PATCH, &path, &take).await, (409, json!("uniqueness")));
    let own = house.ask(Method::PUT, &path, &user("Noah", "4712")).await;
    assert_eq!(own.reply.status, 200, "one's own name in another case is one's own");
}

#[tokio::test]
async fn users_are_looked_for_by_filter_page_by_page() {
    let house = House::open();
    for number in 1..=5 {
        house.make("/Users", &user(&format!("user-{number}"), &format!("e-{number}"))).await;
    }
    let listed = |path: &'static str| async {
        let found = house.found(path).await;
        let names = found["Resources"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|user| user["userName"].as_str().unwrap().to_owned()).collect();
        (found["totalResults"].as_u64().unwrap(), found["startIndex"].as_u64().unwrap(), names.join(" "))
    };
    let all = "user-1 user-2 user-3 user-4 user-5";
    for (path, expected) in [
        ("/Users", (5, 1, all)),
        ("/Users?filter=userName%20eq%20%22USER-3%22", (1, 1, "user-3")),
        ("/Users?filter=externalId+eq+%22e-4%22", (1, 1, "user-4")),
        ("/Users?filter=externalId+eq+%22e-4%22+and+active+eq+false", (0, 1, "")),
        ("/Users?filter=userName+sw+%22user%22&startIndex=2&count=2", (5, 2, "user-2 user-3")),
        ("/Users?startIndex=-3&count=1", (5, 1, "user-1")),
        ("/Users?count=0", (5, 1, "")),
        ("/Users?count=-1", (5, 1, "")),
        ("/Users?startIndex=6", (5, 6, "")),
        ("/Users?sortBy=userName&sortOrder=descending", (5, 1, all)),
    ] {
        let (total, start, names) = listed(path).await;
        assert_eq!((total, start, &*names), expected, "{path}");
    }
    for odd in ["/Users?filter=userName", "/Users?count=many"] {
        assert_eq!(house.status(Method::GET, odd, &Value::Null).await.0, 400, "{odd}");
    }
    let search =
        json!({ "schemas": [], "filter": "userName eq \"user-2\"", "attributes": ["userName"], "count": 1 });
    for path in ["/.search", "/Users/.search"] {
        let found = house.ask(Method::POST, path, &search).await.reply.body.unwrap();
        let only = json!({ "schemas": [USER], "id": found["Resources"][0]["id"], "userName": "user-2" });
        assert_eq!(found["Resources"], json!([only]), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_offered_is_said_to_be_so() {
    let house = House::open();
    for (method, path, expected) in [
        (Method::POST, "/Bulk", 501),
        (Method::GET, "/Me", 501),
        (Method::GET, "/", 404),
        (Method::GET, "/Users/7", 404),
        (Method::GET, "/Schemas/urn:none", 404),
        (Method::GET, "/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser", 200),
        (Method::DELETE, "/Users", 405),
        (Method::POST, "/Schemas", 405),
        (Method::GET, "/.search", 405),
        (Method::POST, "/Users", 400),
    ] {
        let served = house.ask(method, path, &Value::Null).await;
        assert_eq!(served.reply.status, expected, "{path}");
        assert_eq!(served.reply.allow.is_some(), expected == 405, "{path}");
        let step = if expected == 200 { ProvisioningStep::Read } else { ProvisioningStep::Refused };
        assert_eq!(served.told.step, step, "{path}");
    }
    let realm = house.directory.realm_of(TOKEN).unwrap();
    let asked = Asked {
        method: Method::POST,
        path: "/Users".to_owned(),
        query: String::new(),
        content_type: Some("text/plain".to_owned()),
        body: Bytes::from(user("nadia", "4711").to_string()),
        base: BASE.to_owned(),
    };
    let mut witness = Asks { answers: true, asked: Vec::new() };
    let served = house.directory.serve(&realm, asked, house.moment(), &mut witness).await;
    assert_eq!((served.reply.status, witness.asked), (415, Vec::new()));
}

#[tokio::test]
async fn nothing_changes_that_cannot_be_written_down_but_who_is_out_is_out() {
    let house = House::open();
    let nadia = user("nadia", "4711");
    let (refused, asked) = house.ask_before(false, Method::POST, "/Users", &nadia).await;
    assert_eq!((refused.reply.status, asked.len()), (503, 1));
    assert_eq!(asked[0].step, ProvisioningStep::Created);
    assert_eq!(house.directory.census()[0].1, Census::default(), "nobody was made");

    let made = house.ask(Method::POST, "/Users", &nadia).await.reply.body.unwrap();
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let (read, asked) = house.ask_before(false, Method::GET, &path, &Value::Null).await;
    assert_eq!((read.reply.status, asked.len()), (200, 0), "whoever looks changes nothing");
    let (disabled, asked) = house.ask_before(false, Method::PATCH, &path, &disable()).await;
    assert_eq!((disabled.reply.status, asked.len()), (200, 0), "who is out waits for no journal");
    assert!(disabled.leaver.is_some());
    let enable = json!({ "Operations": [{ "op": "replace", "path": "active", "value": true }] });
    let (refused, _) = house.ask_before(false, Method::PATCH, &path, &enable).await;
    assert_eq!(refused.reply.status, 503);
    let known = house.directory.look_up(&clinic(), &subject("4711"));
    assert_eq!(known.barred, Some(Reason::AccountDisabled), "and stays out");

    let omar = house.ask(Method::POST, "/Users", &user("omar", "4712")).await.reply.body.unwrap();
    let path = format!("/Users/{}", omar["id"].as_str().unwrap());
    let rename = json!({ "Operations": [{ "op": "replace", "path": "externalId", "value": "4713" }] });
    let (refused, asked) = house.ask_before(false, Method::PATCH, &path, &rename).await;
    assert_eq!(
        (refused.reply.status, asked.len(), refused.leaver),
        (503, 1, None),
        "another name may let somebody in"
    );
    let (renamed, _) = house.ask_before(true, Method::PATCH, &path, &rename).await;
    assert!(renamed.leaver.is_some_and(|leaver| !leaver.has_left));
}

#[tokio::test]
async fn a_directory_holds_so_much_and_no_more() {
    let bounds = DirectoryBounds { users: 3, groups: 1, members: 2, memberships: 2, gone: 1 };
    let house = House::with(settings(), bounds);
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(house.make("/Users", &user(name, name)).await);
    }
    let full = (400, json!("tooMany"));
    assert_eq!(house.status(Method::POST, "/Users", &user("d", "d")).await, full);
    let group = |members: &[String]| {
        let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
        json!({ "schemas": [GROUP], "displayName": "g", "members": members })
    };
    assert_eq!(house.status(Method::POST, "/Groups", &group(&ids)).await, full);
    house.make("/Groups", &group(&ids[..2])).await;
    assert_eq!(house.status(Method::POST, "/Groups", &group(&[])).await, full);
    let census = Census { active: 3, disabled: 0, groups: 1 };
    assert_eq!(house.directory.census(), [(clinic(), census)]);
    for id in &ids[..2] {
        house.ask(Method::DELETE, &format!("/Users/{id}"), &Value::Null).await;
    }
    assert_eq!(
        (house.barred("a"), house.barred("b")),
        (None, Some(Reason::AccountDisabled)),
        "the first is forgotten"
    );
}

#[tokio::test]
async fn who_is_out_is_out_even_where_the_store_does_not_take_it_and_that_is_tried_again() {
    let house = House::open();
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(house.make("/Users", &user(name, name)).await);
    }
    let store = rusqlite::Connection::open(house.folder.path().join("store.db")).unwrap();
    store.execute_batch("ALTER TABLE directory_user RENAME TO elsewhere").unwrap();
    let unavailable = (503, Value::Null);
    assert_eq!(house.status(Method::PATCH, &format!("/Users/{}", ids[0]), &disable()).await, unavailable);
    assert_eq!(house.status(Method::DELETE, &format!("/Users/{}", ids[1]), &Value::Null).await, unavailable);
    let disabled = Some(Reason::AccountDisabled);
    assert_eq!((house.barred("a"), house.barred("b")), (disabled, disabled));
    let rename = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "C" }] });
    assert_eq!(house.status(Method::PATCH, &format!("/Users/{}", ids[2]), &rename).await, unavailable);
    let found = house.found(&format!("/Users/{}", ids[2])).await;
    assert!(found.get("displayName").is_none(), "what is no ending waits for the store: {found}");
    assert!(house.directory.maintain().await.is_err());

    store.execute_batch("ALTER TABLE elsewhere RENAME TO directory_user").unwrap();
    drop(store);
    house.directory.maintain().await.unwrap();
    let house = house.restart();
    assert_eq!((house.barred("a"), house.barred("b"), house.barred("c")), (disabled, disabled, None));
}

#[tokio::test]
async fn a_token_is_of_one_directory_and_comes_from_where_it_may() {
    let near = DirectorySettings { networks: vec!["192.0.2.0/24".parse().unwrap()], ..settings() };
    assert!(near.may_come_from("192.0.2.9".parse().unwrap()));
    assert!(near.may_come_from("::ffff:192.0.2.9".parse().unwrap()));
    assert!(!near.may_come_from("198.51.100.1".parse().unwrap()));
    assert!(settings().may_come_from("198.51.100.1".parse().unwrap()));
    let house = House::open();
    for other in
        ["", "a token of the clinic that is long enough.", " token of the clinic that is long enough"]
    {
        assert!(house.directory.realm_of(other).is_none(), "{other}");
    }
}

#[tokio::test]
async fn whoever_has_the_name_of_somebody_who_has_left_is_somebody_else() {
    let house = House::open();
    let left = house.make("/Users", &user("jsmith", "1")).await;
    house.ask(Method::DELETE, &format!("/Users/{left}"), &Value::Null).await;
    house.make("/Users", &user("jsmith", "2")).await;
    assert_eq!((house.barred("1"), house.barred("2")), (Some(Reason::AccountDisabled), None));
    let house = house.restart();
    assert_eq!((house.barred("1"), house.barred("2")), (Some(Reason::AccountDisabled), None));
}

#[tokio::test]
async fn whoever_is_disabled_and_renamed_at_once_is_out_by_both_names() {
    let house = House::open();
    let id = house.make("/Users", &user("nadia", "4711")).await;
    // Without its `externalId`, which stays; and then with another one.
    let silent = json!({ "schemas": [USER], "userName": "nadia", "active": false });
    house.ask(Method::PUT, &format!("/Users/{id}"), &silent).await;
    assert_eq!(house.barred("4711"), Some(Reason::AccountDisabled));
    house.ask(Method::PUT, &format!("/Users/{id}"), &user("nadia", "4711")).await;
    assert_eq!(house.barred("4711"), None);
    let both = json!({ "Operations": [
        { "op": "replace", "path": "active", "value": false },
        { "op": "replace", "path": "externalId", "value": "4712" },
    ] });
    let served = house.ask(Method::PATCH, &format!("/Users/{id}"), &both).await;
    assert_eq!(served.leaver.map(|leaver| leaver.account).as_deref(), Some("4711"));
    let out = (Some(Reason::AccountDisabled), Some(Reason::AccountDisabled));
    assert_eq!((house.barred("4711"), house.barred("4712")), out);
    let house = house.restart();
    assert_eq!((house.barred("4711"), house.barred("4712")), out);
    house.ask(Method::PUT, &format!("/Users/{id}"), &user("nadia", "4711")).await;
    assert_eq!(house.barred("4711"), None, "back by all that named them");
}

#[tokio::test]
async fn whoever_is_made_as_disabled_is_signed_out() {
    let house = House::open();
    let body = json!({ "schemas": [USER], "userName": "nadia", "externalId": "4711", "active": false });
    let served = house.ask(Method::POST, "/Users", &body).await;
    let leaver = served.leaver.unwrap();
    assert_eq!((&*leaver.account, leaver.has_left), ("4711", true));
}

#[tokio::test]
async fn what_a_provider_tells_of_people_is_too_old_once_it_was_not_heard_of_for_long() {
    let told = || DirectorySettings { attributes: vec![("unit".to_owned(), Told::Title)], ..settings() };
    let house = House::with(told(), DirectoryBounds::default());
    let begun = Timestamp::from_millis(house.now.load(Ordering::Relaxed));
    let after = |days| begun.plus(Duration::from_secs(days * DAY + 60));
    let aged = |directory: &Directory, at| directory.aged_attributes(&clinic(), &subject("sub-nora"), at);
    assert_eq!(house.directory.heard(begun)[0].age_seconds, None, "nobody was heard of");
    assert_eq!(aged(&house.directory, after(3650)), None, "and nothing was told that could be too old");

    let nora = json!({ "schemas": [USER], "userName": "nora", "externalId": "sub-nora", "title": "Nurse" });
    house.make("/Users", &nora).await;
    assert_eq!(aged(&house.directory, after(29)), None);
    let too_old = aged(&house.directory, after(30)).unwrap();
    assert_eq!(*too_old, ["unit".to_owned()]);
    assert_eq!(
        house.directory.aged_attributes(&clinic(), &subject("sub-else"), after(30)),
        None,
        "of whom it tells nothing"
    );
    assert!(house.directory.heard(after(30))[0].stale && !house.directory.heard(after(29))[0].stale);

    // A question is a sign of life, too, and a restart forgets none.
    house.now.store(after(20).as_millis(), Ordering::Relaxed);
    house.ask(Method::GET, "/Users", &json!(null)).await;
    house.directory.maintain().await.unwrap();
    let House { folder, directory, now: _ } = house;
    drop(directory);
    let directory = open(folder.path(), told(), DirectoryBounds::default(), 3);
    assert_eq!(aged(&directory, after(49)), None);
    assert!(aged(&directory, after(51)).is_some());
}

#[tokio::test]
async fn where_nothing_was_noted_the_last_change_tells_when_a_provider_was_heard_of() {
    let house = House::open();
    house.make("/Users", &user("nora", "sub-nora")).await;
    let at = Timestamp::from_millis(house.now.load(Ordering::Relaxed));
    // It ends before it could note more.
    let house = house.restart();
    let heard = house.directory.heard(at.plus(Duration::from_secs(60)));
    assert!(heard[0].age_seconds.is_some_and(|age| (60..=120).contains(&age)), "{heard:?}");
}
