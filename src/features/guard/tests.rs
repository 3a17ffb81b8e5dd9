//! The guard against what would get around it. Each asserts what was released: nothing, where it was withheld.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{Response, StatusCode};
use http_body::{Body, Frame};

use super::body::{EndedHow, GuardError, GuardedBody, ReleaseRecord};
use super::ledger::{DAY, Ledger, SHIFT};
use super::limit::{Beyond, Step, Terms, Verdict};
use super::meter::Meter;
use super::release::{Cause, Withheld, release};
use super::settings::GuardSettings;
use crate::domain::action::Action;
use crate::domain::application::ApplicationName;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::limit::{Exceeded, LimitName, Limits, OnExceed};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::proof::Durable;
use crate::domain::purpose::Basis;
use crate::domain::reason::Reason;
use crate::domain::reply_shape::{PatientLocator, ReplyKind, ReplyShape};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;

// ---- actors ----

/// An application's body: pieces, and perhaps a failure. Tells how often it was asked.
#[derive(Default)]
struct Upstream {
    pieces: VecDeque<Result<Frame<Bytes>, &'static str>>,
    asked: Rc<RefCell<usize>>,
}

impl Upstream {
    fn sending(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let piece = |piece: &[u8]| Ok(Frame::data(Bytes::copy_from_slice(piece)));
        Self { pieces: pieces.into_iter().map(|bytes| piece(bytes.as_ref())).collect(), ..Self::default() }
    }
}

impl Body for Upstream {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        *self.asked.borrow_mut() += 1;
        Poll::Ready(self.pieces.pop_front())
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
}

const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1024 * 1024, decompression_ratio: 200, request_body_bytes: 1024 };

fn terms(action: Action) -> Terms {
    let limits = Limits {
        records_per_response: Some(10),
        records_per_export: Some(10),
        on_exceed: OnExceed::Block,
        on_unknown_count: OnExceed::Block,
        ..Limits::NONE
    };
    Terms { limits, action, basis: Basis::Operations, justified: false, stepped_up: false }
}

fn csv_shape() -> ReplyShape {
    ReplyShape {
        kind: ReplyKind::Csv { delimiter: None, header: true },
        patient: Some(PatientLocator::Column("ID".to_owned())),
    }
}

fn json_shape() -> ReplyShape {
    ReplyShape { kind: ReplyKind::Json { pointer: "/data".to_owned() }, patient: None }
}

fn csv(rows: usize) -> Vec<u8> {
    let mut body = b"ID,name\n".to_vec();
    (0..rows).for_each(|row| writeln!(body, "{row},\"a name,\nof two lines\"").unwrap());
    body
}

fn json(records: usize) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({ "data": vec![serde_json::json!({ "id": 1 }); records] })).unwrap()
}

/// What came out: the bytes, how they ended, and what the event will say.
#[derive(Debug)]
struct Out {
    bytes: Vec<u8>,
    error: Option<GuardError>,
    record: ReleaseRecord,
}

struct Reply {
    head: http::response::Builder,
    body: Upstream,
    shape: Option<ReplyShape>,
    settings: GuardSettings,
}

impl Reply {
    fn of(shape: Option<ReplyShape>, kind: &str, body: impl AsRef<[u8]>) -> Self {
        Self::pieces(shape, kind, [body])
    }

