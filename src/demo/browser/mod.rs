//! A small browser for the tour and for tests: HTTP/1.1 by TLS, cookies, redirects, forms, WebSocket.
//!
//! It trusts one authority, and reaches nothing but loopback, whatever a page tells it.

mod forms;
mod web_socket;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN,
    SET_COOKIE, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

pub use self::forms::form_fields;
use self::web_socket::{read_text, text_frame, web_socket_proof};
use super::work_directory::{WorkDirectory, WorkDirectoryError};
use crate::foundation::entropy::{Entropy, random};

const REDIRECTS: usize = 10;
const BODY_BYTES: usize = 64 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// An address that is not one of this machine.
    #[error("`{0}` is not an address on this machine")]
    Elsewhere(String),
    /// Not an address.
    #[error("`{0}` is not an address")]
    Address(String),
    /// The connection or the exchange failed.
    #[error("{0}")]
    Exchange(String),
    /// A redirect after a redirect, without end.
    #[error("redirected {REDIRECTS} times, last to `{0}`")]
    Loop(String),
    /// The reply is longer than anybody reads.
    #[error("the reply is longer than {BODY_BYTES} bytes")]
    TooLong,
    /// It took too long.
    #[error("no reply within {} s", PATIENCE.as_secs())]
    TooLate,
    /// The authority's certificate is not there.
    #[error(transparent)]
    WorkDirectory(#[from] WorkDirectoryError),
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// From where, after redirects.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Who asks: decides what the browser says that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person, who wants pages.
    Person,
    /// A program, which wants JSON.
    Program,
}

/// A browser with its cookies.
pub struct Browser {
    tls: TlsConnector,
    entropy: Arc<dyn Entropy>,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser(..)")
    }
}

impl Browser {
    /// A browser without cookies that trusts the authority of `directory`.
    pub fn new(directory: &WorkDirectory, entropy: Arc<dyn Entropy>) -> Result<Self, BrowserError> {
        Self::trusting(directory.authority_certificate()?, entropy)
    }

