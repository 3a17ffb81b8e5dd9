//! `leastway doctor`: looks at everything that the gateway needs to start and to serve, and says for each
//! what to do. Run it as the user that runs the gateway, before a start or beside one.

mod journal;

use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::export::exports;
use super::isolation::applications;
use super::providers::providers;
use super::store::store;
use super::{Exit, MainFile};
use crate::app::rotation::files::left_beside;
use crate::app::wiring;
use crate::config::{Loaded, Problem, SecretPlace, Severity, load};
use crate::features::facts::settings::FeedSettings;
use crate::features::facts::{FeedNow, Feeds};
use crate::foundation::clock::{Clock, SystemClock, Timestamp};
use crate::foundation::entropy::{Entropy, SystemEntropy, random_text};

/// Looks at everything that the gateway needs, and says what to do: certificates, ports, the store, the
/// journal, the providers, the applications.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    main: MainFile,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// What was looked at, how it is and, unless that is good, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) health: Health,
    what: String,
    pub(super) found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    to_do: String,
}

impl Finding {
    pub(super) fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { health: Health::Ok, what: what.into(), found: found.into(), to_do: String::new() }
    }

    pub(super) fn warn(what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { health: Health::Warn, what: what.into(), found: found.into(), to_do: to_do.into() }
    }

    pub(super) fn fail(what: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { health: Health::Fail, what: what.into(), found: found.into(), to_do: to_do.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.health {
            Health::Ok => "OK  ",
            Health::Warn => "WARN",
            Health::Fail => "FAIL",
        };
        write!(f, "{mark}  {}: {}", self.what, self.found)?;
        if self.to_do.is_empty() { Ok(()) } else { write!(f, "; {}", self.to_do) }
    }
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let findings = examine(&arguments.main.file)?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
    }
    let failed = findings.iter().any(|finding| finding.health == Health::Fail);
    Ok(if failed { Exit::No } else { Exit::Ok })
}

fn examine(file: &Path) -> anyhow::Result<Vec<Finding>> {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        // Without settings there is nothing else to look at.
        Err(problems) => return Ok(problems.0.iter().map(of_problem).collect()),
    };
    let (settings, now) = (&loaded.settings, SystemClock.now());
    let mut findings = configuration(file, &loaded);
    findings.extend(settings.gateway.certificates.iter().map(|files| certificate(&files.chain, now)));
    findings.push(time_zone(&settings.time_zone));
    let redirect = settings.gateway.redirect;
    for address in settings.gateway.listen.iter().copied().chain(redirect).chain([settings.control.listen]) {
        findings.push(listens(address));
    }
    let runtime = super::serve::runtime()?;
    findings.extend(runtime.block_on(store(&settings.store, &SystemClock)));
    findings.push(spill(&settings.spill.directory));
    findings.extend(journal::journal(&settings.journal.directory));
    findings.extend(journal::spool(&settings.journal.directory));
    findings.extend(journal::room_for_events(&settings.journal));
    findings.extend(runtime.block_on(journal::archive(&settings.journal)));
    findings.extend(
        settings.journal.witnesses.iter().filter_map(|it| journal::witness(it, &settings.journal.directory)),
    );
    findings.extend(runtime.block_on(journal::witness_buckets(&settings.journal)));
    findings.extend(loaded.locations.secrets().values().filter_map(rotation));
    findings.extend(runtime.block_on(feeds(&settings.feeds, now)));
    findings.extend(runtime.block_on(exports(&settings.exports)));
    findings.extend(runtime.block_on(applications(&settings.upstreams)));
    findings.extend(runtime.block_on(providers(settings, now)));
    Ok(findings)
}

fn of_problem(problem: &Problem) -> Finding {
    let what = if problem.key.is_empty() {
        problem.place.to_string()
    } else {
        format!("{}: {}", problem.place, problem.key)
    };
    let health = match problem.severity {
        Severity::Error => Health::Fail,
        Severity::Warning => Health::Warn,
    };
    Finding { health, what, found: problem.what.clone(), to_do: format!("right would be {}", problem.right) }
}

