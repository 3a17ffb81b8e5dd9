//! Asks an OpenID provider, or our own control listener: one request out, one bounded reply back.
//!
//! Never follows a redirect, which would let a provider's answer choose whom we talk to (SSRF).
//! One time limit covers name, connection, TLS and body. Plain HTTP is for loopback hosts only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::platform::tls::client::{TlsClientError, Trust};

/// The largest reply that is read, unless another bound was set.
pub const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// Header fields of a reply that are read.
const HEADERS_MAX: usize = 100;

/// A client for requests of our own. Cheap to clone.
#[derive(Clone)]
pub struct Fetch(Arc<Inner>, usize);

struct Inner {
    tls: tokio_rustls::TlsConnector,
    timeout: Duration,
    detour: Option<Detour>,
}

/// Where a host is reached if not at its own address.
#[derive(Clone, Debug)]
pub struct Detour {
    /// The host that requests name.
    pub host: String,
    /// Where they are sent instead: `host:port`.
    pub to: String,
}

/// Why there is no reply. Never holds a URL's query, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that we ask.
    #[error("`{url}` is not an https URL")]
    Url {
        /// Scheme and host.
        url: String,
    },
    /// The host cannot be found or reached.
    #[error("`{host}` cannot be reached: {cause}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the system said.
        cause: String,
    },
    /// TLS failed: an unknown authority, a wrong name, an expired certificate.
    #[error("no trusted connection to `{host}`: {cause}")]
    Untrusted {
        /// The host.
        host: String,
        /// What TLS said.
        cause: String,
    },
    /// It took too long.
    #[error("`{host}` did not answer within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// The host.
        host: String,
        /// How long it had.
        limit: Duration,
    },
    /// The reply is a redirect, which is not followed.
    #[error("`{host}` answered with a redirect")]
    Redirected {
        /// The host.
        host: String,
    },
    /// The reply is larger than what is read.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// How much is read.
        limit: usize,
    },
    /// The reply is not HTTP, or was broken off.
    #[error("the answer of `{host}` is malformed or was broken off")]
    Malformed {
        /// The host.
        host: String,
    },
}

/// Certificates that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthoritiesError {
    /// The PEM holds no certificate, or one that cannot be read.
    #[error("the authorities are not certificates in PEM")]
    Unreadable,
    /// The system has none.
    #[error("the system has no certificate authorities: name the provider's own")]
    None,
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {cause}")]
    Tls {
        /// What it said.
        cause: String,
    },
}

impl Fetch {
    /// A client that trusts `authorities` (PEM), or the system's if there are none.
    pub fn new(
        authorities: Option<&[u8]>,
        timeout: Duration,
        detour: Option<Detour>,
    ) -> Result<Self, AuthoritiesError> {
        Self::believing(authorities.map_or_else(native_roots, roots_of)?, timeout, detour)
    }

    /// A client that believes whom `trust` says, and shows the certificate that it holds.
    pub fn trusting(trust: &Trust, timeout: Duration) -> Result<Self, TlsClientError> {
        let tls = tokio_rustls::TlsConnector::from(trust.client(&[b"http/1.1"])?);
        Ok(Self(Arc::new(Inner { tls, timeout, detour: None }), REPLY_BYTES_MAX))
    }

    fn believing(
        roots: RootCertStore,
        timeout: Duration,
        detour: Option<Detour>,
    ) -> Result<Self, AuthoritiesError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| AuthoritiesError::Tls { cause: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
        Ok(Self(Arc::new(Inner { tls, timeout, detour }), REPLY_BYTES_MAX))
    }

    /// A client for this machine only, in plain HTTP: it believes no certificate.
    pub fn of_this_machine(timeout: Duration) -> Result<Self, AuthoritiesError> {
        Self::believing(RootCertStore::empty(), timeout, None)
    }

    /// The same, for replies of so many bytes at the most.
    #[must_use]
    pub const fn with_reply_bytes(mut self, bytes_max: usize) -> Self {
        self.1 = bytes_max;
        self
    }

