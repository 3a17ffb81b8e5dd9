//! The journal's own events: that it was opened and closed.
//!
//! The first names the head that was found, so that a tail cut off while the gateway was stopped shows.

use super::tape::Found;
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
