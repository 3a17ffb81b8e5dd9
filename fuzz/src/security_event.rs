//! A signal says what it says to a common reader of JSON: of its own type, one event, without `sub`; and names nobody
//! whom that reader does not find in it.

use leastway::features::signals::token::Token;
use leastway::features::signals::{Name, Whom};
use serde_json::Value;

use super::signed_token::{read, token};

pub fn check(bytes: &[u8]) {
    let token = token(bytes);
    let Ok(parsed) = Token::parse(&token) else { return };
    let (header, claims) = read(&token);
    let kind = header["typ"].as_str().expect("a type").to_ascii_lowercase();
    assert_eq!(kind.strip_prefix("application/").unwrap_or(&kind), "secevent+jwt");
    assert!(claims.get("sub").is_none());
    let Ok(set) = parsed.set(&"clinic".parse().expect("a name")) else { return };
    assert_eq!(claims["jti"], *set.id);
    assert_eq!(claims["events"].as_object().map(serde_json::Map::len), Some(1));
    let Whom { people, sessions, has_user: _ } = &set.whom;
    let mut said = Vec::new();
    texts(&claims, &mut said);
    let is_said = |name: &str| said.contains(&name);
    for name in people.iter().chain(sessions) {
        assert!(match name {
            Name::Sub { issuer, sub } => is_said(issuer) && is_said(sub),
            Name::Email(email) => said.iter().any(|text| text.to_lowercase() == **email),
            Name::Opaque(id) => is_said(id),
        });
    }
    assert!(people.len() <= 16 && sessions.len() <= 16);
}

fn texts<'v>(value: &'v Value, all: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => all.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
        Value::Object(members) => members.values().for_each(|member| texts(member, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
