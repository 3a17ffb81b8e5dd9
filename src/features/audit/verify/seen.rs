//! What is looked at in an entry while the chain is proven.
//!
//! That its bytes are those that were written is for the hashes to say. Of the entry of a request, which nearly all are, it is
//! read that it is JSON, which event it belongs to, when it was written and how it was decided or ended; the house's own
//! events, by which the journal tells of itself, are read as a whole.

use serde::Deserialize;

use crate::domain::event::{Entry, EventKind, Opening, Outcome, Verdict};
use crate::features::audit::entry::{Begins, read};
use crate::features::audit::events::is_journal_opened;
use crate::features::audit::note::{is_journal_closed, told_key};
use crate::features::audit::tree::hash::leaf;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::RequestId;

/// What is remembered of an entry.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) leaf: Digest,
    pub(super) time: Timestamp,
    pub(super) what: What,
}

/// What an entry is.
#[derive(Debug)]
pub(super) enum What {
    /// The beginning of the journal after a start.
    Opened(RequestId),
    /// The beginning of its orderly end.
    Closed(RequestId),
    /// A new key is told.
    Key(RequestId, Box<str>),
    /// The beginning of any other event.
    Opening(RequestId),
    /// The end of an event.
    Closing(RequestId),
}

impl Seen {
    /// Looks at an entry.
    pub(super) fn of(payload: &[u8]) -> serde_json::Result<Self> {
        let (time, what) = look(payload)?;
        Ok(Self { leaf: leaf(payload), time, what })
    }
}

/// What is read of every opening entry.
#[derive(Deserialize)]
struct Opens {
    event: RequestId,
    kind: EventKind,
    time: Timestamp,
    #[serde(rename = "verdict")]
    _verdict: Verdict,
}

/// What is read of every closing entry.
#[derive(Deserialize)]
struct Ends {
    event: RequestId,
    time: Timestamp,
    #[serde(rename = "outcome")]
    _outcome: Outcome,
}

fn look(payload: &[u8]) -> serde_json::Result<(Timestamp, What)> {
    match Begins::of(payload) {
        Some(Begins::Closing) => {
            let Ends { event, time, .. } = serde_json::from_slice(payload)?;
            Ok((time, What::Closing(event)))
        }
        Some(Begins::Opening) => {
            let Opens { event, kind, time, .. } = serde_json::from_slice(payload)?;
            if kind == EventKind::Request { Ok((time, What::Opening(event))) } else { whole(payload) }
        }
        None => whole(payload),
    }
}

fn whole(payload: &[u8]) -> serde_json::Result<(Timestamp, What)> {
    Ok(match read(payload)? {
        Entry::Opening(opening) => (opening.time, what(&opening)),
        Entry::Closing(closing) => (closing.time, What::Closing(closing.event)),
    })
}

fn what(opening: &Opening) -> What {
    let event = opening.event;
    if is_journal_opened(opening) {
        What::Opened(event)
    } else if is_journal_closed(opening) {
        What::Closed(event)
    } else if let Some(told) = told_key(opening) {
        What::Key(event, told.into())
    } else {
        What::Opening(event)
    }
}
