//! How callers are met: by TLS, and on the hosts where that is declared with a request for a certificate of theirs
//! (RFC 8446 section 4.3.2). A browser that is asked may show its user a list, so that other hosts do not ask.
//!
//! A certificate that is out of date, revoked or of nobody whom we believe ends no connection: its caller is one
//! without a certificate, and gets what such a caller gets. So whether somebody has the key is verified in the handshake,
//! and whose key it is afterwards ([`Front::vouched`]), as often as that may have changed, also where an earlier session
//! of TLS is taken up again. What costs more to look at than a chain of any use ends the handshake.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{Acceptor, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};
use x509_parser::prelude::{ASN1Time, CertificateRevocationList, FromDer as _, GeneralName, X509Certificate};

use super::certificates;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// A certificate that a caller has shown: they have its key, and an authority that is believed has vouched for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerCertificate {
    /// The SHA-256 of its DER in base64url, as `x5t#S256` has it (RFC 8705 section 3.1).
    pub thumbprint: Arc<str>,
    /// The DNS names that it is for (subject alternative names), in lower case, without those with a wildcard.
    pub hosts: Vec<String>,
    /// The URIs that it is for, in lower case.
    pub uris: Vec<String>,
    /// Until when it holds.
    pub ends: Timestamp,
}

/// A certificate and those by which it leads to an authority, as they were shown: of a bounded number and size.
pub type Chain = Vec<CertificateDer<'static>>;

/// Whose certificates are believed.
#[derive(Debug)]
pub struct Vouchers {
    verifier: Arc<dyn ClientCertVerifier>,
    due: Option<Timestamp>,
}

/// Why nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum VouchersError {
    /// What is no certificate or no list in PEM.
    #[error("{0} in PEM cannot be read")]
    Pem(&'static str),
    /// What is no authority's certificate, and would become one.
    #[error("`{0}` is not the certificate of an authority")]
    Authority(String),
    /// A list that cannot be used.
    #[error("they cannot be verified by: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

impl Vouchers {
    /// Those whom these authorities vouch for (certificates in PEM), and that are on none of these lists (CRLs in PEM,
    /// RFC 5280 section 5; of several of one authority the newest counts). With lists, what an authority without one
    /// has issued is not believed, nor where the list should have been followed by a newer one: at each step of a chain.
    pub fn new(authorities: &[u8], revoked: Option<&[u8]>) -> Result<Self, VouchersError> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities) {
            let authority = authority.map_err(|_| VouchersError::Pem("certificates of authorities"))?;
            is_authority(&authority)?;
            roots.add(authority).map_err(|error| VouchersError::Authority(error.to_string()))?;
        }
        let lists = revoked.map(|pem| CertificateRevocationListDer::pem_slice_iter(pem).collect());
        let mut lists: Vec<_> = lists
            .transpose()
            .map_err(|_| VouchersError::Pem("lists of revoked certificates"))?
            .unwrap_or_default();
        if revoked.is_some() && lists.is_empty() {
            return Err(VouchersError::Pem("lists of revoked certificates"));
        }
        // The first of an authority's is the one that is looked at.
        lists.sort_by_key(|list| Reverse(times(list).0));
        let due = lists.iter().filter_map(|list| times(list).1).min();
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
        let verifier =
            builder.with_crls(lists).enforce_revocation_expiration().allow_unauthenticated().build()?;
        Ok(Self { verifier, due })
    }

    /// When the first of the lists has to be followed by a newer one.
    pub const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    fn vouched(&self, chain: &Chain, now: Timestamp) -> Option<CallerCertificate> {
        let (leaf, intermediates) = chain.split_first()?;
        let seconds = u64::try_from(now.as_seconds()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        if let Err(error) = self.verifier.verify_client_cert(leaf, intermediates, now) {
            tracing::debug!(%error, "a caller's certificate is not believed");
            return None;
        }
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let (mut hosts, mut uris) = (Vec::new(), Vec::new());
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            if let GeneralName::DNSName(host) = name {
                hosts.extend((!host.contains('*')).then(|| host.to_ascii_lowercase()));
            } else if let GeneralName::URI(uri) = name {
                uris.push(uri.to_ascii_lowercase());
            }
        }
        Some(CallerCertificate {
            thumbprint: URL_SAFE_NO_PAD.encode(Digest::of(leaf).as_bytes()).into(),
            hosts,
            uris,
            ends: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
        })
    }
}

