//! What providers send, and what comes of it.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::error::Kind;
use super::filter::{self, Subject};
use super::path::Path;
use super::schema::{Mutability, RESOURCE_TYPES, SCHEMAS, USER};
use super::view::Selection;
use super::{json, patch, value};

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("{value}") };
    members
}

fn nadia() -> Map<String, Value> {
    object(json!({
        "userName": "Nadia@clinic.example",
        "externalId": "4711",
        "active": true,
        "name": { "givenName": "Nadia", "familyName": "Okafor" },
        "emails": [
            { "value": "nadia@clinic.example", "type": "work", "primary": true },
            { "value": "n@home.example", "type": "home" },
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Ward 3" },
    }))
}

fn patched(operations: &Value) -> Result<Map<String, Value>, Kind> {
    let mut attributes = nadia();
    let body = object(json!({ "Operations": operations }));
    let done = patch::operations(&body).and_then(|all| patch::apply(&USER, &mut attributes, all));
    done.map(|_| attributes).map_err(|error| error.kind())
}

#[test]
fn a_filter_finds_whom_it_means() {
    let cases = [
        (r#"userName eq "nadia@CLINIC.example""#, true),
        (r#"USERNAME EQ "nadia@clinic.example""#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "nadia@clinic.example""#, true),
        (r#"externalId eq "4711""#, true),
        (r#"externalId eq "4712""#, false),
        (r"active eq true", true),
        (r"active eq True", true),
        (r#"active eq "false""#, false),
        (r#"name.familyName sw "oka" and not (active eq false)"#, true),
        (r#"emails eq "n@home.example""#, true),
        (r#"emails.value ew "clinic.example""#, true),
        (r#"emails[type eq "home" and value co "clinic"]"#, false),
        (r#"emails[type eq "work" and primary eq true]"#, true),
        (r"title pr", false),
        (r"title eq null", true),
        (r#"title ne "head nurse""#, true),
        (r"name pr", true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "ward 3""#, true),
        (r#"a.name.of.nothing eq "x" or userName gt "a""#, true),
        (r#"userName eq "x" and userName pr or active pr"#, true),
    ];
    let user = nadia();
    for (text, expected) in cases {
        let found = filter::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.holds(Subject::Resource(&USER, &user)), expected, "{text}");
    }
}

#[test]
fn moments_are_compared_as_such_however_they_are_written() {
    let mut user = nadia();
    let meta = json!({ "created": "2026-03-01T08:00:00.000Z", "lastModified": "2026-03-01T08:00:00.500Z" });
    user.insert("meta".to_owned(), meta);
    let cases = [
        (r#"meta.created eq "2026-03-01T08:00:00Z""#, true),
        (r#"meta.created eq "2026-03-01T09:00:00+01:00""#, true),
        (r#"meta.lastModified gt "2026-03-01T08:00:00Z""#, true),
        (r#"meta.lastModified gt "2026-03-01T08:00:01Z""#, false),
        (r#"meta.lastModified le "2026-03-01T07:00:00-01:00""#, false),
        (r#"meta.lastModified lt "2026-03-01T07:00:01-01:00""#, true),
        (r#"meta.lastModified gt "yesterday""#, false),
    ];
    for (text, expected) in cases {
        let found = filter::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.holds(Subject::Resource(&USER, &user)), expected, "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    let deep = format!("{}active pr{}", "(".repeat(40), ")".repeat(40));
    let long = format!("active pr{}", " or active pr".repeat(200));
    for text in [
        "",
        "userName",
        "userName eq",
        "eq \"x\"",
        "userName is \"x\"",
        "userName eq x",
        "(active pr",
        "active pr)",
        "emails[type eq \"work\"",
        "userName eq \"x\" and",
        "not active pr",
        "userName eq [1]",
        "é eq 1",
        &deep,
        &long,
    ] {
        let refused = filter::read(text).map_err(|error| error.kind());
        assert_eq!(refused.unwrap_err(), Kind::InvalidFilter, "{text}");
    }
}

#[test]
fn a_path_leads_to_what_is_kept_or_nowhere_or_is_none() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for kept in [
        "userName",
        "NAME.givenname",
        "emails[type eq \"work\"].value",
        "emails[value eq \"a].b\"]",
        enterprise,
        &format!("{enterprise}:department"),
        "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
    ] {
        assert!(Path::read(kept).unwrap().resolve(&USER).is_some(), "{kept}");
    }
    for nowhere in [
        "phoneNumbers[type eq \"work\"].value",
        "password",
        "name.middleName",
        "urn:a:b:User:c",
        "userName.x",
    ] {
        assert!(Path::read(nowhere).unwrap().resolve(&USER).is_none(), "{nowhere}");
    }
    for odd in
        ["", "emails[", "emails[type eq \"work\"]value", "a b", "emails[nothing].value", ".", "a..b", "é"]
    {
        assert_eq!(Path::read(odd).unwrap_err().kind(), Kind::InvalidPath, "{odd}");
    }
}

#[test]
fn entra_disables_and_enables_in_all_its_ways() {
    let ways = [
        json!([{ "op": "Replace", "path": "active", "value": "False" }]),
        json!([{ "op": "replace", "path": "active", "value": false }]),
        json!([{ "op": "Add", "path": "active", "value": "false" }]),
        json!([{ "op": "replace", "value": { "active": false } }]),
        json!([{ "op": "Replace", "value": { "Active": "False" } }]),
        json!([{ "op": "Replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "False" }]),
        // Whatever else comes with it.
        json!([
            { "op": "Replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "1" },
            { "op": "Add", "path": "addresses[type eq \"work\"].country", "value": "ES" },
            { "op": "Replace", "path": "emails[type eq \"other\"].value", "value": "o@clinic.example" },
            { "op": "replace", "value": { "id": "7", "groups": [], "meta": {}, "schemas": [], "photos": [1] } },
            { "op": "Replace", "path": "active", "value": "False" },
        ]),
    ];
    for way in ways {
        assert_eq!(patched(&way).unwrap()["active"], json!(false), "{way}");
    }
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let work = json!({ "value": "nadia@clinic.example", "type": "work", "primary": true });
    let home = json!({ "value": "n@home.example", "type": "home" });
    let once = json!({ "value": "nadia@clinic.example", "type": "work", "primary": false });
    let new = json!({ "value": "new@clinic.example", "primary": true });
    let cases: [(Value, &str, Value); 14] = [
        (
            json!([{ "op": "replace", "path": "name", "value": { "givenName": "N" } }]),
            "/name",
            json!({ "givenName": "N", "familyName": "Okafor" }),
        ),
        (json!([{ "op": "remove", "path": "name.givenName" }]), "/name", json!({ "familyName": "Okafor" })),
        (json!([{ "op": "add", "value": { "name.givenName": "N" } }]), "/name/givenName", json!("N")),
        (json!([{ "op": "add", "path": "emails", "value": [work] }]), "/emails", json!([work, home])),
        (json!([{ "op": "add", "path": "emails", "value": new }]), "/emails", json!([once, home, new])),
        (json!([{ "op": "replace", "path": "emails", "value": [new] }]), "/emails", json!([new])),
        (json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]), "/emails", json!([work])),
        (
            json!([{ "op": "remove", "path": "emails", "value": [{ "value": "n@home.example" }] }]),
            "/emails",
            json!([work]),
        ),
        (json!([{ "op": "remove", "path": "emails" }]), "/emails", Value::Null),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]),
            "/emails",
            json!([once, { "value": "n@home.example", "type": "home", "primary": true }]),
        ),
        (
            json!([{ "op": "Add", "path": "emails[type eq \"other\"].value", "value": "o@x.example" }]),
            "/emails/2",
            json!({ "type": "other", "value": "o@x.example" }),
        ),
        (
            json!([{ "op": "add", "value": { format!("{enterprise}:division"): "D" } }]),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ "department": "Ward 3", "division": "D" }),
        ),
        (
            json!([{ "op": "remove", "path": enterprise }]),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            Value::Null,
        ),
        (json!([{ "op": "replace", "path": "externalId", "value": null }]), "/externalId", Value::Null),
    ];
    for (operations, at, expected) in cases {
        let after = Value::from(patched(&operations).unwrap_or_else(|kind| panic!("{kind:?}: {operations}")));
        assert_eq!(after.pointer(at).cloned().unwrap_or_default(), expected, "{operations}");
        let (mut after, mut before) = (object(after), nadia());
        let changed = at.trim_start_matches('/').split('/').next().unwrap();
        after.remove(changed);
        before.remove(changed);
        assert_eq!(after, before, "{operations}");
    }
}

#[test]
fn what_cannot_be_done_is_said_in_the_words_of_the_standard() {
    let cases = [
        (json!([]), Kind::InvalidSyntax),
        (json!("x"), Kind::InvalidSyntax),
        (json!([{ "op": "move", "path": "active" }]), Kind::InvalidSyntax),
        (json!([{ "op": "remove" }]), Kind::NoTarget),
        (json!([{ "op": "remove", "path": "userName" }]), Kind::Mutability),
        (json!([{ "op": "replace", "path": "userName", "value": "" }]), Kind::InvalidValue),
        (json!([{ "op": "replace", "path": "userName", "value": null }]), Kind::InvalidValue),
        (json!([{ "op": "replace", "path": "id", "value": "7" }]), Kind::Mutability),
        (json!([{ "op": "add", "path": "groups", "value": [{ "value": "7" }] }]), Kind::Mutability),
        (json!([{ "op": "replace", "path": "active", "value": "perhaps" }]), Kind::InvalidValue),
        (json!([{ "op": "replace", "path": "active", "value": 0 }]), Kind::InvalidValue),
        (json!([{ "op": "replace", "path": "displayName", "value": "a\nb" }]), Kind::InvalidValue),
        (json!([{ "op": "replace", "path": "displayName", "value": "x".repeat(2000) }]), Kind::InvalidValue),
        (json!([{ "op": "replace", "path": "emails[", "value": "a" }]), Kind::InvalidPath),
        (
            json!([{ "op": "replace", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "a" }]),
            Kind::NoTarget,
        ),
        (json!([{ "op": "replace", "value": "active" }]), Kind::InvalidValue),
        (
            json!([{ "op": "add", "path": "emails", "value": [
            { "value": "a", "primary": true }, { "value": "b", "primary": true }] }]),
            Kind::InvalidValue,
        ),
    ];
    for (operations, expected) in cases {
        assert_eq!(patched(&operations).unwrap_err(), expected, "{operations}");
    }
}

#[test]
fn a_body_with_two_readings_is_none() {
    for odd in [
        r#"{"active":true,"active":false}"#,
        r#"{"active":true,"Active":false}"#,
        r#"{"a":{"b":1,"B":2}}"#,
        "[]",
        "",
        "{",
        "\u{feff}{}",
        "{} {}",
    ] {
        assert_eq!(json::read(odd.as_bytes()).unwrap_err().kind(), Kind::InvalidSyntax, "{odd}");
    }
    assert!(json::read(br#"{"active":true}"#).is_ok());
}

#[test]
fn what_is_sent_whole_is_kept_as_far_as_there_is_an_attribute_for_it() {
    let sent = object(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:okta:custom"],
        "id": "7", "USERNAME": "nadia", "active": "True", "password": "secret", "phoneNumbers": [{ "value": "1" }],
        "emails": { "value": "n@clinic.example", "display": "N" }, "meta": {}, "groups": [{ "value": "admins" }],
        "name": { "middleName": "M" }, "title": null, "roles": [], "urn:okta:custom": { "a": 1 },
    }));
    let kept = json!({ "userName": "nadia", "active": true, "emails": [{ "value": "n@clinic.example" }] });
    assert_eq!(value::resource(&USER, &sent).unwrap(), object(kept));
    for (without, expected) in [("schemas", Kind::InvalidSyntax), ("USERNAME", Kind::InvalidValue)] {
        let mut sent = sent.clone();
        sent.remove(without);
        assert_eq!(value::resource(&USER, &sent).unwrap_err().kind(), expected, "{without}");
    }
}

#[test]
fn what_is_shown_is_what_is_asked_for() {
    let mut whole = nadia();
    whole.insert("id".to_owned(), json!("7"));
    whole.insert("schemas".to_owned(), json!([]));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let shown = |only: Option<&[&str]>, without: &[&str]| {
        let selection = Selection { only: only.map(names), without: names(without) };
        selection.of(&USER, whole.clone())
    };
    let all = |text: &str| json!({ "schemas": [], "id": "7", "userName": text });
    assert_eq!(shown(Some(&["username"]), &[]), all("Nadia@clinic.example"));
    assert_eq!(
        shown(Some(&["name.givenName", "name.familyname", "emails.type", "nothing"]), &[]),
        json!({
            "schemas": [], "id": "7", "name": { "givenName": "Nadia", "familyName": "Okafor" },
            "emails": [{ "type": "work" }, { "type": "home" }],
        })
    );
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for name in [enterprise, &format!("{enterprise}:department")] {
        assert_eq!(shown(Some(&[name]), &[])[enterprise], json!({ "department": "Ward 3" }), "{name}");
    }
    let rest = shown(None, &["id", "schemas", "emails", "name.givenName", enterprise, "userName"]);
    let rest_is = json!({
        "externalId": "4711", "active": true, "name": { "familyName": "Okafor" }, "id": "7", "schemas": [],
    });
    assert_eq!(rest, rest_is);
}

#[test]
fn the_list_of_attributes_is_one_list() {
    let ids: Vec<_> = SCHEMAS.iter().map(|schema| schema.id).collect();
    for kind in RESOURCE_TYPES {
        assert!(ids.contains(&kind.schema.id) && kind.extensions.iter().all(|it| ids.contains(&it.id)));
    }
    for attribute in SCHEMAS.iter().flat_map(|schema| schema.attributes) {
        assert!(
            !attribute.description.is_empty() && attribute.description.ends_with('.'),
            "{}",
            attribute.name
        );
        assert!(
            !attribute.is_required || attribute.mutability == Mutability::ReadWrite,
            "{}",
            attribute.name
        );
    }
}

fn any_operation() -> impl Strategy<Value = Value> {
    let verb = select(vec!["add", "Remove", "replace", "move"]);
    let path = option::of(select(vec![
        "active",
        "userName",
        "name",
        "name.givenName",
        "emails",
        "emails.type",
        "emails[type eq \"work\"]",
        "emails[type eq \"home\" and primary eq true].value",
        "emails[not (value pr)].primary",
        "emails[primary eq true].primary",
        "groups",
        "members",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "urn:ietf:params:scim:schemas:core:2.0:User:emails[value co \"@\"].type",
        "unknown[a eq 1].b",
        "emails[",
    ]));
    let value = select(vec![
        Value::Null,
        json!(true),
        json!("False"),
        json!(""),
        json!("x"),
        json!(7),
        json!([]),
        json!({}),
        json!({ "value": "n@x.example", "primary": true }),
        json!([{ "value": "a" }, { "value": "b", "primary": "True" }]),
        json!([{ "primary": true }, { "primary": true }]),
        json!({ "active": false, "emails": [{ "value": "c" }], "name.familyName": null }),
        json!({ "department": "D", "division": null }),
    ]);
    (verb, path, value).prop_map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }))
}

proptest! {
    #[test]
    fn whatever_is_patched_keeps_to_the_schema(operations in vec(any_operation(), 1..6)) {
        super::try_out(json!({ "Operations": operations }).to_string().as_bytes());
    }

    #[test]
    fn a_filter_or_its_contrary_holds(
        parts in vec(select(vec![
            "userName", "eq", "ne", "\"nadia\"", "(", ")", "not", "and", "or", "pr", "emails", "[", "]", "type", "true", "null",
            "name.givenName", "co", "active", "False", "é",
        ]), 0..12)
    ) {
        super::try_out(parts.join(" ").as_bytes());
    }
}
