//! One connection to a server of an application.

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::error::UpstreamError;
use super::sender::{Sender, handshake};
use super::settings::{Protocol, Server};
use super::tls::{Tls, TlsFault};

/// A stream to a server, before anything is said on it.
pub(super) enum Reached {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects, and drives the connection on this worker until it ends.
pub(super) async fn connect(server: &Server, tls: &Tls, protocol: Protocol) -> Result<Sender, UpstreamError> {
    match reach(server, tls).await? {
        Reached::Plain(stream) => handshake(TokioIo::new(stream), protocol, "http").await,
        Reached::Tls(stream) => {
            if protocol == Protocol::Http2 && stream.get_ref().1.alpn_protocol() != Some(protocol.alpn()) {
                return Err(UpstreamError::Tls(TlsFault::NoHttp2));
            }
            handshake(TokioIo::new(*stream), protocol, "https").await
        }
    }
}

/// Connects, and greets by TLS where the server speaks it.
pub(super) async fn reach(server: &Server, tls: &Tls) -> Result<Reached, UpstreamError> {
    let tcp = open(server).await.map_err(UpstreamError::Connect)?;
    tcp.set_nodelay(true).map_err(UpstreamError::Connect)?;
    if !server.tls {
        return Ok(Reached::Plain(tcp));
    }
    let stream = tls.greet(tcp, &server.host).await.map_err(UpstreamError::Tls)?;
    Ok(Reached::Tls(Box::new(stream)))
}

async fn open(server: &Server) -> std::io::Result<TcpStream> {
    match server.host.parse::<std::net::IpAddr>() {
        Ok(address) => TcpStream::connect((address, server.port)).await,
        Err(_) => TcpStream::connect((server.host.as_str(), server.port)).await,
    }
}
