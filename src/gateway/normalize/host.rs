//! The one host that a request is for: `Host`, `:authority`, an absolute target and the TLS server
//! name all say the same, or the request is refused (RFC 9110 7.2, RFC 9113 8.3.1).

use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, Version};

use super::fault::Fault;

/// The host that a request is for. The host is in lower case, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: Arc<str>,
    /// The port, if the caller named one.
    pub port: Option<u16>,
    /// Both.
    text: Arc<str>,
}

/// The one authority of a request. `sni` is the name that the TLS handshake asked for.
pub fn authority(parts: &Parts, sni: Option<&str>) -> Result<Authority, Fault> {
    let from_header = host_header(parts)?;
    let from_target = match parts.uri.authority() {
        Some(authority) => {
            check_scheme(parts)?;
            Some(Authority::parse(authority.as_str())?)
        }
        None => None,
    };
    let authority = match (from_header, from_target) {
        (Some(header), Some(target)) if header != target => {
            return Err(Fault::malformed("host: target and Host differ"));
        }
        (Some(authority), _) => authority,
        (None, Some(target)) if parts.version == Version::HTTP_2 => target,
        (None, _) => return Err(Fault::malformed("host: missing")),
    };
    // Without a server name the caller asked for an address, or is older than the extension; the
    // certificate that it accepted then vouches for the host.
    if sni.is_some_and(|sni| !sni.eq_ignore_ascii_case(&authority.host)) {
        return Err(Fault::misdirected("host: not the one of the TLS handshake"));
    }
    Ok(authority)
}

impl Authority {
    /// `host` or `host:port`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads `host` or `host:port`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.contains('@') {
            return Err(Fault::malformed("host: user information"));
        }
        let (host, port) = split_port(text).ok_or(Fault::malformed("host: malformed port"))?;
        let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
        let host: Arc<str> = if is_lower { host.into() } else { host.to_ascii_lowercase().into() };
        if host.ends_with('.') {
            return Err(Fault::misdirected("host: trailing dot"));
        }
        if !is_host(&host) {
            return Err(Fault::malformed("host: malformed"));
        }
        let text = match port {
            Some(port) => format!("{host}:{port}").into(),
            None => Arc::clone(&host),
        };
        Ok(Self { host, port, text })
    }
}

fn host_header(parts: &Parts) -> Result<Option<Authority>, Fault> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let line: Option<&HeaderValue> = lines.next();
    if lines.next().is_some() {
        return Err(Fault::malformed("host: given twice"));
    }
    line.map(|line| {
        let text = line.to_str().map_err(|_| Fault::malformed("host: malformed"))?;
        Authority::parse(text)
    })
    .transpose()
}

/// An authority in the target comes with a scheme; `ftp://` and the like are not ours.
fn check_scheme(parts: &Parts) -> Result<(), Fault> {
    match parts.uri.scheme_str() {
        Some("https" | "http") => Ok(()),
        Some(_) | None => Err(Fault::malformed("target: scheme")),
    }
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let at = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, rest) = text.split_at_checked(at)?;
    if rest.is_empty() {
        return Some((host, None));
    }
    let digits = rest.strip_prefix(':')?;
    let plain = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = if plain { digits.parse().ok().filter(|port| *port != 0)? } else { return None };
    Some((host, Some(port)))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(label)
}
