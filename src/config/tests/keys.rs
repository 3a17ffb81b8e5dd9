//! The list of keys: the reader reads each of them, and what is published says the same.

use std::collections::BTreeSet;

use rcgen::{
    CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    SerialNumber, date_time_ymd,
};
use serde_json::Value;

use super::Folder;
use crate::config::keys::{Kind, MAIN, Table};
use crate::config::{json_schema, reference};
use crate::foundation::entropy::SystemEntropy;
use crate::platform::signed_note::SigningKey;

/// A configuration in which every key is written.
const COMPLETE: &str = include_str!("complete.toml");

#[test]
fn every_key_that_is_published_is_accepted_and_no_other() {
    let folder = Folder::good();
    folder.write("token", "a token of some length");
    folder.write("directory-token", "a token of a length that nobody guesses");
    folder.write("signals-token", "another token of a length that nobody guesses");
    folder.write("checkpoint-key", &checkpoint_key());
    folder.write("webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    folder.write("leastway.toml", COMPLETE);
    folder.write("ca.pem", &folder.read("certs/gateway.pem"));
    folder.authority("devices-ca.pem");
    folder.write("devices.crl", &list_of_nobody());
    folder.write("feeds/care-team.csv", "");
    folder.write("feeds/patients.csv", "");
    folder.write("feeds/workstations.csv", "");
    // Cookies of a path of their own never come to us, which is warned of.
    let problems: Vec<String> = folder.problems().into_iter().map(|problem| problem.key).collect();
    assert_eq!(problems, ["application.ehr.sign_out.cookies"], "{}", folder.report());

    let written: toml::Value = COMPLETE.parse::<toml::Table>().unwrap().into();
    let mut accepted = BTreeSet::new();
    collect_written(&serde_json::to_value(written).unwrap(), &json_schema(), "", &mut accepted);
    let mut published = BTreeSet::new();
    collect_published(&json_schema(), "", &mut published);
    assert_eq!(accepted, published);
}

fn checkpoint_key() -> String {
    let key = SigningKey::generate("leastway.clinic.example/gateway-1".parse().unwrap(), &SystemEntropy);
    key.unwrap().reveal().to_string()
}

/// A list of revoked certificates that has none.
fn list_of_nobody() -> String {
    let mut issuer = CertificateParams::default();
    issuer.key_usages = vec![KeyUsagePurpose::CrlSign];
    let issuer = Issuer::new(issuer, KeyPair::generate().unwrap());
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2036, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().pem().unwrap()
}

#[test]
fn every_key_is_read_and_refuses_a_value_of_the_wrong_type() {
    let mut keys = Vec::new();
    collect_keys(&MAIN, "", &mut vec![], &mut keys);
    assert!(keys.len() > 90, "{}", keys.len());
    for (name, document) in keys {
        let folder = Folder::good();
        folder.write("leastway.toml", &document);
        let refused = folder.problems().iter().any(|problem| {
            problem.key.ends_with(&name) && problem.what == "a date or time does not belong here"
        });
        assert!(refused, "{document}\n{}", folder.report());
    }
}

#[test]
fn an_unknown_key_is_refused_in_every_table() {
    let folder = Folder::good();
    // Under `claims` operators choose the words.
    let is_table = |line: &str| line.starts_with('[') && line != "[provider.claims]";
    let unknown = COMPLETE.lines().map(|line| {
        let key = if is_table(line) { "unheard_of = 1\n" } else { "" };
        format!("{line}\n{key}")
    });
    let text: String = unknown.collect();
    folder.write("leastway.toml", &text);
    let refused =
        folder.problems().iter().filter(|problem| problem.what == "`unheard_of` is not a key here").count();
    assert!(refused > 20, "{refused}");
    assert_eq!(refused, text.matches("unheard_of").count());
}

#[test]
fn the_published_schema_is_up_to_date() {
    let published = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/schema.json"));
    assert!(published == format!("{:#}\n", json_schema()), "cargo run -- schema > config/schema.json");
}

#[test]
fn the_published_reference_is_up_to_date() {
    let published = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/README.md"));
    assert!(published == reference(), "cargo run -- schema --markdown > config/README.md");
}

fn collect_written(value: &Value, schema: &Value, at: &str, keys: &mut BTreeSet<String>) {
    match (value, schema.get("properties"), schema.pointer("/additionalProperties/properties")) {
        (Value::Array(items), None, None) => {
            let Some(inner) = schema.get("items").filter(|inner| inner.get("properties").is_some()) else {
                return;
            };
            for item in items {
                collect_written(item, inner, at, keys);
            }
        }
        (Value::Object(fields), Some(properties), _) => {
            for (name, value) in fields {
                let schema = properties.get(name).unwrap_or_else(|| panic!("{at}/{name} is not published"));
                keys.insert(format!("{at}/{name}"));
                collect_written(value, schema, &format!("{at}/{name}"), keys);
            }
        }
        (Value::Object(fields), None, Some(_)) => {
            let inner = schema.get("additionalProperties").unwrap();
            for value in fields.values() {
                collect_written(value, inner, &format!("{at}/*"), keys);
            }
        }
        _ => {}
    }
}

fn collect_published(schema: &Value, at: &str, keys: &mut BTreeSet<String>) {
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let at = format!("{at}/{name}");
        keys.insert(at.clone());
        collect_published(schema, &at, keys);
        collect_published(schema.get("items").unwrap_or(&Value::Null), &at, keys);
        let named = schema.get("additionalProperties").unwrap_or(&Value::Null);
        collect_published(named, &format!("{at}/*"), keys);
    }
}

/// For each key a document that sets it to a date, which is right for none.
fn collect_keys(table: &Table, path: &str, headers: &mut Vec<String>, keys: &mut Vec<(String, String)>) {
    for key in table.keys {
        let inner = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        keys.push((format!(".{}", key.name), format!("{}\n{} = 1979-05-27\n", headers.join("\n"), key.name)));
        if path.is_empty() {
            keys.last_mut().unwrap().0 = key.name.to_owned();
        }
        let Some(table) = key.kind.inner() else { continue };
        let (path, header) = if matches!(key.kind, Kind::Tables(_)) {
            (inner.clone(), format!("[[{inner}]]"))
        } else if matches!(key.kind, Kind::Named(_)) {
            (format!("{inner}.x"), format!("[{inner}.x]"))
        } else {
            (inner.clone(), format!("[{inner}]"))
        };
        headers.push(header);
        collect_keys(table, &path, headers, keys);
        headers.pop();
    }
}
