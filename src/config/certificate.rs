//! Certificates and keys: that they can be read, belong together and are for our hosts.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::reader::Reader;
use super::secrets::warn_if_everyone_reads;
use crate::foundation::clock::Timestamp;
use crate::gateway::settings::CertificateSettings;

/// A certificate that can be used, and the names it is for.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) settings: CertificateSettings,
    pub(super) names: Vec<String>,
}

/// Reads `[[gateway.certificate]]`.
pub(super) fn certificate(reader: &Reader<'_>) -> Option<Certificate> {
    let (chain_path, key_path) = (reader.path("chain"), reader.file_reference("key"));
    let chain = chain_path.as_deref().and_then(|path| chain(reader, path));
    let key = key_path.as_deref().and_then(|path| private_key(reader, path));
    let (chain, key) = (chain?, key?);
    let names = chain.first().and_then(|leaf| leaf_names(reader, leaf))?;
    check_pair(reader, chain, &key)?;
    Some(Certificate { settings: CertificateSettings { chain: chain_path?, key: key_path? }, names })
}

/// Reads a certificate of ours that is shown to servers.
pub(super) fn client_certificate(reader: &Reader<'_>) -> Option<Arc<CertifiedKey>> {
    let chain = reader.path("chain").and_then(|path| chain(reader, &path));
    let key = reader.file_reference("key").and_then(|path| private_key(reader, &path));
    let (chain, key) = (chain?, key?);
    let Some((_, leaf)) = chain.first().and_then(|leaf| X509Certificate::from_der(leaf).ok()) else {
        reader.error("chain", "the first certificate cannot be read", "an X.509 certificate");
        return None;
    };
    warn_of_dates(reader, &leaf);
    check_pair(reader, chain, &key).map(Arc::new)
}

/// The first certificate in the file that `name` refers to.
pub(super) fn leaf(reader: &Reader<'_>, name: &str) -> Option<CertificateDer<'static>> {
    let path = reader.file_reference(name)?;
    let pem = reader.reading().file(&reader.key_of(name), &path)?;
    certificates(reader, name, &path, &pem)?.into_iter().next()
}

/// The bytes of a file of authorities' certificates.
pub(super) fn authorities(reader: &Reader<'_>) -> Option<Arc<[u8]>> {
    let path = reader.file_reference("authorities")?;
    let pem = reader.reading().file(&reader.key_of("authorities"), &path)?;
    certificates(reader, "authorities", &path, &pem)?;
    Some(pem.into())
}

/// Whether a certificate for `name` serves `host`.
pub(super) fn serves(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
        None => name.eq_ignore_ascii_case(host),
    }
}

fn chain(reader: &Reader<'_>, path: &Path) -> Option<Vec<CertificateDer<'static>>> {
    let pem = reader.reading().file(&reader.key_of("chain"), path)?;
    certificates(reader, "chain", path, &pem)
}

fn certificates(
    reader: &Reader<'_>,
    name: &str,
    path: &Path,
    pem: &[u8],
) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let right = "a file in PEM with `BEGIN CERTIFICATE`";
    match all {
        Ok(all) if all.is_empty() => {
            reader.error(name, format!("`{}` holds no certificate", path.display()), right);
            None
        }
        Ok(all) => Some(all),
        Err(_) => {
            reader.error(name, format!("`{}` is not PEM", path.display()), right);
            None
        }
    }
}

// The causes that the parser gives could quote the file, so they are not shown.
fn private_key(reader: &Reader<'_>, path: &Path) -> Option<PrivateKeyDer<'static>> {
    let key = reader.key_of("key");
    let pem = reader.reading().secret_file(&key, path)?;
    warn_if_everyone_reads(reader.reading(), &key, path);
    let found = PrivateKeyDer::from_pem_slice(&pem).ok();
    if found.is_none() {
        let what = format!("`{}` holds no private key that can be read", path.display());
        reader.error("key", what, "a private key in PEM (PKCS#8, PKCS#1 or SEC1) that is not encrypted");
    }
    found
}

fn check_pair(
    reader: &Reader<'_>,
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
) -> Option<CertifiedKey> {
    let Ok(signing_key) = any_supported_type(key) else {
        reader.error(
            "key",
            "the private key is damaged or of a kind that TLS does not use",
            "RSA, ECDSA or Ed25519",
        );
        return None;
    };
    let pair = CertifiedKey::new(chain, signing_key);
    if pair.keys_match().is_err() {
        reader.error(
            "key",
            "the private key does not belong to the first certificate of the chain",
            "the key with which that certificate was requested, and the leaf first in the chain",
        );
        return None;
    }
    Some(pair)
}

fn leaf_names(reader: &Reader<'_>, leaf: &CertificateDer<'_>) -> Option<Vec<String>> {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        reader.error("chain", "the first certificate cannot be read", "an X.509 certificate");
        return None;
    };
    warn_of_dates(reader, &leaf);
    let names = leaf.subject_alternative_name().ok().flatten();
    let name = |name: &GeneralName<'_>| {
        if let GeneralName::IPAddress(bytes) = name {
            return address(bytes);
        }
        let GeneralName::DNSName(name) = name else { return None };
        Some((*name).to_owned())
    };
    let names: Vec<String> =
        names.map(|names| names.value.general_names.iter().filter_map(name).collect()).unwrap_or_default();
    if names.is_empty() {
        reader.error(
            "chain",
            "the first certificate is for no host name",
            "a certificate with a subject alternative name",
        );
        return None;
    }
    Some(names)
}

fn warn_of_dates(reader: &Reader<'_>, leaf: &X509Certificate<'_>) {
    let (key, now) = (reader.key_of("chain"), reader.reading().surroundings.now);
    let ends = Timestamp::from_seconds(leaf.validity().not_after.timestamp());
    let begins = Timestamp::from_seconds(leaf.validity().not_before.timestamp());
    if ends < now {
        reader.reading().warning(&key, format!("the certificate expired at {ends}"), "a renewed certificate");
    }
    if begins > now {
        let what = format!("the certificate is not valid before {begins}");
        reader.reading().warning(&key, what, "a certificate that is valid now");
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| std::net::Ipv6Addr::from(bytes).to_string());
    v4.or_else(|_| v6()).ok()
}
