//! What the journal tells of its archived segments: written and read here, so that both mean the same.

use super::ledger::Receipt;
use crate::domain::event::{EventKind, Opening};
use crate::domain::note::SEGMENT_REMOVED;
use crate::features::audit::directory::segment_name;

/// The note of the event of a step, which `what` begins.
pub fn told(what: &str, receipt: &Receipt) -> String {
    format!(
        "{what}: {}, entries {} to {}, at {}, sha256 {}, manifest {}, kept until {}",
        receipt.segment(),
        receipt.first(),
        receipt.through.sequence,
        receipt.place,
        receipt.packed.sha256,
        receipt.manifest.sha256,
        receipt.retain_until,
    )
}

/// The last entry of a segment that is removed from the journal's folder, where this event tells that.
pub(in super::super) fn removed_through(opening: &Opening) -> Option<u64> {
    let note = opening.note.as_deref().filter(|_| opening.kind == EventKind::Lifecycle)?;
    let (segment, rest) = note.strip_prefix(SEGMENT_REMOVED)?.strip_prefix(": ")?.split_once(", entries ")?;
    let (entries, _) = rest.split_once(", at ")?;
    let (first, through) = entries.split_once(" to ")?;
    let through = through.parse().ok()?;
    (segment == segment_name(first.parse().ok()?)).then_some(through)
}
