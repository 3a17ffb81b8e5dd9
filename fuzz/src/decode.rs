//! A coded body decodes to what a common decoder makes of it, alike however it is cut, and grows within its bound.

use std::io::Read as _;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderValue};
use leastway::platform::http::coding::{Coding, CodingFault, Decoder};

use crate::input::{Input, pieces};

const RATIO_MAX: u32 = 10;
/// What may come at once beyond the bound: one buffer of the decoder.
const OVERSHOOT_BYTES: usize = 64 * 1024;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, cut) = (input.byte() % 4, input.byte());
    let name = ["gzip", "deflate", "br", "zstd"][usize::from(choice)];
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    let coding = Coding::read(&headers);
    let body = input.rest();
    let whole = decoded(coding, [body].into_iter().filter(|body| !body.is_empty()), body.len());
    assert_eq!(decoded(coding, pieces(body, cut), body.len()), whole);
    if let Ok(plain) = whole
        && !body.is_empty()
    {
        assert_eq!(by_others(name, body, plain.len()), Some(plain), "{name}");
    }
}

/// What it decodes to; whatever fails, fails.
fn decoded<'a>(
    coding: Coding,
    pieces: impl Iterator<Item = &'a [u8]>,
    length: usize,
) -> Result<Vec<u8>, Option<CodingFault>> {
    let mut decoder = Decoder::new(coding, RATIO_MAX).expect("known");
    let mut plain = Vec::new();
    for piece in pieces {
        let pushed = decoder.push(piece, &mut |decoded| plain.extend_from_slice(decoded));
        assert!(plain.len() <= 1024 * 1024 + length * RATIO_MAX as usize + OVERSHOOT_BYTES);
        // Where in a broken body it breaks depends on the cuts.
        pushed.map_err(|_| None)?;
    }
    assert_eq!(decoder.bytes_out(), plain.len() as u64);
    decoder.finish().map_err(|_| None)?;
    Ok(plain)
}

fn by_others(name: &str, body: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let limit = length as u64 + 1;
    let read = match name {
        "gzip" => flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut plain),
        "deflate" if body[0] & 0x0f == 8 && body[0] >> 4 <= 7 => {
            flate2::read::ZlibDecoder::new(body).take(limit).read_to_end(&mut plain)
        }
        "deflate" => flate2::read::DeflateDecoder::new(body).take(limit).read_to_end(&mut plain),
        "br" => brotli_decompressor::Decompressor::new(body, 4096).take(limit).read_to_end(&mut plain),
        _ => zstd::Decoder::new(body).ok()?.take(limit).read_to_end(&mut plain),
    };
    read.is_ok().then_some(plain)
}
