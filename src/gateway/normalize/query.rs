//! The query of a request: forwarded byte for byte, matched by its decoded parameters.

use http::uri::PathAndQuery;

use super::fault::Fault;
use crate::features::route::fields::{Fields, FieldsFault};

/// How long a query may be.
pub const QUERY_BYTES_MAX: usize = 32 * 1024;

/// A query whose parameters were read. Prints none of them.
#[derive(Clone, Debug)]
pub struct Query {
    /// Shared with the request's target: this is what is forwarded.
    target: PathAndQuery,
    fields: Fields,
}

impl Query {
    /// Reads the query of a request's target.
    pub fn read(target: &PathAndQuery) -> Result<Self, Fault> {
        let raw = target.query().unwrap_or_default();
        if raw.len() > QUERY_BYTES_MAX {
            return Err(Fault::malformed("query: too long"));
        }
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::malformed("query: raw byte beyond ASCII, blank or control character"));
        }
        let fields =
            if raw.is_empty() { Fields::none() } else { Fields::parse(raw.as_bytes()).map_err(fault)? };
        Ok(Self { target: target.clone(), fields })
    }

    /// The query as it came, and as it is forwarded; `None` if there is no `?`.
    pub fn as_str(&self) -> Option<&str> {
        self.target.query()
    }

    /// The query as it came, but for the values of parameters that may open something: codes, tokens, passwords. `None` if
    /// there is none.
    pub fn without_secrets(&self) -> Option<String> {
        let raw = self.as_str().filter(|raw| !raw.is_empty())?;
        let mut plain = String::with_capacity(raw.len());
        for (place, parameter) in raw.split('&').enumerate() {
            if place > 0 {
                plain.push('&');
            }
            match parameter.split_once('=') {
                Some((name, _)) if opens(name) => plain.extend([name, "=..."]),
                Some(_) | None => plain.push_str(parameter),
            }
        }
        Some(plain)
    }

    /// Its parameters.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The names of its parameters, each once: all that an event may tell.
    pub fn keys(&self) -> Vec<&str> {
        self.fields.keys()
    }
}

/// Whether the value of a parameter of this name, as it came, may open something. A name with escapes might be any.
fn opens(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains('%') || SECRETS.iter().any(|secret| name.contains(secret))
}

/// What the names of parameters have in them whose values may open something (RFC 6749, RFC 6750, OpenID Connect, SAML).
const SECRETS: [&str; 12] = [
    "code",
    "state",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "assertion",
    "saml",
    "session",
    "signature",
    "apikey",
];

fn fault(fault: FieldsFault) -> Fault {
    let internal = match fault {
        FieldsFault::Escape => "query: broken escape",
        FieldsFault::Control => "query: control character",
        FieldsFault::Overlong => "query: overlong sequence",
        FieldsFault::TooMany => "query: too many parameters",
    };
    Fault::malformed(internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_open_something_is_left_out() {
        let plain = |target: &str| Query::read(&target.parse().unwrap()).unwrap().without_secrets();
        assert_eq!(plain("/a"), None);
        assert_eq!(plain("/a?"), None);
        assert_eq!(plain("/a?name=Smith&&x&b=1=2").as_deref(), Some("name=Smith&&x&b=1=2"));
        let secret = "/a?Code=1&access_token=2&SAMLResponse=3&p%77d=4&name=5";
        let expected = "Code=...&access_token=...&SAMLResponse=...&p%77d=...&name=5";
        assert_eq!(plain(secret).as_deref(), Some(expected));
    }
}