    fn trusting(authority: CertificateDer<'static>, entropy: Arc<dyn Entropy>) -> Result<Self, BrowserError> {
        let mut roots = RootCertStore::empty();
        roots.add(authority).map_err(exchange)?;
        let crypto = rustls::crypto::aws_lc_rs::default_provider();
        let mut settings = ClientConfig::builder_with_provider(crypto.into())
            .with_safe_default_protocol_versions()
            .map_err(exchange)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: TlsConnector::from(Arc::new(settings)), entropy, cookies: BTreeMap::new() })
    }

    /// Opens a page and follows redirects, as a person's browser does.
    pub async fn open(&mut self, url: &str) -> Result<Reply, BrowserError> {
        let first = self.ask(Method::GET, &parse(url)?, Caller::Person, None).await?;
        self.follow(first).await
    }

    /// Posts a form and follows redirects.
    pub async fn submit(&mut self, url: &str, fields: &[(&str, &str)]) -> Result<Reply, BrowserError> {
        let first = self.ask(Method::POST, &parse(url)?, Caller::Person, Some(fields)).await?;
        self.follow(first).await
    }

    /// Asks once, as `caller`, and takes what comes.
    pub async fn once(&mut self, caller: Caller, url: &str) -> Result<Reply, BrowserError> {
        self.ask(Method::GET, &parse(url)?, caller, None).await
    }

    /// Asks once with this cookie and no other.
    #[cfg(test)]
    pub(crate) async fn once_as(
        &mut self,
        caller: Caller,
        url: &str,
        name: &str,
        cookie: &str,
    ) -> Result<Reply, BrowserError> {
        let url = parse(url)?;
        let mut request = self.request(Method::GET, &url, caller)?;
        request.headers_mut().insert(COOKIE, value(&format!("{name}={cookie}"))?);
        read(&url, self.exchange(&url, request).await?).await
    }

    /// Posts a form once and takes what comes.
    #[cfg(test)]
    pub(super) async fn submit_once(
        &mut self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<Reply, BrowserError> {
        self.ask(Method::POST, &parse(url)?, Caller::Person, Some(fields)).await
    }

    /// Asks once with one more header and takes what comes.
    #[cfg(test)]
    pub(super) async fn once_with(
        &mut self,
        url: &str,
        name: &'static str,
        text: &str,
    ) -> Result<Reply, BrowserError> {
        let url = parse(url)?;
        let mut request = self.request(Method::GET, &url, Caller::Program)?;
        request.headers_mut().insert(name, value(text)?);
        read(&url, self.exchange(&url, request).await?).await
    }

    /// Opens a WebSocket, says `text` and waits for a message that begins with `expected`. The refusal,
    /// if the door stays closed.
    pub async fn converse(
        &mut self,
        url: &str,
        text: &str,
        expected: &str,
    ) -> Result<Result<String, Reply>, BrowserError> {
        let url = parse(url)?;
        timeout(PATIENCE, self.converse_patiently(&url, text, expected))
            .await
            .map_err(|_| BrowserError::TooLate)?
    }

    /// The cookie that `host` has set under `name`.
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies.get(host)?.get(name).map(String::as_str)
    }

    /// Drops the cookies of `host`.
    pub fn forget(&mut self, host: &str) {
        self.cookies.remove(host);
    }

    async fn follow(&mut self, mut reply: Reply) -> Result<Reply, BrowserError> {
        for _ in 0..REDIRECTS {
            if !matches!(
                reply.status,
                StatusCode::FOUND | StatusCode::SEE_OTHER | StatusCode::MOVED_PERMANENTLY
            ) {
                return Ok(reply);
            }
            let location = reply.header("location");
            let next = reply.url.join(location).map_err(|_| BrowserError::Address(location.to_owned()))?;
            reply = self.ask(Method::GET, &next, Caller::Person, None).await?;
        }
        Err(BrowserError::Loop(reply.header(LOCATION.as_str()).to_owned()))
    }

    async fn ask(
        &mut self,
        method: Method,
        url: &Url,
        caller: Caller,
        fields: Option<&[(&str, &str)]>,
    ) -> Result<Reply, BrowserError> {
        let mut request = self.request(method, url, caller)?;
        if let Some(fields) = fields {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            *request.body_mut() = Full::new(Bytes::from(form));
            let headers = request.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(ORIGIN, value(&url.origin().ascii_serialization())?);
        }
        let exchange = async {
            let response = self.exchange(url, request).await?;
            self.keep_cookies(url, response.headers());
            read(url, response).await
        };
        timeout(PATIENCE, exchange).await.map_err(|_| BrowserError::TooLate)?
    }

    fn request(
        &self,
        method: Method,
        url: &Url,
        caller: Caller,
    ) -> Result<Request<Full<Bytes>>, BrowserError> {
        let target =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().map_err(|_| BrowserError::Address(target.clone()))?;
        let accepts = match caller {
            Caller::Person => "text/html,application/xhtml+xml,*/*;q=0.8",
            Caller::Program => "application/json",
        };
        let headers = request.headers_mut();
        headers.insert(HOST, value(&authority(url))?);
        headers.insert(ACCEPT, HeaderValue::from_static(accepts));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(cookies) = url.host_str().and_then(|host| self.cookies.get(host))
            && !cookies.is_empty()
        {
            let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.insert(COOKIE, value(&pairs.join("; "))?);
        }
        Ok(request)
    }

    async fn exchange(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, BrowserError> {
        let (host, address) = loopback_address(url)?;
        let stream = TcpStream::connect(address).await.map_err(exchange)?;
        if url.scheme() == "https" {
            let name = ServerName::try_from(host).map_err(exchange)?;
            send(self.tls.connect(name, stream).await.map_err(exchange)?, request).await
        } else {
            send(stream, request).await
        }
    }

    /// A cookie belongs to the host that set it; `Domain` and `Path` make no difference here.
    fn keep_cookies(&mut self, url: &Url, headers: &HeaderMap) {
        let Some(host) = url.host_str() else { return };
        let jar = self.cookies.entry(host.to_owned()).or_default();
        for text in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            let gone =
                attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
            if gone {
                jar.remove(name.trim());
            } else {
                jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }

    async fn converse_patiently(
        &mut self,
        url: &Url,
        text: &str,
        expected: &str,
    ) -> Result<Result<String, Reply>, BrowserError> {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::STANDARD.encode(random::<16>(&*self.entropy));
        let mut request = self.request(Method::GET, url, Caller::Program)?;
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
        headers.insert("sec-websocket-key", value(&key)?);
        headers.insert(ORIGIN, value(&url.origin().ascii_serialization())?);

        let response = self.exchange(url, request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return read(url, response).await.map(Err);
        }
        let proof = response.headers().get("sec-websocket-accept").and_then(|proof| proof.to_str().ok());
        if proof != Some(web_socket_proof(&key).as_str()) {
            return Err(BrowserError::Exchange("the other side does not speak WebSocket".to_owned()));
        }
        let mut socket = TokioIo::new(hyper::upgrade::on(response).await.map_err(exchange)?);
        let frame = text_frame(text, random(&*self.entropy)).map_err(exchange)?;
        socket.write_all(&frame).await.map_err(exchange)?;
        loop {
            let message = read_text(&mut socket).await.map_err(exchange)?;
            if message.starts_with(expected) {
                return Ok(Ok(message));
            }
        }
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, BrowserError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(exchange)?;
    // It ends with the reply; its error is the reply's error too.
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(exchange)
}

async fn read(url: &Url, response: Response<Incoming>) -> Result<Reply, BrowserError> {
    let (head, mut body) = response.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(exchange)?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > BODY_BYTES {
            return Err(BrowserError::TooLong);
        }
    }
    let mut body = bytes.freeze();
    if head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") {
        let mut plain = Vec::new();
        let most = BODY_BYTES as u64 + 1;
        flate2::read::GzDecoder::new(&*body).take(most).read_to_end(&mut plain).map_err(exchange)?;
        if plain.len() > BODY_BYTES {
            return Err(BrowserError::TooLong);
        }
        body = plain.into();
    }
    Ok(Reply { url: url.clone(), status: head.status, headers: head.headers, body })
}

