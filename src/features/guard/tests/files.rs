//! Exports from routes that are only looked at.

use super::*;
use crate::features::guard::count::Tally;

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
fn a_file_is_told_by_its_name_its_rows_and_marks_that_stand_further_behind() {
    let named = |disposition: &'static str| {
        Reply::of(None, "text/html", b"a").header(CONTENT_DISPOSITION, disposition)
    };
    for disposition in [
        "inline; filename=list.csv",
        "inline; filename=\"List of 2026.XLSX\"",
        "inline; filename*=UTF-8''a%20b.zip",
    ] {
        let withheld = named(disposition).withheld(&terms(Action::View));
        assert_eq!(withheld.tally.records, Count::Unknown(WhyUnknown::Undeclared), "{disposition}");
    }
    for disposition in ["inline", "inline; filename=page.html", "inline; filename=csv.png; size=9"] {
        assert_eq!(
            named(disposition).released(&terms(Action::View)).record.records,
            Count::NotCounted,
            "{disposition}"
        );
    }
    let marked = |at: usize, mark: &[u8]| [&vec![0; at], mark, b"0000"].concat();
    let rows = b"ID,name,born\n1,a,1970\n2,b,1980\n3,c,1990\n".to_vec();
    let cases = [
        ("an object of DICOM", "text/html", marked(128, b"DICM")),
        ("a tape archive", "image/png", marked(257, b"ustar")),
        ("rows to look at", "text/plain; charset=utf-8", rows.clone()),
        ("rows without a type", "", rows.clone()),
        ("an Access database", "text/html", b"\0\x01\0\0Standard Jet DB\0".to_vec()),
    ];
    for (name, kind, body) in cases {
        for size in [1, 7, body.len()] {
            let withheld = Reply::pieces(None, kind, body.chunks(size)).withheld(&terms(Action::View));
            assert_eq!(withheld.tally.records, Count::Unknown(WhyUnknown::Undeclared), "{name}, {size}");
        }
    }
    let page = ReplyShape {
        kind: ReplyKind::Html { rows: RowSelector::read("#list tr").unwrap() },
        patient: None,
        same_numbers: false,
    };
    let withheld = Reply::of(Some(page), "text/plain", &rows).withheld(&terms(Action::List));
    assert_eq!(withheld.tally.records, Count::Unknown(WhyUnknown::Mismatch));
    for (kind, body) in [("text/plain", &b"Dear Sir,\nit is, as you say, done.\n"[..]), ("text/html", &rows)]
    {
        let out = Reply::of(None, kind, body).released(&terms(Action::View));
        assert_eq!((out.bytes.as_slice(), out.record.records), (body, Count::NotCounted), "{kind}");
    }
}

#[test]
fn a_mark_that_nothing_promised_is_found_however_the_body_is_cut() {
    let page = ReplyShape {
        kind: ReplyKind::Html { rows: RowSelector::read("#list tr").unwrap() },
        patient: None,
        same_numbers: false,
    };
    let head = Response::builder().header(CONTENT_TYPE, "text/html").body(()).unwrap().into_parts().0;
    let behind = |preamble: &[u8], mark: &[u8]| [preamble, mark, b"0000"].concat();
    let cases = [
        ("DICOM behind a preamble of its own", behind(&[b'p'; 128], b"DICM")),
        ("a tape archive with a long name", behind(&[b'n'; 257], b"ustar")),
        ("a PDF behind more blanks than are waited for", behind(&[b' '; 5000], b"%PDF-1.7 and so on")),
    ];
    for (name, body) in cases {
        for size in [1, 100, 132, body.len()] {
            let mut meter = Meter::new(Some(&page), &head, &SETTINGS);
            body.chunks(size).for_each(|piece| meter.push(piece));
            assert!(meter.looks_like_file(), "{name}, {size}");
            assert_eq!(meter.finish(), Tally::unknown(WhyUnknown::Mismatch), "{name}, {size}");
        }
    }
}

