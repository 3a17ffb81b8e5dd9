//! Rows are counted as the `csv` crate reads them, however they are cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, ReplyKind};
use leastway::features::guard::count::{Counter, Tally};

use crate::input::{Input, pieces};

fn count<'a>(
    kind: &ReplyKind,
    patient: Option<&PatientLocator>,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Tally {
    let mut counter = Counter::new(kind, patient).expect("countable");
    pieces.for_each(|piece| counter.push(piece));
    counter.finish()
}

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let column = PatientLocator::Column("ID".to_owned());
    for delimiter in [None, Some(b',')] {
        let kind = ReplyKind::Csv { delimiter, header: true };
        let whole = count(&kind, Some(&column), [body].into_iter());
        assert_eq!(count(&kind, Some(&column), pieces(body, cut)), whole);
    }
    let kind = ReplyKind::Csv { delimiter: Some(b','), header: false };
    if let Count::Exactly(rows) = count(&kind, None, pieces(body, cut)).records {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
        assert_eq!(rows, reader.byte_records().count() as u64);
    }
}
