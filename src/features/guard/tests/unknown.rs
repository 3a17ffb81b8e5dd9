//! Replies that are not what their route says.

use super::*;

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
    Reply::of(Some(csv_shape()), "text/csv", &wide).carries(1);
    Reply::of(Some(csv_shape()), "text/csv; charset=utf-16le", &wide[2..]).carries(1);
    Reply::of(Some(csv_shape()), "text/csv", &wide[2..]).stays_unknown(WhyUnknown::Charset);
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
    let opaque = ReplyShape { kind: ReplyKind::Opaque, patient: None, same_numbers: false };
    Reply::of(Some(opaque), "application/pdf", "%PDF-1.7").stays_unknown(WhyUnknown::Opaque);
}

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
        Some(ReplyShape { kind: ReplyKind::Opaque, patient: None, same_numbers: false }),
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
