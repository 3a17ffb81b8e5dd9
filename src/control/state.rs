//! What the control plane shows, handed to it: it reaches into no other room.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::page::operators::Operators;
use crate::domain::application::{ApplicationName, ProviderName};
use crate::domain::measure::Counted;
use crate::domain::revocation::{Revocation, Revoked};
use crate::features::audit::journal::Journal;
use crate::features::audit::seal::Seals;
use crate::features::break_glass::Breaks;
use crate::features::detect::Detections;
use crate::features::detect::settings::DetectionSettings;
use crate::features::directory::scim::{Asked, Reply};
use crate::features::directory::{Census, DirectoryHeard};
use crate::features::export::ExportNow;
use crate::features::facts::FeedNow;
use crate::features::session::Sessions;
use crate::features::signals::{SetFault, StreamNow};
use crate::features::upstream::servers::UpstreamNow;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::entropy::Entropy;
use crate::foundation::secret::Secret;
use crate::platform::store::Standing;

/// What the control plane shows, and what it does.
#[derive(Clone)]
pub struct ControlState {
    /// The journal.
    pub journal: Arc<Journal>,
    /// Where it is.
    pub journal_directory: PathBuf,
    /// The keys to what events keep under seal.
    pub seals: Arc<Seals>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// What changes from moment to moment.
    pub present: Arc<dyn Fn() -> Present + Send + Sync>,
    /// What all workers have counted.
    pub counted: Arc<dyn Fn() -> Counted + Send + Sync>,
    /// Takes new files: the version now in force, or all that is wrong.
    pub reload: Arc<dyn Fn() -> Reloading + Send + Sync>,
    /// Ends sessions: what has come of it, or what is not complete although they are ended.
    pub revoke: Arc<dyn Fn(Revocation) -> Revoking + Send + Sync>,
    /// What was found in the stream of events.
    pub detections: Arc<Detections>,
    /// Emergency access.
    pub breaks: Arc<Breaks>,
    /// The rules by which it was.
    pub looked_for: Arc<dyn Fn() -> Arc<[DetectionSettings]> + Send + Sync>,
    /// The directory of the provider whose token is brought, to be asked; none where it is nobody's.
    pub directory: Directories,
    /// The receiver for whose provider a token is brought; none where it is nobody's.
    pub signals: Signals,
    /// Whether no further connection is accepted.
    pub draining: watch::Receiver<bool>,
    /// When the gateway started.
    pub started: Timestamp,
    /// What `/api/v1` asks for, and the page of sessions.
    pub token: Option<Secret>,
    /// Which browsers have shown it.
    pub operators: Arc<Operators>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// A reload under way: the version of the rules and the keys that come into force by a restart alone, or the problems.
pub type Reloading = Pin<Box<dyn Future<Output = Result<(Arc<str>, Arc<[String]>), Vec<String>>> + Send>>;

/// A revocation under way.
pub type Revoking = Pin<Box<dyn Future<Output = Result<Revoked, String>> + Send>>;

/// The directory of the provider whose token a head brings.
pub type Directories = Arc<dyn Fn(&HeaderMap) -> Option<DirectoryService> + Send + Sync>;

/// A directory that its provider asks one thing of.
pub type DirectoryService = Box<dyn FnOnce(Asked) -> Provisioned + Send>;

/// What a provider asks, being done and written down: what it is answered.
pub type Provisioned = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The receiver for which a head brings the token.
pub type Signals = Arc<dyn Fn(&HeaderMap) -> Option<SignalService> + Send + Sync>;

/// A receiver that takes one body; none where it is larger than is read.
pub type SignalService = Box<dyn FnOnce(Option<Bytes>) -> Signalling + Send>;

/// A signal, being carried out and written down: whether it was taken.
pub type Signalling = Pin<Box<dyn Future<Output = Result<(), SetFault>> + Send>>;

/// How the signals of a provider stand.
#[derive(Clone, Debug)]
pub struct SignalsNow {
    /// Whose.
    pub provider: ProviderName,
    /// Their stream.
    pub stream: StreamNow,
    /// Names of people who may not sign in because of them.
    pub barred: usize,
}

impl SignalsNow {
    /// What operators see of them.
    pub fn shown(&self) -> Value {
        let Self { provider, stream, barred } = self;
        let (heard, silent, status) = (stream.heard, stream.is_silent, stream.status);
        json!({ "provider": provider, "heard": heard, "silent": silent, "stream": status, "barred": barred })
    }
}

/// What changes from moment to moment.
#[derive(Debug)]
pub struct Present {
    /// The version of the rules in force.
    pub rules_version: Arc<str>,
    /// Whether the last reload succeeded.
    pub reload_succeeded: bool,
    /// When it was.
    pub reloaded: Timestamp,
    /// The keys in the files that come into force by a restart alone.
    pub needs_restart: Arc<[String]>,
    /// Whether it is known here what other nodes have changed.
    pub is_in_touch: bool,
    /// Connections of callers.
    pub connections: usize,
    /// Bytes of replies that wait on the disk.
    pub spilled: u64,
    /// Which providers can be used.
    pub providers: Vec<ProviderState>,
    /// How many users and groups each provider keeps here.
    pub directories: Vec<(ProviderName, Census)>,
    /// When each of them was heard of.
    pub directories_heard: Vec<DirectoryHeard>,
    /// How each provider's signals stand.
    pub signals: Vec<SignalsNow>,
    /// How each feed stands.
    pub feeds: Vec<FeedNow>,
    /// How each export stands.
    pub exports: Vec<ExportNow>,
    /// How the store stands.
    pub store: Standing,
    /// How the applications' servers stand.
    pub upstreams: Vec<(ApplicationName, UpstreamNow)>,
}

/// Whether a provider can be used.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderState {
    /// Which.
    pub provider: ProviderName,
    /// Its issuer URL.
    pub issuer: Arc<str>,
    /// Whether its metadata is known, and a key by which its signatures can be checked.
    pub usable: bool,
    /// By how many seconds its clock was ahead of ours at the last sign-in; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset: Option<i64>,
    /// Since when it has not answered; absent where it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
}

impl fmt::Debug for ControlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlState").field("started", &self.started).finish_non_exhaustive()
    }
}
