//! The journal's own events: that it was opened and closed, where it is written, what is missing in it, and with which key it
//! signs.
//!
//! The first names the head that was found, so that a tail cut off while the gateway was stopped shows.

use std::sync::Arc;

use super::seal::Period;
use super::shared::Standing;
use super::tape::Found;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::gap::Gap;
use crate::domain::note::{CHECKPOINT_KEY, JOURNAL_CLOSED, JOURNAL_OPENED, PATIENTS_RENEWED};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::entropy::Entropy;
use crate::foundation::id::RequestId;

/// What the writer's own events are made with.
#[derive(Debug)]
pub(super) struct Notes {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Notes {
    pub(super) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The event with which a journal ends each time it is closed in order.
    pub(super) fn closed(&self) -> (Opening, Closing) {
        self.told(JOURNAL_CLOSED.to_owned())
    }

    /// The event that entries go elsewhere than before.
    pub(super) fn standing(&self, standing: &Standing) -> (Opening, Closing) {
        self.told(match standing {
            Standing::Journal => "journal goes on in its own folder".to_owned(),
            Standing::Spool { why, .. } => {
                format!("journal goes on in its spool, since its disk takes nothing: {why}")
            }
            Standing::Nowhere { since, why } => format!("journal could not be written since {since}: {why}"),
        })
    }

    /// The event that tells what was let through while nothing could be written.
    pub(super) fn gap(&self, gap: Gap) -> (Opening, Closing) {
        let (mut opening, closing) =
            self.told(format!("journal gap: {} requests left no event", gap.requests));
        opening.gap = Some(Box::new(gap));
        (opening, closing)
    }

    fn told(&self, note: String) -> (Opening, Closing) {
        lifecycle(note, self.clock.now(), &*self.entropy)
    }
}

/// The event with which a journal begins each time it is opened.
pub(super) fn opened(found: Found, now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    let torn = match found.torn_bytes {
        0 => String::new(),
        bytes => format!(", {bytes} bytes of an incomplete write put aside"),
    };
    lifecycle(format!("{JOURNAL_OPENED} after entry {}{torn}", found.head), now, entropy)
}

/// Whether this begins the event with which a journal ends in order.
pub(super) fn is_journal_closed(opening: &Opening) -> bool {
    opening.kind == EventKind::Lifecycle && opening.note.as_deref() == Some(JOURNAL_CLOSED)
}

/// What an entry tells of a new key, if it does.
pub(super) fn told_key(opening: &Opening) -> Option<&str> {
    let note = opening.note.as_deref().filter(|_| opening.kind == EventKind::Lifecycle)?;
    note.strip_prefix(CHECKPOINT_KEY).is_some_and(|rest| rest.starts_with('\n')).then_some(note)
}

/// The event that tells with which key checkpoints are signed from now on.
pub(super) fn key(told: String, now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    lifecycle(told, now, entropy)
}

/// The event that tells from where on patients are named by another key.
pub(super) fn patients_renewed(through: Period, now: Timestamp, entropy: &dyn Entropy) -> (Opening, Closing) {
    lifecycle(format!("{PATIENTS_RENEWED}; the one before was last used in {through}"), now, entropy)
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
