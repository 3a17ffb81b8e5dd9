//! Addresses that point at the application's own servers.

/// A server of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its name or address, in lower case; an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// An address that begins with a host: its parts, as far as they are looked at.
struct Absolute<'a> {
    is_http: bool,
    host: String,
    port: u16,
    /// Path, query and fragment.
    rest: &'a str,
}

/// The same address below `authority`, if it points at one of `own`, or at `authority` without TLS.
pub fn turned(value: &str, own: &[Origin], authority: &str) -> Option<String> {
    let address = absolute(value.trim())?;
    let is_own = own.iter().any(|origin| origin.host == address.host && origin.port == address.port);
    // An application that is reached in plain believes that its callers are, too.
    let is_unsafe = address.is_http && {
        let (host, port) = split(authority)?;
        host == address.host && (address.port == 80 || Some(address.port) == port)
    };
    if !is_own && !is_unsafe {
        return None;
    }
    let slash = if address.rest.starts_with('/') { "" } else { "/" };
    Some(format!("https://{authority}{slash}{}", address.rest))
}

/// The same for `Refresh`: seconds, and an address after `url=`.
pub fn turned_refresh(value: &str, own: &[Origin], authority: &str) -> Option<String> {
    let at = value.find(['=']).filter(|at| {
        value.get(..*at).is_some_and(|name| name.trim_end().to_ascii_lowercase().ends_with("url"))
    })?;
    let (head, address) = value.split_at_checked(at + 1)?;
    let bare = address.trim();
    let quote = bare.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = match quote {
        Some(quote) => bare.strip_prefix(quote)?.strip_suffix(quote)?,
        None => bare,
    };
    let turned = turned(inner, own, authority)?;
    let quote = quote.map(String::from).unwrap_or_default();
    Some(format!("{head}{quote}{turned}{quote}"))
}

fn absolute(value: &str) -> Option<Absolute<'_>> {
    let after = |scheme: &str| {
        let (start, rest) = value.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let (is_http, default, rest) = match (after("http://"), after("https://"), after("//")) {
        (Some(rest), ..) => (true, Some(80), rest),
        (None, Some(rest), _) => (false, Some(443), rest),
        // Of whatever scheme the page is.
        (None, None, Some(rest)) => (false, None, rest),
        (None, None, None) => return None,
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    // A backslash is a slash to some browsers, and what stands before an `@` is nobody's host.
    if rest.starts_with('\\') || authority.contains('@') {
        return None;
    }
    let (host, port) = split(authority)?;
    Some(Absolute { is_http, host, port: port.or(default).unwrap_or(443), rest })
}

/// Host in lower case, and port.
fn split(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<Origin> {
        [("10.0.0.7", 8080), ("ehr.internal", 443), ("fd00::7", 80)]
            .map(|(host, port)| Origin { host: host.to_owned(), port })
            .into()
    }

    #[test]
    fn an_address_of_the_application_becomes_ours_and_any_other_stays() {
        let cases = [
            ("http://10.0.0.7:8080/patients?a=1#b", Some("/patients?a=1#b")),
            ("https://10.0.0.7:8080/", Some("/")),
            ("HTTP://10.0.0.7:8080", Some("/")),
            ("http://10.0.0.7:8080?next=1", Some("/?next=1")),
            ("https://EHR.internal/x", Some("/x")),
            ("//ehr.internal/x", Some("/x")),
            ("http://[fd00::7]/x", Some("/x")),
            ("http://ehr.clinic.example/x", Some("/x")),
            ("http://ehr.clinic.example:8443/x", Some("/x")),
            ("https://ehr.clinic.example:8443/x", None),
            ("http://ehr.clinic.example:9000/x", None),
            ("http://10.0.0.7:8081/", None),
            ("http://10.0.0.77:8080/", None),
            ("http://10.0.0.7:8080.evil.example/", None),
            ("http://10.0.0.7:8080@evil.example/", None),
            ("http://10.0.0.7:8080\\@evil.example/", None),
            ("https://id.clinic.example/authorize?redirect_uri=http://10.0.0.7:8080/", None),
            ("/patients", None),
            ("patients", None),
            ("", None),
        ];
        for (value, rest) in cases {
            let expected = rest.map(|rest| format!("https://ehr.clinic.example:8443{rest}"));
            assert_eq!(turned(value, &own(), "ehr.clinic.example:8443"), expected, "{value}");
        }
    }

    #[test]
    fn a_refresh_keeps_its_seconds() {
        let cases = [
            ("5; url=http://10.0.0.7:8080/x", Some("5; url=https://ehr.clinic.example/x")),
            ("0;URL='http://10.0.0.7:8080/x'", Some("0;URL='https://ehr.clinic.example/x'")),
            ("0; url=/x", None),
            ("5", None),
            ("5; url=https://elsewhere.example/", None),
        ];
        for (value, expected) in cases {
            let turned = turned_refresh(value, &own(), "ehr.clinic.example");
            assert_eq!(turned.as_deref(), expected, "{value}");
        }
    }
}