/// The files, and whether what they say holds together.
fn configuration(file: &Path, loaded: &Loaded) -> Vec<Finding> {
    let mut findings: Vec<Finding> = loaded.warnings.iter().map(of_problem).collect();
    match wiring::rules(loaded) {
        Ok(rules) => {
            findings
                .push(Finding::ok(file.display().to_string(), format!("usable, version {}", rules.version)));
        }
        Err(problems) => findings.extend(problems.0.iter().map(of_problem)),
    }
    if let Err(error) = wiring::tls(loaded) {
        let to_do =
            "see `gateway.certificate`: the chain with its leaf first, and the key that belongs to it";
        findings.push(Finding::fail("certificates", chain_of(error.as_ref()), to_do));
    }
    findings
}

fn certificate(chain: &Path, now: Timestamp) -> Finding {
    let what = format!("certificate {}", chain.display());
    let ends = CertificateDer::from_pem_file(chain).ok().and_then(|leaf| {
        let (_, leaf) = X509Certificate::from_der(&leaf).ok()?;
        Some(Timestamp::from_seconds(leaf.validity().not_after.timestamp()))
    });
    match ends {
        Some(ends) => validity(what, ends, now),
        None => Finding::fail(what, "cannot be read", "give a certificate in PEM"),
    }
}

/// How long a certificate still holds.
fn validity(what: String, ends: Timestamp, now: Timestamp) -> Finding {
    let days = ends.since(now).as_secs() / A_DAY.as_secs();
    match days {
        0 if ends <= now => Finding::fail(what, format!("expired at {ends}"), "renew it"),
        0..WARNED_DAYS => {
            Finding::warn(what, format!("{days} days left"), "renew it; new files are taken by themselves")
        }
        _ => Finding::ok(what, format!("{days} days left")),
    }
}

fn time_zone(name: &str) -> Finding {
    match jiff::tz::TimeZone::get(name) {
        Ok(_) => Finding::ok("time zone", name),
        Err(_) => Finding::fail(
            "time zone",
            format!("`{name}` is not known here"),
            "set `time_zone` to an IANA name such as \"Europe/Berlin\", or install the system's time zones",
        ),
    }
}

/// Whether the address is free, or what holds it.
fn listens(address: SocketAddr) -> Finding {
    let what = format!("listen address {address}");
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(what, "free"),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let answers = TcpStream::connect_timeout(&reachable(address), A_MOMENT).is_ok();
            let found = if answers { "in use, and something answers" } else { "in use" };
            Finding::warn(
                what,
                found,
                "fine if that is this gateway; else stop what uses it or choose another port",
            )
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Finding::fail(
            what,
            error.to_string(),
            "allow it (CAP_NET_BIND_SERVICE) or choose a port from 1024 on",
        ),
        Err(error) => Finding::fail(what, error.to_string(), "choose an address of this machine"),
    }
}

/// Where a listener on `address` can be reached from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

/// What each feed tells, and how old that is.
async fn feeds(settings: &[FeedSettings], now: Timestamp) -> Vec<Finding> {
    let feeds = Feeds::new(settings);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    crate::app::feeds::first(&feeds, &entropy, now).await;
    feeds.now(now).iter().map(feed).collect()
}

fn feed(it: &FeedNow) -> Finding {
    let what = format!("feed {}", it.feed);
    let (rows, age) = (it.rows.unwrap_or(0), it.age_seconds.unwrap_or(0));
    match (&it.fault, it.rows) {
        (Some(fault), _) => Finding::fail(
            what,
            fault.clone(),
            "see that what makes it works: what it tells is unknown without it",
        ),
        (None, None) => Finding::fail(what, "it did not come in time", "see that its address answers"),
        (None, Some(_)) if it.stale => Finding::fail(
            what,
            format!("{age} s old"),
            "see that what makes it runs, or allow it a longer `max_age`",
        ),
        (None, Some(_)) if it.left_out.is_some_and(|left_out| left_out >= rows) => {
            let found = format!("{rows} rows, and no word is declared for any of them");
            Finding::warn(what, found, "compare `relationships` with what stands in its column")
        }
        (None, Some(_)) => {
            let left_out = it.left_out.filter(|left_out| *left_out > 0);
            let left_out = left_out.map_or_else(String::new, |left_out| format!(", {left_out} left out"));
            Finding::ok(what, format!("{rows} rows, {age} s old{left_out}"))
        }
    }
}

/// A rotation that was not ended: the application may still accept the old secret.
fn rotation(place: &SecretPlace) -> Option<Finding> {
    let SecretPlace::File(file) = place else { return None };
    let left = left_beside(file)?;
    let found = format!("a rotation is not ended, `{}` is there", left.display());
    let to_do = "run `leastway credential rotate` for its account without --from";
    Some(Finding::warn(format!("secret {}", file.display()), found, to_do))
}

