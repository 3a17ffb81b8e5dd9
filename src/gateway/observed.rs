//! What a reply is to a request that no route matched, while its application is being observed: as much as tells what route
//! there should be. Never a value: a media type of the usual form, whether it is a file, and where its largest
//! array stands.

use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::domain::event::{Closing, EventObserved};
use crate::domain::reply_shape::{LargestArray, ReplyKind, ReplyShape};
use crate::domain::row_selector::RowSelector;

/// What the head says.
pub(super) fn read(headers: &HeaderMap) -> EventObserved {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(CONTENT_TYPE).map(|value| value.split(';').next().unwrap_or_default().trim());
    let disposition = text(CONTENT_DISPOSITION).unwrap_or_default().trim_start();
    EventObserved {
        media_type: media_type.filter(|it| is_usual(it)).map(str::to_ascii_lowercase),
        attachment: disposition.get(..10).is_some_and(|it| it.eq_ignore_ascii_case("attachment")),
        ..EventObserved::default()
    }
}

/// What its body has shown, once it has passed.
pub(super) fn note(closing: &mut Closing, largest: Option<LargestArray>) {
    if let (Some(observed), Some(LargestArray { at, is_bundle })) = (&mut closing.observed, largest) {
        (observed.records_at, observed.bundle) = (at, is_bundle);
    }
}

/// How its records can be counted without anybody having said how, which nobody is held to.
pub(super) fn shape(observed: &EventObserved) -> Option<ReplyShape> {
    let kind = match observed.media_type.as_deref()? {
        "application/fhir+json" => ReplyKind::FhirBundle,
        "application/json" | "text/json" => ReplyKind::LargestArray,
        it if it.starts_with("application/") && it.ends_with("+json") => ReplyKind::LargestArray,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/fhir+ndjson" => {
            ReplyKind::Ndjson
        }
        "text/csv" | "application/csv" | "text/comma-separated-values" => {
            ReplyKind::Csv { delimiter: None, header: true }
        }
        "text/tab-separated-values" => ReplyKind::Csv { delimiter: Some(b'\t'), header: true },
        "text/html" => ReplyKind::Html { rows: RowSelector::read(TABLE_ROWS).ok()? },
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => {
            ReplyKind::Xlsx { header: true }
        }
        _ => return None,
    };
    Some(ReplyShape { kind, patient: None, same_numbers: false })
}

/// The rows of the tables of a page.
const TABLE_ROWS: &str = "table tbody tr";

/// `type/subtype` (RFC 9110 8.3.1), as long as registered ones are (RFC 6838 4.2).
fn is_usual(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    text.len() <= 127
        && text.split_once('/').is_some_and(|(kind, sub)| {
            [kind, sub].iter().all(|part| !part.is_empty() && part.bytes().all(token))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kind_of_records_it_holds_is_told_by_its_type() {
        let kind = |media_type: &str| {
            let observed =
                EventObserved { media_type: Some(media_type.to_owned()), ..EventObserved::default() };
            shape(&observed).map(|shape| shape.kind)
        };
        for json in ["application/json", "text/json", "application/hal+json"] {
            assert_eq!(kind(json), Some(ReplyKind::LargestArray), "{json}");
        }
        assert_eq!(kind("application/fhir+json"), Some(ReplyKind::FhirBundle));
        assert!(matches!(kind("text/html"), Some(ReplyKind::Html { .. })));
        assert_eq!(kind("application/ndjson"), Some(ReplyKind::Ndjson));
        assert_eq!(
            kind("text/tab-separated-values"),
            Some(ReplyKind::Csv { delimiter: Some(b'\t'), header: true })
        );
        for other in ["application/pdf", "image/png", "text/plain", "image/svg+json"] {
            assert_eq!(kind(other), None, "{other}");
        }
    }

    #[test]
    fn a_reply_is_told_by_its_type_and_disposition_alone() {
        let cases = [
            ("text/CSV; charset=utf-8", "attachment; filename=\"Ruiz, Rosa.csv\"", Some("text/csv"), true),
            ("text/html", "inline; filename=attachment", Some("text/html"), false),
            ("Rosa Ruiz", "ATTACHMENT", None, true),
            ("text/", "attach", None, false),
            ("a/b/c", "", None, false),
        ];
        for (kind, disposition, media_type, attachment) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            headers.insert(CONTENT_DISPOSITION, disposition.parse().unwrap());
            let media_type = media_type.map(str::to_owned);
            let expected = EventObserved { media_type, attachment, ..EventObserved::default() };
            assert_eq!(read(&headers), expected, "{kind}");
        }
    }
}
