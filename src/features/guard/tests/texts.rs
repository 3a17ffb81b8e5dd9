//! Replies in text: each kind under its own types, plain and coded; under others it is unknown.

use super::*;
use crate::domain::reply_shape::ElementPath;
use crate::domain::row_selector::RowSelector;

fn shape(kind: ReplyKind) -> ReplyShape {
    ReplyShape { kind, patient: None, same_numbers: false }
}

#[test]
fn each_kind_of_text_is_counted_under_its_types_and_no_others() {
    let html = ReplyKind::Html { rows: RowSelector::read("#l tr").unwrap() };
    let xml = ReplyKind::Xml { records: ElementPath::read("/r/row").unwrap() };
    let page = "<table id=l><tr><td>1<tr><td>2</table>";
    let dump = "-- MySQL dump 10\nINSERT INTO `p` VALUES (1),(2);\n";
    let cases: [(ReplyKind, &[&str], &[&str], &str); 6] = [
        (
            html,
            &["text/html", "text/html; charset=iso-8859-1", "application/vnd.ms-excel"],
            &["application/xhtml+xml", "application/pdf", "image/png"],
            page,
        ),
        (
            xml,
            &["text/xml", "application/xml; charset=utf-8", "application/soap+xml"],
            &["text/html"],
            "<r><row/><row/></r>",
        ),
        (
            ReplyKind::Sql,
            &["text/plain", "text/x-sql", "application/sql", "application/octet-stream"],
            &["text/html"],
            dump,
        ),
        (
            ReplyKind::Hl7v2,
            &["text/plain", "application/hl7-v2", "x-application/hl7-v2+er7"],
            &["text/html"],
            "MSH|^~\\&|\rMSH|^~\\&|\r",
        ),
        (
            ReplyKind::Multipart { of: None },
            &["multipart/related; type=\"a/b\"; boundary=b", "multipart/form-data; boundary=\"b\""],
            &["text/plain; boundary=b"],
            "--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
        ),
        (
            ReplyKind::Multipart { of: Some(Box::new(csv_shape().kind)) },
            &["multipart/mixed; boundary=b"],
            &["text/csv"],
            "--b\r\n\r\nID\r\n1\r\n2\r\n--b\r\n\r\nID\r\n--b--\r\n",
        ),
    ];
    for (kind, fitting, others, body) in cases {
        for declared in fitting {
            Reply::of(Some(shape(kind.clone())), declared, body).carries(2);
            let coded = Reply::of(Some(shape(kind.clone())), declared, gzip(body.as_bytes()));
            coded.header(CONTENT_ENCODING, "gzip").carries(2);
        }
        for declared in others {
            Reply::of(Some(shape(kind.clone())), declared, body).stays_unknown(WhyUnknown::Mismatch);
        }
    }
    Reply::of(Some(shape(ReplyKind::Multipart { of: None })), "multipart/mixed", "--b--")
        .stays_unknown(WhyUnknown::Unparsable);
    let archive = Reply::of(Some(shape(ReplyKind::Sql)), "text/plain", "PK\x03\x04");
    archive.stays_unknown(WhyUnknown::Mismatch);
    let wide: Vec<u8> = "\u{feff}<table>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    Reply::of(Some(csv_shape()), "text/csv", wide).stays_unknown(WhyUnknown::Mismatch);
}
