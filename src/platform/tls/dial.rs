//! A connection that stays, to somebody who only takes: with TLS or without, and known to be dead soon after it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection to somebody who only takes.
#[derive(Debug)]
pub struct Dialled(Stream);

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to `host`, by name or address, and greets it by TLS where there is a connector: its certificate has to be for `host`.
pub async fn dial(
    host: &str,
    port: u16,
    tls: Option<&TlsConnector>,
    within: Duration,
) -> io::Result<Dialled> {
    let connect = async {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        // What the other machine does not acknowledge in time ends the connection, and so does its silence.
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(ASKED_AFTER).with_interval(ASKED_AGAIN))?;
        let Some(tls) = tls else { return Ok(Stream::Plain(stream)) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new(tls.connect(name, stream).await?)))
    };
    timeout(within, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map(Dialled)
}

impl Dialled {
    /// Hands the bytes to the system, whole.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Whether the connection stands, as far as is known without waiting. What the other side says is not looked at.
    pub fn look(&mut self) -> io::Result<()> {
        let mut place = [0; 512];
        loop {
            match self.0.read(&mut place).now_or_never() {
                None => return Ok(()),
                Some(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            }
        }
    }

    /// Says that nothing more comes (in TLS by `close_notify`), and waits until the other side has closed, too: whether it has read
    /// all. Whoever closes before that answers with a reset, which is an error.
    pub async fn close(mut self, within: Duration) -> bool {
        // Whoever has closed before us may not have read what came after.
        if self.look().is_err() {
            return false;
        }
        let closed = async {
            self.0.shutdown().await?;
            let mut place = [0; 512];
            loop {
                match self.0.read(&mut place).await {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    // In TLS: without `close_notify`, as many do. It was no reset, so all was read.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        };
        matches!(timeout(within, closed).await, Ok(Ok(())))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        place: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, place),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, place),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// What was sent is acknowledged by the other machine within this time, or the connection ends (`TCP_USER_TIMEOUT`, RFC 5482).
pub const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(5);
const ASKED_AFTER: Duration = Duration::from_secs(30);
const ASKED_AGAIN: Duration = Duration::from_secs(10);
