//! What goes wrong on the application's side.

use super::form_login::SignInFault;
use super::link::LinkFault;
use super::tls::TlsFault;
use crate::domain::reason::Reason;
use crate::platform::http::body::BoxError;
use crate::platform::http::pace::TooSlow;

/// What goes wrong on the application's side.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection.
    #[error("no connection to the application")]
    Connect(#[source] std::io::Error),
    /// The connection took too long.
    #[error("the connection to the application took too long")]
    ConnectTimeout,
    /// The application's certificate or its TLS is not right.
    #[error("the application's TLS is not right")]
    Tls(#[source] TlsFault),
    /// We could not be signed in there.
    #[error("nobody could be signed in at the application")]
    SignIn(#[source] SignInFault),
    /// Every server has as many requests as it may have, and there was no room in time.
    #[error("the application's servers have as many requests as they may have")]
    Overloaded,
    /// The head of the reply took too long.
    #[error("the application's reply took too long")]
    ReplyTimeout,
    /// The application broke off before its reply, or sent none.
    #[error("the application broke off")]
    Aborted(#[source] BoxError),
    /// The application broke its reply off while it was held back.
    #[error("the application broke its reply off")]
    BrokeOff(#[source] BoxError),
    /// The application fell silent in the middle of its reply while that was held back.
    #[error("the application's reply has stalled")]
    Stalled,
    /// The reply is not HTTP.
    #[error("the application's reply is malformed")]
    Malformed(#[source] BoxError),
    /// The application switched to another protocol than the one that was asked for.
    #[error("the application switched protocols unasked")]
    UnaskedUpgrade,
    /// The application did not switch to the WebSocket that was asked for, and did not refuse it either.
    #[error("the application did not switch protocols")]
    NotSwitched,
    /// A WebSocket was asked for, which needs HTTP/1.1, and the server is known to speak HTTP/2 only.
    #[error(
        "a WebSocket goes by HTTP/1.1, and a server in plain with `protocol = \"h2\"` is spoken to by HTTP/2 only"
    )]
    NoUpgrade,
    /// The body of the request broke off, on the caller's side.
    #[error("the request's body broke off")]
    RequestBody(#[source] BoxError),
    /// The body of the request came too slowly.
    #[error("the request's body comes too slowly")]
    RequestTooSlow,
}

impl UpstreamError {
    pub(super) fn of(error: hyper::Error) -> Self {
        if let Some(fault) = TlsFault::behind(&error) {
            return Self::Tls(fault);
        }
        if std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<TooSlow>) {
            Self::RequestTooSlow
        } else if error.is_user() {
            Self::RequestBody(error.into())
        } else if error.is_parse() {
            Self::Malformed(error.into())
        } else {
            Self::Aborted(error.into())
        }
    }

    /// A reply that broke off while it was held back.
    pub fn of_held(error: BoxError) -> Self {
        if error.is::<TooSlow>() { Self::Stalled } else { Self::BrokeOff(error) }
    }

    /// Whether the server is at fault, rather than the caller, us, or time: a connection that was kept may
    /// have been closed for having lain unused.
    pub(super) const fn blames_server(&self, reused: bool) -> bool {
        match self {
            Self::Connect(_)
            | Self::ConnectTimeout
            | Self::Tls(_)
            | Self::ReplyTimeout
            | Self::Stalled
            | Self::Malformed(_)
            | Self::UnaskedUpgrade => true,
            Self::Aborted(_) | Self::BrokeOff(_) => !reused,
            Self::RequestBody(_)
            | Self::RequestTooSlow
            | Self::SignIn(_)
            | Self::Overloaded
            | Self::NotSwitched
            | Self::NoUpgrade => false,
        }
    }

    /// As events, pages and metrics name it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Connect(_) | Self::Tls(_) => Reason::UpstreamUnreachable,
            Self::SignIn(_) => Reason::UpstreamSignInFailed,
            Self::Overloaded => Reason::UpstreamOverloaded,
            Self::ConnectTimeout | Self::ReplyTimeout | Self::Stalled => Reason::UpstreamTimeout,
            Self::Aborted(_) | Self::BrokeOff(_) => Reason::UpstreamAborted,
            Self::Malformed(_) | Self::UnaskedUpgrade | Self::NotSwitched | Self::NoUpgrade => {
                Reason::UpstreamMalformed
            }
            Self::RequestBody(_) => Reason::CallerLeft,
            Self::RequestTooSlow => Reason::RequestTimeout,
        }
    }
}

impl From<LinkFault> for UpstreamError {
    fn from(fault: LinkFault) -> Self {
        if let Some(fault) = TlsFault::behind(&fault) {
            return Self::Tls(fault);
        }
        match fault {
            LinkFault::Late => Self::ReplyTimeout,
            LinkFault::Body(error) if error.is::<TooSlow>() => Self::RequestTooSlow,
            LinkFault::Body(_) => Self::RequestBody(fault.into()),
            LinkFault::Malformed(_) => Self::Malformed(fault.into()),
            LinkFault::Broken(_) | LinkFault::Closed => Self::Aborted(fault.into()),
        }
    }
}
