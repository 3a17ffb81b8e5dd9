//! Pages of a PDF are counted alike however it is cut; none is missed that `/Type /Page` says plainly among objects. The
//! first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PdfRecord, ReplyKind};

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let pages = count(&ReplyKind::Pdf { record: PdfRecord::Page }, None, body, cut).records;
    let documents = count(&ReplyKind::Pdf { record: PdfRecord::Document }, None, body, cut).records;
    let Count::Exactly(pages) = pages else { return };
    assert_eq!(documents, Count::Exactly(u64::from(!body.is_empty())));
    let line_end = body.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(body.len());
    let objects = &body[line_end..];
    let has = |word: &[u8]| memchr::memmem::find(objects, word).is_some();
    // Behind the first line, which is a comment, each is one where nothing hides it. Two signs are those of the end.
    let comments = objects.iter().filter(|byte| **byte == b'%').count();
    if comments == 2 && ![&b"stream"[..], b"("].iter().any(|word| has(word)) {
        assert!(pages >= memchr::memmem::find_iter(objects, b"<</Type/Page>>").count() as u64);
    }
}
