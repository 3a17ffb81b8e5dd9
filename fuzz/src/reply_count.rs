//! A reply is counted alike however its body is cut, whatever its head says; and what its head promises is not
//! believed against its bytes: plain JSON of the declared shape is counted as the counter counts it.

use http::Response;
use leastway::domain::count::{Count, WhyUnknown};
use leastway::domain::reply_shape::{
    ArchiveShape, ElementPath, Encoding, FileNames, InsideShape, PdfRecord, RecordsPointer, ReplyKind,
    ReplyShape,
};
use leastway::domain::row_selector::RowSelector;
use leastway::features::guard::count::{Counter, Tally};
use leastway::features::guard::meter::Meter;
use leastway::features::guard::settings::GuardSettings;

use crate::input::{Input, pieces};

const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1 << 20, decompression_ratio: 20, request_body_bytes: 1024 };

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, circumstance, cut) = (input.byte(), input.byte(), input.byte());
    let kind = kind(choice);
    let shape = kind.map(|kind| ReplyShape { kind, patient: None, same_numbers: false });
    let status = [200, 206, 302, 404, 500, 226, 204, 301][usize::from(circumstance & 7)];
    let mut head = Response::new(()).into_parts().0;
    head.status = http::StatusCode::from_u16(status).expect("a status");
    head.headers = input.headers();
    let body = input.rest();

    // What turns out to be a message, or no Bundle, is no data after all.
    let is_bundle = shape.as_ref().is_some_and(|shape| shape.kind == ReplyKind::FhirBundle);
    let is_steady = status == 200 && !is_bundle;
    let through = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut meter = Meter::new(shape.as_ref(), &head, &SETTINGS);
        if circumstance & 8 != 0 {
            meter.take_away(&head, &SETTINGS);
        }
        let mut least = 0;
        for piece in pieces {
            meter.push(piece);
            match meter.so_far().records {
                Count::AtLeast(number) => {
                    assert!(number >= least || !is_steady, "it does not count backwards");
                    least = number;
                }
                Count::Exactly(_) => panic!("it has not ended"),
                Count::Unknown(_) | Count::NotCounted => {}
            }
        }
        let tally = meter.finish();
        assert!(!is_steady || !matches!(tally.records, Count::Exactly(number) if number < least));
        (tally, meter.looks_like_file())
    };
    let whole = through(&mut [body].into_iter().filter(|body| !body.is_empty()));
    let in_pieces = through(&mut pieces(body, cut));
    // Where a coded body, or a coded file inside of it, breaks, it is chance how much of its last piece was seen before.
    if !matches!(
        (broken(&whole.0), broken(&in_pieces.0)),
        (Some(WhyUnknown::Undecodable), Some(_)) | (Some(_), Some(WhyUnknown::Undecodable))
    ) {
        assert_eq!(in_pieces, whole);
    }

    let is_plain = head.headers.len() == 1
        && head.headers.get("content-type").is_some_and(|is| is == "application/json");
    if let Some(ReplyShape { kind: kind @ ReplyKind::Json { .. }, .. }) = &shape
        && is_plain
        && status == 200
        && !body.is_empty()
    {
        let mut counter = Counter::new(kind, None).expect("countable");
        counter.push(body);
        let counted = counter.finish();
        assert!(whole.0 == counted || whole.0 == Tally::unknown(WhyUnknown::Mismatch));
    }
}

/// Why the number is unknown, for a body that does not decode or, by what came before, does not fit its shape or its grammar.
fn broken(tally: &Tally) -> Option<WhyUnknown> {
    match tally.records {
        Count::Unknown(why @ (WhyUnknown::Undecodable | WhyUnknown::Mismatch | WhyUnknown::Unparsable)) => {
            Some(why)
        }
        _ => None,
    }
}

/// Every kind, and none; those that hold others, with one of each sort within.
fn kind(choice: u8) -> Option<ReplyKind> {
    let names = |text: &str| FileNames::any_of([text]);
    let rows = || Box::new(ReplyKind::Csv { delimiter: None, header: true });
    Some(match choice % 20 {
        1 => ReplyKind::Json { records: RecordsPointer::default() },
        2 => ReplyKind::FhirBundle,
        3 => ReplyKind::Ndjson,
        4 => ReplyKind::Csv { delimiter: None, header: true },
        5 => ReplyKind::Sql,
        6 => ReplyKind::Hl7v2,
        7 => ReplyKind::Multipart { of: None },
        8 => ReplyKind::Html { rows: RowSelector::read("table tr").expect("a selector") },
        9 => ReplyKind::Opaque,
        10 => ReplyKind::LargestArray,
        11 => ReplyKind::Xml { records: ElementPath::read("/list/item").expect("a path") },
        12 => ReplyKind::Multipart { of: Some(Box::new(ReplyKind::Dicom)) },
        13 => ReplyKind::Zip(ArchiveShape { entries: names("*"), besides: FileNames::default(), of: None }),
        14 => ReplyKind::Zip(ArchiveShape { entries: names("*.csv"), besides: names("*"), of: Some(rows()) }),
        15 => ReplyKind::Xlsx { header: true },
        16 => ReplyKind::Dicom,
        17 => ReplyKind::Pdf { record: PdfRecord::Page },
        18 => ReplyKind::Inside(InsideShape {
            at: RecordsPointer::read("/file"),
            encoding: Encoding::Base64,
            of: rows(),
        }),
        19 => ReplyKind::Json { records: RecordsPointer::read("/data/*") },
        _ => return None,
    })
}
