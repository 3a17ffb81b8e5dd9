//! Cross-origin resource sharing (Fetch standard 3.3): for which origins we answer, and what.
//!
//! An origin that is not declared is told nothing, and none is ever told `*`. What an application answers is the
//! application's to say.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use super::settings::CorsSettings;

/// Whether a request asks, before another that it would send, whether that may come. No cookie comes with it.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl CorsSettings {
    /// Whether scripts of that origin may read what we say.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
    }

    /// Lets `origin`, if it is one of those that may, read a reply of ours. Caches keep the replies apart in any case.
    pub fn tell(&self, origin: Option<&HeaderValue>, reply: &mut HeaderMap) {
        reply.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else { return };
        reply.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.credentials {
            reply.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        reply.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }

    /// Answers an origin that may, before it sends. The same for every path: it tells nothing of what is there.
    pub fn answer(&self, origin: &HeaderValue, reply: &mut HeaderMap) {
        self.tell(Some(origin), reply);
        let methods = self.methods.iter().map(Method::as_str);
        let methods = PLAIN_METHODS.into_iter().chain(methods).collect::<Vec<_>>().join(", ");
        let fields = [
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, self.headers.join(", ")),
            (ACCESS_CONTROL_MAX_AGE, self.max_age.as_secs().to_string()),
        ];
        for (name, text) in fields {
            if let Ok(value) = HeaderValue::try_from(text)
                && !value.is_empty()
            {
                reply.insert(name, value);
            }
        }
        reply.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    }
}

/// What a script needs to see of a refusal: why, which event, and where to sign in.
const EXPOSED: &str =
    "X-Leastway-Reason, X-Leastway-Sign-In, X-Leastway-Sent, X-Request-Id, WWW-Authenticate, Retry-After";
/// What may come without having asked first.
const PLAIN_METHODS: [&str; 3] = ["GET", "HEAD", "POST"];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(credentials: bool) -> CorsSettings {
        CorsSettings {
            origins: vec!["https://portal.clinic.example".to_owned(), "https://lab.example:8443".to_owned()],
            credentials,
            methods: vec![Method::PUT, Method::DELETE],
            headers: vec!["content-type".to_owned()],
            max_age: Duration::from_secs(600),
        }
    }

    fn told(settings: &CorsSettings, origin: &str) -> HeaderMap {
        let mut reply = HeaderMap::new();
        settings.tell(Some(&HeaderValue::from_str(origin).unwrap()), &mut reply);
        reply
    }

    #[test]
    fn only_a_declared_origin_is_named_and_never_all() {
        let near = [
            "https://portal.clinic.example.evil.example",
            "https://evil.example",
            "http://portal.clinic.example",
            "https://portal.clinic.example:8443",
            "https://lab.example",
            "https://PORTAL.clinic.example",
            "null",
            "*",
            "",
        ];
        for origin in near {
            let reply = told(&settings(true), origin);
            assert_eq!(reply.len(), 1, "{origin}: {reply:?}");
            assert_eq!(reply[VARY], "Origin");
        }
        let reply = told(&settings(true), "https://lab.example:8443");
        assert_eq!(reply[ACCESS_CONTROL_ALLOW_ORIGIN], "https://lab.example:8443");
        assert_eq!(reply[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        let without = told(&settings(false), "https://lab.example:8443");
        assert!(!without.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn a_preflight_is_told_by_its_three_marks_and_answered_with_what_is_declared() {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("https://lab.example:8443"));
        assert!(!is_preflight(&Method::OPTIONS, &headers));
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
        assert!(is_preflight(&Method::OPTIONS, &headers) && !is_preflight(&Method::GET, &headers));
        let mut reply = HeaderMap::new();
        settings(true).answer(&headers[ORIGIN], &mut reply);
        assert_eq!(reply[ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD, POST, PUT, DELETE");
        assert_eq!(reply[ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
        assert_eq!(reply[ACCESS_CONTROL_MAX_AGE], "600");
    }
}
