//! What is remembered of an entry while the chain is proven.

use crate::domain::event::{Entry, Opening};
use crate::features::audit::archive::removed_through;
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
    /// The segment that ends with this entry is told to be in an archive, and removed here.
    Removed(RequestId, u64),
    /// So many requests are told to have left no event.
    Gap(RequestId, u64),
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

/// Reads it as a whole: what questions could not read is no entry.
fn look(payload: &[u8]) -> serde_json::Result<(Timestamp, What)> {
    Ok(match serde_json::from_slice(payload)? {
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
    } else if let Some(through) = removed_through(opening) {
        What::Removed(event, through)
    } else if let Some(gap) = &opening.gap {
        What::Gap(event, gap.requests)
    } else {
        What::Opening(event)
    }
}