fn parse(url: &str) -> Result<Url, BrowserError> {
    Url::parse(url).map_err(|_| BrowserError::Address(url.to_owned()))
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Names below `.localhost` are this machine (RFC 6761 section 6.3), whatever the resolver thinks.
fn loopback_address(url: &Url) -> Result<(String, SocketAddr), BrowserError> {
    let elsewhere = || BrowserError::Elsewhere(url.to_string());
    let host = url.host_str().ok_or_else(elsewhere)?;
    let port = url.port_or_known_default().ok_or_else(elsewhere)?;
    if host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost") {
        Ok((host.to_owned(), (Ipv4Addr::LOCALHOST, port).into()))
    } else {
        Err(elsewhere())
    }
}

fn value(text: &str) -> Result<HeaderValue, BrowserError> {
    HeaderValue::from_str(text).map_err(exchange)
}

fn exchange(cause: impl fmt::Display) -> BrowserError {
    BrowserError::Exchange(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached() {
        let cases = [
            ("https://ehr.localhost:8443/", true),
            ("http://127.0.0.1:18080/", true),
            ("https://clinic.example/", false),
            ("https://localhost.example/", false),
            ("https://evillocalhost/", false),
        ];
        for (url, reached) in cases {
            assert_eq!(loopback_address(&Url::parse(url).unwrap()).is_ok(), reached, "{url}");
        }
    }
}
