//! Whether a receiver can be reached: a connection, and by TLS a certificate that is believed. Nothing is sent.

use std::io;
use std::time::Duration;

use tokio_rustls::TlsConnector;
use url::Url;

use super::settings::Target;
use crate::platform::syslog::SyslogTarget;
use crate::platform::tls::client::Trust;
use crate::platform::tls::dial::dial;

/// Whether the receiver at `target` can be reached. A file cannot be, and needs no reaching.
pub async fn reach(target: &Target, within: Duration) -> io::Result<()> {
    match target {
        Target::File(_) => Ok(()),
        Target::Syslog(SyslogTarget { host, port, trust }) => {
            greet(host, *port, trust.as_ref(), &[], within).await
        }
        Target::Http(http) => {
            let url = Url::parse(&http.url).map_err(io::Error::other)?;
            let host = url.host_str().unwrap_or_default();
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let port = url.port_or_known_default().unwrap_or(443);
            let trust = (url.scheme() == "https").then_some(&http.trust);
            greet(host, port, trust, &[b"http/1.1"], within).await
        }
    }
}

async fn greet(
    host: &str,
    port: u16,
    trust: Option<&Trust>,
    protocols: &[&[u8]],
    within: Duration,
) -> io::Result<()> {
    let client = trust.map(|trust| trust.client(protocols)).transpose().map_err(io::Error::other)?;
    let tls = client.map(TlsConnector::from);
    dial(host, port, tls.as_ref(), within).await.map(drop)
}
