//! Counting of a body that comes in pieces.

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
    assert_eq!(counted(&mut pieces(body, cut)), whole);
    whole
}
