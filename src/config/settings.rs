//! The whole configuration, settled: nothing optional that has a default.

use std::path::PathBuf;
use std::sync::Arc;

use crate::control::settings::ControlSettings;
use crate::domain::category::Categories;
use crate::domain::rulebook::Rulebook;
use crate::features::audit::settings::{JournalSettings, SealSettings};
use crate::features::authn::settings::ProviderSettings;
use crate::features::break_glass::settings::BreakGlassSettings;
use crate::features::browser::settings::BrowserSettings;
use crate::features::client::settings::ClientSettings;
use crate::features::detect::settings::DetectionSettings;
use crate::features::directory::settings::DirectorySettings;
use crate::features::export::settings::ExportSettings;
use crate::features::facts::settings::FeedSettings;
use crate::features::guard::settings::{GuardSettings, SpillSettings};
use crate::features::hold::settings::HoldSettings;
use crate::features::policy::settings::{CedarFile, RaiseSettings, RoleSettings, ShadowSettings};
use crate::features::rewrite::settings::RewriteSettings;
use crate::features::risk::settings::RiskSettings;
use crate::features::route::settings::ApplicationSettings;
use crate::features::session::settings::SessionSettings;
use crate::features::signals::settings::SignalSettings;
use crate::features::upstream::settings::UpstreamSettings;
use crate::foundation::digest::Digest;
use crate::gateway::devices::DeviceSettings;
use crate::gateway::purpose::PurposeTitles;
use crate::gateway::settings::{GatewaySettings, HelpSettings};
use crate::platform::store::StoreSettings;

/// The whole configuration, settled.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data plane.
    pub gateway: GatewaySettings,
    /// The control plane.
    pub control: ControlSettings,
    /// The store.
    pub store: StoreSettings,
    /// The journal.
    pub journal: JournalSettings,
    /// What it keeps under seal.
    pub seals: SealSettings,
    /// The providers.
    pub providers: Vec<ProviderSettings>,
    /// The directories that they keep here.
    pub directories: Vec<DirectorySettings>,
    /// What they signal of their people.
    pub signals: Vec<SignalSettings>,
    /// What is known of people and patients.
    pub feeds: Vec<FeedSettings>,
    /// To whom events are handed on.
    pub exports: Vec<ExportSettings>,
    /// Sessions.
    pub session: SessionSettings,
    /// The classes of devices, in the order in which they are tried.
    pub devices: Vec<DeviceSettings>,
    /// The guard's bounds.
    pub guard: GuardSettings,
    /// Where replies wait that are longer than memory may hold.
    pub spill: SpillSettings,
    /// Whom refused people ask.
    pub help: HelpSettings,
    /// How the glass is broken.
    pub break_glass: BreakGlassSettings,
    /// What is protected.
    pub applications: Vec<ApplicationSettings>,
    /// How it is reached; one for each application, in the same order.
    pub upstreams: Vec<UpstreamSettings>,
    /// What is rewritten in its replies; one for each application, in the same order.
    pub rewrites: Vec<RewriteSettings>,
    /// What is kept of forms that could not be sent; one for each application, in the same order.
    pub holds: Vec<HoldSettings>,
    /// What is declared of its pages; one for each application, in the same order.
    pub browsers: Vec<BrowserSettings>,
    /// Who may do what.
    pub roles: Vec<RoleSettings>,
    /// What pages call purposes, where operators say it.
    pub purposes: PurposeTitles,
    /// Kinds of data, with what protects them.
    pub categories: Categories,
    /// What makes it more that is asked of a person.
    pub risks: Vec<RiskSettings>,
    /// Where that counts, and what it asks for; one for each risk, in the same order.
    pub raises: Vec<RaiseSettings>,
    /// What is looked for in the stream of events.
    pub detections: Vec<DetectionSettings>,
    /// Programs that come with an access token of their own.
    pub clients: Vec<ClientSettings>,
    /// Cedar beyond the roles.
    pub policies: Vec<CedarFile>,
    /// What is tried in place of roles and Cedar; `None` where nothing is.
    pub shadow: Option<ShadowSettings>,
    /// The IANA time zone in which `hours` are meant. Default: the system's.
    pub time_zone: String,
    /// The digest of every file that was read: names this configuration in events.
    pub version: Digest,
    /// What they say, as far as it is text: kept beside the journal.
    pub rulebook: Arc<Rulebook>,
    /// Every file that was read, to be watched for changes.
    pub files: Vec<PathBuf>,
}