    fn pieces(
        shape: Option<ReplyShape>,
        kind: &str,
        pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Self {
        let head = Response::builder().header(CONTENT_TYPE, kind);
        Self { head, body: Upstream::sending(pieces), shape, settings: SETTINGS }
    }

    fn status(mut self, status: u16) -> Self {
        self.head = self.head.status(status);
        self
    }

    fn header(mut self, name: http::HeaderName, value: &str) -> Self {
        self.head = self.head.header(name, value);
        self
    }

    fn hold_bytes(mut self, hold_bytes: usize) -> Self {
        self.settings.hold_bytes = hold_bytes;
        self
    }

    fn ask(self, terms: &Terms) -> Result<Response<GuardedBody<Upstream>>, Withheld> {
        let (head, body) = self.head.body(self.body).unwrap().into_parts();
        let meter = Meter::new(self.shape.as_ref(), &head, &self.settings);
        let reply = Response::from_parts(head, body);
        run(release(reply, meter, terms, Durable::assertion(), &self.settings))
    }

    /// Released and read to its end.
    fn released(self, terms: &Terms) -> Out {
        read(self.ask(terms).expect("released"))
    }

    /// Withheld: not one byte came out.
    fn withheld(self, terms: &Terms) -> Withheld {
        self.ask(terms).map(read).expect_err("withheld")
    }

    fn stays_unknown(self, why: WhyUnknown) {
        let withheld = self.withheld(&terms(Action::Export));
        assert_eq!(withheld.verdict(), Some(Verdict::Block(Beyond::CountUnknown(why))));
        assert_eq!(withheld.tally.records, Count::Unknown(why));
        assert_eq!(withheld.reason(), Reason::CountUnknown);
    }

    fn carries(self, records: u64) {
        let out = self.released(&terms(Action::Export));
        assert_eq!(out.record.records, Count::Exactly(records));
        assert_eq!(out.record.ended, EndedHow::Complete);
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn read(reply: Response<GuardedBody<Upstream>>) -> Out {
    let record = Rc::new(RefCell::new(Vec::new()));
    let mut body = reply.into_body();
    let told = Rc::clone(&record);
    body.on_end(move |ended| told.borrow_mut().push(ended));
    let (mut bytes, mut error) = (Vec::new(), None);
    run(async {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().expect("trailers are dropped")),
                Err(broken) => error = Some(broken),
            }
        }
    });
    drop(body);
    let record = record.borrow();
    let [record] = record.as_slice() else { panic!("the end is told once, not {} times", record.len()) };
    assert_eq!(record.bytes, bytes.len() as u64);
    Out { bytes, error, record: *record }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

/// Brotli without compression: meta-blocks of stored bytes (RFC 7932 section 9.2).
fn brotli(bytes: &[u8]) -> Vec<u8> {
    // Window of 16 bits, one 0 bit. Then each block: not last, four nibbles of length, stored.
    let mut encoded = Vec::new();
    for (number, block) in bytes.chunks(0x8000).enumerate() {
        let length = u32::try_from(block.len() - 1).unwrap();
        let header = length << 3 | 1 << 19;
        if number == 0 {
            // The window's bit comes first.
            encoded.extend_from_slice(&(header << 1).to_le_bytes()[..3]);
        } else {
            encoded.extend_from_slice(&header.to_le_bytes()[..3]);
        }
        encoded.extend_from_slice(block);
    }
    encoded.push(3);
    encoded
}

// ---- within and beyond ----

#[test]
fn a_reply_within_its_limit_passes_byte_for_byte() {
    let body = csv(10);
    let out = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(7)).released(&terms(Action::Export));
    assert_eq!(out.bytes, body);
    assert_eq!(out.record.records, Count::Exactly(10));
    assert_eq!(out.record.patients, Count::Exactly(10));
    assert_eq!(out.record.verdict, Verdict::Within);
    assert_eq!(out.record.ended, EndedHow::Complete);
}

#[test]
fn a_reply_beyond_its_limit_is_withheld_whole_and_counted_to_its_end() {
    let body = csv(1000);
    let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(100));
    let withheld = reply.withheld(&terms(Action::Export));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
    assert_eq!(withheld.tally.records, Count::Exactly(1000));
    let Cause::Block(Beyond::Exceeded(exceeded)) = withheld.cause else { panic!("blocked") };
    assert_eq!((exceeded.limit, exceeded.allowed, exceeded.actual), (LimitName::RecordsPerExport, 10, 1000));
}

#[test]
fn a_step_that_would_do_is_named() {
    let mut terms = terms(Action::Export);
    terms.limits.on_exceed = OnExceed::Justify;
    let withheld = Reply::of(Some(json_shape()), "application/json", json(11)).withheld(&terms);
    assert!(matches!(withheld.cause, Cause::Needs(Step::Justify, Beyond::Exceeded(_))));
    terms.justified = true;
    let out = Reply::of(Some(json_shape()), "application/json", json(11)).released(&terms);
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.actual), Some(11));
    assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Advise));
}