    /// Sends the request and reads the reply, whatever its status but a redirect.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let target = Target::of(request.uri())?;
        let limit = self.0.timeout;
        let exchange = self.exchange(&target, request);
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(FetchError::TimedOut { host: target.host.clone(), limit }))
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let stream = self.connect(target).await?;
        if !target.tls {
            return converse(stream, target, request, self.1).await;
        }
        let untrusted = |cause: String| FetchError::Untrusted { host: target.host.clone(), cause };
        let name = ServerName::try_from(target.bare_host().to_owned())
            .map_err(|error| untrusted(error.to_string()))?;
        let stream = self.0.tls.connect(name, stream).await.map_err(|error| untrusted(error.to_string()))?;
        converse(stream, target, request, self.1).await
    }

    async fn connect(&self, target: &Target) -> Result<TcpStream, FetchError> {
        let unreachable = |error: std::io::Error| FetchError::Unreachable {
            host: target.host.clone(),
            cause: error.to_string(),
        };
        let addresses = match &self.0.detour {
            Some(detour) if detour.host.eq_ignore_ascii_case(&target.host) => {
                let (host, port) = detour.to.rsplit_once(':').unwrap_or((&detour.to, ""));
                resolve(host, port.parse().unwrap_or(target.port)).await
            }
            Some(_) | None => resolve(&target.host, target.port).await,
        }
        .map_err(unreachable)?;
        let mut failure = std::io::Error::from(std::io::ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(unreachable(failure))
    }
}

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetch")
            .field("timeout", &self.0.timeout)
            .field("detour", &self.0.detour)
            .finish_non_exhaustive()
    }
}

/// Whether a host is this machine: `localhost`, a name below it (RFC 6761), or a loopback address.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    is_localhost_name(host) || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_localhost_name(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

struct Target {
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, FetchError> {
        let host = uri.host().unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or_default();
        let refused = || FetchError::Url { url: format!("{scheme}://{host}") };
        let tls = match scheme {
            "https" => true,
            "http" if is_loopback_host(host) => false,
            _ => return Err(refused()),
        };
        if host.is_empty() {
            return Err(refused());
        }
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// Without the brackets of an IPv6 address.
    fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

async fn resolve(host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    // RFC 6761, 6.3: such a name is always this machine; many resolvers do not know it.
    if is_localhost_name(host) {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// One request and its reply over a connection that is closed afterwards.
async fn converse<S>(
    stream: S,
    target: &Target,
    request: Request<Vec<u8>>,
    bytes_max: usize,
) -> Result<Response<Vec<u8>>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let malformed = || FetchError::Malformed { host: target.host.clone() };
    let request = origin_form(request).ok_or_else(malformed)?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| malformed())?;
    let reply = async {
        let response = sender.send_request(request).await.map_err(|_| malformed())?;
        // That nothing has changed leads nowhere else.
        if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
            return Err(FetchError::Redirected { host: target.host.clone() });
        }
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, read_bounded(body, target, bytes_max).await?))
    };
    let mut connection = std::pin::pin!(connection);
    let mut reply = std::pin::pin!(reply);
    tokio::select! {
        reply = &mut reply => reply,
        // The provider may close as soon as it has sent all: what has arrived is still to be read.
        _closed = &mut connection => reply.await,
    }
}

/// HTTP/1.1 wants the path in the request line and the host in a field of its own.
fn origin_form(request: Request<Vec<u8>>) -> Option<Request<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let host = HeaderValue::from_str(head.uri.authority()?.as_str()).ok()?;
    head.headers.insert(HOST, host);
    head.uri = head.uri.path_and_query()?.as_str().parse().ok()?;
    head.version = http::Version::HTTP_11;
    Some(Request::from_parts(head, Full::new(Bytes::from(body))))
}

async fn read_bounded(mut body: Incoming, target: &Target, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| FetchError::Malformed { host: target.host.clone() })?;
        let Ok(data) = frame.into_data() else { continue };
        if read.len() + data.len() > limit {
            return Err(FetchError::TooLarge { host: target.host.clone(), limit });
        }
        read.extend_from_slice(&data);
    }
    Ok(read)
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, AuthoritiesError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| AuthoritiesError::Unreadable)?;
        roots.add(certificate).map_err(|_| AuthoritiesError::Unreadable)?;
    }
    if roots.is_empty() { Err(AuthoritiesError::Unreadable) } else { Ok(roots) }
}

