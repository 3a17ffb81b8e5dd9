//! What comes back from the provider through the browser has one reading: a common reader finds each parameter
//! once, and the same.

use leastway::features::authn::response::{AuthorizationResponse, Outcome};
use url::form_urlencoded;

pub fn check(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    let Ok(response) = AuthorizationResponse::parse(query) else { return };
    let all = |wanted: &str| -> Vec<String> {
        let pairs = form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(all("state"), [response.state]);
    match response.outcome {
        Outcome::Code(code) => {
            assert_eq!(all("code"), [code.reveal()]);
            assert!(all("error").iter().all(String::is_empty));
        }
        Outcome::Error(code) => {
            assert!(all("code").iter().all(String::is_empty));
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            let said = all("error");
            assert!(said == [code.as_str()] || code.as_str() == "unknown");
        }
    }
    assert_eq!(response.issuer.into_iter().collect::<Vec<_>>(), {
        let mut said = all("iss");
        said.retain(|issuer| !issuer.is_empty());
        said
    });
}