#[test]
fn care_goes_on_and_nothing_waits_for_it() {
    let terms = Terms { basis: Basis::Treatment, ..terms(Action::Export) };
    let reply = Reply::pieces(Some(json_shape()), "application/json", json(100).chunks(10));
    let asked = Rc::clone(&reply.body.asked);
    let released = reply.ask(&terms).unwrap();
    assert!(*asked.borrow() <= 2, "nothing is held");
    let out = read(released);
    assert_eq!(out.bytes, json(100));
    assert_eq!(out.record.records, Count::Exactly(100));
    assert_eq!(out.record.verdict.on_exceed(), Some(OnExceed::Advise));
}

#[test]
fn past_what_can_be_held_a_reply_is_cut_at_its_limit_and_visibly() {
    let body = csv(1000);
    let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(50)).hold_bytes(100);
    let out = reply.released(&terms(Action::Export));
    assert!(matches!(out.error, Some(GuardError::Limit)));
    assert_eq!(out.record.ended, EndedHow::LimitReached);
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.allowed), Some(10));
    let whole_rows = out.bytes.split(|byte| *byte == b'"').count() / 2;
    assert!(whole_rows <= 10, "{whole_rows} rows came out");
    assert!(body.starts_with(&out.bytes));
}

#[test]
fn past_what_can_be_held_a_reply_within_its_limit_comes_whole() {
    let body = json(10);
    let reply = Reply::pieces(Some(json_shape()), "application/json", body.chunks(9)).hold_bytes(20);
    let out = reply.released(&terms(Action::Export));
    assert_eq!(out.bytes, body);
    assert!(out.error.is_none());
    assert_eq!(out.record.records, Count::Exactly(10));
    assert_eq!(out.record.ended, EndedHow::Complete);
}

#[test]
fn what_turns_out_unreadable_at_its_end_never_looks_complete() {
    let mut body = json(10);
    body.pop();
    let reply = Reply::pieces(Some(json_shape()), "application/json", body.chunks(9)).hold_bytes(20);
    let out = reply.released(&terms(Action::Export));
    assert!(matches!(out.error, Some(GuardError::Limit)));
    assert!(out.bytes.len() < body.len(), "the last piece stays here");
}

#[test]
fn an_application_that_breaks_off_is_not_an_export_within_its_limit() {
    let mut held = Reply::of(Some(csv_shape()), "text/csv", csv(3));
    held.body.pieces.push_back(Err("reset"));
    let withheld = held.withheld(&terms(Action::Export));
    assert!(matches!(withheld.cause, Cause::Upstream(_)));
    assert_eq!(withheld.reason(), Reason::UpstreamAborted);

    let mut streamed = Reply::of(Some(csv_shape()), "text/csv", csv(3));
    streamed.body.pieces.push_back(Err("reset"));
    let out = streamed.released(&Terms { basis: Basis::Treatment, ..terms(Action::Export) });
    assert_eq!(out.record.ended, EndedHow::UpstreamFailed);
    assert_eq!(out.record.records, Count::AtLeast(3));
}

#[test]
fn a_caller_who_leaves_is_told_of_with_what_they_had() {
    let record = Rc::new(RefCell::new(None));
    let reply = Reply::pieces(None, "text/html", ["one", "two"]).ask(&terms(Action::View)).unwrap();
    let mut body = reply.into_body();
    let told = Rc::clone(&record);
    body.on_end(move |ended| *told.borrow_mut() = Some(ended));
    run(poll_fn(|context| Pin::new(&mut body).poll_frame(context))).unwrap().unwrap();
    drop(body);
    let record = record.borrow().unwrap();
    assert_eq!((record.bytes, record.ended), (3, EndedHow::Dropped));
}

#[test]
fn whoever_stops_at_the_last_byte_has_had_it_all() {
    let reply = Reply::of(None, "text/html", "all").ask(&terms(Action::View)).unwrap();
    let mut body = reply.into_body();
    run(poll_fn(|context| Pin::new(&mut body).poll_frame(context))).unwrap().unwrap();
    assert!(body.is_end_stream());
    assert_eq!(body.record().ended, EndedHow::Complete);
    let told = Rc::new(RefCell::new(None));
    let record = Rc::clone(&told);
    body.on_end(move |ended| *record.borrow_mut() = Some(ended.ended));
    drop(body);
    assert_eq!(*told.borrow(), Some(EndedHow::Complete));
}

