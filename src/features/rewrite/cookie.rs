//! Cookies that an application sets (RFC 6265 4.1): their attributes, never their names or values.

use super::location::Origin;
use super::settings::{CookieDomain, CookieRewrite, SameSite};

/// The same cookie with other attributes; none if it stays as it came.
pub fn rewritten(line: &str, settings: &CookieRewrite, own: &[Origin]) -> Option<String> {
    let mut parts = line.split(';');
    let pair = parts.next()?;
    // Such a cookie is taken only with the path `/`.
    let is_fixed = pair.trim_start().get(..FIXED.len()).is_some_and(|name| name.eq_ignore_ascii_case(FIXED));
    let path = settings.path.as_deref().filter(|_| !is_fixed);
    let (mut is_secure, mut says_site) = (false, false);
    let mut kept = vec![pair.to_owned()];
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "domain" if goes(value.trim(), settings.domain, own) => continue,
            "path" if path.is_some() => continue,
            "secure" => is_secure = true,
            "samesite" => says_site = true,
            _ => {}
        }
        kept.push(part.to_owned());
    }
    if let Some(path) = path {
        kept.push(format!(" Path={path}"));
    }
    if settings.secure && !is_secure {
        kept.push(" Secure".to_owned());
    }
    if let (Some(site), false) = (settings.same_site, says_site) {
        let site = match site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        kept.push(format!(" SameSite={site}"));
    }
    let changed = kept.join(";");
    (changed != line).then_some(changed)
}

/// Whether a `Domain` is taken away: one that names the application's own server or a domain that it is in
/// would be refused by browsers, who know another host.
fn goes(domain: &str, which: CookieDomain, own: &[Origin]) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let covers =
        |host: &str| host == domain || host.strip_suffix(&domain).is_some_and(|start| start.ends_with('.'));
    match which {
        CookieDomain::Own => own.iter().any(|origin| covers(&origin.host)),
        CookieDomain::Any => true,
        CookieDomain::None => false,
    }
}

const FIXED: &str = "__Host-";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attributes_fit_the_host_that_callers_see_and_name_and_value_stay() {
        let own = [Origin { host: "ehr.internal".to_owned(), port: 8080 }];
        let plain = CookieRewrite { domain: CookieDomain::Own, path: None, secure: true, same_site: None };
        let strict = CookieRewrite {
            domain: CookieDomain::Any,
            path: Some("/ehr/".to_owned()),
            secure: true,
            same_site: Some(SameSite::Lax),
        };
        let cases = [
            (&plain, "a=b; Path=/; Secure", None),
            (&plain, "a=b", Some("a=b; Secure")),
            (&plain, "a=b; HttpOnly;secure", None),
            (&plain, "a=b; Domain=ehr.internal; Path=/", Some("a=b; Path=/; Secure")),
            (&plain, "a=b; domain=.internal", Some("a=b; Secure")),
            (&plain, "a=b; Domain=.clinic.example; Secure", None),
            (&plain, "a=b; Domain=hr.internal; Secure", None),
            (&plain, "a=Domain=ehr.internal", Some("a=Domain=ehr.internal; Secure")),
            (&strict, "a=b; Domain=clinic.example; Path=/x", Some("a=b; Path=/ehr/; Secure; SameSite=Lax")),
            (&strict, "a=b; SameSite=Strict; Secure", Some("a=b; SameSite=Strict; Secure; Path=/ehr/")),
            (&strict, "__Host-a=b; Path=/; Secure; SameSite=Lax", None),
        ];
        for (settings, line, expected) in cases {
            assert_eq!(rewritten(line, settings, &own).as_deref(), expected, "{line}");
        }
    }

    fn attributes(line: &str) -> BTreeSet<String> {
        line.split(';').skip(1).map(|part| part.trim().to_ascii_lowercase()).collect()
    }

    proptest! {
        #[test]
        fn changed_twice_a_cookie_says_the_same_under_its_name_and_value(
            pair in "[a-zA-Z_=;]{0,6}", parts in prop::collection::vec(
                "( ?(Domain|PATH|secure|SameSite|HttpOnly)(=(/x|ehr.internal|.internal|Lax))?)?", 0..5,
            ),
            path in prop::option::of(Just("/ehr/".to_owned())),
        ) {
            let own = [Origin { host: "ehr.internal".to_owned(), port: 80 }];
            let settings =
                CookieRewrite { domain: CookieDomain::Own, path, secure: true, same_site: Some(SameSite::Lax) };
            let line = format!("{pair};{}", parts.join(";"));
            let once = rewritten(&line, &settings, &own).unwrap_or_else(|| line.clone());
            prop_assert_eq!(once.split(';').next(), line.split(';').next());
            let twice = rewritten(&once, &settings, &own).unwrap_or_else(|| once.clone());
            prop_assert_eq!(attributes(&twice), attributes(&once));
        }
    }
}
