//! Files in strings of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};

use super::properties::cut;
use super::*;
use crate::domain::reply_shape::{Encoding, InsideShape, PdfRecord};

fn inside(pointer: &str, encoding: Encoding, of: ReplyKind) -> ReplyKind {
    ReplyKind::Inside(InsideShape { at: RecordsPointer::read(pointer), encoding, of: Box::new(of) })
}

fn rows_at(pointer: &str) -> ReplyKind {
    inside(pointer, Encoding::Base64, CSV)
}

const ROWS: &str = "ID,n\n1,a\n2,b\n2,\u{e9}?\u{ff}\n";

fn rows() -> Tally {
    Tally { records: Count::Exactly(3), patients: Count::Exactly(2) }
}

#[test]
fn a_file_in_a_string_is_counted_by_what_it_holds() {
    let (padded, bare, url) = (STANDARD.encode(ROWS), STANDARD_NO_PAD.encode(ROWS), URL_SAFE.encode(ROWS));
    let lines = padded.as_bytes().chunks(20).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>();
    let escaped = padded.replace('/', "\\/").replace('+', "\\u002B").replace('=', "\\u003d");
    let bodies = [
        ("padded", json!({ "resourceType": "Binary", "data": padded }).to_string()),
        ("not padded", json!({ "data": bare, "after": [1, { "data": "x" }] }).to_string()),
        ("of addresses", json!({ "data": url }).to_string()),
        ("on lines", json!({ "data": lines.join("\r\n") }).to_string()),
        ("escaped", format!("{{\"data\":\"{escaped}\"}}")),
        ("its name escaped", format!("{{\"d\\u0061ta\":\"{padded}\"}}")),
    ];
    for (name, body) in bodies {
        assert_eq!(count(&rows_at("/data"), Some(&column("ID")), body), rows(), "{name}");
    }
    let text = inside("/csv", Encoding::Text, CSV);
    assert_eq!(count(&text, Some(&column("ID")), json!({ "csv": ROWS }).to_string()), rows());
    let quoted = json!({ "csv": "ID,n\n1,\"a\nb\"\n2,\"\"\"\"\n" }).to_string();
    assert_eq!(count(&text, Some(&column("ID")), quoted).records, Count::Exactly(2));
}

#[test]
fn files_of_all_elements_are_counted_as_a_whole() {
    let kind = rows_at("/content/*/attachment/data");
    let attachment = |data: &str| json!({ "attachment": { "data": STANDARD.encode(data), "title": "x" } });
    let body = json!({ "content": [attachment("ID\n1\n2\n"), attachment("ID\n2\n3\n"), { "attachment": { "data": null } }] });
    let tally = count(&kind, Some(&column("ID")), body.to_string());
    assert_eq!(tally, Tally { records: Count::Exactly(4), patients: Count::Exactly(3) });
    assert_eq!(records(&kind, json!({ "content": [] }).to_string()), Count::Exactly(0));
    let second = rows_at("/1");
    let body = json!([STANDARD.encode("ID\n1\n"), STANDARD.encode(ROWS), "?"]).to_string();
    assert_eq!(records(&second, body), Count::Exactly(3));
    let each = rows_at("/*");
    assert_eq!(
        records(&each, json!([STANDARD.encode("ID\n1\n"), STANDARD.encode(ROWS)]).to_string()),
        Count::Exactly(4)
    );
    assert_eq!(records(&rows_at(""), json!(STANDARD.encode(ROWS)).to_string()), Count::Exactly(3));
}

#[test]
fn what_is_not_where_the_file_has_to_be_makes_the_number_unknown() {
    let file = STANDARD.encode(ROWS);
    let undecodable = Count::Unknown(WhyUnknown::Undecodable);
    let cases = [
        ("nothing", json!({ "rows": [1] }).to_string(), UNPARSABLE),
        ("an object", json!({ "data": { "data": file } }).to_string(), UNPARSABLE),
        ("an array", json!({ "data": [file] }).to_string(), UNPARSABLE),
        ("a number", json!({ "data": 7 }).to_string(), UNPARSABLE),
        ("an error message", json!({ "error": "no such document" }).to_string(), UNPARSABLE),
        ("twice", format!("{{\"data\":\"{file}\",\"data\":\"{file}\"}}"), UNPARSABLE),
        ("no JSON", file.clone(), UNPARSABLE),
        ("cut", format!("{{\"data\":\"{}", file.get(..12).unwrap()), UNPARSABLE),
        ("no base64", json!({ "data": "ID,n\n1,a\n" }).to_string(), undecodable),
        (
            "a data address",
            json!({ "data": format!("data:text/csv;base64,{file}") }).to_string(),
            undecodable,
        ),
        ("something behind the padding", json!({ "data": "SUQKMQo=SUQKMQo=" }).to_string(), undecodable),
        ("a sign too many", json!({ "data": "SUQKM" }).to_string(), undecodable),
        ("an open quote in it", json!({ "data": STANDARD.encode("ID\n\"1\n") }).to_string(), UNPARSABLE),
        (
            "another kind",
            json!({ "data": STANDARD.encode("ID,n\n\0\n") }).to_string(),
            Count::Unknown(WhyUnknown::Mismatch),
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(records(&rows_at("/data"), body), expected, "{name}");
    }
    assert_eq!(records(&rows_at("/data"), json!({ "data": null }).to_string()), Count::Exactly(0));
    assert_eq!(records(&rows_at("/data"), json!({ "data": "" }).to_string()), Count::Exactly(0));
    assert_eq!(records(&rows_at("/data"), ""), Count::Exactly(0));
    let pages = inside("/data", Encoding::Base64, ReplyKind::Pdf { record: PdfRecord::Document });
    assert_eq!(
        records(&pages, json!({ "data": STANDARD.encode("%PDF-1.7\n") }).to_string()),
        Count::Exactly(1)
    );
}

proptest! {
    #[test]
    fn a_long_file_in_a_string_is_counted_however_it_is_cut(
        rows in proptest::collection::vec("[a-z,+/\u{e9}\"]{0,40}", 0..400),
        text in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..700, 1..8),
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["ID"]).unwrap();
        for row in &rows {
            writer.write_record([row]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let (encoding, data) = if text {
            (Encoding::Text, String::from_utf8(file).unwrap())
        } else {
            (Encoding::Base64, STANDARD.encode(file))
        };
        let kind = inside("/data", encoding, ReplyKind::Csv { delimiter: Some(b','), header: true });
        let body = json!({ "meta": ["data", { "data": 1 }], "data": data, "end": true }).to_string();
        let mut counter = Counter::new(&kind, None).unwrap();
        cut(body.as_bytes(), &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish().records, Count::Exactly(rows.len() as u64));
    }
}