#[test]
fn trailers_are_dropped() {
    let mut reply = Reply::of(Some(json_shape()), "application/json", json(1));
    let trailers = [("x-data".parse().unwrap(), "5551234".parse().unwrap())].into_iter().collect();
    reply.body.pieces.push_back(Ok(Frame::trailers(trailers)));
    let reply = reply.header(http::header::TRAILER, "x-data").ask(&terms(Action::Export)).unwrap();
    assert!(!reply.headers().contains_key(http::header::TRAILER));
    assert_eq!(read(reply).bytes, json(1));
}

// ---- codings ----

#[test]
fn every_coding_that_is_let_through_is_counted_inside() {
    type Encode = fn(&[u8]) -> Vec<u8>;
    let codings: [(&str, Encode); 7] = [
        ("gzip", gzip),
        ("x-gzip", gzip),
        ("GZIP", gzip),
        ("deflate", zlib),
        ("deflate", deflate),
        ("br", brotli),
        ("zstd", zstd),
    ];
    for (coding, encode) in codings {
        for size in [1, 7, 1 << 20] {
            let reply = |rows| {
                let body = encode(&csv(rows));
                Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(size))
                    .header(CONTENT_ENCODING, coding)
            };
            let out = reply(10).released(&terms(Action::Export));
            assert_eq!(out.bytes, encode(&csv(10)), "{coding}: the original bytes");
            assert_eq!(out.record.records, Count::Exactly(10), "{coding}");
            let withheld = reply(5000).withheld(&terms(Action::Export));
            assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit, "{coding}");
        }
    }
}

#[test]
fn a_compressed_body_that_decodes_to_much_is_decoded_to_its_end() {
    // The decoded bytes fill the decoder's buffer many times from one small piece.
    let padding = "x".repeat(300 * 1024);
    let body = serde_json::to_vec(&serde_json::json!({ "pad": padding, "data": [1, 2, 3] })).unwrap();
    for (coding, encoded) in
        [("gzip", gzip(&body)), ("deflate", deflate(&body)), ("deflate", zlib(&body)), ("zstd", zstd(&body))]
    {
        Reply::of(Some(json_shape()), "application/json", encoded)
            .header(CONTENT_ENCODING, coding)
            .carries(3);
    }
}

#[test]
fn all_members_of_a_gzip_body_are_counted() {
    let body = csv(12);
    let (first, second) = body.split_at(60);
    let members = [gzip(first), gzip(second)].concat();
    let reply = Reply::of(Some(csv_shape()), "text/csv", &members).header(CONTENT_ENCODING, "gzip");
    assert_eq!(reply.withheld(&terms(Action::Export)).reason(), Reason::ExportOverRequestLimit);
    let frames = [zstd(first), zstd(second)].concat();
    let reply = Reply::of(Some(csv_shape()), "text/csv", &frames).header(CONTENT_ENCODING, "zstd");
    assert_eq!(reply.withheld(&terms(Action::Export)).reason(), Reason::ExportOverRequestLimit);
}

#[test]
fn what_does_not_decode_to_its_very_end_stays_unknown() {
    let junk = |encoded: Vec<u8>| [encoded, csv(50)].concat();
    let cut = |encoded: Vec<u8>| encoded[..encoded.len() - 5].to_vec();
    let cases = [
        ("gzip", junk(gzip(&csv(3))), WhyUnknown::Undecodable),
        ("deflate", junk(zlib(&csv(3))), WhyUnknown::Undecodable),
        ("br", junk(brotli(&csv(3))), WhyUnknown::Undecodable),
        ("zstd", junk(zstd(&csv(3))), WhyUnknown::Undecodable),
        ("gzip", cut(gzip(&csv(3))), WhyUnknown::Incomplete),
        ("deflate", cut(zlib(&csv(3))), WhyUnknown::Incomplete),
        ("br", cut(brotli(&csv(3))), WhyUnknown::Incomplete),
        ("zstd", cut(zstd(&csv(3))), WhyUnknown::Incomplete),
        ("gzip", csv(3), WhyUnknown::Undecodable),
        ("zstd", csv(3), WhyUnknown::Undecodable),
    ];
    for (coding, body, why) in cases {
        for size in [1, 13, body.len()] {
            let reply = Reply::pieces(Some(csv_shape()), "text/csv", body.chunks(size));
            reply.header(CONTENT_ENCODING, coding).stays_unknown(why);
        }
    }
}

