//! How an application is reached.

use std::fmt;
use std::time::Duration;

use super::credential::Credentials;
use crate::domain::application::ApplicationName;
use crate::platform::tls::client::Trust;

/// How an application is reached.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Which application.
    pub application: ApplicationName,
    /// Its servers: 1 to [`SERVERS_MAX`].
    pub servers: Vec<Server>,
    /// What is spoken with them. Default: HTTP/1.1.
    pub protocol: Protocol,
    /// Whom we believe in TLS, and who we are to them.
    pub trust: Trust,
    /// The name that is asked for and verified in TLS; `None`: each server's host.
    pub server_name: Option<String>,
    /// How long a connection may take. Default 5 s, 100 ms to 60 s.
    pub connect_timeout: Duration,
    /// How long the head of a reply may take, from the last piece of the request's body that was taken, where its
    /// route does not say otherwise. Default 60 s, 1 s to 1 h.
    pub reply_timeout: Duration,
    /// How long the application may be silent in the middle of a reply, where its route does not say otherwise.
    /// Default 2 min, 1 s to 1 h. What is silent by nature has longer: [`super::send::CONVERSATION_SILENCE`].
    pub reply_idle: Duration,
    /// How long a connection may lie unused before it is closed. Default 15 s, 0 s to 10 min.
    pub keep_alive: Duration,
    /// Whether the application sees the host that callers asked for (default) or its own.
    pub preserve_host: bool,
    /// Which further headers tell the application who asks.
    pub identity_headers: Vec<IdentityHeaders>,
    /// Whose requests a connection may carry.
    pub connections: Connections,
    /// Who has its cookies. Default: the browser.
    pub cookies: Cookies,
    /// Which server takes a request, and how many at once.
    pub balance: BalanceSettings,
    /// When a server is out.
    pub health: HealthSettings,
    /// As whom the application knows us.
    pub credentials: Credentials,
}

/// A server of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Host name or address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// As an authority: `host:port`.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Servers of one application; a set of them fits a machine word.
pub const SERVERS_MAX: usize = 64;

crate::domain::closed_list! {
    /// Who has an application's cookies.
    Cookies {
        /// The browser, as it gets them.
        Browser = "browser",
        /// We, for each session, those that scripts could not see; the browser has the others.
        Keep = "keep",
    }
}

crate::domain::closed_list! {
    /// What is spoken with an application.
    Protocol {
        /// HTTP/1.1.
        Http1 = "http1",
        /// HTTP/2, agreed on by ALPN under TLS, with prior knowledge in plain.
        Http2 = "h2",
    }
}

impl Protocol {
    /// Its name in ALPN (RFC 7301).
    pub const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

crate::domain::closed_list! {
    /// A family of headers that tell an application who asks.
    IdentityHeaders {
        /// `Remote-User`, `Remote-Name`, `Remote-Groups`.
        RemoteUser = "remote_user",
        /// `X-Forwarded-User`, `X-Forwarded-Preferred-Username`, `X-Forwarded-Groups`.
        XForwardedUser = "x_forwarded_user",
    }
}

crate::domain::closed_list! {
    /// Whose requests a connection to an application may carry.
    Connections {
        /// Anybody's, one after the other. A connection on which NTLM or Negotiate was seen stays with
        /// the session that it was seen for.
        Shared = "shared",
        /// Those of one session only.
        PerPerson = "per_person",
    }
}

/// Which server takes a request, and how many at once.
#[derive(Clone, Debug)]
pub struct BalanceSettings {
    /// What binds a caller to a server.
    pub sticky: Sticky,
    /// Requests in flight on one server; `None`: as many as come.
    pub requests_max: Option<usize>,
    /// Requests that wait for a server of the application. Default 100, 0 to 100 000.
    pub waiting_max: usize,
    /// How long one waits. Default 5 s, 0 s to 60 s.
    pub wait_max: Duration,
    /// How long a server that comes back takes less than its share. Default 0 s, up to 10 min.
    pub slow_start: Duration,
}

/// What binds a caller to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sticky {
    /// Nothing: the server with the fewest requests takes each.
    No,
    /// A cookie of ours, which the application never sees.
    OwnCookie,
    /// A cookie of the application: whoever brings a value back goes to the server that set it.
    ApplicationCookie(String),
}

/// When a server is out.
#[derive(Clone, Debug)]
pub struct HealthSettings {
    /// Failures in a row that put a server out. Default 5, 1 to 100.
    pub failures: u32,
    /// Statuses that count as failures. Default 502, 503, 504: what a server answers that cannot serve. A
    /// 500 tells of the request more often than of the server.
    pub failure_status: StatusSet,
    /// How long it is out for the first time; each time after, twice as long. Default 10 s, 1 s to 10 min.
    pub out: Duration,
    /// How long it is out at most. Default 5 min, up to 1 h.
    pub out_max: Duration,
    /// What is asked of each server now and then.
    pub check: Option<CheckSettings>,
}

/// What is asked of each server now and then, once for the whole process.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// Path and query of a GET.
    pub path: http::uri::PathAndQuery,
    /// The host that is asked for; `None`: the server's own.
    pub host: Option<http::HeaderValue>,
    /// Statuses that are well. Default 200 to 299.
    pub status: StatusSet,
    /// How often. Default 10 s, 1 s to 10 min.
    pub interval: Duration,
    /// How long an answer may take. Default 2 s, not above `interval`.
    pub timeout: Duration,
    /// Failed checks in a row after which the server is down. Default 2, 1 to 10.
    pub down_after: u32,
    /// Passed checks in a row after which it is up again. Default 2, 1 to 10.
    pub up_after: u32,
}

/// A set of statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSet(Vec<StatusRange>);

impl StatusSet {
    /// The union of ranges.
    pub const fn new(ranges: Vec<StatusRange>) -> Self {
        Self(ranges)
    }

    /// Whether a status is among them.
    pub fn has(&self, status: http::StatusCode) -> bool {
        self.0.iter().any(|range| (range.first..=range.last).contains(&status.as_u16()))
    }
}

/// One status (`503`) or a class of them (`5xx`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

/// A text that is neither a status nor a class.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a status such as `503`, nor a class such as `5xx`")]
pub struct StatusRangeError {
    text: String,
}

impl std::str::FromStr for StatusRange {
    type Err = StatusRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || StatusRangeError { text: text.to_owned() };
        if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class) && text.len() == 3);
            return class.map(|class| Self { first: class * 100, last: class * 100 + 99 }).ok_or_else(error);
        }
        let status =
            text.parse::<u16>().ok().filter(|status| (100..=599).contains(status) && text.len() == 3);
        status.map(|status| Self { first: status, last: status }).ok_or_else(error)
    }
}
