//! A logout token says what it says to a common reader of JSON, and is one only with its event and without a nonce.

use leastway::domain::revocation::Target;
use leastway::features::authn::logout_token::Token;
use serde_json::Value;

use super::signed_token::{read, token};

pub fn check(bytes: &[u8]) {
    let token = token(bytes);
    let Ok(parsed) = Token::parse(&token) else { return };
    let (_, claims) = read(&token);
    assert_eq!(claims["iss"], parsed.issuer());
    let Ok(target) = parsed.target() else { return };
    assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert!(claims.get("nonce").is_none());
    let is = |name: &str, value: Option<&str>| claims.get(name).and_then(Value::as_str) == value;
    match target {
        Target::ProviderSession(session) => {
            assert!(is("sid", Some(&*session.sid)) && is("sub", session.sub.as_deref()));
        }
        Target::Person(person) => assert!(is("sid", None) && is("sub", Some(&*person.sub))),
        Target::Session(_) | Target::SignIn(_) | Target::Others(_) => {
            panic!("no token names a session of ours")
        }
    }
}
