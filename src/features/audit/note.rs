//! The journal's own events: that it was opened and closed, and with which key it signs.
//!
//! The first names the head that was found, so that a tail cut off while the gateway was stopped shows.

use super::tape::Found;
use super::tree::keys::TOLD;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::note::{JOURNAL_CLOSED, JOURNAL_OPENED};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::RequestId;

/// The event with which a journal begins each time it is opened.
pub(super) fn opened(found: Found, now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    let torn = match found.torn_bytes {
        0 => String::new(),
        bytes => format!(", {bytes} bytes of an incomplete write put aside"),
    };
    lifecycle(format!("{JOURNAL_OPENED} after entry {}{torn}", found.head), now, entropy)
}

/// The event with which a journal ends each time it is closed in order.
pub(super) fn closed(now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    lifecycle(JOURNAL_CLOSED.to_owned(), now, entropy)
}

/// Whether this begins the event with which a journal ends in order.
pub(super) fn is_journal_closed(opening: &Opening) -> bool {
    opening.kind == EventKind::Lifecycle && opening.note.as_deref() == Some(JOURNAL_CLOSED)
}

/// What an entry tells of a new key, if it does.
pub(super) fn told_key(opening: &Opening) -> Option<&str> {
    let note = opening.note.as_deref().filter(|_| opening.kind == EventKind::Lifecycle)?;
    note.strip_prefix(TOLD).is_some_and(|rest| rest.starts_with('\n')).then_some(note)
}

/// The event that tells with which key checkpoints are signed from now on.
pub(super) fn key(told: String, now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    lifecycle(told, now, entropy)
}

fn lifecycle(note: String, now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    let event = RequestId::new(now, entropy);
    let opening = Opening {
        verdict: Verdict::Permit,
        note: Some(note),
        ..Opening::begin(event, EventKind::Lifecycle, now)
    };
    let closing = Closing::of(event, now, Outcome::Completed);
    (opening, closing)
}
