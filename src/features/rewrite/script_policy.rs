//! Whether a page's own content security policy (CSP Level 3) would let a script of its host run and ask that host.
//!
//! Where it is not certain the answer is no: a script that is blocked only fills the application's reports.

use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, HeaderValue};

/// Whether every policy of these headers lets a script from the page's own host run, and ask it. `authority` is the host
/// that callers see, with its port.
pub fn allows_own_script(headers: &HeaderMap, authority: &str) -> bool {
    let policies = headers.get_all(CONTENT_SECURITY_POLICY).iter();
    // What cannot be read as text is no policy of which anything is known.
    let mut texts = policies.map(HeaderValue::to_str);
    texts.all(|text| text.is_ok_and(|text| text.split(',').all(|policy| allows(policy, authority))))
}

fn allows(policy: &str, authority: &str) -> bool {
    let directive = |name: &str| {
        let mut directives = policy.split(';').map(str::split_ascii_whitespace);
        // The first of a name counts.
        directives.find_map(|mut words| {
            words.next().filter(|found| found.eq_ignore_ascii_case(name)).map(|_| words)
        })
    };
    let sandbox = directive("sandbox");
    if sandbox.is_some_and(|mut words| !words.any(|word| word.eq_ignore_ascii_case("allow-scripts"))) {
        return false;
    }
    let scripts = directive("script-src-elem").or_else(|| directive("script-src"));
    let scripts = scripts.or_else(|| directive("default-src"));
    let asks = directive("connect-src").or_else(|| directive("default-src"));
    let is_strict = scripts
        .clone()
        .is_some_and(|mut words| words.any(|word| word.eq_ignore_ascii_case("'strict-dynamic'")));
    let lists = |sources: Option<std::str::SplitAsciiWhitespace<'_>>| {
        sources.is_none_or(|mut words| words.any(|word| is_own_host(word, authority)))
    };
    !is_strict && lists(scripts) && lists(asks)
}

/// Whether a source names the page's own host, whatever the path there.
fn is_own_host(source: &str, authority: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let authority = authority.to_ascii_lowercase();
    matches!(source.as_str(), "'self'" | "*" | "https:")
        || source.trim_start_matches("https://").trim_end_matches('/') == authority
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(policies: &[&str]) -> bool {
        let lines =
            policies.iter().map(|text| (CONTENT_SECURITY_POLICY, HeaderValue::from_str(text).unwrap()));
        allows_own_script(&lines.collect(), "ehr.clinic.example:8443")
    }

    #[test]
    fn a_script_stands_only_where_each_policy_lets_it_run_and_ask() {
        let yes: [&[&str]; 9] = [
            &[],
            &["frame-ancestors 'none'"],
            &["default-src 'self'"],
            &["default-src 'none'; script-src 'self'; connect-src 'self'"],
            &["Script-Src https:; img-src x"],
            &["script-src 'nonce-abc' https://ehr.clinic.example:8443/"],
            &["default-src 'none'; script-src 'none'; script-src-elem *; connect-src *"],
            &["sandbox allow-scripts allow-forms"],
            &["default-src 'self', script-src *"],
        ];
        let no: [&[&str]; 10] = [
            &["default-src 'none'"],
            &["script-src 'none'"],
            &["script-src"],
            &["script-src 'nonce-abc' 'strict-dynamic' 'self'"],
            &["script-src https://ehr.clinic.example:8443.evil.example"],
            &["script-src 'self'; connect-src https://api.example"],
            &["default-src 'self'", "script-src 'none'"],
            &["default-src 'self', script-src 'none'"],
            &["sandbox"],
            &["script-src 'none'; script-src 'self'"],
        ];
        for policies in yes {
            assert!(allowed(policies), "{policies:?}");
        }
        for policies in no {
            assert!(!allowed(policies), "{policies:?}");
        }
    }
}
