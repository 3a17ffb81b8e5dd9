//! The certificates that callers are shown, chosen by server name (SNI, RFC 6066 section 3).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file is not there, or not readable.
    #[error("`{path}` cannot be read")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        error: rustls::pki_types::pem::Error,
    },
    /// The file has no certificate.
    #[error("`{path}` holds no certificate in PEM")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// The key is not one that can sign, or not the certificate's.
    #[error("the key `{key}` does not fit the certificate `{chain}`")]
    Key {
        /// The certificate.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        error: rustls::Error,
    },
    /// The certificate is for no host name.
    #[error("the certificate `{chain}` is for no host name")]
    Nameless {
        /// The certificate.
        chain: PathBuf,
    },
}

/// A certificate chain with its key, and the names that it is for.
#[derive(Debug, Clone)]
pub struct Certificate {
    names: Vec<String>,
    key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads a chain and its key, and checks that they belong together.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let read = |path: &Path, error| CertificateError::Read { path: path.to_owned(), error };
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| read(chain, error))?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| read(key, error))?;
        let leaf = certificates.first().ok_or_else(|| CertificateError::Empty { path: chain.to_owned() })?;
        let names = names(leaf);
        if names.is_empty() {
            return Err(CertificateError::Nameless { chain: chain.to_owned() });
        }
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(certificates, private, &provider)
            .map_err(|error| CertificateError::Key { chain: chain.to_owned(), key: key.to_owned(), error })?;
        Ok(Self { names, key: Arc::new(key) })
    }

    /// The names that it is for, lower case; a wildcard is `*.example`.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// By webpki, so that what we choose by is what callers verify against.
fn names(leaf: &CertificateDer<'_>) -> Vec<String> {
    webpki::EndEntityCert::try_from(leaf)
        .map(|certificate| certificate.valid_dns_names().map(str::to_ascii_lowercase).collect())
        .unwrap_or_default()
}

/// Chooses the certificate by the name that the caller asks for. A caller who asks for no name, or
/// for none of ours, gets the first: the request's host is compared with the name later (421).
#[derive(Debug)]
pub struct ByName {
    exact: HashMap<String, Arc<CertifiedKey>>,
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    first: Arc<CertifiedKey>,
}

impl ByName {
    /// A choice among `first` and `others`. For a name that two certificates have, the earlier is taken.
    pub fn new(first: &Certificate, others: &[Certificate]) -> Self {
        let mut chosen = Self { exact: HashMap::new(), wildcard: HashMap::new(), first: first.key.clone() };
        for certificate in std::iter::once(first).chain(others) {
            for name in &certificate.names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut chosen.wildcard, parent),
                    None => (&mut chosen.exact, name.as_str()),
                };
                map.entry(name.to_owned()).or_insert_with(|| certificate.key.clone());
            }
        }
        chosen
    }

    fn choose(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        self.exact
            .get(&name)
            .or_else(|| name.split_once('.').and_then(|(_, parent)| self.wildcard.get(parent)))
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().filter(|name| DnsName::try_from(*name).is_ok());
        Some(named.and_then(|name| self.choose(name)).unwrap_or(&self.first).clone())
    }
}

/// What is spoken with callers: TLS 1.2 and 1.3 with AEAD suites only, HTTP/2 and HTTP/1.1 by ALPN, no
/// early data.
pub fn server(
    certificates: Arc<dyn ResolvesServerCert>,
    callers: Arc<dyn ClientCertVerifier>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(callers)
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    config.max_early_data_size = 0;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str]) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Certificate::read(&chain, &key).unwrap()
    }

    #[test]
    fn a_caller_is_shown_the_certificate_of_the_name_that_it_asks_for() {
        let (first, exact) = (certificate(&["a.example"]), certificate(&["b.example", "c.wards.example"]));
        let (any, again) = (certificate(&["*.wards.example"]), certificate(&["b.example"]));
        let by_name = ByName::new(&first, &[exact.clone(), any.clone(), again]);
        let is = |name: &str, certificate: &Certificate| {
            by_name.choose(name).is_some_and(|chosen| Arc::ptr_eq(chosen, &certificate.key))
        };
        assert!(is("a.example", &first) && is("B.example", &exact), "the earlier of two of a name");
        assert!(is("c.wards.example", &exact) && is("d.wards.example", &any), "an exact name before any");
        for name in ["wards.example", "d.e.wards.example", "elsewhere.example", ""] {
            assert!(by_name.choose(name).is_none(), "{name}");
        }
    }
}
