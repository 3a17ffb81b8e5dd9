//! Witnesses: whoever notes the journal's checkpoints out of reach of those who can change it.
//!
//! A witness is told the newest checkpoint again and again, as the signed note that it is. It holds no entries and
//! learns nothing of people. One that cannot be told lags; nothing waits for it.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};

use super::directory::{beside, keep_torn};
use super::error::JournalError;
use super::settings::{WitnessPlace, WitnessSettings};
use super::tree::SignedCheckpoint;
use super::tree::checkpoint::{Checkpoint, Signed, on_one_line};
use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;
use crate::platform::http::fetch::{Fetch, FetchError};
use crate::platform::objects::{Bucket, Keep, ObjectsError};
use crate::platform::syslog::{Facility, Line, Message, Sender, SyslogTarget};

/// A witness and how far it is.
#[derive(Debug)]
pub struct Witness {
    /// Its settings.
    pub settings: WitnessSettings,
    client: Client,
    standing: Mutex<Standing>,
}

/// How it is told.
#[derive(Debug)]
enum Client {
    File(PathBuf),
    Url { url: String, fetch: Fetch, bearer: Option<HeaderValue> },
    Syslog(SyslogTarget),
    Bucket { bucket: Box<Bucket>, keeps: Duration },
}

#[derive(Debug, Default)]
struct Standing {
    size: u64,
    told: Option<Timestamp>,
    failures: u64,
    fault: Option<WitnessFault>,
}

/// How far a witness is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessNow {
    /// Which.
    pub name: String,
    /// The size of the last checkpoint that it has noted; 0 before the first of this run.
    pub size: u64,
    /// When it noted that.
    pub told: Option<Timestamp>,
    /// How often it could not be told.
    pub failures: u64,
    /// Why it could not be told the last time.
    pub fault: Option<WitnessFault>,
}

/// Why a witness could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessFault {
    /// Its file cannot be written.
    #[error("its file cannot be written: {0}")]
    File(String),
    /// Its address cannot be reached.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Its address has refused.
    #[error("it answered with status {0}")]
    Status(u16),
    /// Its receiver of syslog cannot be told.
    #[error("its receiver of syslog cannot be told: {0}")]
    Syslog(String),
    /// Its bucket does not take it, or does not lock it.
    #[error(transparent)]
    Bucket(#[from] ObjectsError),
    /// Its address cannot be asked at all.
    #[error("its address cannot be asked")]
    Address,
}

/// What came of telling a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It has noted it.
    Noted,
    /// It has noted it, after it could not be told before.
    Again,
    /// It could not be told, and could before.
    Failed(WitnessFault),
    /// It still cannot be told.
    StillFailed,
}

impl Witness {
    /// A witness by its settings.
    pub(super) fn new(settings: &WitnessSettings) -> Result<Self, JournalError> {
        let refused = |why: String| JournalError::Witness { name: settings.name.clone(), why };
        let client = match &settings.place {
            WitnessPlace::File(file) => Client::File(file.clone()),
            WitnessPlace::Syslog(target) => Client::Syslog(target.clone()),
            WitnessPlace::Bucket { bucket, retain_years } => {
                let opened = Bucket::new(bucket).map_err(|error| refused(error.to_string()))?;
                Client::Bucket { bucket: Box::new(opened), keeps: YEAR * u32::from(*retain_years) }
            }
            WitnessPlace::Url { url, authorities, token } => {
                let fetch = Fetch::new(authorities.as_deref(), ANSWERED_WITHIN, None)
                    .map_err(|error| refused(error.to_string()))?
                    .with_reply_bytes(REPLY_BYTES_MAX);
                let bearer = token.as_ref().map(bearer).transpose();
                let bearer = bearer.map_err(|_| refused("its token cannot stand in a header".to_owned()))?;
                Client::Url { url: url.clone(), fetch, bearer }
            }
        };
        Ok(Self { settings: settings.clone(), client, standing: Mutex::default() })
    }

    /// How far it is.
    pub fn now(&self) -> WitnessNow {
        let Standing { size, told, failures, fault } = &*self.standing();
        let name = self.settings.name.clone();
        WitnessNow { name, size: *size, told: *told, failures: *failures, fault: fault.clone() }
    }

    /// Whether it has not noted this one.
    pub fn lacks(&self, signed: &SignedCheckpoint) -> bool {
        self.standing().size < signed.checkpoint.size
    }

