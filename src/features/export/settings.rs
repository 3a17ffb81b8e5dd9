//! What is handed on, to whom and how.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::format::Format;
pub use super::webhook::{SigningSecret, SigningSecretError};
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, NameError, name};
use crate::domain::closed_list;
use crate::domain::event::{Event, EventKind, Outcome, Verdict};
use crate::foundation::secret::Secret;
use crate::platform::syslog::SyslogTarget;
use crate::platform::tls::client::Trust;

name! {
    /// An export, as the configuration calls it.
    ExportName
}

closed_list! {
    /// Where an export begins that was never there before.
    Beginning {
        /// With the first event that the journal holds.
        Start = "start",
        /// With what ends from now on.
        Now = "now",
    }
}

closed_list! {
    /// What becomes of a document that its receiver will never take.
    OnRefused {
        /// It is kept in a file of its own, and the next one goes.
        Keep = "keep",
        /// Nothing goes any more until it is taken.
        Stop = "stop",
    }
}

closed_list! {
    /// How events are brought to an address by HTTP.
    Protocol {
        /// An array of JSON, signed as Standard Webhooks says.
        Webhook = "webhook",
        /// Lines of JSON, unsigned.
        Json = "json",
        /// A batch of FHIR that creates each as a resource.
        Fhir = "fhir",
        /// OpenTelemetry's protocol over HTTP, in JSON.
        Otlp = "otlp",
    }
}

closed_list! {
    /// What is picked out of all events.
    Pick {
        /// What was permitted.
        Permit = "permit",
        /// What was not decided yet: somebody had to sign in, step up or give a reason.
        Challenge = "challenge",
        /// What was denied.
        Deny = "deny",
        /// What was withheld because it was more than is allowed.
        Withheld = "withheld",
        /// What takes records away.
        Export = "export",
        /// What could not be done because something is down.
        Failed = "failed",
    }
}

/// One export.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// Its name, by which its place is kept.
    pub name: ExportName,
    /// To whom.
    pub target: Target,
    /// In which words.
    pub format: Format,
    /// Which events.
    pub selection: Selection,
    /// Where it begins that was never there before. Default: `now`.
    pub from: Beginning,
    /// Documents that are handed over at once. 1 to 1000, default 100.
    pub batch: usize,
    /// How often what is new is handed over. 100 ms to 10 min, default 1 s.
    pub every: Duration,
    /// How long a receiver has for one batch. 1 s to 5 min, default 30 s.
    pub timeout: Duration,
    /// What becomes of what is refused. Default: `keep`.
    pub on_refused: OnRefused,
    /// The file that it is kept in.
    pub refused: PathBuf,
}

/// Which events are handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of these kinds; empty: of any.
    pub kinds: Vec<EventKind>,
    /// At these applications; empty: anywhere, and what is at none.
    pub applications: Vec<ApplicationName>,
    /// Any of these; empty: all.
    pub only: Vec<Pick>,
}

/// To whom events are handed on.
#[derive(Clone, Debug)]
pub enum Target {
    /// A file of lines.
    File(FileTarget),
    /// A receiver of syslog.
    Syslog(SyslogTarget),
    /// An address that takes them by HTTP.
    Http(Box<HttpTarget>),
}

/// A file of lines.
#[derive(Clone, Debug)]
pub struct FileTarget {
    /// The file; made if it is not there.
    pub path: PathBuf,
    /// It is put aside under another name once it has so many bytes. 1 MiB to 10 GiB, default 100 MiB.
    pub rotate_bytes: u64,
}

/// An address that takes events by HTTP.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    /// Which.
    pub url: String,
    /// How.
    pub protocol: Protocol,
    /// Whom TLS believes.
    pub trust: Trust,
    /// What every request carries besides.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The bearer token that is brought.
    pub token: Option<Secret>,
    /// What a webhook is signed with.
    pub signing: Option<SigningSecret>,
}

impl Selection {
    /// Whether `event` is handed on.
    pub fn takes(&self, event: &Event) -> bool {
        let opening = &event.opening;
        let at_one = || opening.application.as_ref().is_some_and(|name| self.applications.contains(name));
        (self.kinds.is_empty() || self.kinds.contains(&opening.kind))
            && (self.applications.is_empty() || at_one())
            && (self.only.is_empty() || self.only.iter().any(|pick| pick.is_of(event)))
    }
}

impl Pick {
    fn is_of(self, event: &Event) -> bool {
        let (opening, closing) = (&event.opening, event.closing.as_ref());
        let ended = |outcome| closing.is_some_and(|closing| closing.outcome == outcome);
        match self {
            Self::Permit => opening.verdict == Verdict::Permit,
            Self::Challenge => opening.verdict == Verdict::Challenge,
            Self::Deny => opening.verdict == Verdict::Deny,
            Self::Withheld => ended(Outcome::Withheld),
            Self::Export => {
                opening.action.is_some_and(Action::takes_away)
                    || closing.is_some_and(|closing| closing.found_file)
            }
            Self::Failed => ended(Outcome::Failed),
        }
    }
}

/// Where it leads, without a path or query that may hold a secret.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "file:{}", file.path.display()),
            Self::Syslog(SyslogTarget { host, port, trust }) => {
                let scheme = if trust.is_some() { "syslog+tls" } else { "syslog+tcp" };
                let is_v6 = host.contains(':');
                let (open, close) = if is_v6 { ("[", "]") } else { ("", "") };
                write!(f, "{scheme}://{open}{host}{close}:{port}")
            }
            Self::Http(target) => match url::Url::parse(&target.url) {
                Ok(url) => f.write_str(&url.origin().ascii_serialization()),
                Err(_) => f.write_str("https"),
            },
        }
    }
}
