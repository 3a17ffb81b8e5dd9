//! `leastway serve`: runs the gateway until it is told to stop.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::{Exit, MainFile};
use crate::app::running::{Running, StartError, Succession};
use crate::app::sockets::Handed;
use crate::foundation::clock::{Clock, SystemClock};
use crate::foundation::entropy::{Entropy, SystemEntropy};
use crate::platform::supervisor::{self, State};
use crate::platform::{descriptors, telemetry};

/// Runs the gateway: serves callers until SIGTERM or SIGINT, takes new files on SIGHUP or when they change.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    main: MainFile,

    /// Begin when the process before has ended: wait for the journal for up to ten minutes, with the ports
    /// open, so that callers wait and are not refused
    #[arg(long)]
    take_over: bool,
}

pub(super) fn run(arguments: &Arguments, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    telemetry::start();
    // Before there are threads: it takes what it reads out of the environment.
    let handed = Handed::from_environment()?;
    let patience = if arguments.take_over { PATIENCE } else { Duration::ZERO };
    let descriptors = descriptors::raise();
    runtime()?.block_on(async {
        let started = succeed(Succession::after(handed, patience), arguments.main.file.clone()).await;
        let running = match started {
            Ok(running) => running,
            Err(StartError::Configuration(found)) => {
                write!(problems, "{found}")?;
                return Ok(Exit::No);
            }
            Err(StartError::Other(error)) => return Err(error),
        };
        for address in &running.addresses {
            tracing::info!(address = %address, "serving");
        }
        check_descriptors(descriptors, running.shared.settings.connections);
        supervisor::tell(State::Ready);
        asked_to_stop().await.context("signals cannot be waited for")?;
        tracing::info!("draining");
        supervisor::tell(State::Stopping(running.shared.settings.drain));
        running.stop().await?;
        tracing::info!("stopped");
        Ok(Exit::Ok)
    })
}

/// A runtime for everything but requests, which have their workers.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("control")
        .enable_all()
        .build()
        .context("there is no runtime")
}

/// Starts the gateway on the system's clock and entropy.
pub(super) async fn start(file: PathBuf) -> Result<Running, StartError> {
    succeed(Succession::default(), file).await
}

async fn succeed(succession: Succession, file: PathBuf) -> Result<Running, StartError> {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(SystemEntropy));
    Running::succeed(succession, &file, clock, entropy).await
}

/// Says so if the connections that are allowed do not fit into what this process may have open.
fn check_descriptors(limit: Option<u64>, connections: usize) {
    let needed = descriptors::needed(connections);
    match limit {
        Some(limit) if limit < needed => tracing::warn!(
            files.limit = limit,
            files.needed = needed,
            "`gateway.connections` may need more open files than this process may have: raise its limit \
             (LimitNOFILE) or allow fewer connections"
        ),
        Some(_) | None => tracing::debug!(files.limit = limit, files.needed = needed, "open files"),
    }
}

/// Returns on SIGINT and on SIGTERM.
pub(super) async fn asked_to_stop() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// For how long the process before may take to end: no `drain` of a sound mind is longer.
const PATIENCE: Duration = Duration::from_secs(600);
