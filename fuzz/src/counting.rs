//! Counting of a body that comes in pieces.

use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, ReplyKind};
use leastway::features::guard::count::{Counter, Tally};

use crate::input::pieces;

/// What a body holds, in [`pieces`] of `cut` as in one.
pub fn count(kind: &ReplyKind, patient: Option<&PatientLocator>, body: &[u8], cut: u8) -> Tally {
    let counted = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut counter = Counter::new(kind, patient).expect("countable");
        pieces.for_each(|piece| counter.push(piece));
        counter.finish()
    };
    let whole = counted(&mut [body].into_iter());
    let cut = counted(&mut pieces(body, cut));
    // A document that is broken, and holds a file that is, too, is told as one or the other as it was cut.
    let is_unknown = |tally: &Tally| matches!(tally.records, Count::Unknown(_));
    let is_twofold = matches!(kind, ReplyKind::Inside(_));
    assert!(cut == whole || is_twofold && is_unknown(&cut) && is_unknown(&whole), "{cut:?} {whole:?}");
    whole
}
