//! Which trailers of a reply may pass (RFC 9110 6.5): all that are harmless where nobody counts, and of a
//! counted reply the status that gRPC puts there, which is a number.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};

/// Which trailers of a reply may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trailers {
    /// All but those that would have to be known before the body.
    Harmless,
    /// `grpc-status` alone.
    GrpcStatus,
    /// None: nobody counts what is in them.
    None,
}

impl Trailers {
    /// Of a reply with these headers. `is_watched` says that its body is counted or taken away.
    pub(super) fn of(headers: &HeaderMap, is_watched: bool) -> Self {
        let is_grpc = headers
            .get(CONTENT_TYPE)
            .and_then(|media_type| media_type.as_bytes().get(..GRPC.len()))
            .is_some_and(|media_type| media_type.eq_ignore_ascii_case(GRPC));
        match (is_watched, is_grpc) {
            (false, _) => Self::Harmless,
            (true, true) => Self::GrpcStatus,
            (true, false) => Self::None,
        }
    }

    /// What of these trailers may pass; none if nothing is left.
    pub(super) fn admit(self, trailers: &HeaderMap) -> Option<HeaderMap> {
        let may_pass = |name: &HeaderName| match self {
            Self::Harmless => is_harmless(name.as_str()),
            Self::GrpcStatus => *name == GRPC_STATUS,
            Self::None => false,
        };
        let kept: HeaderMap = trailers
            .iter()
            .filter(|(name, _)| may_pass(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let is_number = |status: &http::HeaderValue| status.as_bytes().iter().all(u8::is_ascii_digit);
        let is_odd = self == Self::GrpcStatus && !kept.values().all(is_number);
        (!kept.is_empty() && !is_odd).then_some(kept)
    }
}

/// Whether a field may come after the body: not if it frames, routes, authenticates, or says how the body is to
/// be read or kept, and never if it is ours (RFC 9110 6.5.1).
fn is_harmless(name: &str) -> bool {
    const FAMILIES: [&str; 5] = ["content-", "proxy-", "x-leastway-", "access-control-", "cache-"];
    const NAMES: [&str; 18] = [
        "age",
        "authorization",
        "connection",
        "date",
        "expires",
        "host",
        "keep-alive",
        "location",
        "pragma",
        "refresh",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "www-authenticate",
    ];
    !NAMES.contains(&name) && !FAMILIES.iter().any(|family| name.starts_with(family))
}

const GRPC: &[u8] = b"application/grpc";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_is_counted_keeps_a_number_and_nothing_else() {
        let grpc = headers(&[("content-type", "application/grpc+proto")]);
        let json = headers(&[("content-type", "application/json")]);
        let came = headers(&[
            ("grpc-status", "5"),
            ("grpc-message", "Ana Pena was not found"),
            ("x-checksum", "abc"),
            ("set-cookie", "a=b"),
            ("content-length", "7"),
            ("x-leastway-reason", "rule-matched"),
        ]);
        let kept = |trailers: Trailers| {
            trailers.admit(&came).map(|kept| kept.keys().map(ToString::to_string).collect::<Vec<_>>())
        };
        let names = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        assert_eq!(kept(Trailers::of(&json, false)), names(&["grpc-status", "grpc-message", "x-checksum"]));
        assert_eq!(kept(Trailers::of(&grpc, true)), names(&["grpc-status"]));
        assert_eq!(kept(Trailers::of(&json, true)), None);
        let told = headers(&[("grpc-status", "Ana Pena")]);
        assert_eq!(Trailers::of(&grpc, true).admit(&told), None, "a status is a number");
    }
}
