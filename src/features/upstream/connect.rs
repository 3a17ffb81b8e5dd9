//! One connection to a server of an application.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::UpstreamError;
use super::sender::{Sender, handshake};
use super::settings::{Protocol, Server};

/// Connects, and drives the connection on this worker until it ends.
pub(super) async fn connect(
    server: &Server,
    tls: &Arc<ClientConfig>,
    protocol: Protocol,
) -> Result<Sender, UpstreamError> {
    let tcp = open(server).await.map_err(UpstreamError::Connect)?;
    tcp.set_nodelay(true).map_err(UpstreamError::Connect)?;
    if !server.tls {
        return handshake(TokioIo::new(tcp), protocol, "http").await;
    }
    let name = ServerName::try_from(server.host.clone())
        .map_err(|error| UpstreamError::Tls(std::io::Error::new(std::io::ErrorKind::InvalidInput, error)))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, tcp).await.map_err(UpstreamError::Tls)?;
    if protocol == Protocol::Http2 && stream.get_ref().1.alpn_protocol() != Some(protocol.alpn()) {
        return Err(UpstreamError::Tls(std::io::Error::other("the application does not agree on HTTP/2")));
    }
    handshake(TokioIo::new(stream), protocol, "https").await
}

async fn open(server: &Server) -> std::io::Result<TcpStream> {
    match server.host.parse::<std::net::IpAddr>() {
        Ok(address) => TcpStream::connect((address, server.port)).await,
        Err(_) => TcpStream::connect((server.host.as_str(), server.port)).await,
    }
}
