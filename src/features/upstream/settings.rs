//! How an application is reached.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::application::ApplicationName;

/// How an application is reached.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Which application.
    pub application: ApplicationName,
    /// Its servers, taken in turn. Never empty.
    pub servers: Vec<Server>,
    /// What is spoken with them. Default: HTTP/1.1.
    pub protocol: Protocol,
    /// Certificates, in PEM, of the authorities that vouch for `https` servers; `None`: the system's.
    pub authorities: Option<Arc<[u8]>>,
    /// How long a connection may take. Default 5 s, 100 ms to 60 s.
    pub connect_timeout: Duration,
    /// How long the head of a reply may take. Default 60 s, 1 s to 1 h.
    pub reply_timeout: Duration,
    /// How long a connection may lie unused before it is closed. Default 15 s, 0 s to 10 min.
    pub keep_alive: Duration,
    /// Whether the application sees the host that callers asked for (default) or its own.
    pub preserve_host: bool,
    /// Which further headers tell the application who asks.
    pub identity_headers: Vec<IdentityHeaders>,
}

/// A server of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
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
