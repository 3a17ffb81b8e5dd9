//! Where events are kept, how they are made provable, and who is told.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::export::{SYSLOG_TLS_PORT, receiver};
use super::signals::address;
use crate::config::certificate::authorities;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::config::units;
use crate::domain::application::NameError;
use crate::domain::application::RouteName;
use crate::features::audit::settings::{
    CheckpointSettings, Fields, JournalSettings, SealSettings, Sync, WitnessPlace, WitnessSettings,
};
use crate::platform::signed_note::SigningKey;
use crate::platform::syslog::SyslogTarget;
use crate::platform::tls::client::Trust;

/// Reads `[journal]`.
pub(in crate::config) fn journal(reader: &Reader<'_>) -> Option<JournalSettings> {
    let directory = reader.path("directory");
    let segment_bytes = reader.size("segment_bytes");
    let sync = reader.text_with("sync", sync);
    let origin = optional(reader, "origin", |reader| reader.parsed("origin"));
    let every = reader.duration("checkpoint_every");
    let key = signing_key(reader);
    let heartbeat = reader.duration("heartbeat");
    let witnesses = witnesses(reader);
    Some(JournalSettings {
        directory: directory?,
        segment_bytes: segment_bytes?,
        sync: sync?,
        checkpoints: CheckpointSettings { origin: origin?, every: every?, key: key? },
        heartbeat: heartbeat?,
        witnesses: witnesses?,
    })
}

/// What events keep under seal; without a place of their own, the keys are beside the folder of the journal.
pub(in crate::config) fn seals(journal: &Reader<'_>) -> Option<SealSettings> {
    let beside = journal.path("directory");
    let reader = journal.table("sealed")?;
    let directory = if reader.has("keys") {
        reader.path("keys")
    } else {
        beside.map(|journal| journal.parent().unwrap_or(Path::new(".")).join("seals"))
    };
    let (patient, query) = (reader.parsed("patient"), reader.parsed("query"));
    let justification = reader.parsed("justification");
    let (retain_years, legal_hold) = (reader.whole("retain_years"), reader.list("legal_hold"));
    Some(SealSettings {
        directory: directory?,
        fields: Fields { patient: patient?, query: query?, justification: justification? },
        retain_years: u16::try_from(retain_years?).unwrap_or(u16::MAX),
        legal_hold: legal_hold?,
    })
}

#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn signing_key(reader: &Reader<'_>) -> Option<Option<Arc<SigningKey>>> {
    let secret = optional(reader, "signing_key", |reader| reader.secret("signing_key"))?;
    let Some(secret) = secret else { return Some(None) };
    match SigningKey::parse(secret.reveal()) {
        Ok(key) => Some(Some(Arc::new(key))),
        // Something else stands in its place, and nothing will be signed.
        Err(_) if reader.reading().only_looks() => Some(None),
        Err(error) => {
            reader.error("signing_key", error.to_string(), "`PRIVATE+KEY+NAME+IDENTIFIER+KEY`");
            None
        }
    }
}

fn witnesses(reader: &Reader<'_>) -> Option<Vec<WitnessSettings>> {
    let tables = reader.tables("witness", 1);
    let witnesses = collect_all(tables.iter().map(witness))?;
    let mut names = BTreeSet::new();
    for (table, witness) in tables.iter().zip(&witnesses) {
        if !names.insert(witness.name.as_str()) {
            table.error(
                "name",
                format!("another witness is called `{}`, too", witness.name),
                "a name of its own",
            );
            return None;
        }
    }
    Some(witnesses)
}

fn witness(reader: &Reader<'_>) -> Option<WitnessSettings> {
    let name = reader.text_with("name", |text| {
        // As metrics have it for a label.
        let name: Result<RouteName, NameError> = text.parse();
        name.map(|name| name.to_string())
            .map_err(|error| Mistake::new(error.to_string(), "a name such as `\"compliance\"`"))
    });
    let every = reader.duration("every");
    let place = place(reader);
    Some(WitnessSettings { name: name?, every: every?, place: place? })
}

fn place(reader: &Reader<'_>) -> Option<WitnessPlace> {
    let (file, url) = (reader.path("file"), reader.text_with("url", address));
    let syslog = reader.text_with("syslog", syslog);
    let token = optional(reader, "token", |reader| reader.secret("token"));
    let authorities = optional(reader, "authorities", authorities);
    let is_there = |keys: &[&'static str]| keys.iter().copied().find(|key| reader.has(key));
    let in_vain = |keys: &[&'static str], what: &str| {
        is_there(keys).map(|key| reader.error(key, what, "another place, or no such key")).is_some()
    };
    match (reader.has("file"), reader.has("url"), reader.has("syslog")) {
        (true, false, false) => {
            let refused = in_vain(&["token", "authorities"], "nobody is asked where there is a `file`");
            file.filter(|_| !refused).map(WitnessPlace::File)
        }
        (false, true, false) => {
            Some(WitnessPlace::Url { url: url?, token: token?, authorities: authorities? })
        }
        (false, false, true) => {
            let refused = in_vain(&["token"], "syslog takes no token");
            let ((host, port), authorities) = (syslog?, authorities?);
            let trust = Trust { authorities, ..Trust::default() };
            (!refused).then_some(WitnessPlace::Syslog(SyslogTarget { host, port, trust: Some(trust) }))
        }
        (false, false, false) => {
            let right = "one of `file`, `url` and `syslog`";
            reader.reading().error(reader.key(), "nothing says where it is", right);
            None
        }
        (true, _, _) | (_, true, true) => {
            let second = if reader.has("file") { is_there(&["url", "syslog"]) } else { Some("syslog") };
            let right = "one of `file`, `url` and `syslog`";
            reader.error(second.unwrap_or("syslog"), "it is somewhere else, too", right);
            None
        }
    }
}

/// Host and port of a receiver of syslog over TLS.
fn syslog(text: &str) -> Result<(String, u16), Mistake> {
    let right = "such as `\"tcp+tls://siem.clinic.example:6514\"`";
    // It may hold a password, so it is not quoted.
    let url = Url::parse(text).map_err(|error| Mistake::new(format!("not a URL: {error}"), right))?;
    if url.scheme() != "tcp+tls" {
        let what = "a witness is told by TLS: without it, whoever is on the way says what it has noted";
        return Err(Mistake::new(what, right));
    }
    let host = receiver(&url)
        .ok_or_else(|| Mistake::new("a receiver of syslog is only a scheme, a host and a port", right))?;
    Ok((host, url.port().unwrap_or(SYSLOG_TLS_PORT)))
}

/// What `read` makes of a key that may be absent.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn optional<'r, T>(
    reader: &Reader<'r>,
    name: &str,
    read: impl FnOnce(&Reader<'r>) -> Option<T>,
) -> Option<Option<T>> {
    if reader.has(name) { read(reader).map(Some) } else { Some(None) }
}

fn sync(text: &str) -> Result<Sync, Mistake> {
    if text == "before_release" {
        return Ok(Sync::BeforeRelease);
    }
    let within = Duration::from_millis(1)..=Duration::from_secs(1);
    units::duration(text).filter(|time| within.contains(time)).map(Sync::Within).ok_or_else(|| {
        let what = format!("`{text}` is not a way to keep the journal");
        Mistake::new(what, "`\"before_release\"`, or a duration from `\"1ms\"` to `\"1s\"`")
    })
}
