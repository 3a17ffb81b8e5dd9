//! TLS towards applications and providers. The certificate is always verified.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

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
}

/// A client that trusts `authorities` (PEM), or the system's where none are given, and offers
/// `protocols` by ALPN.
pub fn client(authorities: Option<&[u8]>, protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsClientError> {
    let mut roots = RootCertStore::empty();
    match authorities {
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
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}
