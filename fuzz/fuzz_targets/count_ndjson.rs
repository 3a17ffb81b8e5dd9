//! Lines are counted as `serde_json` reads each, however they are cut. The first byte is the size of a piece.
#![no_main]

use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;
use leastway::features::guard::count::{Counter, Tally};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fn count(body: &[u8], size: usize) -> Tally {
    let mut counter = Counter::new(&ReplyKind::Ndjson, None).expect("countable");
    body.chunks(size.max(1)).for_each(|piece| counter.push(piece));
    counter.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, body)) = input.split_first() else { return };
    let whole = count(body, body.len());
    assert_eq!(count(body, usize::from(size)), whole);
    let Ok(text) = std::str::from_utf8(body) else { return };
    let lines: Vec<&str> = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).collect();
    let readable = lines.iter().all(|line| {
        serde_json::from_str::<&RawValue>(line).is_ok_and(|value| !value.get().starts_with('['))
    });
    if readable && !text.starts_with('\u{feff}') {
        assert_eq!(whole.records, Count::Exactly(lines.len() as u64));
    }
});
