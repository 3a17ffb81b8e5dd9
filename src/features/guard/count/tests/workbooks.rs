//! Workbooks as programs write them, and what is none.

use super::archives::{File, pack};
use super::properties::cut;
use super::*;

const WORKBOOK: ReplyKind = ReplyKind::Xlsx { header: true };

pub(super) fn workbook(parts: &[File<'_>]) -> Vec<u8> {
    let usual: [File<'_>; 4] = [
        (
            "[Content_Types].xml",
            b"<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package\"/>",
        ),
        ("_rels/.rels", b"<Relationships/>"),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"a\"/></sheets></workbook>"),
        ("xl/styles.xml", b"<styleSheet/>"),
    ];
    pack(&[&usual[..], parts].concat())
}

pub(super) fn sheet(rows: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<!-- made -->\n<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <dimension ref=\"A1:B9\"/><sheetData>{rows}</sheetData><pageMargins left=\"1\"/></worksheet>"
    )
}

fn rows_of(rows: &str) -> Count {
    records(&WORKBOOK, workbook(&[("xl/worksheets/sheet1.xml", sheet(rows).as_bytes())]))
}

#[test]
fn rows_with_a_value_are_counted_after_the_header() {
    let head = "<row r=\"1\"><c t=\"s\"><v>0</v></c></row>";
    let cases = [
        ("no rows", String::new(), 0),
        ("the header alone", head.to_owned(), 0),
        ("numbers", format!("{head}<row><c><v>1</v></c></row><row><c><v>2</v></c><c><v>3</v></c></row>"), 2),
        ("text within", format!("{head}<row><c t=\"inlineStr\"><is><t>a</t></is></c></row>"), 1),
        (
            "text in runs",
            format!("{head}<row><c t=\"inlineStr\"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>"),
            1,
        ),
        ("a formula alone", format!("{head}<row><c><f>SUM(A1:A3)</f></c></row>"), 1),
        ("character data", format!("{head}<row><c><v><![CDATA[7]]></v></c></row>"), 1),
        ("a reference", format!("{head}<row><c t=\"str\"><v>&#65;</v></c></row>"), 1),
        (
            "rows with looks alone",
            format!("{head}<row r=\"2\"/><row ht=\"9\"><c s=\"1\"/></row><row><c><v/></c></row>"),
            0,
        ),
        (
            "blank text",
            format!("{head}<row><c t=\"inlineStr\"><is><t xml:space=\"preserve\"> </t></is></c></row>"),
            0,
        ),
        (
            "a row within an extension",
            format!("{head}<row><c><v>1</v></c><extLst><ext><row>5</row></ext></extLst></row>"),
            1,
        ),
    ];
    for (name, rows, expected) in cases {
        assert_eq!(rows_of(&rows), Count::Exactly(expected), "{name}");
    }
    let bare = ReplyKind::Xlsx { header: false };
    let two = sheet("<row><c><v>1</v></c></row><row><c><v>2</v></c></row>");
    assert_eq!(records(&bare, workbook(&[("xl/worksheets/sheet1.xml", two.as_bytes())])), Count::Exactly(2));
}

#[test]
fn rows_of_every_sheet_count_whatever_its_part_is_called() {
    let row = "<row><c><v>1</v></c></row>";
    let (one, two) = (sheet(&row.repeat(4)), sheet(&row.repeat(3)));
    let prefixed = "<x:worksheet xmlns:x=\"u\"><x:sheetData><x:row><x:c><x:v>1</x:v></x:c></x:row>\
                    <x:row><x:c><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>";
    let marked = [b"\xEF\xBB\xBF", one.as_bytes()].concat();
    let body = workbook(&[
        ("xl/worksheets/sheet1.xml", one.as_bytes()),
        ("elsewhere/data.part", two.as_bytes()),
        ("xl/media/image1.png", prefixed.as_bytes()),
        ("xl/worksheets/sheet9.xml", &marked),
        ("xl/media/image2.png", b"\x89PNG\r\n\x1A\n"),
        ("xl/printerSettings/printerSettings1.bin", b"\0\0\0"),
        ("xl/sharedStrings.xml", b"<sst><si><t>a</t></si></sst>"),
    ]);
    assert_eq!(records(&WORKBOOK, body), Count::Exactly(3 + 2 + 1 + 3));
}

#[test]
fn what_a_pivot_table_keeps_counts_too() {
    let one = sheet("<row><c><v>1</v></c></row>");
    let cache = b"<pivotCacheRecords count=\"2\"><r><x v=\"0\"/></r><r><n v=\"1\"/></r></pivotCacheRecords>";
    let body =
        workbook(&[("xl/worksheets/sheet1.xml", one.as_bytes()), ("xl/pivotCache/records1.xml", cache)]);
    assert_eq!(records(&WORKBOOK, body), Count::Exactly(2));
}

