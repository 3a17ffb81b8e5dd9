//! Whether a server's certificate is believed: by an authority, by its pinned key, by both, or (only
//! where an operator has written so) by nobody. The handshake's signature is verified in any case: whoever
//! shows a certificate has its key.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::foundation::digest::Digest;

/// Who is believed.
#[derive(Debug)]
pub(super) enum Believes {
    /// Whom an authority vouches for, and whose key is pinned.
    Both(Arc<WebPkiServerVerifier>, Vec<Digest>),
    /// Whose key is pinned.
    Pins(Vec<Digest>),
    /// Anybody.
    Anybody,
}

/// Verifies a server's certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    believes: Believes,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) const fn new(believes: Believes, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { believes, algorithms }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.believes {
            Believes::Both(authorities, pins) => {
                authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
                is_pinned(end_entity, pins)
            }
            Believes::Pins(pins) => is_pinned(end_entity, pins),
            Believes::Anybody => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Only the server's own key counts: whatever else it sends along proves nothing.
fn is_pinned(end_entity: &CertificateDer<'_>, pins: &[Digest]) -> Result<ServerCertVerified, Error> {
    let (_, certificate) = X509Certificate::from_der(end_entity)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let key = Digest::of(certificate.tbs_certificate.subject_pki.raw);
    if !pins.contains(&key) {
        return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
    }
    Ok(ServerCertVerified::assertion())
}
