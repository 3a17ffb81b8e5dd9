//! Reads the main file and all that it names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;

use super::check::check;
use super::files;
use super::keys::{MAIN, PART, Table};
use super::locations::{Locations, Place};
use super::problem::{Problem, Problems, Severity};
use super::reader::Reader;
use super::reading::Reading;
use super::settings::Settings;
use super::settle::{
    ApplicationDraft, Draft, RoleDraft, Written, application, break_glass, category, client, detect,
    directory, export, feed, journal, machine, provider, purpose, risk, role, session, signals, store,
};
use super::shadow::shadow;
use super::source::Source;
use super::stand_in::StandIn;
use crate::control::settings::ControlSettings;
use crate::domain::category::Categories;
use crate::domain::rulebook::Rulebook;
use crate::features::audit::settings::{JournalSettings, SealSettings};
use crate::features::break_glass::settings::BreakGlassSettings;
use crate::features::directory::settings::GroupUse;
use crate::features::guard::settings::{GuardSettings, SpillSettings};
use crate::features::policy::settings::EmergencySettings;
use crate::features::session::settings::{SessionSettings, Shorter};
use crate::features::upstream::settings::UpstreamSettings;
use crate::foundation::clock::{Clock as _, SystemClock, Timestamp};
use crate::foundation::secret::Secret;
use crate::gateway::devices::DeviceSettings;
use crate::gateway::settings::{GatewaySettings, HelpSettings};
use crate::platform::store::StoreSettings;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// What somebody should look at.
    pub warnings: Vec<Problem>,
    /// Where everything stands, so that later stages can point at it.
    pub locations: Locations,
}

impl Loaded {
    /// A problem that a later stage found with `key`: a tie of routes, a policy that does not compile.
    pub fn problem(&self, key: &str, what: impl Into<String>, right: impl Into<String>) -> Problem {
        let place = self.locations.nearest(key).cloned().unwrap_or_else(|| Place::file(""));
        Problem {
            severity: Severity::Error,
            place,
            key: key.to_owned(),
            what: what.into(),
            right: right.into(),
        }
    }
}

/// What a configuration depends on besides its files.
pub struct Surroundings<'a> {
    /// The present moment, for the dates of certificates.
    pub now: Timestamp,
    /// The variables of the environment, for `env:` references.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// A secret that is to be read in place of what its file holds.
    pub instead: Option<Instead<'a>>,
    /// What stands in place of secrets and certificates that are not there; none: they have to be.
    pub stand_in: Option<StandIn>,
    /// The texts of a configuration that was kept, in place of those on the disk.
    pub kept: Option<&'a Rulebook>,
}

/// A secret that is read in place of what its file holds: to see what would be, before it is.
#[derive(Clone, Copy, Debug)]
pub struct Instead<'a> {
    /// The file, as the reference leads to it.
    pub file: &'a Path,
    /// What it is taken to hold.
    pub secret: &'a Secret,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Loads the configuration whose main file is `path`, or tells everything that is wrong with it.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    load_instead(path, None)
}

/// The same, with a secret in place of what its file holds.
pub fn load_instead(path: &Path, instead: Option<Instead<'_>>) -> Result<Loaded, Problems> {
    let variable = |name: &str| std::env::var(name).ok();
    load_in(
        path,
        &Surroundings { now: SystemClock.now(), variable: &variable, instead, stand_in: None, kept: None },
    )
}

/// The same where its secrets and certificates need not be: something made up stands in place of those that are not
/// there. For looking at what it says; nothing can be served with it.
pub fn load_to_look_at(path: &Path) -> Result<Loaded, Problems> {
    let made_up = |name: &str| StandIn::text(name.as_bytes());
    let variable = |name: &str| std::env::var(name).ok().or_else(|| Some(made_up(name)));
    let stand_in = StandIn::make();
    load_in(
        path,
        &Surroundings { now: SystemClock.now(), variable: &variable, instead: None, stand_in, kept: None },
    )
}

/// The same in given surroundings.
pub fn load_in(path: &Path, surroundings: &Surroundings<'_>) -> Result<Loaded, Problems> {
    let (loaded, problems) = look_through_in(path, surroundings);
    let is_usable = !problems.iter().any(|problem| problem.severity == Severity::Error);
    match loaded {
        Some(loaded) if is_usable => Ok(Loaded { warnings: problems, ..loaded }),
        Some(_) | None => Err(Problems(problems)),
    }
}

