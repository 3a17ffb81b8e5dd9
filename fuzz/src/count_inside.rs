//! A file in a string of JSON is counted as if it came alone, however it is cut. The first byte is the size of a piece, the
//! second the encoding; the rest is a document, or a file that is put into one here.
use base64::Engine as _;
use leastway::domain::count::{Count, WhyUnknown};
use leastway::domain::reply_shape::{Encoding, InsideShape, RecordsPointer, ReplyKind};
use leastway::features::guard::count::ARCHIVES;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let (cut, choice) = (input.byte(), input.byte());
    let body = input.rest();
    let csv = ReplyKind::Csv { delimiter: Some(b','), header: false };
    let encoding = if choice % 2 == 0 { Encoding::Base64 } else { Encoding::Text };
    let at = RecordsPointer::read("/*/data");
    let kind = ReplyKind::Inside(InsideShape { at, encoding, of: Box::new(csv.clone()) });
    count(&kind, None, body, cut);
    let data = match (encoding, std::str::from_utf8(body)) {
        (Encoding::Base64, _) => base64::engine::general_purpose::STANDARD.encode(body),
        (Encoding::Text, Ok(text)) => text.to_owned(),
        (Encoding::Text, Err(_)) => return,
    };
    let document = serde_json::json!([{ "data": data }, { "data": null }]).to_string();
    let (inside, alone) =
        (count(&kind, None, document.as_bytes(), cut).records, count(&csv, None, body, cut).records);
    match alone {
        // What is named a text and is an archive is not read as a text.
        Count::Exactly(_) if ARCHIVES.iter().any(|beginning| body.starts_with(beginning)) => {
            assert_eq!(inside, Count::Unknown(WhyUnknown::Mismatch));
        }
        Count::Exactly(_) => assert_eq!(inside, alone),
        Count::Unknown(_) | Count::AtLeast(_) | Count::NotCounted => {
            assert!(matches!(inside, Count::Unknown(_)))
        }
    }
}
