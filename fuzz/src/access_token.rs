//! An access token says what it says to a common reader of JSON, names one program, and has no mark of another kind.

use leastway::features::authn::access_token::AccessToken;
use leastway::features::authn::settings::AccessTokenType;
use serde_json::Value;

use super::signed_token::{read, token};

pub fn check(bytes: &[u8]) {
    let token = token(bytes);
    let Ok(parsed) = AccessToken::parse(&token) else { return };
    let (header, claims) = read(&token);
    assert_eq!(claims["iss"], parsed.issuer());
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    match parsed.client_id() {
        Ok(id) => {
            let named = [text("client_id"), text("azp")];
            assert!(named.contains(&Some(id)) && named.into_iter().flatten().all(|name| name == id));
        }
        Err(_) => assert!(
            text("client_id").is_none() || text("azp").is_some_and(|azp| Some(azp) != text("client_id"))
        ),
    }
    let is_plain = parsed.is_of_kind(AccessTokenType::Jwt).is_ok();
    let marks = ["nonce", "events", "at_hash"];
    let is_bound = |cnf: &Value| {
        cnf.as_object().is_some_and(|cnf| cnf.len() == 1 && cnf.get("jkt").is_some_and(Value::is_string))
    };
    let is_one =
        marks.iter().all(|mark| claims.get(mark).is_none()) && claims.get("cnf").is_none_or(is_bound);
    assert_eq!(is_plain, is_one && text("sub").is_some());
    let typ = header.get("typ").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    assert!(matches!(typ, None | Some("jwt" | "at+jwt")));
    let is_typed = parsed.is_of_kind(AccessTokenType::AtJwt).is_ok();
    assert_eq!(is_typed, is_plain && typ == Some("at+jwt"));
}
