//! A reply is counted alike however its body is cut, whatever its head says; and what its head promises is not
//! believed against its bytes: plain JSON of the declared shape is counted as the counter counts it.

use http::Response;
use leastway::domain::count::{Count, WhyUnknown};
use leastway::domain::reply_shape::{RecordsPointer, ReplyKind, ReplyShape};
use leastway::domain::row_selector::RowSelector;
use leastway::features::guard::count::{Counter, Tally};
use leastway::features::guard::meter::Meter;
use leastway::features::guard::settings::GuardSettings;

use crate::input::{Input, pieces};

const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1 << 20, decompression_ratio: 20, request_body_bytes: 1024 };

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, cut) = (input.byte(), input.byte());
    let kind = match choice % 10 {
        0 => None,
        1 => Some(ReplyKind::Json { records: RecordsPointer::default() }),
        2 => Some(ReplyKind::FhirBundle),
        3 => Some(ReplyKind::Ndjson),
        4 => Some(ReplyKind::Csv { delimiter: None, header: true }),
        5 => Some(ReplyKind::Sql),
        6 => Some(ReplyKind::Hl7v2),
        7 => Some(ReplyKind::Multipart { of: None }),
        8 => Some(ReplyKind::Html { rows: RowSelector::read("table tr").expect("a selector") }),
        _ => Some(ReplyKind::Opaque),
    };
    let shape = kind.map(|kind| ReplyShape { kind, patient: None, same_numbers: false });
    let status = [200, 206, 302, 404, 500, 226, 204, 301][usize::from(choice >> 5)];
    let mut head = Response::new(()).into_parts().0;
    head.status = http::StatusCode::from_u16(status).expect("a status");
    head.headers = input.headers();
    let body = input.rest();

    // What turns out to be a message, or no Bundle, is no data after all.
    let is_steady = status == 200 && choice % 10 != 2;
    let through = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut meter = Meter::new(shape.as_ref(), &head, &SETTINGS);
        if choice & 16 != 0 {
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
    // Where a coded body breaks, it is chance how much of its last piece was seen before.
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

/// Why the number is unknown, for a body that does not decode or, by what came before, does not fit its shape.
fn broken(tally: &Tally) -> Option<WhyUnknown> {
    match tally.records {
        Count::Unknown(why @ (WhyUnknown::Undecodable | WhyUnknown::Mismatch)) => Some(why),
        _ => None,
    }
}
