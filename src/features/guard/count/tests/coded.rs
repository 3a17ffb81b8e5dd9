//! Every kind of reply in every coding, however it is cut: whole and in pieces it is counted alike, whether it is as it
//! was written or was changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, Response};
use proptest::sample::Index;

use super::archives::pack;
use super::objects::{EXPLICIT, of};
use super::prints::{document, page, tree};
use super::properties::cut;
use super::workbooks::{sheet, workbook};
use super::*;
use crate::domain::reply_shape::{
    ArchiveShape, ElementPath, Encoding, FileNames, InsideShape, PackedShape, Packing, PdfRecord, ReplyShape,
};
use crate::domain::row_selector::RowSelector;
use crate::features::guard::meter::Meter;
use crate::features::guard::settings::GuardSettings;
use crate::features::guard::tests::codings::{brotli, deflate, zlib, zstd};
use crate::features::guard::tests::gzip;

const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1 << 20, decompression_ratio: 200, request_body_bytes: 1024 };

type Encode = fn(&[u8]) -> Vec<u8>;
const CODINGS: [(&str, Encode); 6] = [
    ("identity", |plain| plain.to_vec()),
    ("gzip", gzip),
    ("deflate", zlib),
    ("deflate", deflate),
    ("br", brotli),
    ("zstd", zstd),
];

/// A reply: how it is counted, what it says that it is, its body, and how many records are in it.
struct Written {
    kind: ReplyKind,
    media_type: &'static str,
    body: Vec<u8>,
    records: u64,
}

fn written(kind: ReplyKind, media_type: &'static str, body: impl Into<Vec<u8>>, records: usize) -> Written {
    Written { kind, media_type, body: body.into(), records: records as u64 }
}

/// So many times this, with its number.
fn each(number: usize, write: impl Fn(usize) -> String) -> String {
    (0..number).map(write).collect()
}

/// A list of the elements of JSON.
fn list(number: usize) -> String {
    (0..number).map(|row| format!("{{\"mrn\":\"{row}\",\"n\":[1,\"]\"]}}")).collect::<Vec<_>>().join(",")
}

fn inside(encoding: Encoding) -> ReplyKind {
    ReplyKind::Inside(InsideShape { at: RecordsPointer::read("/data"), encoding, of: Box::new(CSV) })
}

