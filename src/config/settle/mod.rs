//! Turns what is written into settings, table by table.

pub(super) mod application;
mod ask;
pub(super) mod break_glass;
mod browser;
pub(super) mod category;
pub(super) mod client;
mod credential;
pub(super) mod detect;
pub(super) mod directory;
pub(super) mod export;
pub(super) mod feed;
mod fhir;
mod field;
mod given;
mod hold;
pub(super) mod journal;
mod limits;
pub(super) mod machine;
pub(super) mod provider;
pub(super) mod purpose;
mod reply;
mod rewrite;
pub(super) mod risk;
pub(super) mod role;
mod route;
pub(super) mod session;
pub(super) mod signals;
pub(super) mod store;
mod upstream;

pub(super) use category::CategoryDraft;
pub(super) use purpose::PurposeDraft;
pub(super) use risk::RiskDraft;

use std::sync::Arc;

use super::certificate::Certificate;
use crate::domain::application::{Category, CredentialName};
use crate::domain::device::DeviceClass;
use crate::features::authn::settings::ProviderSettings;
use crate::features::browser::settings::BrowserSettings;
use crate::features::client::settings::ClientSettings;
use crate::features::detect::settings::DetectionSettings;
use crate::features::directory::settings::DirectorySettings;
use crate::features::export::settings::ExportSettings;
use crate::features::facts::settings::FeedSettings;
use crate::features::hold::settings::HoldSettings;
use crate::features::policy::settings::{CedarFile, RoleSettings, ShadowSettings};
use crate::features::rewrite::settings::RewriteSettings;
use crate::features::route::settings::ApplicationSettings;
use crate::features::session::settings::{SessionSettings, Shorter};
use crate::features::signals::settings::SignalSettings;
use crate::features::upstream::settings::UpstreamSettings;
use crate::gateway::settings::HelpSettings;

/// Something settled, and the key under which it is written.
#[derive(Debug)]
pub(super) struct Written<T> {
    pub(super) key: String,
    pub(super) it: T,
}

/// A role with the keys of its rules, rule by rule.
#[derive(Debug)]
pub(super) struct RoleDraft {
    pub(super) settings: RoleSettings,
    pub(super) rule_keys: Vec<String>,
    /// Rule by rule, the account that it names.
    pub(super) credentials: Vec<Option<CredentialName>>,
}

/// An application and how it is reached. The provider is a name that nobody has looked up yet.
#[derive(Debug)]
pub(super) struct ApplicationDraft {
    pub(super) settings: ApplicationSettings,
    pub(super) upstream: UpstreamSettings,
    pub(super) rewrite: RewriteSettings,
    pub(super) hold: HoldSettings,
    pub(super) session: Shorter,
    pub(super) browser: BrowserSettings,
}

/// What stands in all files, before it is checked against each other.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) certificates: Vec<Certificate>,
    /// The hosts that ask for a caller's certificate.
    pub(super) asking_hosts: Vec<String>,
    /// None where it could not be settled.
    pub(super) session: Option<SessionSettings>,
    /// None where it is not said, or could not be settled.
    pub(super) approved_by: Option<Vec<Arc<str>>>,
    /// The kinds of data that the main file closes in an emergency.
    pub(super) closed_in_emergency: Vec<Category>,
    /// None where it could not be settled.
    pub(super) help: Option<HelpSettings>,
    pub(super) providers: Vec<Written<ProviderSettings>>,
    pub(super) directories: Vec<Written<DirectorySettings>>,
    pub(super) signals: Vec<Written<SignalSettings>>,
    pub(super) applications: Vec<Written<ApplicationDraft>>,
    pub(super) roles: Vec<Written<RoleDraft>>,
    pub(super) purposes: Vec<Written<PurposeDraft>>,
    pub(super) categories: Vec<Written<CategoryDraft>>,
    pub(super) risks: Vec<Written<RiskDraft>>,
    pub(super) detections: Vec<Written<DetectionSettings>>,
    pub(super) feeds: Vec<Written<FeedSettings>>,
    pub(super) exports: Vec<Written<ExportSettings>>,
    pub(super) clients: Vec<Written<ClientSettings>>,
    pub(super) policies: Vec<CedarFile>,
    pub(super) shadow: Option<ShadowSettings>,
    /// Every name that is written, also of what could not be settled: a reference to it is no mistake.
    pub(super) provider_names: Vec<Written<String>>,
    pub(super) application_names: Vec<Written<String>>,
    pub(super) role_names: Vec<Written<String>>,
    pub(super) category_names: Vec<Written<String>>,
    pub(super) risk_names: Vec<Written<String>>,
    pub(super) feed_names: Vec<Written<String>>,
    pub(super) export_names: Vec<Written<String>>,
    pub(super) client_names: Vec<Written<String>>,
    pub(super) device_names: Vec<String>,
    /// Classes of devices that have no conditions of their own: a feed has to tell them.
    pub(super) bare_devices: Vec<DeviceClass>,
}

impl Draft {
    /// The provider that is meant where none is written.
    pub(super) fn only_provider(&self) -> Option<&str> {
        match self.provider_names.as_slice() {
            [only] => Some(&only.it),
            _ => None,
        }
    }
}
