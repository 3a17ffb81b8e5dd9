//! What the data plane is made of. **Rules** are immutable and swapped whole on reload; **state** is
//! kept. A request keeps one set of rules from start to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use ipnet::IpNet;

use super::chooser::Faces;
use super::devices::{Devices, Seen};
use super::limits::Limits;
use super::limits::settings::LimitSettings;
use super::program::Turns;
use super::purpose::PurposeTitles;
use super::revocation::Revocations;
use super::room::Room;
use super::settings::{GatewaySettings, HelpSettings};
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceClass;
use crate::domain::device::{DeviceClass, DeviceFacts};
use crate::features::audit::journal::Journal;
use crate::features::audit::seal::Seals;
use crate::features::authn::RelyingParty;
use crate::features::break_glass::Breaks;
use crate::features::break_glass::settings::BreakGlassSettings;
use crate::features::browser::settings::BrowserSettings;
use crate::features::client::Clients;
use crate::features::detect::Detections;
use crate::features::detect::settings::{DetectionSettings, When};
use crate::features::directory::Directory;
use crate::features::export::Exports;
use crate::features::export::settings::ExportSettings;
use crate::features::facts::Feeds;
use crate::features::given::contexts::Contexts;
use crate::features::given::table::Given;
use crate::features::guard::ledger::Ledger;
use crate::features::guard::settings::{GuardSettings, SpillSettings};
use crate::features::guard::spill::Spills;
use crate::features::hold::Holds;
use crate::features::hold::settings::HoldSettings;
use crate::features::policy::bundle::Rules as PolicyRules;
use crate::features::rewrite::Rewrite;
use crate::features::risk::Book;
use crate::features::risk::settings::RiskSettings;
use crate::features::route::body::BodyLimits;
use crate::features::route::table::RouteTable;
use crate::features::session::Sessions;
use crate::features::signals::Signals;
use crate::features::upstream::assertion::AssertionKey;
use crate::features::upstream::node_keys::NodeKeys;
use crate::features::upstream::servers::Upstream;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::Entropy;
use crate::platform::store::Store;
use crate::platform::tls::front::Front;

/// Everything that a reload replaces.
#[derive(Debug)]
pub struct Rules {
    /// Applications and routes.
    pub routes: RouteTable,
    /// Who may do what.
    pub policy: PolicyRules,
    /// How applications are reached, by their index.
    pub upstreams: Vec<Arc<Upstream>>,
    /// What is rewritten in their replies, by their index.
    pub rewrites: Vec<Rewrite>,
    /// What is kept of forms that could not be sent, by the application's index.
    pub holds: Vec<HoldSettings>,
    /// What is declared of their pages, by the application's index.
    pub browsers: Vec<BrowserSettings>,
    /// The providers, as people see them.
    pub faces: Faces,
    /// Which classes of assurance each provider can prove.
    pub assurances: BTreeMap<ProviderName, Assurances>,
    /// What people read of purposes, where operators say it.
    pub purposes: PurposeTitles,
    /// Programs that come with an access token of their own.
    pub clients: Clients,
    /// The guard's bounds.
    pub guard: GuardSettings,
    /// Where replies wait that are longer than memory may hold.
    pub spill: SpillSettings,
    /// Whom refused people ask.
    pub help: HelpSettings,
    /// How the glass is broken.
    pub break_glass: BreakGlassSettings,
    /// Proxies whose word on the caller's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The classes of callers' devices.
    pub devices: Devices,
    /// What makes it more that is asked of a person; where and for what is the policy's, in the same order.
    pub risks: Vec<RiskSettings>,
    /// What is looked for in the stream of events.
    pub detections: Arc<[DetectionSettings]>,
    /// What is known of people, patients and devices.
    pub feeds: Feeds,
    /// To whom events are handed on.
    pub exports: Arc<[ExportSettings]>,
    /// How much one caller may take.
    pub limits: LimitSettings,
    /// The first digits of the digest of all files, for events.
    pub version: Arc<str>,
}

