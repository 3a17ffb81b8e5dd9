//! What the application is told about the request: who, from where, on whose behalf.
//!
//! The gateway has removed every spelling of these names from what the caller sent, before.

use std::net::IpAddr;

use http::header::{HOST, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::settings::{IdentityHeaders, Server};
use crate::domain::subject::Identity;
use crate::foundation::id::RequestId;

/// What is told.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The request.
    pub request: RequestId,
    /// The caller's address.
    pub client: IpAddr,
    /// The authority (host and port) that the caller asked for.
    pub authority: &'a str,
    /// Who; absent on public routes.
    pub identity: Option<&'a Identity>,
    /// The signed assertion; absent on public routes.
    pub assertion: Option<&'a HeaderValue>,
}

/// The signed assertion's header.
pub const ASSERTION: HeaderName = HeaderName::from_static("x-leastway-assertion");
/// The request's identifier.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Writes the headers. `own_host` is the application's own name, where it wants to see that.
pub fn write(
    headers: &mut HeaderMap,
    facts: &Facts<'_>,
    families: &[IdentityHeaders],
    own_host: Option<&Server>,
) {
    if let Ok(authority) = HeaderValue::try_from(facts.authority) {
        headers.insert(HOST, authority.clone());
        headers.insert(FORWARDED_HOST, authority);
    }
    if let Some(own) = own_host {
        put(headers, HOST, &own.to_string());
    }
    put(headers, REQUEST_ID, facts.request.encode(&mut [0; 36]));
    put(headers, FORWARDED_FOR, &spelled(facts.client));
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    if !headers.contains_key(&TRACEPARENT) {
        put(headers, TRACEPARENT, &traceparent(facts.request));
    }
    if let Some(assertion) = facts.assertion {
        headers.insert(ASSERTION, assertion.clone());
    }
    let Some(identity) = facts.identity else { return };
    for family in families {
        write_identity(headers, identity, *family);
    }
}

fn write_identity(headers: &mut HeaderMap, identity: &Identity, family: IdentityHeaders) {
    let subject = &identity.subject;
    let [user, name, groups] = match family {
        IdentityHeaders::RemoteUser => ["remote-user", "remote-name", "remote-groups"],
        IdentityHeaders::XForwardedUser => {
            ["x-forwarded-user", "x-forwarded-preferred-username", "x-forwarded-groups"]
        }
    };
    put(headers, HeaderName::from_static(user), &subject.sub);
    put(headers, HeaderName::from_static(name), &subject.name);
    put(headers, HeaderName::from_static(groups), &subject.groups.join(","));
}

/// A value with what a header cannot carry (RFC 9110 section 5.5) left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let clean = || value.chars().filter(|each| !each.is_control()).collect::<String>();
    match HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(clean().as_bytes())) {
        Ok(value) => drop(headers.insert(name, value)),
        Err(_) => drop(headers.remove(name)),
    }
}

/// As it is displayed; an IPv4 address in a tenth of the time, because every request has one.
fn spelled(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity("255.255.255.255".len());
    for octet in address.octets() {
        if !text.is_empty() {
            text.push('.');
        }
        for (least, unit) in [(100, 100), (10, 10), (0, 1)] {
            if octet >= least {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
    text
}

/// A trace that begins here (W3C Trace Context): the request's identifier is the trace's.
fn traceparent(request: RequestId) -> String {
    let mut space = [0; 32];
    let trace = request.digits(&mut space);
    let parent = trace.get(16..).unwrap_or_default();
    ["00-", trace, "-", parent, "-00"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::clock::Timestamp;
    use crate::foundation::entropy::SeededEntropy;

    #[test]
    fn addresses_and_traces_are_spelled_as_they_are_displayed() {
        for octet in 0..=255 {
            let address = IpAddr::from([octet, 255 - octet, 0, 10]);
            assert_eq!(spelled(address), address.to_string());
        }
        assert_eq!(spelled("2001:db8::1".parse().unwrap()), "2001:db8::1");
        let request = RequestId::new(Timestamp::from_seconds(1_800_000_000), &SeededEntropy::new(1));
        let (trace, parent) = (request.as_u128(), request.as_u128() & u128::from(u64::MAX));
        assert_eq!(traceparent(request), format!("00-{trace:032x}-{parent:016x}-00"));
    }
}
