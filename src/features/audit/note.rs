//! The journal's own events: that it was opened and closed, and with which key it signs.
//!
//! The first names the head that was found, so that a tail cut off while the gateway was stopped shows.

use super::events::JOURNAL_OPENED;
use super::tape::Found;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
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
    lifecycle("journal closed in order".to_owned(), now, entropy)
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
