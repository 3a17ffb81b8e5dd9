//! Where events are kept, how they are made provable, and who is told.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::signals::address;
use crate::config::certificate::authorities;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::config::units;
use crate::domain::application::NameError;
use crate::domain::application::RouteName;
use crate::domain::gap::GapRule;
use crate::features::audit::settings::{
    CheckpointSettings, Fields, JournalSettings, OutageSettings, SealSettings, Sync, WitnessPlace,
    WitnessSettings,
};
use crate::features::audit::tree::signed_note::SigningKey;

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
    let outage = outage(reader);
    Some(JournalSettings {
        directory: directory?,
        segment_bytes: segment_bytes?,
        sync: sync?,
        checkpoints: CheckpointSettings { origin: origin?, every: every?, key: key? },
        heartbeat: heartbeat?,
        witnesses: witnesses?,
        outage: outage?,
    })
}

/// What becomes of entries while the disk takes none.
fn outage(reader: &Reader<'_>) -> Option<OutageSettings> {
    let spool = optional(reader, "spool", |reader| reader.path("spool"));
    let (stall_after, gap) = (reader.duration("stall_after"), reader.parsed("gap"));
    let (percent, within) = (reader.whole("warn_free_percent"), reader.duration("warn_full_within"));
    let (spool, gap) = (spool?, gap?);
    if spool.is_some() && spool == reader.path("directory") {
        reader.error("spool", "it is the journal's own folder", "a folder on another disk");
        return None;
    }
    match gap {
        GapRule::Never => {}
        GapRule::TreatmentReads => reader.reading().warning(
            &reader.key_of("gap"),
            "where no disk takes entries, treatment goes on without an event for each request",
            "`\"never\"`, unless that was decided on purpose",
        ),
    }
    let usual = OutageSettings::default();
    Some(OutageSettings {
        spool,
        stall_after: stall_after?,
        gap,
        warn_free_percent: percent?,
        warn_full_within: within?,
        ..usual
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
    let token = optional(reader, "token", |reader| reader.secret("token"));
    let authorities = optional(reader, "authorities", authorities);
    match (reader.has("file"), reader.has("url")) {
        (true, false) => {
            for key in ["token", "authorities"] {
                if reader.has(key) {
                    reader.error(key, "nothing is posted where there is a `file`", "`url`, or no such key");
                }
            }
            file.map(WitnessPlace::File)
        }
        (false, true) => Some(WitnessPlace::Url { url: url?, token: token?, authorities: authorities? }),
        (true, true) => {
            reader.error("url", "there is a `file`, too", "one of `file` and `url`");
            None
        }
        (false, false) => {
            reader.reading().error(reader.key(), "nothing says where it is", "`file` or `url`");
            None
        }
    }
}

/// What `read` makes of a key that may be absent.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
pub(super) fn optional<'r, T>(
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
