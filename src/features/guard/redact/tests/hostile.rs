use std::io::Write as _;

use super::*;

const SSN: &[&str] = &["/patients/*/ssn"];
const BODY: &str = r#"{"patients":[{"ssn":"123-45","name":"Núñez"}]}"#;
const QUIET: &str = r#"{"patients":[{"ssn":"[withheld]","name":"Núñez"}]}"#;

fn come(media_type: &str, coding: Option<&str>, body: &[u8]) -> Result<Vec<u8>, Fault> {
    passed(&plan(&json_kind(), SSN), &head(200, media_type, coding), [body]).map(|(out, _)| out)
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    coder.write_all(body).unwrap();
    coder.finish().unwrap()
}

fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

#[test]
fn a_text_keeps_its_character_encoding_and_its_mark() {
    let marked = |text: &str| [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    assert_eq!(come("application/json", None, &marked(BODY)).unwrap(), marked(QUIET));
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let marked = |text: &str| wide(&format!("\u{FEFF}{text}"), order);
        assert_eq!(come("application/json", None, &marked(BODY)).unwrap(), marked(QUIET));
        let cut = marked(BODY);
        let (plan, head) = (plan(&json_kind(), SSN), head(200, "application/json", None));
        assert_eq!(passed(&plan, &head, cut.chunks(1)).unwrap().0, marked(QUIET));
        assert_eq!(
            come("application/json; charset=utf-16", None, &wide(BODY, order)).unwrap(),
            wide(QUIET, order)
        );
    }
}

#[test]
fn what_is_coded_is_sent_decoded() {
    for coding in ["gzip", "x-gzip", "GZIP"] {
        assert_eq!(
            come("application/json", Some(coding), &gzipped(BODY.as_bytes())).unwrap(),
            QUIET.as_bytes()
        );
    }
    let zstd = zstd::encode_all(BODY.as_bytes(), 3).unwrap();
    assert_eq!(come("application/json", Some("zstd"), &zstd).unwrap(), QUIET.as_bytes());
}

/// What it is, its media type, its coding, its bytes, and why they do not pass.
type Case<'c> = (&'c str, &'c str, Option<&'c str>, &'c [u8], Fault);

#[test]
fn what_cannot_be_read_to_its_end_in_one_way_does_not_pass() {
    let gzip = gzipped(BODY.as_bytes());
    let half = &gzip[..gzip.len() - 6];
    let body = BODY.as_bytes();
    let cases: [Case<'_>; 14] = [
        ("half of it", "application/json", None, &body[..body.len() - 2], Fault::Malformed),
        ("something behind it", "application/json", None, b"{\"patients\":[]}{\"ssn\":1}", Fault::Malformed),
        ("a comment", "application/json", None, b"/*{*/{\"patients\":[]}", Fault::Malformed),
        ("no JSON", "application/json", None, b"%PDF-1.7 ssn", Fault::Type),
        ("a callback", "text/html", None, b"f({\"patients\":[]})", Fault::Malformed),
        ("a coding nobody knows", "application/json", Some("compress"), body, Fault::Coding),
        ("two codings", "application/json", Some("gzip, gzip"), &gzip, Fault::Coding),
        ("a coding that it is not", "application/json", Some("gzip"), body, Fault::Coding),
        ("half a coding", "application/json", Some("gzip"), half, Fault::Coding),
        ("another type", "application/pdf", None, body, Fault::Type),
        ("signed", "multipart/signed", None, body, Fault::Type),
        ("signed", "application/pkcs7-mime", None, body, Fault::Type),
        ("an encoding nobody reads", "application/json; charset=utf-7", None, body, Fault::Charset),
        ("half a character", "application/json; charset=utf-16le", None, b"{\0\"\0a", Fault::Charset),
    ];
    for (name, media_type, coding, body, fault) in cases {
        assert_eq!(come(media_type, coding, body), Err(fault), "{name}");
    }
    assert_eq!(come("application/jose", None, b"eyJ.eyJ.c2ln"), Err(Fault::Type));
}

#[test]
fn a_part_does_not_pass_and_nothing_at_all_does() {
    let plan = plan(&json_kind(), SSN);
    let mut part = head(206, "application/json", None);
    assert_eq!(passed(&plan, &part, [BODY.as_bytes()]), Err(Fault::Partial));
    part.status = http::StatusCode::OK;
    part.headers.insert(http::header::CONTENT_RANGE, http::HeaderValue::from_static("bytes 0-9/90"));
    assert_eq!(passed(&plan, &part, [BODY.as_bytes()]), Err(Fault::Partial));
    for (status, media_type) in [(204, ""), (304, "image/png"), (206, "application/pdf")] {
        let (out, _) = passed(&plan, &head(status, media_type, Some("gzip")), []).unwrap();
        assert!(out.is_empty());
    }
}

#[test]
fn deep_long_and_odd_documents_end_within_bounds() {
    let deep = format!("{{\"patients\":{}1{}}}", "[".repeat(600), "]".repeat(600));
    assert_eq!(come("application/json", None, deep.as_bytes()), Err(Fault::Malformed));
    let blank = format!("{{\"patients\":{}[]}}", " ".repeat(200 * 1024));
    assert_eq!(come("application/json", None, blank.as_bytes()), Err(Fault::TooLong));
    let gone = format!("{{\"patients\":[{{\"ssn\":[{}0]}}]}}", "\"x\",".repeat(200 * 1024));
    assert_eq!(
        come("application/json", None, gone.as_bytes()).unwrap(),
        br#"{"patients":[{"ssn":"[withheld]"}]}"#
    );
}

#[test]
fn a_plan_that_no_reply_fits_lets_none_pass() {
    for kind in [
        ReplyKind::Opaque,
        ReplyKind::Hl7v2,
        ReplyKind::Csv { delimiter: None, header: false },
        ReplyKind::FhirBundle,
    ] {
        let plan = plan(&kind, SSN);
        assert!(!plan.can_be_carried_out());
        assert_eq!(
            passed(&plan, &head(200, "application/json", None), [BODY.as_bytes()]),
            Err(Fault::Undeclared)
        );
    }
    assert_eq!(Plan::new(Some(&json_kind()), []), None, "nothing is withheld");
}
