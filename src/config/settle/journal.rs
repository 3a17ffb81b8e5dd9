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
use crate::domain::gap::GapRule;
use crate::features::audit::settings::{
    ArchiveLock, ArchivePlace, ArchiveSettings, CheckpointSettings, Fields, JournalSettings, OutageSettings,
    SealSettings, Sync, WitnessPlace, WitnessSettings,
};
use crate::foundation::secret::Secret;
use crate::platform::objects::BucketSettings;
use crate::platform::signed_note::SigningKey;
use crate::platform::syslog::SyslogTarget;
use crate::platform::tls::client::Trust;

/// Reads `[journal]`.
pub(in crate::config) fn journal(
    reader: &Reader<'_>,
    seals: Option<&SealSettings>,
) -> Option<JournalSettings> {
    let directory = reader.path("directory");
    let segment_bytes = reader.size("segment_bytes");
    let sync = reader.text_with("sync", sync);
    let origin = optional(reader, "origin", |reader| reader.parsed("origin"));
    let every = reader.duration("checkpoint_every");
    let key = signing_key(reader);
    let heartbeat = reader.duration("heartbeat");
    let witnesses = witnesses(reader, seals);
    let outage = outage(reader);
    let archive = optional(reader, "archive", |reader| archive(reader, seals));
    Some(JournalSettings {
        directory: directory?,
        keys: seals?.directory.clone(),
        segment_bytes: segment_bytes?,
        sync: sync?,
        checkpoints: CheckpointSettings { origin: origin?, every: every?, key: key? },
        heartbeat: heartbeat?,
        witnesses: witnesses?,
        outage: outage?,
        archive: archive?,
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

/// An archive keeps segments as long as the keys to what is sealed in them are kept.
fn archive(journal: &Reader<'_>, seals: Option<&SealSettings>) -> Option<ArchiveSettings> {
    let reader = journal.table("archive")?;
    let way = reader.text_with("to", way);
    let keep_local = reader.duration("keep_local");
    let bucket = BucketKeys::read(&reader);
    let place = match way? {
        Way::Folder(folder) => {
            let refused =
                in_vain(&reader, &OF_BUCKETS, "it means nothing for where `to` leads", "no such key");
            (!refused).then(|| ArchivePlace::Directory(reader.source().folder.join(folder)))
        }
        Way::Bucket { bucket: name, prefix } => {
            bucket.and_then(|keys| keys.settle(&reader, name, prefix)).map(ArchivePlace::Bucket)
        }
    };
    Some(ArchiveSettings { place: place?, keep_local: keep_local?, retain_years: seals?.retain_years })
}

/// Where `to` leads.
enum Way {
    Folder(String),
    Bucket { bucket: String, prefix: String },
}

fn way(text: &str) -> Result<Way, Mistake> {
    let right = "such as `\"s3://clinic-journal/gateway-1\"` or `\"file:/mnt/archive/gateway-1\"`";
    if let Some(folder) = text.strip_prefix("file:").filter(|folder| !folder.trim().is_empty()) {
        return Ok(Way::Folder(folder.to_owned()));
    }
    let refused = || Mistake::new(format!("`{text}` leads to no archive"), right);
    let (bucket, prefix) = in_bucket(text).ok_or_else(refused)?;
    Ok(Way::Bucket { bucket, prefix })
}

/// The bucket and the prefix that are meant.
fn in_bucket(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_name = |part: &str, besides: &str| {
        (1..=200).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || besides.contains(c))
            && !part.contains("..")
    };
    // Names that need no escape in an address.
    let fits =
        is_name(bucket, "-.") && (prefix.is_empty() || prefix.split('/').all(|part| is_name(part, "-_.")));
    fits.then(|| (bucket.to_owned(), prefix.to_owned()))
}

/// What stands beside `to` for a bucket. All of it is read wherever that leads, so that one run finds all that is wrong.
struct BucketKeys {
    endpoint: Option<String>,
    region: String,
    access_key: Option<Secret>,
    secret_key: Option<Secret>,
    authorities: Option<Arc<[u8]>>,
    lock: ArchiveLock,
}

impl BucketKeys {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let endpoint = optional(reader, "endpoint", |reader| reader.text_with("endpoint", endpoint));
        let region = reader.text_with("region", region);
        let access_key = optional(reader, "access_key", |reader| reader.secret("access_key"));
        let secret_key = optional(reader, "secret_key", |reader| reader.secret("secret_key"));
        let authorities = optional(reader, "authorities", authorities);
        let lock = reader.parsed("lock");
        Some(Self {
            endpoint: endpoint?,
            region: region?,
            access_key: access_key?,
            secret_key: secret_key?,
            authorities: authorities?,
            lock: lock?,
        })
    }

    fn settle(self, reader: &Reader<'_>, bucket: String, prefix: String) -> Option<BucketSettings> {
        let Self { endpoint, region, access_key, secret_key, authorities, lock } = self;
        for (name, key) in [("access_key", &access_key), ("secret_key", &secret_key)] {
            if key.is_none() {
                reader.error(
                    name,
                    "nothing says as whom the bucket is used",
                    "`access_key` and `secret_key`",
                );
            }
        }
        Some(BucketSettings {
            endpoint: endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")),
            bucket,
            region,
            prefix,
            access_key: access_key?,
            secret_key: secret_key?,
            authorities,
            lock: lock.mode(),
        })
    }
}

fn endpoint(text: &str) -> Result<String, Mistake> {
    let endpoint = address(text)?;
    let is_bare = Url::parse(&endpoint).is_ok_and(|url| url.path() == "/" && url.query().is_none());
    let refused =
        || Mistake::new("nothing stands behind the server", "such as `\"https://s3.clinic.example\"`");
    if is_bare { Ok(endpoint.trim_end_matches('/').to_owned()) } else { Err(refused()) }
}

fn region(text: &str) -> Result<String, Mistake> {
    let is_name =
        (1..=60).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let refused = || Mistake::new(format!("`{text}` is no region"), "such as `\"eu-central-1\"`");
    if is_name { Ok(text.to_owned()) } else { Err(refused()) }
}

const OF_BUCKETS: [&str; 6] = ["endpoint", "region", "access_key", "secret_key", "authorities", "lock"];
const OF_BUCKETS_ALONE: [&str; 5] = ["endpoint", "region", "access_key", "secret_key", "lock"];

/// What events keep under seal; without a place of their own, the keys are beside the folder of the journal.
pub(in crate::config) fn seals(journal: &Reader<'_>) -> Option<SealSettings> {
    let folder = journal.path("directory");
    let reader = journal.table("sealed")?;
    let directory = if reader.has("keys") {
        reader.path("keys")
    } else {
        folder.as_ref().map(|journal| journal.parent().unwrap_or(Path::new(".")).join("seals"))
    };
    if let Some((keys, folder)) = directory.as_ref().zip(folder.as_ref())
        && keys.starts_with(folder)
    {
        reader.reading().warning(
            &reader.key_of("keys"),
            "they lie in the journal's own folder: whoever copies it can read what it keeps to itself",
            "a folder apart from the journal's",
        );
    }
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

fn witnesses(reader: &Reader<'_>, seals: Option<&SealSettings>) -> Option<Vec<WitnessSettings>> {
    let tables = reader.tables("witness", 1);
    let witnesses = collect_all(tables.iter().map(|table| witness(table, seals)))?;
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

fn witness(reader: &Reader<'_>, seals: Option<&SealSettings>) -> Option<WitnessSettings> {
    let name = reader.text_with("name", |text| {
        // As metrics have it for a label.
        let name: Result<RouteName, NameError> = text.parse();
        name.map(|name| name.to_string())
            .map_err(|error| Mistake::new(error.to_string(), "a name such as `\"compliance\"`"))
    });
    let every = reader.duration("every");
    let place = place(reader, seals);
    Some(WitnessSettings { name: name?, every: every?, place: place? })
}

fn place(reader: &Reader<'_>, seals: Option<&SealSettings>) -> Option<WitnessPlace> {
    let (file, url) = (reader.path("file"), reader.text_with("url", address));
    let syslog = reader.text_with("syslog", syslog);
    let token = optional(reader, "token", |reader| reader.secret("token"));
    let bucket = reader.text_with("bucket", |text| {
        let refused =
            || Mistake::new(format!("`{text}` is no bucket"), "such as `\"s3://clinic-witness/gateway-1\"`");
        in_bucket(text).ok_or_else(refused)
    });
    let keys = BucketKeys::read(reader);
    let authorities = keys.as_ref().map(|keys| keys.authorities.clone());
    let refused = |keys: &[&str], what: &str| in_vain(reader, keys, what, "another place, or no such key");
    let right = "one of `file`, `url`, `syslog` and `bucket`";
    let there: Vec<_> =
        ["file", "url", "syslog", "bucket"].into_iter().filter(|key| reader.has(key)).collect();
    if let [_, second, ..] = there.as_slice() {
        reader.error(second, "it is somewhere else, too", right);
        return None;
    }
    let Some(way) = there.first() else {
        reader.reading().error(reader.key(), "nothing says where it is", right);
        return None;
    };
    if *way != "bucket" && refused(&OF_BUCKETS_ALONE, "it means nothing where there is no `bucket`") {
        return None;
    }
    match *way {
        "file" => {
            let refused = refused(&["token", "authorities"], "nobody is asked where there is a `file`");
            file.filter(|_| !refused).map(WitnessPlace::File)
        }
        "url" => Some(WitnessPlace::Url { url: url?, token: token?, authorities: authorities? }),
        "syslog" => {
            let refused = refused(&["token"], "syslog takes no token");
            let ((host, port), authorities) = (syslog?, authorities?);
            let trust = Trust { authorities, ..Trust::default() };
            (!refused).then_some(WitnessPlace::Syslog(SyslogTarget { host, port, trust: Some(trust) }))
        }
        _ => {
            let refused = refused(&["token"], "a bucket takes no token");
            let (name, prefix) = bucket?;
            let bucket = Box::new(keys?.settle(reader, name, prefix)?);
            let retain_years = seals?.retain_years;
            (!refused).then_some(WitnessPlace::Bucket { bucket, retain_years })
        }
    }
}

/// Whether one of these keys is there, which is a problem.
fn in_vain(reader: &Reader<'_>, keys: &[&str], what: &str, right: &str) -> bool {
    let vain: Vec<_> = keys.iter().filter(|key| reader.has(key)).collect();
    for key in &vain {
        reader.error(key, what, right);
    }
    !vain.is_empty()
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