/// A certificate by which others are vouched for says so itself (RFC 5280 section 4.2.1.9): a device's own would vouch
/// for whatever the device names.
fn is_authority(certificate: &CertificateDer<'_>) -> Result<(), VouchersError> {
    let unread = || VouchersError::Pem("certificates of authorities");
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| unread())?;
    if certificate.is_ca() {
        Ok(())
    } else {
        Err(VouchersError::Authority(certificate.subject().to_string()))
    }
}

/// When a list was issued, and when the next is due; of one that cannot be read, never.
fn times(list: &CertificateRevocationListDer<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
    let moment = |time: ASN1Time| Timestamp::from_seconds(time.timestamp());
    match CertificateRevocationList::from_der(list) {
        Ok((_, list)) => (Some(moment(list.last_update())), list.next_update().map(moment)),
        Err(_) => (None, None),
    }
}

/// Asks for a certificate, and lets pass whoever has the key of the one that they show, whoever that is: see above.
#[derive(Debug)]
struct AnyKey(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        // Whoever looks for a way through very many certificates looks for long, and a connection keeps them.
        let bytes = intermediates.iter().fold(end_entity.len(), |sum, next| sum + next.len());
        if intermediates.len() > INTERMEDIATES_MAX || bytes > CHAIN_BYTES_MAX {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// How callers are met.
#[derive(Debug)]
pub struct Front {
    plain: Arc<ServerConfig>,
    asking: Option<Asking>,
}

#[derive(Debug)]
struct Asking {
    config: Arc<ServerConfig>,
    /// In lower case; none: every host.
    hosts: BTreeSet<String>,
    vouchers: Vouchers,
}

/// A caller, and the certificates that they have shown.
pub type Met<IO> = (TlsStream<IO>, Option<Chain>);

impl Front {
    /// Nobody is asked for a certificate.
    pub fn new(certificates: Arc<dyn ResolvesServerCert>) -> Result<Self, rustls::Error> {
        let config = certificates::server(certificates, WebPkiClientVerifier::no_client_auth())?;
        Ok(Self { plain: Arc::new(config), asking: None })
    }

    /// Callers of these hosts are asked for one; without hosts, all are.
    pub fn asking(
        certificates: Arc<dyn ResolvesServerCert>,
        vouchers: Vouchers,
        hosts: impl IntoIterator<Item = String>,
    ) -> Result<Self, rustls::Error> {
        let asks = Arc::new(AnyKey(vouchers.verifier.clone()));
        let config = Arc::new(certificates::server(certificates.clone(), asks)?);
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self { asking: Some(Asking { config, hosts, vouchers }), ..Self::new(certificates)? })
    }

    /// Greets a caller.
    pub async fn meet<IO: AsyncRead + AsyncWrite + Unpin>(&self, stream: IO) -> io::Result<Met<IO>> {
        let Some(asking) = &self.asking else {
            return Ok((TlsAcceptor::from(self.plain.clone()).accept(stream).await?, None));
        };
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let named = begun.client_hello().server_name().map(str::to_ascii_lowercase);
        let asks = asking.hosts.is_empty() || named.is_some_and(|name| asking.hosts.contains(&name));
        if !asks {
            return Ok((begun.into_stream(self.plain.clone()).await?, None));
        }
        let stream = begun.into_stream(asking.config.clone()).await?;
        let chain = stream.get_ref().1.peer_certificates();
        let chain = chain.map(|chain| chain.iter().cloned().map(CertificateDer::into_owned).collect());
        Ok((stream, chain))
    }

    /// The certificate of a chain that was shown, if it is believed at this moment.
    pub fn vouched(&self, chain: &Chain, now: Timestamp) -> Option<CallerCertificate> {
        self.asking.as_ref()?.vouchers.vouched(chain, now)
    }
}

/// As deep as authorities of devices lie.
const INTERMEDIATES_MAX: usize = 4;
const CHAIN_BYTES_MAX: usize = 16 * 1024;