    /// Tells it a checkpoint.
    pub async fn tell(&self, signed: &SignedCheckpoint, now: Timestamp) -> Told {
        let told = match &self.client {
            Client::File(file) => {
                let (file, note) = (file.clone(), signed.note.clone());
                let written = tokio::task::spawn_blocking(move || append(&file, &note)).await;
                match written {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(WitnessFault::File(error.to_string())),
                    Err(error) => Err(WitnessFault::File(error.to_string())),
                }
            }
            Client::Url { url, fetch, bearer } => post(fetch, url, bearer.as_ref(), &signed.note).await,
            Client::Syslog(target) => send(target.clone(), signed, now).await,
            Client::Bucket { bucket, keeps } => put(bucket, signed, now.plus(*keeps)).await,
        };
        let mut standing = self.standing();
        match told {
            Ok(()) => {
                standing.size = signed.checkpoint.size;
                standing.told = Some(now);
                if standing.fault.take().is_some() { Told::Again } else { Told::Noted }
            }
            Err(fault) => {
                standing.failures += 1;
                let before = standing.fault.replace(fault.clone());
                if before.is_some() { Told::StillFailed } else { Told::Failed(fault) }
            }
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn post(
    fetch: &Fetch,
    url: &str,
    bearer: Option<&HeaderValue>,
    note: &str,
) -> Result<(), WitnessFault> {
    let mut request =
        Request::builder().method(Method::POST).uri(url).header(CONTENT_TYPE, "text/plain; charset=utf-8");
    if let Some(bearer) = bearer {
        request = request.header(AUTHORIZATION, bearer.clone());
    }
    let request = request.body(note.as_bytes().to_vec()).map_err(|_| WitnessFault::Address)?;
    let reply = fetch.send(request).await?;
    if reply.status().is_success() { Ok(()) } else { Err(WitnessFault::Status(reply.status().as_u16())) }
}

/// One message over a connection of its own. Syslog acknowledges nothing: noted is what the receiver has read to the end.
async fn send(target: SyslogTarget, signed: &SignedCheckpoint, now: Timestamp) -> Result<(), WitnessFault> {
    let Checkpoint { origin, size, time, .. } = &signed.checkpoint;
    let text = format!("checkpoint of {origin}, {size} entries: {}", on_one_line(&signed.note));
    // Facility 13 is log audit; what is noted is normal but significant.
    let message = Message {
        facility: Facility::LogAudit,
        severity: NOTICE,
        time: time.unwrap_or(now),
        id: "checkpoint",
        sequence: *size,
        text: text.as_bytes(),
    };
    let unsent = |error: &dyn std::fmt::Display| WitnessFault::Syslog(error.to_string());
    let mut line = Line::new(target, ANSWERED_WITHIN).map_err(|error| unsent(&error))?;
    line.write(&Sender::new(origin).frame(&message)).await.map_err(|error| unsent(&error))?;
    if line.close().await {
        Ok(())
    } else {
        Err(unsent(&"it has ended the connection before it had read all"))
    }
}

/// An object of its own, by its size, which nobody replaces before its time where the bucket locks it.
async fn put(bucket: &Bucket, signed: &SignedCheckpoint, until: Timestamp) -> Result<(), WitnessFault> {
    let name = format!("checkpoints/{}", signed.checkpoint.size);
    let keep = Keep { until, is_held: false };
    bucket.put_bytes(&name, signed.note.clone().into_bytes(), keep).await?;
    Ok(())
}

fn bearer(token: &Secret) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// Writes a note at the end of a file, on its disk when this returns. The file is made if it is not there, its
/// folder is not: where media are not mounted, nothing is written in their place.
fn append(file: &Path, note: &str) -> io::Result<()> {
    let path = file;
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    Read::by_ref(&mut file).take(TAIL_BYTES).read_to_end(&mut tail)?;
    // A crash or a full disk may have left half a note, which nobody was told is there: it would be read as a contradiction.
    let last = memchr::memmem::rfind(&tail, b"\n\n\n").map_or(0, |end| end.saturating_add(1));
    let torn = tail.split_off(last);
    let is_whole =
        std::str::from_utf8(&torn).is_ok_and(|note| note.trim_matches('\n').is_empty() || is_note(note));
    if !is_whole {
        let end = length.saturating_sub(torn.len() as u64);
        keep_torn(&beside(path, &format!("torn-at-{end}")), &torn)?;
        file.set_len(end)?;
    }
    file.write_all(format!("\n\n{note}").as_bytes())?;
    file.sync_all()
}

/// Whether it is a signed checkpoint, and nothing else.
fn is_note(text: &str) -> bool {
    text.trim_start_matches('\n').parse::<Signed>().is_ok()
}

/// More than the longest note.
const TAIL_BYTES: u64 = 64 * 1024;

/// A leap year: what is kept for years is kept so long at least.
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
const REPLY_BYTES_MAX: usize = 64 * 1024;
/// RFC 5424, 6.2.1.
const NOTICE: u8 = 5;
