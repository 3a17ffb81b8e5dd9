//! A ZIP archive is counted as the crate `zip` reads it, however it is cut. The first byte is the size of a piece, the
//! second says whether the files are rows.
use std::io::{Cursor, Read as _};

use leastway::domain::count::Count;
use leastway::domain::reply_shape::{ArchiveShape, FileNames, ReplyKind};

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let (cut, rows) = (input.byte(), input.byte() % 2 == 1);
    let body = input.rest();
    let csv = || Box::new(ReplyKind::Csv { delimiter: Some(b','), header: false });
    let kind = ReplyKind::Zip(ArchiveShape {
        entries: FileNames::any_of(["*"]),
        besides: FileNames::default(),
        of: rows.then(csv),
    });
    let Count::Exactly(number) = count(&kind, None, body, cut).records else { return };
    if body.is_empty() {
        return assert_eq!(number, 0);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(body)).expect("what is counted is an archive");
    let mut expected = 0;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("listed");
        if file.name_raw().ends_with(b"/") {
            continue;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("what is counted is sound");
        // Marks of an encoding are left to `count_csv`.
        if rows && bytes.iter().take(4).any(|byte| *byte >= 0x80 || *byte == 0) {
            return;
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
        expected += if rows { reader.byte_records().count() as u64 } else { 1 };
    }
    // Of two files with one name the crate has the last alone.
    assert!(number >= expected);
}