/// All that is wrong with the configuration whose main file is `path`, and what it says: where each file by itself says what it
/// may, and what is wrong only shows across them. What has an error is there to be looked at, and never in force.
pub fn look_through(path: &Path) -> (Option<Loaded>, Vec<Problem>) {
    let variable = |name: &str| std::env::var(name).ok();
    let now = SystemClock.now();
    look_through_in(
        path,
        &Surroundings { now, variable: &variable, instead: None, stand_in: None, kept: None },
    )
}

fn look_through_in(path: &Path, surroundings: &Surroundings<'_>) -> (Option<Loaded>, Vec<Problem>) {
    let reading = Reading::new(surroundings);
    let read = read_all(&reading, path);
    let (problems, locations, rulebook, files) = reading.finish();
    let loaded = read.map(|(machine, draft)| {
        let settings = assemble(machine, draft, rulebook, files);
        Loaded { settings, warnings: Vec::new(), locations }
    });
    (loaded, problems)
}

/// Where the gateway that runs by the configuration `path` is asked, whatever else is wrong there: a gateway goes on with what was
/// right, and whoever administers it has to reach it.
pub fn control_of(path: &Path) -> Result<ControlSettings, Problems> {
    part_of(path, |main| machine::control(&main.table("control")?))
}

/// Where its journal is, whatever else is wrong there.
pub fn journal_of(path: &Path) -> Result<JournalSettings, Problems> {
    part_of(path, |main| {
        let reader = main.table("journal")?;
        journal::journal(&reader, journal::seals(&reader).as_ref())
    })
}

/// A part of what the main file says.
fn part_of<T>(path: &Path, read: impl FnOnce(&Reader<'_>) -> Option<T>) -> Result<T, Problems> {
    let variable = |name: &str| std::env::var(name).ok();
    let now = SystemClock.now();
    let surroundings = Surroundings { now, variable: &variable, instead: None, stand_in: None, kept: None };
    let reading = Reading::new(&surroundings);
    let part = files::main_file(&reading, path).and_then(|main| {
        let (table, _) = files::parse(&reading, &main);
        read(&open(&reading, &main, &MAIN, &table))
    });
    part.ok_or_else(|| Problems(reading.finish().0))
}

/// Nothing where a file says what it may not.
fn read_all(reading: &Reading<'_>, path: &Path) -> Option<(Machine, Draft)> {
    let main = files::main_file(reading, path)?;
    let (table, main_is_whole) = files::parse(reading, &main);
    let main_reader = open(reading, &main, &MAIN, &table);
    let parts = files::included(reading, &main_reader);
    let (tables, parts_are_whole): (Vec<_>, Vec<bool>) =
        parts.iter().map(|source| files::parse(reading, source)).unzip();

    let mut readers = vec![main_reader.clone()];
    readers.extend(parts.iter().zip(&tables).map(|(source, table)| open(reading, source, &PART, table)));
    let mut draft = Draft { policies: files::policies(reading, &main_reader), ..Draft::default() };
    read_providers(&readers, &mut draft);
    read_named(&readers, &mut draft);
    draft.shadow = shadow(&main_reader, draft.only_provider());
    let machine = read_machine(&main_reader, &mut draft);
    read_feeds(&readers, machine.as_ref(), &mut draft);
    read_exports(&readers, machine.as_ref(), &mut draft);

    // A file with broken syntax lacks names, so whoever refers to them is not to blame.
    let is_whole = !reading.has_errors();
    if main_is_whole && parts_are_whole.iter().all(|whole| *whole) {
        check(reading, &draft);
    }
    machine.filter(|_| is_whole).map(|machine| (machine, draft))
}

fn open<'a>(
    reading: &'a Reading<'a>,
    source: &'a Source,
    keys: &'static Table,
    table: &'a Spanned<DeTable<'a>>,
) -> Reader<'a> {
    Reader::open(reading, source, keys, String::new(), Some(table.get_ref()), 0)
}