/// One of each kind.
fn replies(number: usize) -> Vec<Written> {
    let csv = format!("ID,n\n{}", each(number, |row| format!("{row},\"a\nb\"\n")));
    let archive = ArchiveShape {
        entries: FileNames::any_of(["*.csv"]),
        besides: FileNames::default(),
        of: Some(Box::new(CSV)),
    };
    let rows = each(number, |row| format!("<row><c><v>{row}</v></c></row>"));
    let rows = sheet(&format!("<row><c t=\"s\"><v>0</v></c></row>{rows}"));
    let pages: Vec<_> = std::iter::once(tree(number)).chain((0..number).map(|_| page())).collect();
    let entry = |row| format!("{{\"resource\":{{\"resourceType\":\"Patient\",\"id\":\"{row}\"}}}}");
    let entries = (0..number).map(entry).collect::<Vec<_>>().join(",");
    let tuples = each(number, |row| format!("INSERT INTO p VALUES ({row},'a;''b');\n"));
    vec![
        written(CSV, "text/csv", csv.clone(), number),
        written(
            ReplyKind::Csv { delimiter: Some(b'\t'), header: true },
            "text/tab-separated-values",
            format!("ID\tn\n{}", each(number, |row| format!("{row}\ta\n"))),
            number,
        ),
        written(json_shape("/data"), "application/json", format!("{{\"data\":[{}]}}", list(number)), number),
        written(
            ReplyKind::Graphql,
            "application/graphql-response+json",
            format!("{{\"data\":{{\"p\":{{\"edges\":[{}],\"pageInfo\":{{\"a\":1}}}}}}}}", list(number)),
            number,
        ),
        written(
            ReplyKind::FhirBundle,
            "application/fhir+json",
            format!("{{\"resourceType\":\"Bundle\",\"entry\":[{entries}]}}"),
            number,
        ),
        written(
            ReplyKind::Ndjson,
            "application/x-ndjson",
            each(number, |row| format!("{{\"mrn\":\"{row}\"}}\n")),
            number,
        ),
        written(
            ReplyKind::Html { rows: RowSelector::read("table tr").unwrap() },
            "text/html",
            format!("<!DOCTYPE html><table>{}</table>", each(number, |row| format!("<tr><td>{row}"))),
            number,
        ),
        written(
            ReplyKind::Xml { records: ElementPath::read("/r/row").unwrap() },
            "application/xml",
            format!("<r>{}</r>", each(number, |row| format!("<row id=\"{row}\"><![CDATA[<row>]]></row>"))),
            number,
        ),
        written(ReplyKind::Sql, "application/sql", format!("-- MySQL dump 10.13\n{tuples}"), number),
        written(
            ReplyKind::Hl7v2,
            "application/hl7-v2",
            format!("FHS|^~\\&|\r{}", each(number, |row| format!("MSH|^~\\&|A\rPID|1||{row}\r"))),
            number,
        ),
        written(
            ReplyKind::Multipart { of: Some(Box::new(CSV)) },
            "multipart/mixed; boundary=b",
            format!("--b\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--b--\r\n"),
            number,
        ),
        written(
            ReplyKind::Packed(PackedShape { by: Packing::Gzip, of: Box::new(CSV) }),
            "application/x-gzip",
            gzip(csv.as_bytes()),
            number,
        ),
        written(
            ReplyKind::Packed(PackedShape { by: Packing::Zstd, of: Box::new(ReplyKind::Sql) }),
            "application/zstd",
            zstd(tuples.as_bytes()),
            number,
        ),
        written(ReplyKind::Zip(archive), "application/zip", pack(&[("all.csv", csv.as_bytes())]), number),
        written(
            ReplyKind::Xlsx { header: true },
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            workbook(&[("xl/worksheets/sheet1.xml", rows.as_bytes())]),
            number,
        ),
        written(ReplyKind::Dicom, "application/dicom", of(EXPLICIT, "LW1"), 1),
        written(ReplyKind::Pdf { record: PdfRecord::Page }, "application/pdf", document(&pages), number),
        written(
            inside(Encoding::Base64),
            "application/json",
            json!({ "data": STANDARD.encode(&csv) }).to_string(),
            number,
        ),
        written(inside(Encoding::Text), "application/json", json!({ "data": csv }).to_string(), number),
    ]
}

/// What a meter makes of it.
fn metered<'b>(kind: &ReplyKind, head: &Parts, pieces: impl Iterator<Item = &'b [u8]>) -> Tally {
    let shape = ReplyShape { kind: kind.clone(), patient: None, same_numbers: false };
    let mut meter = Meter::new(Some(&shape), head, &SETTINGS);
    pieces.for_each(|piece| meter.push(piece));
    meter.finish()
}

fn head(media_type: &str, coding: &str) -> Parts {
    let mut head = Response::new(()).into_parts().0;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_str(media_type).unwrap());
    if coding != "identity" {
        head.headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
    }
    head
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_kind_in_every_coding_is_counted_alike_however_it_is_cut(
        number in 1_usize..12,
        sizes in proptest::collection::vec(1_usize..90, 1..8),
        change in any::<Index>(),
        byte in any::<u8>(),
    ) {
        for Written { kind, media_type, body, records } in replies(number) {
            let mut changed = body.clone();
            changed[change.index(body.len())] = byte;
            for (coding, encode) in CODINGS {
                let head = head(media_type, coding);
                let sent = encode(&body);
                let whole = metered(&kind, &head, std::iter::once(&sent[..]));
                prop_assert_eq!(whole.records, Count::Exactly(records), "{} {:?}", coding, kind);
                prop_assert_eq!(metered(&kind, &head, cut(&sent, &sizes)), whole, "{} {:?}", coding, kind);

                let sent = encode(&changed);
                let whole = metered(&kind, &head, std::iter::once(&sent[..]));
                let pieces = metered(&kind, &head, cut(&sent, &sizes));
                // A document that is broken, and holds a file that is, too, is told as one or the other as it was cut.
                let is_unknown = |tally: &Tally| matches!(tally.records, Count::Unknown(_));
                let is_twofold = matches!(kind, ReplyKind::Inside(_)) && is_unknown(&whole) && is_unknown(&pieces);
                prop_assert!(pieces == whole || is_twofold, "{coding} {kind:?}: {pieces:?} {whole:?}");
            }
        }
    }
}
