//! Whom events are to keep: every kind of reply names the same patients, however it says so and is cut.

use super::*;
use crate::domain::patient::PatientDigest;
use crate::domain::reply_shape::{ElementPath, Encoding, InsideShape};
use crate::domain::row_selector::RowSelector;
use crate::foundation::digest::DigestKey;

fn names() -> PatientNames {
    PatientNames::of("ehr".parse().unwrap(), DigestKey::from_bytes(&[7; 32]).into())
}

fn listed(kind: &ReplyKind, patient: Option<&PatientLocator>, body: &str, size: usize) -> Vec<PatientDigest> {
    let label = Label { boundary: Some("b".into()), ..Label::default() };
    let mut counter = Counter::labelled(kind, patient, &label).unwrap();
    counter.list_by(names());
    body.as_bytes().chunks(size).for_each(|piece| counter.push(piece));
    counter.finish();
    counter.take_listed().map(|listed| listed.each().to_vec()).unwrap_or_default()
}

#[test]
fn every_kind_that_names_patients_tells_who_they_are() {
    let html = || ReplyKind::Html { rows: RowSelector::read("#l tr").unwrap() };
    let xml = ReplyKind::Xml { records: ElementPath::read("/r/row").unwrap() };
    let inside =
        InsideShape { at: RecordsPointer::read("/data"), encoding: Encoding::Text, of: Box::new(CSV) };
    let bundle = r#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"Patient","id":"1"}},
        {"resource":{"id":"9","resourceType":"Observation","subject":{"reference":"Patient/1"}}},
        {"resource":{"id":"2","meta":{"id":"8"},"resourceType":"Patient"}}]}"#;
    let cases = [
        (json_shape(""), Some(member("id")), r#"[{"id":1},{"id":"2"},{"id":1}]"#),
        (ReplyKind::FhirBundle, None, bundle),
        (ReplyKind::Ndjson, Some(member("id")), "{\"id\":\"1\"}\n{\"id\":2}\n"),
        (CSV, Some(column("id")), "id,n\n1,a\n2,b\n1,c\n"),
        (html(), Some(PatientLocator::Cell(1)), "<table id=l><tr><td>1<td>a<tr><td> 2 <td>b</table>"),
        (
            html(),
            Some(PatientLocator::Attribute("data-id".to_owned())),
            "<table id=l><tr data-id=1><td>a<tr data-id=2><td>b</table>",
        ),
        (
            xml,
            Some(PatientLocator::Element("id".to_owned())),
            "<r><row><id>1</id></row><row><id>2</id></row></r>",
        ),
        (ReplyKind::Sql, Some(column("id")), "INSERT INTO p (id, n) VALUES (1,'a'),('2','b');\n"),
        (ReplyKind::Hl7v2, None, "MSH|^~\\&|\rPID|1||1^y\rMSH|^~\\&|\rPID|1||2\r"),
        (ReplyKind::Inside(inside), Some(column("id")), r#"{"data":"id,n\n1,a\n2,b\n"}"#),
        (
            ReplyKind::Multipart { of: Some(Box::new(CSV)) },
            Some(column("id")),
            "--b\r\nContent-Type: text/csv\r\n\r\nid,n\r\n1,a\r\n\r\n--b\r\nContent-Type: text/csv\r\n\r\nid,n\r\n2,b\r\n\r\n--b--\r\n",
        ),
    ];
    let mut expected = [names().digest(b"1"), names().digest(b"2")];
    expected.sort_unstable();
    for (kind, patient, body) in cases {
        for size in [1, 7, 10_000] {
            assert_eq!(listed(&kind, patient.as_ref(), body, size), expected, "{kind:?} in pieces of {size}");
        }
    }
}
