//! A logout token says what it says to a common reader of JSON, and is one only with its event and without a nonce.
//! Header and claims stand on two lines; what has one line is a token as it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leastway::domain::revocation::Target;
use leastway::features::authn::logout_token::Token;
use serde_json::Value;

pub fn check(bytes: &[u8]) {
    let token = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => {
            let (header, claims) = bytes.split_at(at);
            let encode = |part| URL_SAFE_NO_PAD.encode(part);
            format!("{}.{}.c2ln", encode(header), encode(claims.get(1..).unwrap_or_default()))
        }
        None => String::from_utf8_lossy(bytes).into_owned(),
    };
    let Ok(parsed) = Token::parse(&token) else { return };
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "a signed token");
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    };
    let (header, claims) = (read(parts[0]), read(parts[1]));
    assert!(header.get("crit").is_none() && header.get("alg").is_some_and(Value::is_string));
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
