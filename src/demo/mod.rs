//! A small clinic to try Leastway on: an EHR of 1,000 synthetic patients, an administration console and
//! an OpenID provider with four people. Nobody in it is real.
//!
//! Everything here listens on loopback only and says so when it is asked for anything else: its
//! passwords are printed for everybody to read. What stands in front of it is Leastway itself, run on
//! the files of `config/`, unchanged.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::foundation::clock::Clock;
use crate::foundation::entropy::Entropy;
use crate::foundation::secret::Secret;

pub mod banner;
pub mod browser;
mod console;
mod deliver;
mod ehr;
mod files;
mod html;
pub mod loopback;
mod notes;
mod patients;
pub mod people;
mod provider;
pub mod tour;
pub mod work_directory;

#[cfg(test)]
mod tests;

pub use work_directory::WorkDirectory;

/// Where the clinic is found. The shipped configuration has the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Leastway: what people open.
    pub gateway: u16,
    /// Leastway's control listener.
    pub control: u16,
    /// The OpenID provider, by TLS.
    pub provider: u16,
    /// The EHR, plain: it stands behind Leastway.
    pub ehr: u16,
    /// The console, plain as well.
    pub console: u16,
}

impl Ports {
    /// The ports of the shipped configuration.
    pub const SHIPPED: Self =
        Self { gateway: 8443, control: 9443, provider: 8444, ehr: 18_080, console: 18_081 };
}

/// Why the clinic did not open.
#[derive(Debug, thiserror::Error)]
pub enum ClinicError {
    /// An address that others can reach.
    #[error(transparent)]
    NotLoopback(#[from] loopback::NotLoopback),
    /// A port cannot be listened on.
    #[error(
        "{what} cannot listen on {address}: {cause}; stop what uses this port, or the demo that still runs"
    )]
    Port {
        /// Which part of the clinic.
        what: &'static str,
        /// Where it wants to listen.
        address: SocketAddr,
        /// The system's words.
        cause: io::Error,
    },
    /// The work directory cannot be made or read.
    #[error(transparent)]
    WorkDirectory(#[from] work_directory::WorkDirectoryError),
    /// The provider has no key to sign with.
    #[error("the provider's key cannot be made")]
    Key,
}

/// The clinic while it is open. It closes when this is dropped.
#[derive(Debug)]
pub struct Clinic {
    ehr: SocketAddr,
    console: SocketAddr,
    provider: SocketAddr,
    tasks: JoinSet<()>,
}

impl Clinic {
    /// Opens the EHR, the console and the provider, with the certificates and secrets of `directory`.
    pub async fn open(
        directory: &WorkDirectory,
        ports: Ports,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ClinicError> {
        let ehr = listen("the EHR", ports.ehr).await?;
        let console = listen("the console", ports.console).await?;
        let identity = listen("the provider", ports.provider).await?;
        let (ehr_address, console_address, provider_address) =
            (address(&ehr)?, address(&console)?, address(&identity)?);

        let settings = provider::Settings {
            issuer: format!("https://id.localhost:{}", provider_address.port()),
            client_id: CLIENT_ID.to_owned(),
            client_secret: directory.client_secret()?,
            client_origins: ["ehr", "console"]
                .map(|name| format!("https://{name}.localhost:{}", ports.gateway)),
        };
        let provider = provider::Provider::new(settings, Arc::clone(&clock), Arc::clone(&entropy))
            .map_err(|_| ClinicError::Key)?;
        let acceptor = TlsAcceptor::from(Arc::new(directory.provider_tls()?));

        let mut tasks = JoinSet::new();
        tasks.spawn(serve_plain(ehr, ehr::router(Arc::clone(&clock))));
        tasks.spawn(serve_plain(console, console::router()));
        tasks.spawn(provider::serve(identity, acceptor, provider::router(Arc::new(provider))));
        Ok(Self { ehr: ehr_address, console: console_address, provider: provider_address, tasks })
    }

    /// Where the EHR itself is, behind Leastway.
    pub const fn ehr(&self) -> SocketAddr {
        self.ehr
    }

    /// Where the console itself is, behind Leastway.
    pub const fn console(&self) -> SocketAddr {
        self.console
    }

    /// Where the provider is.
    pub const fn provider(&self) -> SocketAddr {
        self.provider
    }

    /// Closes it.
    pub async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Opens the clinic of `directory` on the ports of the shipped configuration.
pub async fn start(
    directory: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(WorkDirectory, Clinic), ClinicError> {
    let directory = WorkDirectory::prepare(directory, &*clock, &*entropy)?;
    let clinic = Clinic::open(&directory, Ports::SHIPPED, clock, entropy).await?;
    Ok((directory, clinic))
}

/// Who Leastway is at the provider.
const CLIENT_ID: &str = "leastway";

async fn listen(what: &'static str, port: u16) -> Result<TcpListener, ClinicError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = loopback::only(what, address)?;
    TcpListener::bind(address).await.map_err(|cause| ClinicError::Port { what, address, cause })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, ClinicError> {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    listener.local_addr().map_err(|cause| ClinicError::Port { what: "the clinic", address: nowhere, cause })
}

async fn serve_plain(listener: TcpListener, router: axum::Router) {
    // axum's `serve` never returns an error: it waits and accepts again.
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "a part of the clinic has stopped");
    }
}

/// A secret that somebody made up for the demo: 256 bits.
fn new_secret(entropy: &dyn Entropy) -> Secret {
    Secret::new(crate::foundation::entropy::random_text::<32>(entropy))
}