#[test]
fn a_stream_of_binary_messages_is_waited_for_no_longer_than_it_shows_what_it_is() {
    let message = b"\0\0\0\0\x0Bhello world";
    let reply = Reply::pieces(None, "application/grpc", [&message[..], message, message]);
    let asked = Rc::clone(&reply.body.asked);
    let released = reply.ask(&terms(Action::View)).unwrap();
    assert_eq!(*asked.borrow(), 1);
    assert_eq!(read(released).bytes, message.repeat(3));
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
fn data_in_another_form_than_the_declared_one_is_no_way_around_what_may_be_looked_at() {
    let fhir = || ReplyShape { kind: ReplyKind::FhirBundle, patient: None, same_numbers: false };
    let limits = Limits { records_per_export: None, ..terms(Action::List).limits };
    let looking = Terms { limits, ..terms(Action::List) };
    let cases = [
        ("XML of FHIR", fhir(), "application/fhir+xml"),
        ("a page of FHIR", fhir(), "text/html"),
        ("Turtle", fhir(), "text/turtle"),
        ("XML", json_shape(), "application/xml"),
        ("CBOR", json_shape(), "application/cbor"),
        ("events", json_shape(), "text/event-stream"),
    ];
    for (name, shape, kind) in cases {
        let withheld = Reply::of(Some(shape.clone()), kind, "<a/>").withheld(&looking);
        assert_eq!(withheld.tally.records, Count::Unknown(WhyUnknown::Mismatch), "{name}");
        let told = Reply::of(Some(shape.clone()), kind, "<a/>").status(404).released(&looking);
        assert_eq!(told.bytes, b"<a/>", "{name}: what went wrong");
        let unlimited = Terms { limits: Limits::NONE, ..looking };
        assert_eq!(
            Reply::of(Some(shape), kind, "<a/>").released(&unlimited).bytes,
            b"<a/>",
            "{name}: no number"
        );
    }
    let image = Reply::of(Some(json_shape()), "image/png", b"\x89PNG\r\n").released(&looking);
    assert_eq!(image.bytes, b"\x89PNG\r\n");
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

#[test]
fn a_page_for_data_is_what_the_application_has_to_say_or_data_that_nobody_counts() {
    let limits = Limits { records_per_export: None, ..terms(Action::List).limits };
    let looking = Terms { limits, ..terms(Action::List) };
    let page = |bytes: usize| format!("<!DOCTYPE html>{}", " ".repeat(bytes - 15));
    let (most, more) = (page(64 * 1024), page(64 * 1024 + 1));
    for size in [1000, 1 << 20] {
        let reply = |body: &str| Reply::pieces(Some(json_shape()), "text/html", body.as_bytes().chunks(size));
        let unknown = Beyond::CountUnknown(WhyUnknown::Mismatch);
        let shown = reply(&most).released(&looking);
        assert_eq!((shown.bytes.len(), shown.record.verdict), (most.len(), Verdict::Advise(unknown)));
        let withheld = reply(&more).withheld(&looking);
        assert!(matches!(withheld.cause, Cause::Block(beyond) if beyond == unknown), "{withheld:?}");
        // Where the application says itself that something went wrong, that is shown.
        assert_eq!(reply(&more).status(404).released(&looking).bytes, more.as_bytes());
    }
    let coded = |body: &str| {
        let packed = gzip(body.as_bytes());
        let reply = Reply::pieces(Some(json_shape()), "text/html", packed.chunks(9));
        reply.header(CONTENT_ENCODING, "gzip")
    };
    assert_eq!(coded(&most).released(&looking).bytes, gzip(most.as_bytes()));
    assert_eq!(coded(&more).withheld(&looking).reason(), Reason::CountUnknown);
    let of = |shape, media_type| Reply::of(Some(shape), media_type, &more);
    assert_eq!(of(csv_shape(), "application/xhtml+xml").withheld(&looking).reason(), Reason::CountUnknown);

    // JSON that calls itself a page is counted, however long; a page of a page is one.
    let list = format!("{{\"data\":[{}1]}}", "\"x\",".repeat(9))
        .replace("\"x\"", &format!("\"{}\"", "x".repeat(20_000)));
    Reply::of(Some(json_shape()), "text/html", &list).carries(10);
    let rows = RowSelector::read("#list tr").unwrap();
    let shape = ReplyShape { kind: ReplyKind::Html { rows }, patient: None, same_numbers: false };
    assert_eq!(of(shape, "text/html").released(&looking).bytes, more.as_bytes());
    // Care goes on, and who has no number is not stopped.
    let care = Terms { basis: Basis::Treatment, ..looking };
    let unlimited = Terms { limits: Limits::NONE, ..looking };
    for terms in [care, unlimited] {
        assert_eq!(of(json_shape(), "text/html").released(&terms).bytes, more.as_bytes());
    }
}