#[test]
fn codings_that_we_do_not_decode_and_codings_in_codings_are_unknown() {
    for coding in ["compress", "dcb", "gzip, br", "gzip,gzip", "aes128gcm"] {
        let reply = Reply::of(Some(csv_shape()), "text/csv", csv(1)).header(CONTENT_ENCODING, coding);
        reply.stays_unknown(WhyUnknown::Coding);
    }
    let two_lines = Reply::of(Some(csv_shape()), "text/csv", csv(1));
    two_lines
        .header(CONTENT_ENCODING, "gzip")
        .header(CONTENT_ENCODING, "gzip")
        .stays_unknown(WhyUnknown::Coding);
    let undeclared = Reply::of(Some(csv_shape()), "text/csv", gzip(&csv(1)));
    undeclared.stays_unknown(WhyUnknown::Mismatch);
    let nested = Reply::of(Some(json_shape()), "application/json", gzip(&gzip(&json(1))));
    nested.header(CONTENT_ENCODING, "gzip").stays_unknown(WhyUnknown::Mismatch);
}

#[test]
fn a_bomb_is_put_down_early() {
    let zeros = vec![b'1'; 64 * 1024 * 1024];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&zeros).unwrap();
    for (coding, bomb) in [("gzip", packed.finish().unwrap()), ("zstd", zstd(&zeros))] {
        let reply = Reply::of(Some(csv_shape()), "text/csv", bomb).header(CONTENT_ENCODING, coding);
        reply.stays_unknown(WhyUnknown::Undecodable);
    }
}

// ---- what a reply says that it is ----

