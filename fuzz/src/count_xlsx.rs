//! Rows of a workbook are counted as `roxmltree` finds them, however it is cut. The first byte is the size of a piece; the
//! rest is a sheet, which is packed here, or an archive as it is.
use std::io::{Cursor, Write as _};

use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let kind = ReplyKind::Xlsx { header: false };
    if body.starts_with(b"PK") {
        count(&kind, None, body, cut);
        return;
    }
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).expect("a file");
    writer.write_all(body).expect("memory");
    let archive = writer.finish().expect("an archive").into_inner();
    let whole = count(&kind, None, &archive, cut);
    let (Count::Exactly(number), Ok(text)) = (whole.records, std::str::from_utf8(body)) else { return };
    let Ok(document) = roxmltree::Document::parse(text) else { return };
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "worksheet" | "macrosheet" | "dialogsheet") {
        return;
    }
    let blank = |text: &str| text.bytes().all(|byte| byte.is_ascii_whitespace());
    let data = root.children().filter(|node| node.tag_name().name() == "sheetData");
    let rows = data.flat_map(|data| data.children()).filter(|node| node.tag_name().name() == "row");
    let has_text = |row: &roxmltree::Node<'_, '_>| {
        row.descendants()
            .filter(roxmltree::Node::is_text)
            .filter_map(|node| node.text())
            .any(|text| !blank(text))
    };
    // A reference to white space is text as it is written.
    assert!(number >= rows.filter(has_text).count() as u64);
}
