//! What a provider says about a person becomes short texts without control characters, or is refused; groups are
//! all of what stands there, in order.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use leastway::features::authn::claims;
use leastway::features::authn::client::ClientCredential;
use leastway::features::authn::settings::{AccessTokenType, LoginAgain, ProviderSettings};
use leastway::foundation::secret::Secret;
use serde_json::{Map, Value};

static SETTINGS: LazyLock<ProviderSettings> = LazyLock::new(|| ProviderSettings {
    name: "clinic".parse().expect("a name"),
    title: "clinic".to_owned(),
    domains: Vec::new(),
    issuer: "https://id.example".into(),
    client_id: "leastway".to_owned(),
    credential: ClientCredential::Secret(Secret::new("secret".to_owned())),
    pushed_requests: false,
    own_callback: false,
    scopes: vec!["openid".to_owned()],
    claims: BTreeMap::from(
        [("groups", "realm.groups"), ("name", "name"), ("site", "site")]
            .map(|(word, claim)| (word.to_owned(), claim.to_owned())),
    ),
    has_directory_groups: false,
    assurance: BTreeMap::new(),
    login_again: LoginAgain::Both,
    access_token_type: AccessTokenType::AtJwt,
    authorities: None,
    clock_skew: Duration::from_secs(30),
    timeout: Duration::from_secs(5),
    connect_to: None,
});

pub fn check(bytes: &[u8]) {
    let Ok(found) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    let sub: Arc<str> = "sub".into();
    let lacks = claims::lacks_any(&SETTINGS, &found);
    let Ok(subject) = claims::subject(&SETTINGS, &sub, &found) else { return };
    let texts = subject.groups.iter().chain(subject.attributes.values().flatten());
    for text in texts.map(|text| &**text).chain([&*subject.name]) {
        assert!(text.len() <= 1024 && !text.chars().any(char::is_control));
    }
    assert!(!subject.name.trim().is_empty());
    assert!(lacks || *subject.name != *sub || found.get("name").is_some());
    let said = found.get("realm.groups").or_else(|| found.get("realm")?.get("groups"));
    if let Some(Value::Array(groups)) = said {
        let plain: Option<Vec<&str>> = groups.iter().map(Value::as_str).collect();
        if let Some(plain) = plain {
            assert!(subject.groups.iter().map(|group| &**group).eq(plain));
        } else {
            assert_eq!(subject.groups.len(), groups.len());
        }
    }
}