#[test]
fn what_could_hold_rows_in_another_form_is_not_counted() {
    let one = sheet("<row><c><v>1</v></c></row>");
    let with = |name, bytes: &[u8]| workbook(&[("xl/worksheets/sheet1.xml", one.as_bytes()), (name, bytes)]);
    let mismatch = Count::Unknown(WhyUnknown::Mismatch);
    let long = format!("<!--{}--><worksheet/>", "a".repeat(9000));
    let wide: Vec<u8> = format!("\u{feff}{one}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases = [
        ("a binary sheet", with("xl/worksheets/sheet2.bin", b"\x81\x01\0"), mismatch),
        ("a data model", with("xl/model/item.data", b"\xFE\xFF\0"), mismatch),
        ("something embedded", with("xl/embeddings/oleObject1.bin", b"\xD0\xCF\x11\xE0"), mismatch),
        ("a workbook in it", with("xl/embeddings/book.xlsx", b"PK\x03\x04"), mismatch),
        ("a part with text", with("patients.csv", b"ID,n\n1,a\n"), mismatch),
        (
            "what was linked",
            with("xl/externalLinks/externalLink1.xml", b"<externalLink></externalLink>"),
            mismatch,
        ),
        ("a sheet in UTF-16", with("xl/worksheets/sheet2.xml", &wide), mismatch),
        ("a document type", with("xl/worksheets/sheet2.xml", b"<!DOCTYPE worksheet><worksheet/>"), mismatch),
        ("a root that comes late", with("xl/worksheets/sheet2.xml", long.as_bytes()), mismatch),
        ("no root", with("xl/worksheets/sheet2.xml", b"<?xml version=\"1.0\"?>"), mismatch),
        (
            "a sheet that breaks off",
            with("xl/worksheets/sheet2.xml", b"<worksheet><sheetData><row>"),
            UNPARSABLE,
        ),
        (
            "a sheet without rows' place",
            with("xl/worksheets/sheet2.xml", b"<worksheet></worksheet>"),
            UNPARSABLE,
        ),
        (
            "crossed elements",
            with("a.xml", b"<worksheet><sheetData><row></sheetData></row></worksheet>"),
            UNPARSABLE,
        ),
        ("no workbook", pack(&[("word/document.xml", b"<w:document><w:body/></w:document>")]), mismatch),
        ("rows", b"ID,n\n1,a\n".to_vec(), mismatch),
        ("an older workbook", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), mismatch),
    ];
    for (name, body, expected) in cases {
        assert_eq!(records(&WORKBOOK, body), expected, "{name}");
    }
    assert_eq!(records(&WORKBOOK, b""), Count::Exactly(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_are_counted_as_roxmltree_reads_them(
        sheets in proptest::collection::vec(proptest::collection::vec(proptest::collection::vec(0_usize..6, 0..4), 0..9), 1..4),
        header in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..90, 1..8),
    ) {
        let cells = ["<c/>", "<c s=\"1\"><v/></c>", "<c><v>5</v></c>", "<c t=\"inlineStr\"><is><t>a&amp;b</t></is></c>", "<!--x-->", " "];
        let row = |row: &Vec<usize>| format!("<row>{}</row>", row.iter().map(|cell| cells[*cell]).collect::<String>());
        let sheets: Vec<String> = sheets.iter().map(|rows| sheet(&rows.iter().map(row).collect::<String>())).collect();
        let names: Vec<String> = (1..=sheets.len()).map(|number| format!("xl/worksheets/sheet{number}.xml")).collect();
        let parts: Vec<File<'_>> = names.iter().zip(&sheets).map(|(name, text)| (&**name, text.as_bytes())).collect();
        let body = workbook(&parts);

        let has_text = |row: &roxmltree::Node<'_, '_>| {
            let texts = row.descendants().filter(roxmltree::Node::is_text);
            texts.filter_map(|node| node.text().map(str::trim)).any(|text| !text.is_empty())
        };
        let rows_of = |text: &String| {
            let document = roxmltree::Document::parse(text).unwrap();
            let rows = document.descendants().filter(|node| node.tag_name().name() == "row" && has_text(node)).count();
            rows.saturating_sub(usize::from(header))
        };
        let expected: usize = sheets.iter().map(rows_of).sum();
        let kind = ReplyKind::Xlsx { header };
        let mut counter = Counter::new(&kind, None).unwrap();
        for piece in cut(&body, &sizes) {
            counter.push(piece);
            let Count::AtLeast(so_far) = counter.so_far().records else { panic!("it is a workbook") };
            prop_assert!(so_far <= expected as u64);
        }
        prop_assert_eq!(counter.finish().records, Count::Exactly(expected as u64));
    }
}
