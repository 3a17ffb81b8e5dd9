//! What is sent has its number within the cap, by another reading than ours, and differs in nothing else; twice is once.

use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use leastway::features::route::ask::settings::{Asks, Cap, Missing, Place, Zero};
use leastway::features::route::ask::{Asking, Bounds};
use leastway::features::route::body::BodyLimits;
use leastway::features::route::fields::Fields;
use leastway::features::route::quirks::Quirks;
use leastway::features::route::view::{PathView, RequestView, Segments, Span};
use serde_json::Value;

const MAX: u64 = 100;
const NAME: &str = "limit";
const FORM: &str = "application/x-www-form-urlencoded";

/// The first byte says what it is: a query, a form or JSON.
pub fn check(bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else { return };
    match kind {
        b'q' => {
            let Ok(query) = std::str::from_utf8(text) else { return };
            let Some(sent) = admit(Place::Query(NAME.to_owned()), query, "", b"") else { return };
            is_within(&sent);
            assert_eq!(admit(Place::Query(NAME.to_owned()), text_of(&sent), "", b"").as_ref(), Some(&sent));
        }
        b'f' => {
            let Some(sent) = admit(Place::Form(NAME.to_owned()), "", FORM, text) else { return };
            is_within(&sent);
            assert_eq!(admit(Place::Form(NAME.to_owned()), "", FORM, &sent).as_ref(), Some(&sent));
        }
        _ => {
            let Some(sent) = admit(Place::Json("/limit".to_owned()), "", "application/json", text) else {
                return;
            };
            let mut after: Value = serde_json::from_slice(&sent).expect("what is sent is JSON");
            let mut before: Value = serde_json::from_slice(text).expect("what came was JSON");
            let number = take(&mut after).expect("there is a number");
            let number = number.as_u64().or_else(|| number.as_str()?.parse().ok());
            assert!(number.is_some_and(|number| (1..=MAX).contains(&number)), "{number:?}");
            take(&mut before);
            assert_eq!(before, after);
            let json = Place::Json("/limit".to_owned());
            assert_eq!(admit(json, "", "application/json", &sent).as_ref(), Some(&sent));
        }
    }
}

/// What is sent in the place, if anything is.
fn admit(place: Place, query: &str, media_type: &'static str, body: &[u8]) -> Option<Vec<u8>> {
    let in_query = matches!(place, Place::Query(_));
    let target: PathAndQuery = format!("/do?{query}").parse().ok()?;
    // What `http` cuts off is nothing that an application is sent.
    let query = target.query().unwrap_or_default().to_owned();
    let fields = Fields::parse(query.as_bytes()).ok()?;
    let mut headers = HeaderMap::new();
    if !media_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    let spans = [Span::new(1, 3)];
    let segments = Segments::new("/do", &spans);
    let path = PathView { matched: segments, decoded: segments };
    let view = RequestView { path, method: &Method::POST, query: &fields, headers: &headers };
    let cap = Cap { place, max: MAX, missing: Missing::Add, zero: Zero::All, also: Vec::new() };
    let asks = Asks { caps: vec![cap], ..Asks::default() };
    let asking = Asking { target: &target, view: &view, bytes: body, quirks: Quirks::STRICT, captures: &[] };
    let bounds = Bounds {
        page_size: None,
        days_back: None,
        formats: None,
        may_deny: true,
        advises: false,
        today: jiff::civil::Date::MAX,
        limits: BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 },
    };
    let (rewritten, _) = asks.admit(&asking, &bounds).ok()?;
    Some(if in_query {
        rewritten.query.unwrap_or_else(|| query.into_bytes())
    } else {
        rewritten.body.unwrap_or_else(|| body.to_vec())
    })
}

fn text_of(sent: &[u8]) -> &str {
    std::str::from_utf8(sent).expect("a query is text")
}

/// Whether a lax reader, who splits at `;` too, minds no case and makes arrays, finds one number within the cap.
fn is_within(sent: &[u8]) {
    let pieces = sent.split(|byte| matches!(byte, b'&' | b';'));
    let mut numbers = pieces.filter_map(|piece| {
        let at = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
        let name = decode(&piece[..at]).trim().to_ascii_lowercase();
        let is_ours = name == NAME || name.starts_with("limit[");
        is_ours.then(|| decode(piece.get(at + 1..).unwrap_or_default()).parse::<u64>())
    });
    assert!(matches!(numbers.next(), Some(Ok(1..=MAX))), "no number within the cap");
    assert!(numbers.next().is_none(), "a second number");
}

fn decode(raw: &[u8]) -> String {
    let plain: Vec<u8> = raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = plain.get(at) {
        let escape = (*byte == b'%').then(|| plain.get(at + 1..at + 3)).flatten();
        let decoded = escape.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        out.push(decoded.unwrap_or(*byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn take(document: &mut Value) -> Option<Value> {
    document.as_object_mut()?.shift_remove(NAME)
}
