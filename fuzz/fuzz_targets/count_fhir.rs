//! A Bundle is counted alike however it is cut, and never from what is no JSON. The first byte is the size of a piece.
#![no_main]

use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;
use leastway::features::guard::count::{Counter, Tally};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fn count(body: &[u8], size: usize) -> Tally {
    let mut counter = Counter::new(&ReplyKind::FhirBundle, None).expect("countable");
    body.chunks(size.max(1)).for_each(|piece| counter.push(piece));
    counter.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, body)) = input.split_first() else { return };
    let whole = count(body, body.len());
    assert_eq!(count(body, usize::from(size)), whole);
    // Whatever is counted is a document that `serde_json` reads; it only gives up earlier in depth and numbers.
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let deep = text.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > 100;
    if let Count::Exactly(1..) = whole.records
        && !deep
        && std::str::from_utf8(text).is_ok()
    {
        serde_json::from_slice::<&RawValue>(text).expect("JSON");
    }
});