#[test]
fn a_body_of_another_type_stays_unknown() {
    let cases: [(&str, &[u8]); 12] = [
        ("application/pdf", b"ID,n\n1,a\n"),
        ("application/zip", b"ID,n\n1,a\n"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"ID,n\n1,a\n"),
        ("text/html", b"ID<table><tr><td>1</table>"),
        ("application/json", b"[1]"),
        ("multipart/mixed; boundary=x", b"--x\r\n"),
        ("text/csv", b"PK\x03\x04...."),
        ("text/csv", b"%PDF-1.7"),
        ("text/csv", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
        ("text/csv", b"  \n <!DOCTYPE html><table>"),
        ("text/plain", b"{\"data\":[]}"),
        ("", b"\xEF\xBB\xBF<html>"),
    ];
    for (kind, body) in cases {
        for size in [1, body.len()] {
            Reply::pieces(Some(csv_shape()), kind, body.chunks(size)).stays_unknown(WhyUnknown::Mismatch);
        }
    }
}

#[test]
fn rows_and_records_are_counted_under_the_types_that_legacy_applications_use() {
    for kind in [
        "text/plain",
        "application/force-download",
        "application/octet-stream",
        "application/vnd.ms-excel",
        "",
    ] {
        Reply::of(Some(csv_shape()), kind, csv(4)).carries(4);
        Reply::of(Some(csv_shape()), kind, csv(4))
            .header(CONTENT_DISPOSITION, "attachment; filename=x.csv")
            .carries(4);
        assert!(
            Reply::of(Some(csv_shape()), kind, csv(11)).withheld(&terms(Action::Export)).verdict().is_some()
        );
    }
    Reply::of(Some(json_shape()), "text/html; charset=UTF-8", json(2)).carries(2);
    Reply::of(Some(json_shape()), "application/hal+json", json(2)).carries(2);
}

#[test]
fn character_encodings_that_hide_structure_are_unknown() {
    for charset in
        ["utf-16", "UTF-16LE", "\"utf-32\"", "utf-7", "ibm037", "shift_jis", "gb18030", "x-user-defined"]
    {
        let kind = format!("text/csv; charset={charset}");
        Reply::of(Some(csv_shape()), &kind, csv(1)).stays_unknown(WhyUnknown::Charset);
    }
    for charset in ["utf-8", "ISO-8859-1", "windows-1252", "us-ascii"] {
        Reply::of(Some(csv_shape()), &format!("text/csv; header=present; charset={charset}"), csv(1))
            .carries(1);
    }
    let wide: Vec<u8> = "\u{feff}ID;n\n1;a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    Reply::of(Some(csv_shape()), "text/csv", wide).stays_unknown(WhyUnknown::Charset);
}

#[test]
fn a_part_that_nobody_asked_for_stays_unknown() {
    Reply::of(Some(csv_shape()), "text/csv", csv(1)).status(206).stays_unknown(WhyUnknown::Partial);
    Reply::of(Some(csv_shape()), "text/csv", csv(1)).status(226).stays_unknown(WhyUnknown::Partial);
    let ranged = Reply::of(Some(csv_shape()), "text/csv", csv(1));
    ranged.header(CONTENT_RANGE, "bytes 0-9/100").stays_unknown(WhyUnknown::Partial);
    Reply::of(None, "text/csv", csv(1)).status(206).stays_unknown(WhyUnknown::Partial);
}

#[test]
fn what_has_no_shape_or_none_that_can_be_counted_is_unknown_if_it_is_taken_away() {
    Reply::of(None, "text/csv", csv(1)).stays_unknown(WhyUnknown::Undeclared);
    let opaque = ReplyShape { kind: ReplyKind::Opaque, patient: None };
    Reply::of(Some(opaque), "application/pdf", "%PDF-1.7").stays_unknown(WhyUnknown::Opaque);
}

// ---- replies without data ----

#[test]
fn an_empty_reply_is_no_records() {
    for status in [200, 204, 304, 404] {
        for shape in [Some(csv_shape()), Some(json_shape()), None] {
            let reply = Reply::pieces(shape, "application/pdf", [] as [&[u8]; 0]).status(status);
            let out = reply.header(CONTENT_ENCODING, "gzip").released(&terms(Action::Export));
            assert_eq!(out.record.records, Count::Exactly(0), "{status}");
            assert_eq!(out.record.ended, EndedHow::Complete);
        }
    }
}

#[test]
fn a_message_of_the_application_reaches_the_person() {
    let page = "<!DOCTYPE html><title>Sorry</title>";
    for shape in [
        Some(csv_shape()),
        Some(json_shape()),
        None,
        Some(ReplyShape { kind: ReplyKind::Opaque, patient: None }),
    ] {
        for (status, kind) in [
            (500, "text/html"),
            (404, "text/html; charset=shift_jis"),
            (302, "text/html"),
            (503, "text/plain"),
        ] {
            let out = Reply::of(shape.clone(), kind, page).status(status).released(&terms(Action::Export));
            assert_eq!(out.bytes, page.as_bytes());
            assert_eq!(out.record.records, Count::Exactly(0), "{status} {kind} {shape:?}");
        }
    }
    let small = gzip(page.as_bytes());
    let reply = Reply::of(Some(csv_shape()), "text/html", small).status(500).header(CONTENT_ENCODING, "gzip");
    reply.carries(0);
}

#[test]
fn an_error_status_lets_no_data_through() {
    let withheld =
        Reply::of(Some(csv_shape()), "text/csv", csv(11)).status(500).withheld(&terms(Action::Export));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);
    let withheld = Reply::of(Some(json_shape()), "application/json", json(11))
        .status(404)
        .withheld(&terms(Action::Export));
    assert_eq!(withheld.reason(), Reason::ExportOverRequestLimit);

    let large = format!("<table>{}</table>", "<tr><td>1</td></tr>".repeat(4000));
    for status in [404, 500, 302] {
        Reply::of(Some(csv_shape()), "text/html", &large).status(status).stays_unknown(WhyUnknown::Mismatch);
        let coded = Reply::of(Some(csv_shape()), "text/html", gzip(large.as_bytes())).status(status);
        coded.header(CONTENT_ENCODING, "gzip").stays_unknown(WhyUnknown::Mismatch);
    }
    Reply::of(None, "text/html", &large).status(500).stays_unknown(WhyUnknown::Undeclared);
    Reply::of(Some(csv_shape()), "application/pdf", "%PDF-1.7")
        .status(500)
        .stays_unknown(WhyUnknown::Mismatch);
    Reply::of(Some(csv_shape()), "text/plain", "PK\x03\x04").status(500).stays_unknown(WhyUnknown::Mismatch);
    let attached = Reply::of(None, "text/plain", "1").status(500).header(CONTENT_DISPOSITION, "attachment");
    attached.stays_unknown(WhyUnknown::Undeclared);
}

