//! One connection to a server of an application.

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::error::UpstreamError;
use super::send::RequestBody;
use super::settings::Server;
use super::tls::Tls;

pub(super) type Sender = http1::SendRequest<RequestBody>;

/// A stream to a server, before anything is said on it.
pub(super) enum Reached {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects, and drives the connection on this worker until it ends.
pub(super) async fn connect(server: &Server, tls: &Tls) -> Result<Sender, UpstreamError> {
    match reach(server, tls).await? {
        Reached::Plain(stream) => handshake(stream).await,
        Reached::Tls(stream) => handshake(*stream).await,
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

async fn handshake<S>(stream: S) -> Result<Sender, UpstreamError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        // As old applications spell names; nobody else minds.
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(UpstreamError::of)?;
    tokio::task::spawn_local(drive(connection));
    Ok(sender)
}

async fn drive<S>(connection: http1::Connection<TokioIo<S>, RequestBody>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    // What goes wrong reaches whoever waits for a reply; nobody waits here.
    if let Err(error) = connection.with_upgrades().await {
        tracing::debug!(error = %error, "a connection to an application ended");
    }
}