fn read_providers(readers: &[Reader<'_>], draft: &mut Draft) {
    for reader in readers {
        for table in reader.tables("provider", draft.provider_names.len() + 1) {
            let settled = provider::provider(&table);
            let name = table.peek("name").unwrap_or_default().to_owned();
            draft.provider_names.push(Written { key: table.key_of("name"), it: name });
            // Whatever is wrong with the provider, what is wrong with its directory is told, too.
            let scim = table.optional_table("scim");
            let directory = scim.as_ref().and_then(|scim| directory::directory(scim, settled.as_ref()));
            let stream = table.optional_table("signals");
            let heard = stream.as_ref().and_then(|stream| signals::signals(stream, settled.as_ref()));
            if let (Some(stream), Some(it)) = (stream, heard) {
                draft.signals.push(Written { key: stream.key_of("token"), it });
            }
            let Some(mut it) = settled else { continue };
            if let (Some(scim), Some(directory)) = (scim, directory) {
                it.has_directory_groups = directory.groups != GroupUse::Ignore;
                draft.directories.push(Written { key: scim.key_of("token"), it: directory });
            }
            draft.providers.push(Written { key: table.key().to_owned(), it });
        }
    }
}

/// Applications, roles, risks and programs.
fn read_named(readers: &[Reader<'_>], draft: &mut Draft) {
    let only_provider = draft.only_provider().map(str::to_owned);
    for reader in readers {
        for (name, table) in reader.named("application") {
            let settled = application::application(&name, &table, only_provider.as_deref());
            draft.applications.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.application_names.push(Written { key: table.key().to_owned(), it: name });
        }
        for (name, table) in reader.named("role") {
            let settled = role::role(&name, &table, only_provider.as_deref());
            draft.roles.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.role_names.push(Written { key: table.key().to_owned(), it: name });
        }
        for (name, table) in reader.named("purpose") {
            let settled = purpose::purpose(&name, &table);
            draft.purposes.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
        }
        for (name, table) in reader.named("category") {
            let settled = category::category(&name, &table);
            draft.categories.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.category_names.push(Written { key: table.key().to_owned(), it: name });
        }
        for (name, table) in reader.named("risk") {
            let settled = risk::risk(&name, &table);
            draft.risks.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.risk_names.push(Written { key: table.key().to_owned(), it: name });
        }
        for (name, table) in reader.named("detect") {
            let settled = detect::detection(&name, &table);
            draft.detections.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
        }
        for (name, table) in reader.named("client") {
            let settled = client::client(&name, &table);
            draft.clients.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.client_names.push(Written { key: table.key().to_owned(), it: name });
        }
    }
}

/// Feeds, which name providers and applications of all files.
fn read_feeds(readers: &[Reader<'_>], machine: Option<&Machine>, draft: &mut Draft) {
    let only = |names: &[Written<String>]| match names {
        [only] => Some(only.it.clone()),
        _ => None,
    };
    let (provider, application) = (only(&draft.provider_names), only(&draft.application_names));
    let usual = feed::Usual {
        provider: provider.as_deref(),
        application: application.as_deref(),
        time_zone: machine.map_or("UTC", |machine| &machine.time_zone),
    };
    for reader in readers {
        for (name, table) in reader.named("feed") {
            let settled = feed::feed(&name, &table, usual);
            draft.feeds.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.feed_names.push(Written { key: table.key().to_owned(), it: name });
        }
    }
}

/// Exports, which keep files where the store's are.
fn read_exports(readers: &[Reader<'_>], machine: Option<&Machine>, draft: &mut Draft) {
    let folder = machine.map_or(Path::new("data"), |machine| &machine.store.directory);
    for reader in readers {
        for (name, table) in reader.named("export") {
            let settled = export::export(&name, &table, folder);
            draft.exports.extend(settled.map(|it| Written { key: table.key().to_owned(), it }));
            draft.export_names.push(Written { key: table.key().to_owned(), it: name });
        }
    }
}

/// What only the main file says.
struct Machine {
    gateway: GatewaySettings,
    control: ControlSettings,
    store: StoreSettings,
    journal: (JournalSettings, SealSettings),
    session: SessionSettings,
    devices: Vec<DeviceSettings>,
    guard: (GuardSettings, SpillSettings),
    help: HelpSettings,
    break_glass: (BreakGlassSettings, EmergencySettings),
    time_zone: String,
}

fn read_machine(main: &Reader<'_>, draft: &mut Draft) -> Option<Machine> {
    let version = main.whole("version");
    let gateway = main.table("gateway").and_then(|reader| machine::gateway(&reader));
    let control = main.table("control").and_then(|reader| machine::control(&reader));
    let store = main.table("store").and_then(|reader| store::store(&reader));
    let journal = main.table("journal").and_then(|reader| {
        let seals = journal::seals(&reader);
        journal::journal(&reader, seals.as_ref()).zip(seals)
    });
    let devices = main.named("device");
    let asking = gateway.as_ref().and_then(|(gateway, _)| gateway.client_certificate.as_ref());
    draft.asking_hosts = asking.map(|asking| asking.hosts.clone()).unwrap_or_default();
    let asks = gateway.as_ref().is_none_or(|(gateway, _)| gateway.client_certificate.is_some());
    let sessions = session::sessions(main, &devices, asks);
    draft.session = sessions.as_ref().map(|(times, _)| times.clone());
    let bare = sessions.iter().flat_map(|(_, devices)| devices).filter(|it| it.is_told_by_feeds_only());
    draft.bare_devices = bare.map(|it| it.class.clone()).collect();
    draft.device_names = devices.into_iter().map(|(name, _)| name).collect();
    let guard = main.table("guard").and_then(|reader| {
        let beside = store.as_ref().map(|store| store.directory.as_path());
        machine::guard(&reader).zip(machine::spill(&reader, beside))
    });
    let help = main.table("help").and_then(|reader| machine::help(&reader));
    draft.help.clone_from(&help);
    draft.approved_by = machine::approved_by(main);
    let break_glass = main.table("break_glass").and_then(|reader| break_glass::break_glass(&reader));
    let closed = break_glass.as_ref().map(|(_, emergency)| emergency.closed.clone());
    draft.closed_in_emergency = closed.unwrap_or_default();
    let time_zone = machine::time_zone(main);
    version?;
    let (gateway, certificates) = gateway?;
    draft.certificates = certificates;
    let (session, devices) = sessions?;
    Some(Machine {
        gateway,
        control: control?,
        store: store?,
        journal: journal?,
        session,
        devices,
        guard: guard?,
        help: help?,
        break_glass: break_glass?,
        time_zone: time_zone?,
    })
}

/// Which account a rule names is for whoever asks the application.
fn tell_upstreams(upstreams: &mut [UpstreamSettings], role: &RoleDraft) {
    for ((position, may), named) in (1_usize..).zip(&role.settings.may).zip(&role.credentials) {
        let upstream = upstreams.iter_mut().find(|upstream| upstream.application == may.application);
        if let (Some(upstream), Some(named)) = (upstream, named) {
            let id = format!("{}/{position}", role.settings.name);
            upstream.credentials.by_rule.insert(id, named.clone());
        }
    }
}

fn assemble(machine: Machine, mut draft: Draft, rulebook: Rulebook, files: Vec<PathBuf>) -> Settings {
    let Machine {
        gateway,
        control,
        store,
        journal,
        mut session,
        devices,
        guard,
        help,
        break_glass,
        time_zone,
    } = machine;
    let (break_glass, emergency) = break_glass;
    break_glass::tell(&mut draft, emergency);
    let (mut applications, mut upstreams) = (Vec::new(), Vec::new());
    let (mut rewrites, mut holds, mut browsers) = (Vec::new(), Vec::new(), Vec::new());
    for Written { it, key: _ } in draft.applications {
        let ApplicationDraft { settings, upstream, rewrite, hold, browser, session: shorter } = it;
        if shorter != Shorter::default() {
            session.applications.insert(settings.name.clone(), shorter);
        }
        applications.push(settings);
        upstreams.push(upstream);
        rewrites.push(rewrite);
        holds.push(hold);
        browsers.push(browser);
    }
    let (risks, raises) = draft.risks.into_iter().map(|Written { it, key: _ }| (it.risk, it.raise)).unzip();
    let titled = |Written { it: purpose::PurposeDraft { purpose, title }, .. }| Some((purpose, title?));
    let purposes = draft.purposes.into_iter().filter_map(titled).collect();
    let mut categories = Categories::default();
    for Written { it, key: _ } in draft.categories {
        categories.declare(it.name, it.terms);
    }
    for role in &draft.roles {
        tell_upstreams(&mut upstreams, &role.it);
    }
    Settings {
        gateway,
        control,
        store,
        journal: journal.0,
        seals: journal.1,
        providers: draft.providers.into_iter().map(|written| written.it).collect(),
        directories: draft.directories.into_iter().map(|written| written.it).collect(),
        signals: draft.signals.into_iter().map(|written| written.it).collect(),
        feeds: draft.feeds.into_iter().map(|written| written.it).collect(),
        exports: draft.exports.into_iter().map(|written| written.it).collect(),
        session,
        devices,
        guard: guard.0,
        spill: guard.1,
        help,
        break_glass,
        applications,
        upstreams,
        rewrites,
        holds,
        browsers,
        roles: draft.roles.into_iter().map(|written| written.it.settings).collect(),
        purposes,
        categories,
        risks,
        raises,
        detections: draft.detections.into_iter().map(|written| written.it).collect(),
        clients: draft.clients.into_iter().map(|written| written.it).collect(),
        policies: draft.policies,
        shadow: draft.shadow,
        time_zone,
        version: rulebook.version(),
        rulebook: Arc::new(rulebook),
        files,
    }
}
