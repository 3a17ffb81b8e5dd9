//! TLS towards applications and providers. The certificate is always verified, unless an operator has
//! written a key that begins with `insecure_`.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use super::verify::{Believes, Verifier};
use crate::foundation::digest::Digest;

/// Why no TLS client can be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsClientError {
    /// The authorities are not PEM.
    #[error("the authorities are not certificates in PEM")]
    Authorities(#[source] rustls::pki_types::pem::Error),
    /// There is nobody to trust.
    #[error("there is no certificate of an authority to trust")]
    NoAuthority,
    /// rustls refuses.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The authorities cannot be used to verify.
    #[error("the authorities cannot be used to verify")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// Whom a client believes, and who it is itself.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Certificates, in PEM, of the authorities that vouch; `None`: the system's.
    pub authorities: Option<Arc<[u8]>>,
    /// The SHA-256 digests of the public keys (`SubjectPublicKeyInfo`) that a server may have; empty: any
    /// that an authority vouches for.
    pub pins: Vec<Digest>,
    /// Our own certificate with its key, for servers that ask.
    pub identity: Option<Arc<CertifiedKey>>,
    /// Whether nobody has to vouch, for no name: a pinned key alone is enough and, without pins, any.
    pub insecure_any_certificate: bool,
}

/// A client that trusts `authorities` (PEM), or the system's where none are given, and offers
/// `protocols` by ALPN.
pub fn client(authorities: Option<&[u8]>, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsClientError> {
    Trust { authorities: authorities.map(Into::into), ..Trust::default() }.client(protocols)
}

impl Trust {
    /// A client that believes whom this says, and offers `protocols` by ALPN.
    pub fn client(&self, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsClientError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match self.verifier(&provider)? {
            Some(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            None => builder.with_root_certificates(self.roots()?),
        };
        let mut config = match &self.identity {
            Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key.clone()))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// The verifier for what rustls does not do by itself.
    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Verifier>, TlsClientError> {
        let believes = match (self.insecure_any_certificate, self.pins.is_empty()) {
            (false, true) => return Ok(None),
            (false, false) => {
                let roots = Arc::new(self.roots()?);
                let authorities =
                    WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?;
                Believes::Both(authorities, self.pins.clone())
            }
            (true, false) => Believes::Pins(self.pins.clone()),
            (true, true) => Believes::Anybody,
        };
        Ok(Some(Verifier::new(believes, provider.signature_verification_algorithms)))
    }

    fn roots(&self) -> Result<RootCertStore, TlsClientError> {
        let mut roots = RootCertStore::empty();
        match &self.authorities {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    roots.add(certificate.map_err(TlsClientError::Authorities)?)?;
                }
            }
            None => {
                let (_, _unusable) =
                    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            return Err(TlsClientError::NoAuthority);
        }
        Ok(roots)
    }
}