// ---- exports from routes that are only looked at ----

#[test]
fn a_file_from_a_route_that_is_only_looked_at_is_an_export() {
    let cases: [(&str, &str, &[u8]); 7] = [
        ("an attachment", "text/html", b"<table>"),
        ("by type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"x"),
        ("rows", "text/csv", b"a,b\n"),
        ("a legacy download", "application/force-download", b"a,b\n"),
        ("by its bytes", "text/html", b"PK\x03\x04"),
        ("by its bytes, slowly", "text/plain", b" \n%PDF-1.7 and so on"),
        ("a dump", "text/plain", b"-- MySQL dump 10.13"),
    ];
    for (name, kind, body) in cases {
        for size in [1, body.len()] {
            let mut reply = Reply::pieces(None, kind, body.chunks(size));
            if name == "an attachment" {
                reply = reply.header(CONTENT_DISPOSITION, "Attachment; filename=\"x\"");
            }
            let withheld = reply.withheld(&terms(Action::View));
            assert_eq!(withheld.tally.records, Count::Unknown(WhyUnknown::Undeclared), "{name}");
        }
    }
    let part = Reply::of(None, "text/plain", "7,b\n8,c\n").status(206).header(CONTENT_RANGE, "bytes 9-17/99");
    assert_eq!(part.withheld(&terms(Action::View)).tally.records, Count::Unknown(WhyUnknown::Partial));
    let coded = Reply::of(None, "text/html", gzip(b"%PDF-1.7")).header(CONTENT_ENCODING, "gzip");
    assert_eq!(coded.withheld(&terms(Action::View)).reason(), Reason::CountUnknown);
}

#[test]
fn a_role_that_has_a_number_of_exports_alone_has_its_files_seen_too() {
    let limits = Limits { exports_per_day: Some(1), on_exceed: OnExceed::Block, ..Limits::NONE };
    let terms = Terms { limits, ..terms(Action::View) };
    let by_bytes = || Reply::of(None, "text/plain", b"PK\x03\x04");
    let released = by_bytes().ask(&terms).unwrap();
    assert!(released.body().is_found_file());
    assert!(read(released).record.found_file);
    let page = Reply::of(None, "text/plain", b"ok").released(&terms);
    assert!(!page.record.found_file);
    let asked_for = Terms { action: Action::Export, ..terms };
    assert!(!by_bytes().released(&asked_for).record.found_file, "that it is an export says its action");
    let unlimited = Terms { limits: Limits::NONE, ..terms };
    assert!(!by_bytes().released(&unlimited).record.found_file);
}

#[test]
fn a_format_that_the_route_did_not_expect_is_held_to_the_limit_on_exports() {
    let as_rows = Reply::of(Some(json_shape()), "text/csv", csv(3)).header(CONTENT_DISPOSITION, "attachment");
    assert_eq!(as_rows.withheld(&terms(Action::List)).reason(), Reason::CountUnknown);
    let attached =
        Reply::of(Some(json_shape()), "application/json", json(11)).header(CONTENT_DISPOSITION, "attachment");
    assert_eq!(attached.withheld(&terms(Action::List)).reason(), Reason::ExportOverRequestLimit);
}

#[test]
fn pages_and_their_parts_are_no_files() {
    let page = b"<!DOCTYPE html><p>chart";
    for (kind, body) in [
        ("text/html", &page[..]),
        ("image/png", b"\x89PNG\r\n"),
        ("font/woff2", b"wOF2"),
        ("text/plain", b"ok"),
    ] {
        let out = Reply::of(None, kind, body).released(&terms(Action::View));
        assert_eq!(out.bytes, body);
        assert_eq!(out.record.records, Count::NotCounted);
    }
}

#[test]
fn a_stream_of_events_is_not_waited_for() {
    let reply = Reply::pieces(None, "text/event-stream", ["data: 1\n\n"]);
    let asked = Rc::clone(&reply.body.asked);
    let released = reply.ask(&terms(Action::View)).unwrap();
    assert_eq!(*asked.borrow(), 0);
    assert_eq!(read(released).bytes, b"data: 1\n\n");
}

#[test]
fn what_is_looked_at_and_cannot_be_counted_passes_and_is_told_of() {
    let out = Reply::of(Some(json_shape()), "text/html", "<p>no JSON").released(&terms(Action::List));
    assert_eq!(out.record.verdict, Verdict::Advise(Beyond::CountUnknown(WhyUnknown::Mismatch)));
    let withheld = Reply::of(Some(json_shape()), "application/json", json(11)).withheld(&terms(Action::List));
    assert_eq!(withheld.reason(), Reason::RecordsOverResponseLimit);
    assert_eq!(withheld.status, StatusCode::OK);
}

// ---- windows ----

fn nurse() -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: "nurse".into() }
}

