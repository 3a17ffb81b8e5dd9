//! One connection to the gateway: raw, HTTP/1.1 or HTTP/2, with whatever headers a caller makes up.

use leastway::platform::http::body::read_bounded;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use leastway::platform::tls::client::client;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What ALPN offers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A connection that stays open.
pub(crate) struct Line {
    sender: Sender,
    authority: String,
}

/// What came back.
pub(crate) struct Came {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) text: String,
}

impl Came {
    pub(crate) fn reason(&self) -> &str {
        self.header("x-leastway-reason")
    }

    /// The header of this name; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Line {
    pub(crate) async fn open(authority: &[u8], host: &str, port: u16, protocol: Protocol) -> Self {
        let sender = match protocol {
            Protocol::Http1 => {
                let io = TokioIo::new(connect(authority, host, port, b"http/1.1").await);
                let (sender, connection) = http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let io = TokioIo::new(connect(authority, host, port, b"h2").await);
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Self { sender, authority: format!("{host}:{port}") }
    }

    /// Asks, and takes the head; the body may still be on its way.
    pub(crate) async fn begin(&mut self, path: &str, headers: &[(&str, &str)]) -> http::Response<Incoming> {
        self.send(Method::GET, path, headers, Bytes::new()).await
    }

    /// Asks; none where the other end has said that it takes nothing more on this connection (GOAWAY), so that the
    /// request was not begun and is asked anew on another, as browsers do.
    pub(crate) async fn ask_unless_told_to_go(&mut self, path: &str) -> Option<Came> {
        match self.try_send(Method::GET, path, &[], Bytes::new()).await {
            Ok(reply) => Some(Came::whole(reply).await),
            Err(error) if format!("{error:?}").contains("GoAway") => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> http::Response<Incoming> {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    async fn try_send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> hyper::Result<http::Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path);
        if let Sender::Http1(_) = self.sender {
            request = request.header("host", &self.authority);
        } else {
            request = request.uri(format!("https://{}{path}", self.authority));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).unwrap();
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => sender.send_request(request).await,
        }
    }

    pub(crate) async fn ask(&mut self, path: &str, headers: &[(&str, &str)]) -> Came {
        Came::whole(self.begin(path, headers).await).await
    }

    pub(crate) async fn by(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Came {
        let body = Bytes::copy_from_slice(body);
        Came::whole(self.send(method, path, headers, body).await).await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Came {
        let body = Bytes::copy_from_slice(body);
        Came::whole(self.send(Method::POST, path, headers, body).await).await
    }
}

impl Came {
    async fn whole(reply: http::Response<Incoming>) -> Self {
        let (head, body) = reply.into_parts();
        let bytes = read_bounded(body, 4 * 1024 * 1024).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: head.status, version: head.version, headers: head.headers, bytes, text }
    }
}

/// Sends these bytes on a connection of their own, and gives the status that comes back.
pub(crate) async fn raw(authority: &[u8], host: &str, port: u16, bytes: &[u8]) -> u16 {
    let mut stream = connect(authority, host, port, b"http/1.1").await;
    stream.write_all(bytes).await.unwrap();
    let mut came = Vec::new();
    // Where the other end closes without a word of TLS, what came is what counts.
    let _ended = stream.read_to_end(&mut came).await;
    let text = String::from_utf8_lossy(&came);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status in `{text}`"))
}

/// Asks for a WebSocket, and gives the connection once it has switched.
pub(crate) async fn web_socket(
    authority: &[u8],
    (host, port): (&str, u16),
    path: &str,
    cookie: &str,
) -> TlsStream<TcpStream> {
    let mut stream = connect(authority, host, port, b"http/1.1").await;
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\ncookie: {cookie}\r\norigin: https://{host}:{port}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    while !came.ends_with(b"\r\n\r\n") {
        came.push(stream.read_u8().await.unwrap());
    }
    let came = String::from_utf8_lossy(&came);
    assert!(came.starts_with("HTTP/1.1 101 "), "{came}");
    stream
}

/// Sends these bytes to a port without TLS, and gives all that comes back.
pub(crate) async fn plain(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut came = String::new();
    stream.read_to_string(&mut came).await.unwrap();
    came
}

pub(crate) async fn connect(
    authority: &[u8],
    host: &str,
    port: u16,
    protocol: &[u8],
) -> TlsStream<TcpStream> {
    let connector = TlsConnector::from(client(Some(authority), &[protocol]).unwrap());
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let stream = connector.connect(ServerName::try_from(host.to_owned()).unwrap(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    stream
}
