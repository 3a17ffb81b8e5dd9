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
use crate::features::audit::settings::{
    ArchiveLock, ArchivePlace, ArchiveSettings, CheckpointSettings, Fields, JournalSettings, SealSettings,
    Sync, WitnessPlace, WitnessSettings,
};
use crate::features::audit::tree::signed_note::SigningKey;
use crate::platform::objects::BucketSettings;

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
    let archive = optional(reader, "archive", archive);
    Some(JournalSettings {
        directory: directory?,
        segment_bytes: segment_bytes?,
        sync: sync?,
        checkpoints: CheckpointSettings { origin: origin?, every: every?, key: key? },
        heartbeat: heartbeat?,
        witnesses: witnesses?,
        archive: archive?,
    })
}

fn archive(journal: &Reader<'_>) -> Option<ArchiveSettings> {
    let reader = journal.table("archive")?;
    let retain_years = journal.table("sealed").and_then(|sealed| sealed.whole("retain_years"));
    let keep_local = reader.duration("keep_local");
    let place = archive_place(&reader);
    Some(ArchiveSettings {
        place: place?,
        keep_local: keep_local?,
        retain_years: u16::try_from(retain_years?).unwrap_or(u16::MAX),
    })
}

fn archive_place(reader: &Reader<'_>) -> Option<ArchivePlace> {
    let directory = reader.path("directory");
    let bucket = if reader.has("s3") { reader.table("s3").and_then(|s3| bucket(&s3)) } else { None };
    match (reader.has("directory"), reader.has("s3")) {
        (true, false) => directory.map(ArchivePlace::Directory),
        (false, true) => bucket.map(ArchivePlace::Bucket),
        (true, true) => {
            reader.error("s3", "there is a `directory`, too", "one of `directory` and `s3`");
            None
        }
        (false, false) => {
            reader.reading().error(reader.key(), "nothing says where it is", "`directory` or `s3`");
            None
        }
    }
}

fn bucket(reader: &Reader<'_>) -> Option<BucketSettings> {
    let endpoint = reader.text_with("endpoint", endpoint);
    let bucket = reader.text_with("bucket", |text| word(text, "a bucket", "-.", "clinic-journal"));
    let region = reader.text_with("region", |text| word(text, "a region", "-", "eu-central-1"));
    let prefix = optional(reader, "prefix", |reader| {
        reader.text_with("prefix", |text| word(text, "a prefix", "-_./", "gateway-1"))
    });
    let (access_key, secret_key) = (reader.secret("access_key"), reader.secret("secret_key"));
    let authorities = optional(reader, "authorities", authorities);
    let lock = reader.parsed::<ArchiveLock>("lock");
    Some(BucketSettings {
        endpoint: endpoint?,
        bucket: bucket?,
        region: region?,
        prefix: prefix?.unwrap_or_default().trim_matches('/').to_owned(),
        access_key: access_key?,
        secret_key: secret_key?,
        authorities: authorities?,
        lock: lock?.mode(),
    })
}

fn endpoint(text: &str) -> Result<String, Mistake> {
    let endpoint = address(text)?;
    let is_bare = url::Url::parse(&endpoint).is_ok_and(|url| url.path() == "/" && url.query().is_none());
    let refused =
        || Mistake::new("nothing stands behind the server", "such as `\"https://s3.clinic.example\"`");
    if is_bare { Ok(endpoint.trim_end_matches('/').to_owned()) } else { Err(refused()) }
}

/// Letters, digits and what else may stand in such a name, so that it needs no escape in an address.
fn word(text: &str, what: &str, besides: &str, example: &str) -> Result<String, Mistake> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || besides.contains(c);
    if (1..=200).contains(&text.len())
        && text.chars().all(is_plain)
        && !text.contains("//")
        && !text.contains("..")
    {
        return Ok(text.to_owned());
    }
    Err(Mistake::new(format!("`{text}` is not the name of {what}"), format!("such as `\"{example}\"`")))
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
