//! `leastway serve`: runs the gateway until it is told to stop.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::{Exit, MainFile};
use crate::app::running::{Running, StartError};
use crate::foundation::clock::{Clock, SystemClock};
use crate::foundation::entropy::{Entropy, SystemEntropy};
use crate::platform::telemetry;

/// Runs the gateway: serves callers until SIGTERM or SIGINT, takes new files on SIGHUP or when they change.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    main: MainFile,
}

pub(super) fn run(arguments: &Arguments, problems: &mut dyn Write) -> anyhow::Result<Exit> {
    telemetry::start();
    runtime()?.block_on(async {
        let started = start(arguments.main.file.clone()).await;
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
        asked_to_stop().await.context("signals cannot be waited for")?;
        tracing::info!("draining");
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
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(SystemEntropy));
    Running::start(&file, clock, entropy).await
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
