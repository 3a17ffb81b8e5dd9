//! Rows are counted as the `csv` crate reads them, however they are cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, ReplyKind};

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let column = PatientLocator::Column("ID".to_owned());
    for delimiter in [None, Some(b',')] {
        let kind = ReplyKind::Csv { delimiter, header: true };
        count(&kind, Some(&column), body, cut);
    }
    // What is marked as UTF-16, or looks like it, the crate does not read.
    let is_wide = body.starts_with(&[0xFF, 0xFE]) || body.starts_with(&[0xFE, 0xFF]);
    if is_wide || body.iter().take(4).any(|byte| *byte == 0) {
        return;
    }
    let kind = ReplyKind::Csv { delimiter: Some(b','), header: false };
    if let Count::Exactly(rows) = count(&kind, None, body, cut).records {
        // It passes over one byte order mark itself.
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
        assert_eq!(rows, reader.byte_records().count() as u64);
    }
}
