//! The directory in which a demo lives: the shipped configuration, and what that refers to.
//!
//! A file that somebody has changed is kept, so that a configuration can be tried out; one that is as an
//! earlier version shipped it becomes what this version ships. Certificates are made anew when they are
//! old.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::new_secret;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::foundation::secret::Secret;

/// The shipped configuration, file by file.
pub(super) const CONFIGURATION: [(&str, &str); 8] = [
    ("leastway.toml", include_str!("../../config/leastway.toml")),
    ("roles.toml", include_str!("../../config/roles.toml")),
    ("applications/ehr.toml", include_str!("../../config/applications/ehr.toml")),
    ("applications/console.toml", include_str!("../../config/applications/console.toml")),
    ("policies/clinic.cedar", include_str!("../../config/policies/clinic.cedar")),
    ("policies/leastway.cedarschema", include_str!("../../config/policies/leastway.cedarschema")),
    ("feeds/care-team.csv", include_str!("../../config/feeds/care-team.csv")),
    ("certs/README.md", include_str!("../../config/certs/README.md")),
];

/// What was shipped here last: a line for each file, its digest and its name.
const SHIPPED: &str = "shipped";
const AUTHORITY: &str = "certs/authority.pem";
const GATEWAY: (&str, &str) = ("certs/gateway.pem", "certs/gateway.key");
const PROVIDER: (&str, &str) = ("certs/provider.pem", "certs/provider.key");
const CLIENT_SECRET: &str = "secrets/client-secret";
const CONTROL_TOKEN: &str = "secrets/control-token";

/// How long a certificate holds: browsers refuse more than 398 days.
const CERTIFICATE_DAYS: u64 = 397;
/// At which age certificates are made anew.
const RENEWED_AFTER: Duration = Duration::from_secs(300 * 24 * 60 * 60);
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the directory is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum WorkDirectoryError {
    /// A file cannot be read or written.
    #[error("`{path}` cannot be {done}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried.
        done: &'static str,
        /// The system's words.
        cause: io::Error,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
    /// A certificate or key is there, but cannot be used.
    #[error(
        "the certificate or the key in `{path}` cannot be used: {cause}; remove `certs` to have them made anew"
    )]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

/// The directory of a demo, with everything in it.
#[derive(Clone, Debug)]
pub struct WorkDirectory(PathBuf);

