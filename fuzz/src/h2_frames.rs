//! Frames of HTTP/2 that carry nothing are counted alike however the bytes are cut, and as a plain reading of the
//! whole counts them.

use leastway::gateway::frames::Frames;

use crate::input::{Input, pieces};

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let cut = input.byte();
    let preface = [0; 24];
    let whole = [&preface, input.rest()].concat();
    let mut frames = Frames::default();
    let counted: u32 = pieces(&whole, cut).map(|piece| frames.read(piece).empty).sum();
    assert_eq!(counted, plain(input.rest()));
}

fn plain(mut rest: &[u8]) -> u32 {
    let mut count = 0;
    while let Some(([high, middle, low, kind, flags, ..], after)) = rest.split_first_chunk::<9>() {
        let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        count += u32::from(match kind {
            0 => length == 0 && flags & 1 == 0,
            1 => false,
            9 => length == 0,
            _ => true,
        });
        rest = after.get(length..).unwrap_or_default();
    }
    count
}
