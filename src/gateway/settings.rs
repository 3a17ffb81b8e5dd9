//! The data plane's own settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::limits::settings::LimitSettings;

/// The data plane's own settings.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Where callers are served, by TLS. Never empty.
    pub listen: Vec<SocketAddr>,
    /// A plain port that only redirects to the TLS one; `None`: no such port.
    pub redirect: Option<SocketAddr>,
    /// Certificates, chosen by SNI. Never empty.
    pub certificates: Vec<CertificateSettings>,
    /// Whose certificates callers may show; `None`: nobody is asked for one.
    pub client_certificate: Option<ClientCertificateSettings>,
    /// Proxies whose `X-Forwarded-For` is believed. Default none: what callers send is dropped.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks of the load balancers that begin each connection with a PROXY header. Default none.
    pub proxy_protocol: Vec<IpNet>,
    /// Worker threads, each with its own runtime and listener. Default: one per core; 1 to 256.
    pub workers: usize,
    /// Connections at once over all workers. Default 10 000, 1 to 1 000 000.
    pub connections: usize,
    /// Requests at once on one worker; more are shed. Default 8192, 16 to 100 000.
    pub requests: usize,
    /// How long a TLS handshake may take. Default 10 s, 1 to 60 s.
    pub handshake_timeout: Duration,
    /// How long the head of a request may take. Default 15 s, 1 to 120 s.
    pub head_timeout: Duration,
    /// How large the head of a request may be. Default 64 KiB, 8 KiB to 1 MiB.
    pub head_bytes: usize,
    /// How long browsers ask by TLS only, once they have been here (RFC 6797). Default 365 d, 1 d to 730 d; `None`: it
    /// is not said.
    pub hsts: Option<Duration>,
    /// How much one caller may take.
    pub limits: LimitSettings,
    /// How long a stop waits for requests under way. Default 30 s, 0 s to 1 h.
    pub drain: Duration,
}

/// Whom people ask who were refused.
#[derive(Clone, Debug, Default)]
pub struct HelpSettings {
    /// People or a desk; `None`: nobody is named.
    pub contact: Option<Arc<str>>,
    /// By when they have an answer, 1 min to 30 d; `None`: nothing is said.
    pub answer_within: Option<Duration>,
    /// Where the risk is written down that the rules meet; `None`: nothing is said.
    pub risk: Option<Arc<str>>,
}

/// Whose certificates callers may show.
#[derive(Clone, Debug)]
pub struct ClientCertificateSettings {
    /// The authorities that vouch for them, in PEM.
    pub authorities: Arc<[u8]>,
    /// The hosts that ask for one; empty: every host.
    pub hosts: Vec<String>,
    /// Lists of those that are revoked, in PEM; `None`: none is.
    pub revoked: Option<Arc<[u8]>>,
}

/// A certificate and its key. The names it is for are read from the certificate.
#[derive(Clone, Debug)]
pub struct CertificateSettings {
    /// The chain, in PEM, leaf first.
    pub chain: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}
