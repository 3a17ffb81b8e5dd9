//! The threads that serve: each with a runtime, listeners and state of its own.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::runtime::LocalOptions;
use tokio::sync::watch;

use super::sockets::Sockets;
use crate::gateway::listener::{accept, redirect};
use crate::gateway::metrics::WorkerMetrics;
use crate::gateway::rules::Shared;
use crate::gateway::worker::Worker;

/// The workers while they run.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    /// What each has counted.
    pub metrics: Vec<Arc<WorkerMetrics>>,
    /// Where they listen.
    pub addresses: Vec<SocketAddr>,
}

/// When to stop, and by when to be gone.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Turns true when no further connection is accepted.
    pub drain: watch::Receiver<bool>,
    /// Turns true when what is still under way is given up.
    pub now: watch::Receiver<bool>,
}

/// Starts a thread for the sockets of each worker.
pub fn start(shared: &Arc<Shared>, sockets: Sockets, stop: &Stop) -> anyhow::Result<Workers> {
    let Sockets { workers: sockets, mut plain, addresses } = sockets;
    let mut workers = Workers { threads: Vec::new(), metrics: Vec::new(), addresses };
    let port = workers.addresses.first().map_or(443, SocketAddr::port);
    for (number, listeners) in sockets.into_iter().enumerate() {
        let metrics = Arc::new(WorkerMetrics::default());
        workers.metrics.push(metrics.clone());
        let (shared, stop, plain) = (shared.clone(), stop.clone(), plain.take());
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || run(shared, metrics, listeners, plain.map(|plain| (plain, port)), stop))
            .context("a worker cannot be started")?;
        workers.threads.push(thread);
    }
    Ok(workers)
}

impl Workers {
    /// Waits until all have ended.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker ended by a mistake of ours");
            }
        }
    }
}

fn run(
    shared: Arc<Shared>,
    metrics: Arc<WorkerMetrics>,
    listeners: Vec<std::net::TcpListener>,
    plain: Option<(std::net::TcpListener, u16)>,
    stop: Stop,
) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(error = %error, "a worker has no runtime"),
    };
    runtime.block_on(serve(shared, metrics, listeners, plain, stop));
}

async fn serve(
    shared: Arc<Shared>,
    metrics: Arc<WorkerMetrics>,
    listeners: Vec<std::net::TcpListener>,
    plain: Option<(std::net::TcpListener, u16)>,
    mut stop: Stop,
) {
    let room = shared.room.clone();
    let worker = Worker::new(shared, metrics);
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => {
                accepting.spawn_local(accept(listener, worker.clone(), room.clone(), stop.drain.clone()));
            }
            Err(error) => tracing::error!(error = %error, "a listener cannot be used"),
        }
    }
    if let Some((plain, port)) = plain {
        match TcpListener::from_std(plain) {
            Ok(plain) => {
                accepting.spawn_local(redirect(plain, port, worker.clone(), room, stop.drain.clone()));
            }
            Err(error) => tracing::error!(error = %error, "the redirecting port cannot be used"),
        }
    }
    while accepting.join_next().await.is_some() {}
    let gone = async {
        // Each connection holds the worker; when they are gone, only this one and its sweeper do.
        while Rc::strong_count(&worker) > 1 {
            tokio::time::sleep(LOOKED_AFTER_EVERY).await;
        }
    };
    tokio::select! {
        () = gone => {}
        _ = stop.now.wait_for(|now| *now) => {}
    }
}

const LOOKED_AFTER_EVERY: Duration = Duration::from_millis(20);
