//! What a reply is to a request that no route matched, while its application is being observed: as much as tells what route
//! there should be. Never a value: a media type of the usual form, and whether it is a file.

use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::domain::event::EventObserved;
use crate::domain::reply_shape::{RecordsPointer, ReplyKind, ReplyShape};

/// What the head says.
pub(super) fn read(headers: &HeaderMap) -> EventObserved {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(CONTENT_TYPE).map(|value| value.split(';').next().unwrap_or_default().trim());
    let disposition = text(CONTENT_DISPOSITION).unwrap_or_default().trim_start();
    EventObserved {
        media_type: media_type.filter(|it| is_usual(it)).map(str::to_ascii_lowercase),
        attachment: disposition.get(..10).is_some_and(|it| it.eq_ignore_ascii_case("attachment")),
    }
}

/// How its records can be counted without anybody having said how, which nobody is held to.
pub(super) fn shape(observed: &EventObserved) -> Option<ReplyShape> {
    let kind = match observed.media_type.as_deref()? {
        "application/json" => ReplyKind::Json { records: RecordsPointer::default() },
        "application/fhir+json" => ReplyKind::FhirBundle,
        "application/x-ndjson" | "application/fhir+ndjson" => ReplyKind::Ndjson,
        "text/csv" => ReplyKind::Csv { delimiter: None, header: true },
        _ => return None,
    };
    Some(ReplyShape { kind, patient: None, same_numbers: false })
}

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
            assert_eq!(read(&headers), EventObserved { media_type, attachment }, "{kind}");
        }
    }
}
