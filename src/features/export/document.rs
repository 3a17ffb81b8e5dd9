//! What is handed over: one event in the words of a format.

use super::format::{Teller, documents};
use super::settings::ExportSettings;
use crate::domain::event::{Event, EventKind, Outcome, Verdict};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// One event, or a part of one that a format wants apart, as it is handed over.
#[derive(Clone, Debug)]
pub struct Document {
    /// The number of the journal's entry that ended the event.
    pub sequence: u64,
    /// Which event.
    pub event: RequestId,
    /// What kind.
    pub kind: EventKind,
    /// When it began.
    pub time: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// In the words of the format.
    pub bytes: Vec<u8>,
}

/// How much an event matters: the numerical code of RFC 5424, 6.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something was found that somebody should look at, or the journal has a gap.
    Critical = 2,
    /// Something is down.
    Error = 3,
    /// Somebody was refused, or something was withheld or broken off.
    Warning = 4,
    /// Normal but significant: sessions were ended, something was administered.
    Notice = 5,
    /// What goes on.
    Informational = 6,
}

impl Severity {
    /// How much `event` matters.
    pub fn of(event: &Event) -> Self {
        let by_kind = match event.opening.kind {
            EventKind::Detection => Self::Critical,
            EventKind::Revocation
            | EventKind::Administration
            | EventKind::Provisioning
            | EventKind::Lifecycle => Self::Notice,
            EventKind::Request | EventKind::Authentication | EventKind::OwnPath => Self::Informational,
        };
        let by_kind = if event.opening.gap.is_some() { Self::Critical } else { by_kind };
        let by_verdict = match event.opening.verdict {
            Verdict::Deny => Self::Warning,
            Verdict::Permit | Verdict::Challenge => Self::Informational,
        };
        let by_outcome = match event.closing.as_ref().map(|closing| closing.outcome) {
            Some(Outcome::Failed) => Self::Error,
            Some(Outcome::Withheld | Outcome::Aborted) | None => Self::Warning,
            Some(Outcome::Completed | Outcome::Refused) => Self::Informational,
        };
        by_kind.min(by_verdict).min(by_outcome)
    }
}

impl Document {
    /// The documents of an event that ended with entry `sequence`; none where the export does not want it.
    pub fn of(settings: &ExportSettings, node: &str, sequence: u64, event: &Event) -> Vec<Self> {
        if !settings.selection.takes(event) {
            return Vec::new();
        }
        let severity = Severity::of(event);
        let opening = &event.opening;
        documents(settings.format, event, &Teller { node })
            .into_iter()
            .map(|bytes| Self {
                sequence,
                event: opening.event,
                kind: opening.kind,
                time: opening.time,
                severity,
                bytes,
            })
            .collect()
    }
}
