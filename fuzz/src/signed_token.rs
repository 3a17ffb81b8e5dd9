//! What the targets of signed tokens share: header and claims stand on two lines; what has one line is a token as it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The token that is tried.
pub fn token(bytes: &[u8]) -> String {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => {
            let (header, claims) = bytes.split_at(at);
            let encode = |part| URL_SAFE_NO_PAD.encode(part);
            format!("{}.{}.c2ln", encode(header), encode(claims.get(1..).unwrap_or_default()))
        }
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Header and claims of a token that was taken, as a common reader of JSON has them.
pub fn read(token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "a signed token");
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    };
    let (header, claims) = (read(parts[0]), read(parts[1]));
    assert!(header.get("crit").is_none() && header.get("cty").is_none());
    assert!(header.get("alg").is_some_and(Value::is_string));
    (header, claims)
}
