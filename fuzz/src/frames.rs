//! The frames of a WebSocket: in pieces of any size they are the same frames, only a header ever waits, and a plain
//! reading of the whole finds the same.

use leastway::features::upstream::frames::{FrameFault, Frames, Side};

use crate::input::{Input, pieces};

const BYTES_MAX: u64 = 1 << 16;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, cut) = (input.byte(), input.byte());
    let bytes = input.rest();
    let side = if choice & 1 == 0 { Side::Caller } else { Side::Application };
    let is_extended = choice & 2 != 0;
    let frames = || Frames::new(side, is_extended, BYTES_MAX);
    let whole = frames().read(bytes);
    assert!(whole.cleared <= bytes.len());

    let (mut frames, mut passed, mut data, mut fault, mut kept) = (frames(), 0, false, None, Vec::new());
    for piece in pieces(bytes, cut) {
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

    assert_eq!(plain(bytes, side == Side::Caller, is_extended), (whole.cleared, whole.data, whole.fault));
}

/// RFC 6455 5.2, frame by frame: how many bytes may go on, whether there is data, and what is wrong after them. A
/// header that is not complete is wrong only in what can be seen of it.
fn plain(bytes: &[u8], is_masked: bool, is_extended: bool) -> (usize, bool, Option<FrameFault>) {
    let (mut at, mut data, mut is_open) = (0, false, false);
    while let Some(first) = bytes.get(at) {
        let (fin, kind) = (first & 0x80 != 0, first & 0xf);
        let reserved = first & if is_extended { 0x30 } else { 0x70 };
        if reserved != 0 {
            return (at, data, Some(FrameFault::Reserved));
        }
        if !matches!(kind, 0..=2 | 8..=10) {
            return (at, data, Some(FrameFault::Kind));
        }
        if kind == 0 && !is_open || matches!(kind, 1 | 2) && is_open {
            return (at, data, Some(FrameFault::Message));
        }
        if kind >= 8 && !fin {
            return (at, data, Some(FrameFault::Control));
        }
        let Some(second) = bytes.get(at + 1) else { break };
        if (second & 0x80 != 0) != is_masked {
            return (at, data, Some(FrameFault::Mask));
        }
        if kind >= 8 && second & 0x7f > 125 {
            return (at, data, Some(FrameFault::Control));
        }
        let (more, least) = match second & 0x7f {
            126 => (2, 126),
            127 => (8, 1 << 16),
            _ => (0, 0),
        };
        let Some(length) = bytes.get(at + 2..at + 2 + more) else { break };
        let length = if more == 0 {
            u64::from(second & 0x7f)
        } else {
            length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        if length < least || length >> 63 != 0 {
            return (at, data, Some(FrameFault::Length));
        }
        if length > BYTES_MAX {
            return (at, data, Some(FrameFault::TooLarge));
        }
        let header = 2 + more + if is_masked { 4 } else { 0 };
        if bytes.len() < at + header {
            break;
        }
        if kind < 8 {
            (data, is_open) = (true, !fin);
        }
        at = (at + header + length as usize).min(bytes.len());
    }
    (at, data, None)
}
