//! The frames of a WebSocket: in pieces of any size they are the same frames, and only a header ever waits.
#![no_main]

use leastway::features::upstream::frames::{Frames, Side};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, bool, u8, &[u8])| {
    let (is_caller, is_extended, cut, bytes) = input;
    let side = if is_caller { Side::Caller } else { Side::Application };
    let frames = || Frames::new(side, is_extended, 1 << 16);
    let whole = frames().read(bytes);
    assert!(whole.cleared <= bytes.len());

    let (mut frames, mut passed, mut data, mut fault, mut kept) = (frames(), 0, false, None, Vec::new());
    for piece in bytes.chunks(usize::from(cut).max(1)) {
        kept.extend_from_slice(piece);
        let seen = frames.read(&kept);
        kept.drain(..seen.cleared);
        passed += seen.cleared;
        data |= seen.data;
        fault = seen.fault;
        if fault.is_some() {
            break;
        }
        assert!(kept.len() < 14, "only a header waits");
    }
    assert_eq!((passed, data, fault), (whole.cleared, whole.data, whole.fault));
});