impl WorkDirectory {
    /// Makes the directory, and in it whatever is not there yet.
    pub fn prepare(
        path: &Path,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Self, WorkDirectoryError> {
        let directory = Self(path.to_owned());
        make_root(path).map_err(|cause| failed(path, "made", cause))?;
        for folder in ["applications", "policies", "feeds", "certs", "secrets", "data"] {
            let folder = directory.path(folder);
            fs::create_dir_all(&folder).map_err(|cause| failed(&folder, "made", cause))?;
        }
        directory.ship()?;
        for secret in [CLIENT_SECRET, CONTROL_TOKEN] {
            directory.keep_or_write(secret, new_secret(entropy).reveal(), Readers::Owner)?;
        }
        if !directory.certificates_are_good(clock.now()) {
            directory.make_certificates(clock.now())?;
        }
        Ok(directory)
    }

    /// The configuration that Leastway runs on.
    pub fn configuration(&self) -> PathBuf {
        self.path("leastway.toml")
    }

    /// The authority that vouches for everything here, in PEM: for `curl --cacert`.
    pub fn authority(&self) -> PathBuf {
        self.path(AUTHORITY)
    }

    /// Where the shipped configuration keeps the journal.
    pub fn journal(&self) -> PathBuf {
        self.path("data/journal")
    }

    /// Where it keeps the keys that are apart from the journal.
    pub fn seals(&self) -> PathBuf {
        self.path("data/seals")
    }

    /// Where the bearer token of the control listener is.
    pub fn control_token(&self) -> PathBuf {
        self.path(CONTROL_TOKEN)
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The authority's certificate.
    pub(super) fn authority_certificate(&self) -> Result<CertificateDer<'static>, WorkDirectoryError> {
        let path = self.authority();
        CertificateDer::from_pem_file(&path).map_err(|cause| unusable(&path, &cause))
    }

    /// What Leastway shows the provider.
    pub(super) fn client_secret(&self) -> Result<Secret, WorkDirectoryError> {
        let path = self.path(CLIENT_SECRET);
        let text = fs::read_to_string(&path).map_err(|cause| failed(&path, "read", cause))?;
        Ok(Secret::new(text.trim_end().to_owned()))
    }

    /// The provider's side of TLS.
    pub(super) fn provider_tls(&self) -> Result<ServerConfig, WorkDirectoryError> {
        let (chain, key) = (self.path(PROVIDER.0), self.path(PROVIDER.1));
        let certificate = CertificateDer::from_pem_file(&chain).map_err(|cause| unusable(&chain, &cause))?;
        let private = PrivateKeyDer::from_pem_file(&key).map_err(|cause| unusable(&key, &cause))?;
        let crypto = rustls::crypto::aws_lc_rs::default_provider();
        let mut settings = ServerConfig::builder_with_provider(crypto.into())
            .with_safe_default_protocol_versions()
            .map_err(|cause| unusable(&chain, &cause))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], private)
            .map_err(|cause| unusable(&chain, &cause))?;
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(settings)
    }

    /// Writes the shipped configuration, but for files that somebody has changed.
    fn ship(&self) -> Result<(), WorkDirectoryError> {
        let before = fs::read_to_string(self.path(SHIPPED)).unwrap_or_default();
        let line = |name: &str, bytes: &[u8]| format!("{} {name}", Digest::of(bytes));
        for (name, text) in CONFIGURATION {
            let changed = match fs::read(self.path(name)) {
                Ok(there) => before.lines().all(|shipped| shipped != line(name, &there)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(cause) => return Err(failed(&self.path(name), "read", cause)),
            };
            if !changed {
                self.write(name, text, Readers::Everybody)?;
            }
        }
        let lines: Vec<String> =
            CONFIGURATION.iter().map(|(name, text)| line(name, text.as_bytes())).collect();
        self.write(SHIPPED, &(lines.join("\n") + "\n"), Readers::Everybody)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether all are there and none is old.
    fn certificates_are_good(&self, now: Timestamp) -> bool {
        [AUTHORITY, GATEWAY.0, GATEWAY.1, PROVIDER.0, PROVIDER.1].into_iter().all(|name| {
            let written = fs::metadata(self.path(name)).and_then(|metadata| metadata.modified());
            let since_1970 = written.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            since_1970.is_some_and(|at| now.since(Timestamp::default().plus(at)) < RENEWED_AFTER)
        })
    }

    fn make_certificates(&self, now: Timestamp) -> Result<(), WorkDirectoryError> {
        let mut authority = parameters("Leastway demo authority", &[], now)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // The authority's key is used here and nowhere else: it is never written, so nobody can sign
        // with it what a person's browser would believe.
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        self.write(AUTHORITY, &authority.pem(), Readers::Everybody)?;

        let gateway = ["ehr.localhost", "console.localhost"];
        for (common_name, names, (chain, key_file)) in [
            ("Leastway demo gateway", &gateway[..], GATEWAY),
            ("Leastway demo provider", &["id.localhost"], PROVIDER),
        ] {
            let mut leaf = parameters(common_name, names, now)?;
            leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            leaf.use_authority_key_identifier_extension = true;
            let key = KeyPair::generate()?;
            let certificate = leaf.signed_by(&key, &authority)?;
            self.write(chain, &certificate.pem(), Readers::Everybody)?;
            self.write(key_file, &key.serialize_pem(), Readers::Owner)?;
        }
        Ok(())
    }

    fn keep_or_write(&self, name: &str, text: &str, readers: Readers) -> Result<(), WorkDirectoryError> {
        if self.path(name).exists() { Ok(()) } else { self.write(name, text, readers) }
    }

    fn write(&self, name: &str, text: &str, readers: Readers) -> Result<(), WorkDirectoryError> {
        let path = self.path(name);
        // Written beside and renamed: a reader sees the old file or the new one, and a file that
        // was readable by all does not stay so.
        let beside = path.with_extension("new");
        let written = open_new(&beside, readers)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|cause| failed(&path, "written", cause))
    }
}

/// The directory itself is for its owner only.
fn make_root(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

#[derive(Clone, Copy)]
enum Readers {
    Everybody,
    Owner,
}

fn open_new(path: &Path, readers: Readers) -> io::Result<fs::File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(match readers {
            Readers::Everybody => 0o644,
            Readers::Owner => 0o600,
        });
    }
    #[cfg(not(unix))]
    drop(readers);
    options.open(path)
}

fn parameters(
    common_name: &str,
    names: &[&str],
    now: Timestamp,
) -> Result<CertificateParams, WorkDirectoryError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    let whole_days = |moment: Timestamp| {
        let days = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or_default();
        let date = days.to_zoned(jiff::tz::TimeZone::UTC).date();
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    parameters.not_before = whole_days(now.minus(A_DAY));
    parameters.not_after = whole_days(now.plus(Duration::from_secs((CERTIFICATE_DAYS - 1) * 24 * 60 * 60)));
    Ok(parameters)
}

fn failed(path: &Path, done: &'static str, cause: io::Error) -> WorkDirectoryError {
    WorkDirectoryError::File { path: path.to_owned(), done, cause }
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> WorkDirectoryError {
    WorkDirectoryError::Unusable { path: path.to_owned(), cause: cause.to_string() }
}
