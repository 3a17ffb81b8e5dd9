//! JSON is counted as `serde_json` reads it, however it is cut. The first byte is the size of a piece.
#![no_main]

use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, RecordsPointer, ReplyKind};
use leastway::features::guard::count::{Counter, Tally};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fn count(kind: &ReplyKind, body: &[u8], size: usize) -> Tally {
    let patient = PatientLocator::Member("p".to_owned());
    let mut counter = Counter::new(kind, Some(&patient)).expect("countable");
    body.chunks(size.max(1)).for_each(|piece| counter.push(piece));
    counter.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, body)) = input.split_first() else { return };
    for pointer in ["", "/data", "/a/*/b"] {
        let kind = ReplyKind::Json { records: RecordsPointer::read(pointer) };
        assert_eq!(count(&kind, body, usize::from(size)), count(&kind, body, body.len()));
    }
    let whole = count(&ReplyKind::Json { records: RecordsPointer::default() }, body, body.len());
    if let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        // A zero byte among the first is taken for UTF-16 or UTF-32, which JSON cannot be here.
        assert_eq!(whole.records, Count::Exactly(elements.len() as u64));
    }
});
