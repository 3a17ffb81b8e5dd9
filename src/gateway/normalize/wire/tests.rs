//! Where requests end, whatever the pieces in which they come.

use proptest::prelude::*;

use super::*;

/// Where heads end, and as what, in pieces of these sizes, until nothing more may be read.
fn places(bytes: &[u8], sizes: &[usize]) -> Vec<(usize, Result<Option<Head>, Fault>)> {
    let (mut wire, mut places, mut before) = (Wire::new(4096), Vec::new(), 0);
    let (mut sizes, mut rest) = (sizes.iter().cycle(), bytes);
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(rest.len()).clamp(1, rest.len());
        let (mut piece, after) = rest.split_at(size);
        rest = after;
        loop {
            match wire.read(piece) {
                Found::Nothing => break,
                Found::Head(bytes, head) => {
                    before += bytes;
                    piece = &piece[bytes..];
                    places.push((before, Ok(Some(head))));
                    if head != Head::Clean {
                        return places;
                    }
                }
                Found::Broken(bytes, fault) => {
                    places.push((before + bytes, Err(fault)));
                    return places;
                }
            }
        }
        before += piece.len();
    }
    places
}

const SIMPLE: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[test]
fn requests_follow_one_another_where_their_bodies_end() {
    let length = "POST / HTTP/1.1\r\ncontent-length: 27\r\n\r\n".to_owned();
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let chunks = format!("{:x}\r\n{SIMPLE}\r\n0\r\nx-a: 1\r\n\r\n", SIMPLE.len());
    let all = format!("{SIMPLE}{length}{SIMPLE}{chunked}{chunks}{SIMPLE}");
    let clean = |at: usize| (at, Ok(Some(Head::Clean)));
    let first = SIMPLE.len();
    let second = first + length.len();
    let third = second + SIMPLE.len() + chunked.len();
    assert_eq!(SIMPLE.len(), 27, "a body that looks like a request is none");
    let expected = [clean(first), clean(second), clean(third), clean(third + chunks.len() + SIMPLE.len())];
    assert_eq!(places(all.as_bytes(), &[all.len()]), expected);
    assert_eq!(places(all.as_bytes(), &[1]), expected);
}

#[test]
fn nothing_is_looked_at_behind_what_is_odd_or_becomes_something_else() {
    let odd = format!("GET / HTTP/1.1\r\nx-a : 1\r\n\r\n{SIMPLE}");
    let found = places(odd.as_bytes(), &[odd.len()]);
    let fault = Fault::malformed("headers: malformed name");
    assert_eq!(found, [(odd.len() - SIMPLE.len(), Ok(Some(Head::Odd(fault))))]);
    for head in ["GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n"] {
        let found = places(format!("{head}\u{81}").as_bytes(), &[7]);
        assert_eq!(found, [(head.len(), Ok(Some(Head::Upgrade)))]);
    }
    let mut wire = Wire::new(4096);
    assert!(matches!(wire.read(b"\r\n\r\n"), Found::Broken(4, _)));
    assert!(matches!(wire.read(SIMPLE.as_bytes()), Found::Broken(0, _)));
}

#[test]
fn a_head_without_an_end_is_given_up_at_its_bound() {
    let endless = format!("GET / HTTP/1.1\r\n{}", "x-a: 1\r\n".repeat(1000));
    let whole = places(endless.as_bytes(), &[endless.len()]);
    assert!(matches!(whole[..], [(4096, Err(fault))] if fault.status == 431), "{whole:?}");
    assert_eq!(places(endless.as_bytes(), &[13]), whole);
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("GET / HTTP/1.1\r\n".to_owned()),
        Just("content-length: 3\r\n".to_owned()),
        Just("transfer-encoding: chunked\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("3\r\nabc\r\n".to_owned()),
        Just("0\r\n\r\n".to_owned()),
        Just("abc".to_owned()),
        "[ -~]{0,6}(\r\n|\n|\r)",
    ]
}

proptest! {
    #[test]
    fn pieces_of_any_size_say_the_same(lines in prop::collection::vec(line(), 0..12), sizes in prop::collection::vec(1_usize..9, 1..6)) {
        let bytes = lines.concat().into_bytes();
        prop_assert_eq!(places(&bytes, &sizes), places(&bytes, &[bytes.len()]));
    }
}