fn patient(id: &str) -> PatientDigest {
    let application: ApplicationName = "ehr".parse().unwrap();
    PatientRef::new(application, id.to_owned()).digest(&DigestKey::from_bytes(&[1; 32]))
}

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[test]
fn two_tabs_do_not_double_an_allowance() {
    let ledger = Ledger::new();
    let first = ledger.try_export(&nurse(), Some(2), NOW).unwrap();
    let second = ledger.clone().try_export(&nurse(), Some(2), NOW).unwrap();
    let third = ledger.try_export(&nurse(), Some(2), NOW).unwrap_err();
    assert_eq!(third, Exceeded { limit: LimitName::ExportsPerDay, allowed: 2, actual: 3 });
    drop(second);
    let again = ledger.try_export(&nurse(), Some(2), NOW).unwrap();
    first.commit(NOW);
    again.commit(NOW);
    assert!(ledger.try_export(&nurse(), Some(2), NOW).is_err());
}

#[test]
fn an_export_counts_for_a_day_and_no_longer() {
    let ledger = Ledger::new();
    ledger.try_export(&nurse(), Some(1), NOW).unwrap().commit(NOW);
    let just_before = NOW.plus(DAY).minus(Duration::from_millis(1));
    assert!(ledger.try_export(&nurse(), Some(1), just_before).is_err());
    assert!(ledger.try_export(&nurse(), Some(1), NOW.plus(DAY)).is_ok());
}

#[test]
fn a_slot_outlives_the_forgetting_of_its_person() {
    let ledger = Ledger::new();
    let slot = ledger.try_export(&nurse(), Some(1), NOW).unwrap();
    let later = NOW.plus(DAY * 3);
    assert!(ledger.try_export(&nurse(), Some(1), later).is_err(), "still reserved");
    slot.commit(later);
    assert!(ledger.try_export(&nurse(), Some(1), later).is_err());
}

#[test]
fn going_back_to_an_open_record_is_free_and_one_too_many_is_not_remembered() {
    let ledger = Ledger::new();
    for id in ["1", "2", "1"] {
        assert_eq!(ledger.opened(&nurse(), patient(id), Some(2), NOW).exceeded, None, "{id}");
    }
    for _ in 0..2 {
        let third = ledger.opened(&nurse(), patient("3"), Some(2), NOW);
        let exceeded = Exceeded { limit: LimitName::PatientsOpenedPerShift, allowed: 2, actual: 3 };
        assert_eq!((third.distinct, third.exceeded), (3, Some(exceeded)));
    }
    ledger.record_opened(&nurse(), patient("3"), NOW);
    assert_eq!(ledger.opened(&nurse(), patient("4"), Some(2), NOW).distinct, 4);
    assert_eq!(ledger.opened(&nurse(), patient("4"), Some(2), NOW.plus(SHIFT)).distinct, 1);
}

#[test]
fn the_journal_restores_what_was_taken() {
    let ledger = Ledger::new();
    let hour = Duration::from_secs(3600);
    ledger.record_export(&nurse(), NOW.minus(hour));
    ledger.record_export(&nurse(), NOW.minus(hour * 30));
    ledger.record_opened(&nurse(), patient("1"), NOW.minus(hour * 2));
    ledger.record_opened(&nurse(), patient("2"), NOW.minus(hour * 13));
    assert!(ledger.try_export(&nurse(), Some(1), NOW).is_err());
    assert!(ledger.try_export(&nurse(), Some(2), NOW).is_ok());
    assert_eq!(ledger.opened(&nurse(), patient("9"), None, NOW).distinct, 2);
}
