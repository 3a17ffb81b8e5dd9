//! What the browser brings to the callback: an authorization response (OpenID Connect Core 3.1.2.5, RFC 9207).

use std::borrow::Cow;

use super::error::{AuthnError, RefusalCode};
use crate::foundation::secret::Secret;

/// An authorization response, read but not believed.
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// Which sign-in it says that it answers.
    pub state: String,
    /// Who says that they answer (RFC 9207).
    pub issuer: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a sign-in at the provider.
#[derive(Debug)]
pub enum Outcome {
    /// It has succeeded, and this is to be exchanged.
    Code(Secret),
    /// It has not.
    Error(RefusalCode),
}

/// The longest query that is read.
const QUERY_BYTES_MAX: usize = 16 * 1024;

impl AuthorizationResponse {
    /// Reads a query. A parameter that comes twice could be read in two ways, and is refused.
    pub fn parse(query: &str) -> Result<Self, AuthnError> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(AuthnError::Malformed("it is too long"));
        }
        let mut parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if parameters.iter().any(|(seen, _)| *seen == name) {
                return Err(AuthnError::Malformed("a parameter comes twice"));
            }
            parameters.push((name, value));
        }
        let mut take = |wanted: &str| {
            let position = parameters.iter().position(|(name, _)| name == wanted)?;
            Some(parameters.swap_remove(position).1.into_owned()).filter(|value| !value.is_empty())
        };
        let state = take("state").ok_or(AuthnError::UnknownTransaction)?;
        let outcome = match (take("code"), take("error")) {
            (Some(code), None) => Outcome::Code(Secret::new(code)),
            (None, Some(error)) => Outcome::Error(RefusalCode::new(&error)),
            (Some(_), Some(_)) => return Err(AuthnError::Malformed("it is both a success and an error")),
            (None, None) => return Err(AuthnError::Malformed("it is neither a success nor an error")),
        };
        Ok(Self { state, issuer: take("iss"), outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_a_state_and_one_outcome() {
        let response =
            AuthorizationResponse::parse("code=a%2Bb&state=s&iss=https%3A%2F%2Fid.example").unwrap();
        assert_eq!((response.state.as_str(), response.issuer.as_deref()), ("s", Some("https://id.example")));
        assert!(matches!(response.outcome, Outcome::Code(code) if code.is("a+b")));

        let refused =
            AuthorizationResponse::parse("error=access_denied&error_description=x&state=s").unwrap();
        assert!(matches!(refused.outcome, Outcome::Error(code) if code.as_str() == "access_denied"));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let long = format!("code=c&state={}", "s".repeat(QUERY_BYTES_MAX));
        for query in [
            "code=a&code=b&state=s",
            "code=a&state=s&state=t",
            "code=a&state=s&iss=x&is%73=y",
            "code=a&error=access_denied&state=s",
            "state=s",
            "code=&state=s",
            &long,
        ] {
            let parsed = AuthorizationResponse::parse(query);
            assert!(matches!(parsed, Err(AuthnError::Malformed(_))), "{query}");
        }
        for query in ["", "code=a", "code=a&state="] {
            let parsed = AuthorizationResponse::parse(query);
            assert!(matches!(parsed, Err(AuthnError::UnknownTransaction)), "{query}");
        }
    }

    #[test]
    fn free_text_of_a_stranger_is_not_repeated() {
        let query = "error=Call+0900-EVIL+now&state=s";
        let response = AuthorizationResponse::parse(query).unwrap();
        assert!(matches!(response.outcome, Outcome::Error(code) if code.as_str() == "unknown"));
    }
}
