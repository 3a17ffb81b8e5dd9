//! HTTP/1.1 on the wire: in pieces of any size the same heads end at the same places, and what is clean is
//! what a second, plain reading of the same bytes takes for a head.
#![no_main]

use leastway::gateway::normalize::wire::{Found, Head, Wire};
use libfuzzer_sys::fuzz_target;

fn places(bytes: &[u8], size: usize) -> Vec<(usize, bool)> {
    let (mut wire, mut places, mut before) = (Wire::new(4096), Vec::new(), 0);
    for piece in bytes.chunks(size.max(1)) {
        let mut at = 0;
        loop {
            match wire.read(&piece[at..]) {
                Found::Nothing => break,
                Found::Head(bytes, Head::Clean) => {
                    at += bytes;
                    places.push((before + at, true));
                }
                Found::Head(bytes, Head::Upgrade | Head::Odd(_)) | Found::Broken(bytes, _) => {
                    places.push((before + at + bytes, false));
                    return places;
                }
            }
        }
        before += piece.len();
    }
    places
}

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let whole = places(bytes, bytes.len());
    assert_eq!(places(bytes, usize::from(cut)), whole);
    for (end, is_clean) in whole {
        let head = bytes[..end].rsplit(|byte| *byte == b'\n').nth(1);
        assert!(!is_clean || bytes[..end].ends_with(b"\r\n\r\n") && head == Some(b"\r"));
    }
});