/// Whether replies can wait on the disk.
fn spill(directory: &Path) -> Finding {
    let what = format!("long replies {}", directory.display());
    match probe(directory) {
        Ok(()) if directory.is_file() => Finding::fail(what, "that is no folder", OURS_TO_WRITE),
        Ok(()) => Finding::ok(what, "can wait there"),
        Err(error) => Finding::fail(what, error.to_string(), OURS_TO_WRITE),
    }
}

/// Whether a file can be made in `folder` or, where that is not there yet, in the folder that will hold it.
pub(super) fn probe(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let file = there.join(format!(".leastway-doctor-{}", random_text::<9>(&SystemEntropy)));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&file)?;
    std::fs::remove_file(&file)
}

/// An error with all its causes, in one line.
pub(super) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.contains(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    text
}

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WARNED_DAYS: u64 = 30;
const A_MOMENT: Duration = Duration::from_millis(500);
pub(super) const OURS_TO_WRITE: &str = "let the user that runs the gateway write there";

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_certificate_is_warned_of_30_days_ahead() {
        let cases = [
            (now().plus(31 * A_DAY), Health::Ok),
            (now().plus(30 * A_DAY), Health::Ok),
            (now().plus(29 * A_DAY), Health::Warn),
            (now().plus(Duration::from_secs(60)), Health::Warn),
            (now(), Health::Fail),
            (now().minus(A_DAY), Health::Fail),
        ];
        for (ends, health) in cases {
            assert_eq!(validity("certificate".to_owned(), ends, now()).health, health, "{ends}");
        }
    }

    #[test]
    fn what_is_not_well_is_told_with_what_to_do() {
        let well = Finding::ok("time zone", "Europe/Berlin");
        assert_eq!(well.to_string(), "OK    time zone: Europe/Berlin");
        let ill = Finding::fail("provider clinic", "does not answer", "see that it runs");
        assert_eq!(ill.to_string(), "FAIL  provider clinic: does not answer; see that it runs");
    }

    #[test]
    fn an_address_is_free_or_in_use_or_not_ours() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let found = listens(address);
        assert_eq!((found.health, found.found.as_str()), (Health::Warn, "in use, and something answers"));
        drop(taken);
        assert_eq!(listens(address).health, Health::Ok);
        // RFC 5737: an address of nobody's.
        assert_eq!(listens("192.0.2.1:8443".parse().unwrap()).health, Health::Fail);
    }

    #[test]
    fn a_folder_that_is_not_there_is_looked_for_above_and_left_unmade() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("data/journal");
        assert!(journal::journal(&deep).iter().all(|finding| finding.health == Health::Ok));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn long_replies_wait_in_a_folder_that_is_there_or_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(spill(&folder.path().join("data/spill")).health, Health::Ok);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(spill(&file).health, Health::Fail);
    }

    #[test]
    fn a_journal_that_is_no_journal_fails() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("00000000000000000001.segment"), [1; 4096]).unwrap();
        assert_eq!(journal::journal(folder.path())[1].health, Health::Fail);
    }

    #[test]
    fn a_rotation_that_was_not_ended_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretPlace::File(folder.path().join("ehr"));
        std::fs::write(folder.path().join("ehr"), "new").unwrap();
        assert_eq!(rotation(&secret), None);
        std::fs::write(folder.path().join("ehr.before"), "old").unwrap();
        let found = rotation(&secret).unwrap();
        assert_eq!(found.health, Health::Warn);
        assert!(found.to_string().contains("ehr.before") && !found.to_string().contains("old"), "{found}");
    }

    #[test]
    fn a_time_zone_is_known_or_not() {
        assert_eq!(time_zone("Europe/Berlin").health, Health::Ok);
        assert_eq!(time_zone("Europe/Atlantis").health, Health::Fail);
    }

    #[test]
    fn a_missing_file_is_a_failure_with_its_name() {
        let findings = examine(Path::new("/nowhere/leastway.toml")).unwrap();
        assert!(findings.iter().any(|finding| finding.health == Health::Fail));
        assert!(
            findings.iter().any(|finding| finding.what.contains("/nowhere/leastway.toml")),
            "{findings:?}"
        );
    }
}
