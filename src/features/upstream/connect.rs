//! One connection to a server of an application.

use std::io;
use std::net::IpAddr;

use tokio::net::TcpStream;

use super::error::UpstreamError;
use super::http2::Http2;
use super::link::Link;
use super::settings::{Protocol, Server};
use super::stream::Stream;
use super::tls::{Tls, TlsFault};

/// A connection on which one request at a time is asked.
#[derive(Debug)]
pub(super) enum Connected {
    Http1(Link<Stream>),
    Http2(Http2),
}

impl Connected {
    /// Whether a request may be asked on it.
    pub(super) fn is_open(&mut self) -> bool {
        match self {
            Self::Http1(link) => link.is_open(),
            Self::Http2(http2) => http2.is_open(),
        }
    }
}

/// Connects, and greets.
pub(super) async fn connect(
    server: &Server,
    tls: &Tls,
    protocol: Protocol,
) -> Result<Connected, UpstreamError> {
    let stream = reach(server, tls).await?;
    match protocol {
        Protocol::Http1 => Ok(Connected::Http1(Link::new(stream))),
        Protocol::Http2 => {
            if let Stream::Tls(stream) = &stream
                && stream.get_ref().1.alpn_protocol() != Some(protocol.alpn())
            {
                return Err(UpstreamError::Tls(TlsFault::NoHttp2));
            }
            Http2::greet(stream).await.map(Connected::Http2)
        }
    }
}

/// Connects, and greets by TLS where the server speaks it.
pub(super) async fn reach(server: &Server, tls: &Tls) -> Result<Stream, UpstreamError> {
    greet(open(server).await, server, tls).await
}

/// The same at another address, which may or may not be the server's too.
pub(super) async fn reach_at(address: IpAddr, server: &Server, tls: &Tls) -> Result<Stream, UpstreamError> {
    greet(TcpStream::connect((address, server.port)).await, server, tls).await
}

async fn greet(tcp: io::Result<TcpStream>, server: &Server, tls: &Tls) -> Result<Stream, UpstreamError> {
    let tcp = tcp.map_err(UpstreamError::Connect)?;
    tcp.set_nodelay(true).map_err(UpstreamError::Connect)?;
    if !server.tls {
        return Ok(Stream::Plain(tcp));
    }
    let stream = tls.greet(tcp, &server.host).await.map_err(UpstreamError::Tls)?;
    Ok(Stream::Tls(Box::new(stream)))
}

async fn open(server: &Server) -> io::Result<TcpStream> {
    match server.host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect((address, server.port)).await,
        Err(_) => TcpStream::connect((server.host.as_str(), server.port)).await,
    }
}
