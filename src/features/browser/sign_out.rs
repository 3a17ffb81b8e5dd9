//! How an application is signed out: whether a request brings what is to be signed out, and how its cookies are taken
//! away.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use super::settings::{Clear, SignOutSettings};

impl SignOutSettings {
    /// Whether a request with these headers brings a session of the application.
    pub fn has_session(&self, headers: &HeaderMap) -> bool {
        let names =
            headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let name_of =
            |crumb: &[u8]| crumb.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_vec();
        self.cookies.is_empty()
            || names.map(name_of).any(|name| self.cookies.iter().any(|known| known.as_bytes() == name))
    }

    /// The values of `Set-Cookie` that take its cookies away. A browser forgets a cookie only by the `Domain` and `Path`
    /// with which it was set, so that there is one for each that may have been.
    pub fn expired_cookies(&self) -> Vec<HeaderValue> {
        let mut lines = Vec::new();
        for name in &self.cookies {
            // Such a cookie has the path `/` and no domain (RFC 6265bis).
            if name.get(..HOST_PREFIX.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(HOST_PREFIX)) {
                lines.push(format!("{name}=; Path=/; Secure; Max-Age=0"));
                continue;
            }
            for path in &self.cookie_paths {
                lines.push(format!("{name}=; Path={path}; Secure; Max-Age=0"));
                let domains = self.cookie_domains.iter();
                lines.extend(
                    domains.map(|domain| format!("{name}=; Domain={domain}; Path={path}; Secure; Max-Age=0")),
                );
            }
        }
        // What they are made of was seen when the configuration was read.
        lines.into_iter().filter_map(|line| HeaderValue::try_from(line).ok()).collect()
    }

    /// The value of `Clear-Site-Data`, if anything is to be forgotten.
    pub fn clear_site_data(&self) -> Option<HeaderValue> {
        let words: Vec<_> = self.clear.iter().map(|word: &Clear| format!("\"{word}\"")).collect();
        HeaderValue::try_from(words.join(", ")).ok().filter(|value| !value.is_empty())
    }
}

const HOST_PREFIX: &str = "__Host-";

#[cfg(test)]
mod tests {
    use http::Method;
    use http::uri::PathAndQuery;

    use super::*;

    fn settings(cookies: &[&str]) -> SignOutSettings {
        SignOutSettings {
            method: Method::GET,
            path: PathAndQuery::from_static("/ehr/logout"),
            cookies: cookies.iter().map(|&name| name.to_owned()).collect(),
            cookie_paths: vec!["/".to_owned(), "/ehr".to_owned()],
            cookie_domains: vec!["clinic.example".to_owned()],
            clear: vec![Clear::Cache, Clear::Storage],
            ends_session: false,
        }
    }

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_session_is_told_by_the_whole_name_of_its_cookie() {
        let settings_of = settings(&["JSESSIONID"]);
        assert!(settings_of.has_session(&headers("a=b; JSESSIONID=7")));
        assert!(settings_of.has_session(&headers("JSESSIONID")));
        for other in ["XJSESSIONID=7", "JSESSIONIDX=7", "jsessionid=7", "a=JSESSIONID", ""] {
            assert!(!settings_of.has_session(&headers(other)), "{other}");
        }
        assert!(settings(&[]).has_session(&HeaderMap::new()), "nobody knows, so it is asked");
    }

    #[test]
    fn cookies_go_with_every_path_and_domain_that_they_may_have() {
        assert_eq!(
            settings(&["S", "__Host-S"]).expired_cookies(),
            [
                "S=; Path=/; Secure; Max-Age=0",
                "S=; Domain=clinic.example; Path=/; Secure; Max-Age=0",
                "S=; Path=/ehr; Secure; Max-Age=0",
                "S=; Domain=clinic.example; Path=/ehr; Secure; Max-Age=0",
                "__Host-S=; Path=/; Secure; Max-Age=0",
            ]
        );
        assert_eq!(settings(&[]).clear_site_data().unwrap(), "\"cache\", \"storage\"");
    }
}