impl Rules {
    /// The class of a device of which this is seen, and what feeds tell of it.
    pub fn device(&self, seen: &Seen, now: Timestamp) -> (Option<DeviceClass>, Option<DeviceFacts>) {
        let facts = self.feeds.device(seen.device(), now);
        (self.devices.class(seen, facts.as_ref()), facts)
    }

    /// How much of a request's body is read where a route depends on it.
    pub const fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes_max: self.guard.request_body_bytes, ratio_max: self.guard.decompression_ratio }
    }

    /// Whether it matters that patients are asked for by numbers that follow one another.
    pub fn minds_steps(&self) -> bool {
        self.detections.iter().any(|rule| rule.when == When::SequentialIds)
    }

    /// Takes over how the applications' servers stand from the rules that were in force before.
    pub fn inherit(&mut self, before: &Self) {
        for upstream in &mut self.upstreams {
            let known = before
                .upstreams
                .iter()
                .find(|known| known.settings.application == upstream.settings.application);
            // Nobody else holds what has just been built.
            if let (Some(known), Some(upstream)) = (known, Arc::get_mut(upstream)) {
                upstream.inherit(known);
            }
        }
    }
}

/// The classes that a provider can prove, with the `acr_values` that ask for each.
pub type Assurances = BTreeMap<AssuranceClass, Vec<String>>;

/// What all workers share.
#[derive(Debug)]
pub struct Shared {
    /// The rules in force.
    pub rules: ArcSwap<Rules>,
    /// How callers are met in TLS.
    pub tls: ArcSwap<Front>,
    /// What needs a restart to change.
    pub settings: GatewaySettings,
    /// What is kept over restarts, and shared with other nodes if there are any.
    pub store: Store,
    /// Whether something that another node has told could not be done yet.
    pub is_behind: AtomicBool,
    /// Whether the files could not be taken when they were read last, so that rules from before are in force.
    pub are_rules_old: AtomicBool,
    /// The key by which what we have given to a browser is known again as ours, by whichever node gave it.
    pub words: DigestKey,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// Who belongs to the house.
    pub directory: Arc<Directory>,
    /// Where and when they use to be.
    pub risk: Arc<Book>,
    /// What was found in what they do.
    pub detections: Arc<Detections>,
    /// What providers signal of them.
    pub signals: Arc<Signals>,
    /// What they have typed and could not send.
    pub holds: Arc<Holds>,
    /// Whose glass they have broken.
    pub breaks: Arc<Breaks>,
    /// Where they sign in.
    pub authn: Arc<RelyingParty>,
    /// Who looks at which access token.
    pub turns: Turns,
    /// How sessions end before their time.
    pub revocations: Revocations,
    /// What replies have handed out, and to whom.
    pub given: Arc<Given>,
    /// Whose record is open in which session.
    pub contexts: Arc<Contexts>,
    /// What has been taken in the windows.
    pub ledger: Arc<Ledger>,
    /// What of replies waits on the disk.
    pub spills: Spills,
    /// What happened.
    pub journal: Arc<Journal>,
    /// The keys to what it keeps under seal.
    pub seals: Arc<Seals>,
    /// How far it was handed on.
    pub exports: Arc<Exports>,
    /// The key of assertions.
    pub assertion_key: AssertionKey,
    /// By which applications know it, and those of other nodes.
    pub node_keys: NodeKeys,
    /// What callers have taken.
    pub limits: Arc<Limits>,
    /// Connections at once.
    pub room: Arc<Room>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

impl Shared {
    /// Whether it is known here what other nodes have changed up to a moment ago. Where it is not, a session may have ended
    /// elsewhere that stands here, and nothing is decided under any.
    pub fn is_in_touch(&self) -> bool {
        self.store.is_in_touch() && !self.is_behind.load(Ordering::Acquire)
    }
}
