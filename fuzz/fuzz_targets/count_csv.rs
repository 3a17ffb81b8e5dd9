//! Rows are counted as the `csv` crate reads them, however they are cut. The first byte is the size of a piece.
#![no_main]

use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, ReplyKind};
use leastway::features::guard::count::{Counter, Tally};
use libfuzzer_sys::fuzz_target;

fn count(kind: &ReplyKind, patient: Option<&PatientLocator>, body: &[u8], size: usize) -> Tally {
    let mut counter = Counter::new(kind, patient).expect("countable");
    body.chunks(size.max(1)).for_each(|piece| counter.push(piece));
    counter.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, body)) = input.split_first() else { return };
    let column = PatientLocator::Column("ID".to_owned());
    for delimiter in [None, Some(b',')] {
        let kind = ReplyKind::Csv { delimiter, header: true };
        let whole = count(&kind, Some(&column), body, body.len());
        assert_eq!(count(&kind, Some(&column), body, usize::from(size)), whole);
    }
    let kind = ReplyKind::Csv { delimiter: Some(b','), header: false };
    if let Count::Exactly(rows) = count(&kind, None, body, usize::from(size)).records {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
        assert_eq!(rows, reader.byte_records().count() as u64);
    }
});