fn native_roots() -> Result<RootCertStore, AuthoritiesError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() { Err(AuthoritiesError::None) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that gives one reply, as written, to one caller. Returns its URL.
    async fn server(reply: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://fetch.localhost:{}/path?query=1", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            assert!(head[..length].starts_with(b"GET /path?query=1 HTTP/1.1\r\n"));
            stream.write_all(&reply).await.unwrap();
        });
        url
    }

    fn client(timeout: Duration) -> Fetch {
        let certificate = rcgen::generate_simple_self_signed(["fetch.localhost".to_owned()]).unwrap();
        Fetch::new(Some(certificate.cert.pem().as_bytes()), timeout, None).unwrap()
    }

    async fn get(url: &str) -> Result<Response<Vec<u8>>, FetchError> {
        client(Duration::from_secs(5)).send(Request::get(url).body(Vec::new()).unwrap()).await
    }

    #[tokio::test]
    async fn a_reply_is_read_to_its_end() {
        let framed = server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()).await;
        assert_eq!(get(&framed).await.unwrap().into_body(), b"hello");
        let closed = server(b"HTTP/1.0 400 Bad\r\n\r\n".to_vec()).await;
        let reply = get(&closed).await.unwrap();
        assert_eq!((reply.status().as_u16(), reply.body().len()), (400, 0));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let url = server(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(),
        )
        .await;
        assert!(matches!(get(&url).await, Err(FetchError::Redirected { .. })));
    }

    #[tokio::test]
    async fn a_reply_that_is_too_large_is_not_read_to_its_end() {
        let mut reply = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        reply.resize(reply.len() + REPLY_BYTES_MAX + 1, b'x');
        assert!(matches!(get(&server(reply).await).await, Err(FetchError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn a_reply_that_was_broken_off_is_none() {
        let url = server(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello".to_vec()).await;
        assert!(matches!(get(&url).await, Err(FetchError::Malformed { .. })));
        let url = server(b"SSH-2.0-OpenSSH\r\n".to_vec()).await;
        assert!(matches!(get(&url).await, Err(FetchError::Malformed { .. })));
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
        let request = Request::get(url).body(Vec::new()).unwrap();
        let error = client(Duration::from_millis(50)).send(request).await.unwrap_err();
        assert!(matches!(error, FetchError::TimedOut { .. }), "{error}");
    }

    #[tokio::test]
    async fn plain_http_is_for_this_machine_only() {
        for url in ["http://id.clinic.example/", "http://localhost.clinic.example/", "ftp://localhost/"] {
            let error = get(url).await.unwrap_err();
            assert!(matches!(error, FetchError::Url { .. }), "{url}: {error}");
        }
    }

    #[tokio::test]
    async fn a_certificate_of_an_unknown_authority_is_not_trusted() {
        let key = rcgen::generate_simple_self_signed(["fetch.localhost".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![key.cert.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://fetch.localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                drop(acceptor.accept(stream).await);
            }
        });
        assert!(matches!(get(&url).await, Err(FetchError::Untrusted { .. })));
    }

    #[tokio::test]
    async fn a_detour_leads_elsewhere_under_the_same_name() {
        let url = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_vec()).await;
        let port = url.parse::<Uri>().unwrap().port_u16().unwrap();
        let detour = Detour { host: "id.localhost".to_owned(), to: format!("127.0.0.1:{port}") };
        let certificate = rcgen::generate_simple_self_signed(["id.localhost".to_owned()]).unwrap();
        let pem = certificate.cert.pem();
        let fetch = Fetch::new(Some(pem.as_bytes()), Duration::from_secs(5), Some(detour)).unwrap();
        let request = Request::get("http://id.localhost:1/path?query=1").body(Vec::new()).unwrap();
        assert_eq!(fetch.send(request).await.unwrap().into_body(), b"hi");
    }

    #[test]
    fn authorities_that_are_no_certificates_are_refused() {
        for pem in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let made = Fetch::new(Some(pem.as_bytes()), Duration::from_secs(5), None);
            assert!(matches!(made, Err(AuthoritiesError::Unreadable)), "{pem}");
        }
    }
}
