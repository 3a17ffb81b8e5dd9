//! The greeting by TLS, and what can be wrong with it in words that an operator can act on.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, PeerIncompatible};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What is wrong with a server's TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// It knows no version that is safe.
    #[error(
        "the server speaks no TLS above 1.1 (RFC 8996 forbids those versions, and Leastway does not speak them): \
         update its TLS, or put a proxy that speaks TLS 1.2 in front of it on the same host"
    )]
    TooOld,
    /// It and we have no cipher, signature or group in common.
    #[error(
        "the server and Leastway have no cipher suite, signature or group in common; a server that knows only \
         TLS 1.1 or CBC and RC4 suites answers like this: offer TLS 1.2 with an ECDHE and AES-GCM suite there"
    )]
    NothingInCommon,
    /// It does not speak TLS.
    #[error("the server does not speak TLS on this port: is `http` meant?")]
    NoTls,
    /// Nobody whom we trust vouches for its certificate.
    #[error("nobody among the `authorities` vouches for the server's certificate")]
    UnknownAuthority,
    /// Its certificate is an authority's own.
    #[error(
        "the server shows a self-signed certificate that says it is an authority's, and such a one vouches for no \
         server: name its key in `pins` with `insecure_any_certificate`, or give it one that an authority has signed"
    )]
    SelfSigned,
    /// The certificate is for another name.
    #[error("the server's certificate is not for the name `{name}`: see `server_name`")]
    WrongName {
        /// The name that was expected.
        name: String,
    },
    /// The certificate is not valid now.
    #[error("the server's certificate is not valid at this time: renew it, or see the clocks")]
    NotNow,
    /// It is none of those that are pinned.
    #[error("the server's key is none of those in `pins`")]
    NotPinned,
    /// It asks for a certificate of ours, or for another one.
    #[error("the server wants a certificate of ours that it accepts: see `client_certificate`")]
    ClientCertificate,
    /// It speaks none of what was offered.
    #[error(
        "the server does not agree on the protocol (ALPN): HTTP/2 where `protocol = \"h2\"`, HTTP/1.1 for WebSockets"
    )]
    NoProtocol,
    /// It does not speak HTTP/2.
    #[error("the server does not agree on HTTP/2 (ALPN): is `protocol = \"http1\"` meant?")]
    NoHttp2,
    /// Something else.
    #[error("the greeting failed")]
    Other(#[source] io::Error),
}

/// How an application's servers are greeted.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// The name that is asked for and verified, if it is not the server's host.
    pub(super) server_name: Option<String>,
}

impl Tls {
    /// Greets the server at `host` on a new connection.
    pub(super) async fn greet(&self, tcp: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, TlsFault> {
        let host = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| TlsFault::Other(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let connector = TlsConnector::from(self.config.clone());
        connector.connect(name, tcp).await.map_err(|error| TlsFault::of(error, host))
    }
}

impl TlsFault {
    fn of(error: io::Error, host: &str) -> Self {
        let fault = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        fault.and_then(|fault| Self::known(fault, host)).unwrap_or(Self::Other(error))
    }

    /// What is wrong with TLS behind an error of HTTP: with TLS 1.3 a server says only after the greeting
    /// that it wants a certificate.
    pub(super) fn behind(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(fault) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return Self::known(fault, "");
            }
            cause = error.source();
        }
        None
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of rustls's many errors a few have a remedy of their own"
    )]
    fn known(fault: &rustls::Error, host: &str) -> Option<Self> {
        Some(match fault {
            rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)
            | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => Self::TooOld,
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
            ) => Self::NothingInCommon,
            rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => Self::NoProtocol,
            rustls::Error::InvalidMessage(_) => Self::NoTls,
            rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnknownCA
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateExpired
                | AlertDescription::UnsupportedCertificate,
            ) => Self::ClientCertificate,
            rustls::Error::InvalidCertificate(invalid) => return Self::invalid(invalid, host),
            _ => return None,
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of rustls's many errors a few have a remedy of their own"
    )]
    fn invalid(invalid: &CertificateError, host: &str) -> Option<Self> {
        match invalid {
            // An authority of the same name with another key is another one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Some(Self::UnknownAuthority),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some(Self::WrongName { name: host.to_owned() })
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Some(Self::NotNow),
            CertificateError::Other(other) => {
                let fault = other.0.downcast_ref::<webpki::Error>();
                (fault == Some(&webpki::Error::CaUsedAsEndEntity)).then_some(Self::SelfSigned)
            }
            CertificateError::ApplicationVerificationFailure => Some(Self::NotPinned),
            _ => None,
        }
    }
}
