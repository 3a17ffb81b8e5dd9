//! Why a request is not understood.

use http::StatusCode;

use super::path::PathFault;
use crate::domain::reason::Reason;

/// Why a request is not understood, as caller and event are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{internal}")]
pub struct Fault {
    /// The reason.
    pub reason: Reason,
    /// The status of the reply: 400, 405, 421, 431 or 501.
    pub status: StatusCode,
    /// The rule that was broken, for the event and diagnostics: never a part of the request.
    pub internal: &'static str,
}

impl Fault {
    /// The body does not end where its framing says.
    pub const MISFRAMED: Self = Self::malformed("framing: the chunks of the body cannot be read");

    /// Framing, host, a header or the query is malformed or can be read in two ways.
    pub const fn malformed(internal: &'static str) -> Self {
        Self { reason: Reason::RequestMalformed, status: StatusCode::BAD_REQUEST, internal }
    }

    /// No application is there under this name, or not on this connection.
    pub const fn misdirected(internal: &'static str) -> Self {
        Self { reason: Reason::HostUnknown, status: StatusCode::MISDIRECTED_REQUEST, internal }
    }

    /// The method is never forwarded.
    pub const fn method(status: StatusCode, internal: &'static str) -> Self {
        Self { reason: Reason::MethodRejected, status, internal }
    }

    /// The head is too large.
    pub const fn too_large(internal: &'static str) -> Self {
        Self { reason: Reason::HeaderTooLarge, status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, internal }
    }
}

impl From<PathFault> for Fault {
    fn from(fault: PathFault) -> Self {
        let internal = match fault {
            PathFault::NotOriginForm => "path: not in origin form",
            PathFault::TooLong => "path: too long",
            PathFault::TooManySegments => "path: too many segments",
            PathFault::Control => "path: control character or raw blank",
            PathFault::Backslash => "path: backslash",
            PathFault::Fragment => "path: fragment",
            PathFault::RawCharacter => "path: character that has to be encoded",
            PathFault::RawNonAscii => "path: raw byte beyond ASCII",
            PathFault::BrokenEscape => "path: broken escape",
            PathFault::DoubleEncoding => "path: escape within an escape",
            PathFault::InvalidUtf8 => "path: not UTF-8",
            PathFault::EncodedSlash => "path: encoded slash",
            PathFault::EncodedDelimiter => "path: encoded delimiter",
            PathFault::Parameters => "path: parameters",
            PathFault::DotSegment => "path: dot segment",
            PathFault::EmptySegment => "path: empty segment",
            PathFault::TrailingDotOrBlank => "path: segment ends in a dot or blank",
            PathFault::Lookalike => "path: character that is taken for another",
            PathFault::WindowsName => "path: Windows stream or short name",
            PathFault::OwnPath => "path: one of our own",
        };
        Self { reason: Reason::PathRejected, status: StatusCode::BAD_REQUEST, internal }
    }
}
