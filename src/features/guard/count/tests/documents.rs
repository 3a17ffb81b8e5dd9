//! XML, HL7 version 2 and multipart bodies, whole and in pieces, beside other readers of the same.

use std::collections::HashSet;

use super::properties::cut;
use super::*;
use crate::domain::reply_shape::ElementPath;

fn xml(path: &str) -> ReplyKind {
    ReplyKind::Xml { records: ElementPath::read(path).unwrap() }
}

fn element(name: &str) -> PatientLocator {
    PatientLocator::Element(name.to_owned())
}

#[test]
fn elements_at_the_path_are_records() {
    let exactly = Count::Exactly;
    let cases = [
        ("two", "<r><row/><row>x</row></r>", exactly(2)),
        ("prefixes", "<a:r xmlns:a='u'><a:row/><b:row xmlns:b='v'/></a:r>", exactly(2)),
        ("deeper ones are not", "<r><x><row/></x><row><row/></row></r>", exactly(1)),
        ("none", "<?xml version='1.0'?>\n<r/>\n", exactly(0)),
        ("another root", "<s><row/></s>", UNPARSABLE),
        ("in a comment, in text", "<r><!-- <row/> - > --><![CDATA[<row/>]] >]]>&lt;row/></r>", exactly(0)),
        ("signs in values", "<r a='>' b=\"'/>\"><row c='&gt;'/></r>", exactly(1)),
        ("an instruction", "<?xml-stylesheet href='<row/>'?><r><?row?><row/></r>", exactly(1)),
        ("a document type", "<!DOCTYPE r [<!ENTITY row '<row/>'>]><r>&row;</r>", UNPARSABLE),
        ("closed by another", "<r><row></r></row>", UNPARSABLE),
        ("never closed", "<r><row/>", UNPARSABLE),
        ("cut in a tag", "<r><row/></r", UNPARSABLE),
        ("two roots", "<r><row/></r><r><row/></r>", UNPARSABLE),
        ("text behind", "<r><row/></r>x", UNPARSABLE),
        ("a page", "<r><br><row/></r>", UNPARSABLE),
        ("no value", "<r><row a></row></r>", UNPARSABLE),
        ("no blank between attributes", "<r><row a='1'b='2'/></r>", UNPARSABLE),
        ("dashes in a comment", "<r><!-- -- <row/> --></r>", UNPARSABLE),
        ("no XML", "ID,name\n1,a\n", UNPARSABLE),
        (
            "an encoding that we do not read",
            "<?xml version='1.0' encoding='EBCDIC'?><r/>",
            Count::Unknown(WhyUnknown::Charset),
        ),
        ("nothing", "", exactly(0)),
    ];
    for (name, body, expected) in cases {
        assert_eq!(records(&xml("/r/row"), body), expected, "{name}");
    }
    assert_eq!(records(&xml("/r/*/row"), "<r><a><row/></a><b><row/><row/></b><row/></r>"), exactly(3));
    let deep = |depth: usize| format!("<r>{}{}</r>", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(records(&xml("/r/row"), deep(255)), exactly(0));
    assert_eq!(records(&xml("/r/row"), deep(256)), UNPARSABLE);
}

#[test]
fn a_record_of_xml_names_its_patient() {
    let body = "<r><ID>0</ID><row><p><x:ID xmlns:x='u'> 7<!-- --></x:ID></p></row><row><ID><![CDATA[7]]></ID></row>\
                <row><ID>&#56;&amp;</ID></row><row><ID/></row></r>";
    let tally = count(&xml("/r/row"), Some(&element("ID")), body);
    assert_eq!(tally, Tally { records: Count::Exactly(4), patients: Count::Exactly(2) });
    let attribute = PatientLocator::Attribute("id".to_owned());
    let body = "<r id='0'><row id='7'/><row x:id=\"&#x37;\" xmlns:x='u'/><row><p id='9'/></row></r>";
    assert_eq!(count(&xml("/r/row"), Some(&attribute), body).patients, Count::Exactly(2));
    assert_eq!(count(&xml("/r/row"), Some(&element("nobody")), body).patients, UNPARSABLE);
    assert_eq!(records(&xml("/r/row"), "<r><row><ID>&pid;</ID></row></r>"), Count::Exactly(1));
    assert_eq!(
        count(&xml("/r/row"), Some(&element("ID")), "<r><row><ID>&pid;</ID></row></r>").patients,
        UNPARSABLE
    );
}

fn any_xml() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-c\u{e9} ]{0,4}",
        Just("<ID>7</ID>".to_owned()),
        Just("<n:ID> 8 </n:ID>".to_owned()),
        Just("<!-- <row> -->".to_owned()),
        Just("<![CDATA[<row>]]>".to_owned()),
        Just("&amp;&#55;".to_owned()),
    ];
    let name = prop::sample::select(vec!["r", "row", "n:row", "x"]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        (
            name.clone(),
            prop::sample::select(vec!["", " a='>'", " id=\"1\" n:b = '<'", "\n"]),
            proptest::collection::vec(inner, 0..5),
        )
            .prop_map(|(name, rest, inside)| format!("<{name}{rest}>{}</{name}>", inside.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn elements_are_counted_as_roxmltree_reads_them(
        inside in proptest::collection::vec(any_xml(), 0..6),
        change in proptest::option::of((any::<prop::sample::Index>(), prop::sample::select(b"<>/&'\"=ax -!".to_vec()))),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut body = format!("<r xmlns:n='u'>{}</r>", inside.concat()).into_bytes();
        if let Some((at, byte)) = change {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let mut counter = Counter::new(&xml("/r/row"), Some(&element("ID"))).unwrap();
        cut(&body, &sizes).for_each(|piece| counter.push(piece));
        let tally = counter.finish();
        let Ok(text) = std::str::from_utf8(&body) else { return Ok(()) };
        let Ok(document) = roxmltree::Document::parse(text) else { return Ok(()) };
        if document.root_element().tag_name().name() != "r" {
            prop_assert_eq!(tally.records, UNPARSABLE);
            return Ok(());
        }
        let rows: Vec<_> = document.root_element().children().filter(|node| node.tag_name().name() == "row").collect();
        // We ask for more than a reader must: local names twice, other entities.
        prop_assert!(matches!(tally.records, Count::Exactly(number) if number == rows.len() as u64), "{}", text);
        let named: Vec<_> = rows.iter().flat_map(roxmltree::Node::descendants).filter(|node| node.tag_name().name() == "ID").collect();
        let text_of = |node: &roxmltree::Node<'_, '_>| {
            node.descendants().filter(roxmltree::Node::is_text).filter_map(|text| text.text()).collect::<String>()
        };
        let patients: HashSet<String> = named.iter().map(|node| text_of(node).trim().to_owned()).filter(|text| !text.is_empty()).collect();
        let expected = if named.is_empty() && !rows.is_empty() { UNPARSABLE } else { Count::Exactly(patients.len() as u64) };
        prop_assert_eq!(tally.patients, expected, "{}", text);
    }
}

#[test]
fn messages_of_hl7_are_records_and_name_their_patients() {
    let exactly = Count::Exactly;
    let message = |id: &str| {
        format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1||{id}^^^MRN~9^^^SSN||Doe\rPV1|1\r")
    };
    let two = message("7") + &message("8");
    let batch = format!("FHS|^~\\&|\rBHS|^~\\&|\r{two}{}BTS|3\rFTS|1\r", message("7"));
    let cases = [
        ("one", message("7"), exactly(1), exactly(1)),
        ("a batch", batch.clone(), exactly(3), exactly(2)),
        ("lines of a file", batch.replace('\r', "\n"), exactly(3), exactly(2)),
        ("lines of another", batch.replace('\r', "\r\n"), exactly(3), exactly(2)),
        ("framed", format!("\x0B{}\x1C\r\x0B{}\x1C\r", message("7"), message("8")), exactly(2), exactly(2)),
        ("an empty batch", "BHS|^~\\&|\rBTS|0\r".to_owned(), exactly(0), exactly(0)),
        (
            "other delimiters",
            "MSH$%~\\&$\rPID$1$$7%x\rMSH|^~\\&|\rPID|1||7^y\r".to_owned(),
            exactly(2),
            exactly(1),
        ),
        ("no subcomponents", "MSH|^~\\|A|\rPID|1||7^y\r".to_owned(), exactly(1), exactly(1)),
        (
            "several patients of one message",
            "MSH|^~\\&|\rPID|1||7\rPID|2||8\rPID|3||9\r".to_owned(),
            exactly(3),
            exactly(3),
        ),
        ("nobody named", "MSH|^~\\&|\rPID|1||\r".to_owned(), exactly(1), UNPARSABLE),
        (
            "text that goes on in a line",
            "MSH|^~\\&|\rOBX|1|TX|a\nPIDs and MSHs\nend\rPID|1||7\r".to_owned(),
            exactly(1),
            exactly(1),
        ),
        ("no header", "PID|1||7\rMSH|^~\\&|\r".to_owned(), UNPARSABLE, UNPARSABLE),
        ("a page", "<html>".to_owned(), UNPARSABLE, UNPARSABLE),
        ("nothing", "\r\n".to_owned(), exactly(0), exactly(0)),
    ];
    for (name, body, messages, patients) in cases {
        assert_eq!(count(&ReplyKind::Hl7v2, None, body), Tally { records: messages, patients }, "{name}");
    }
}

fn parts(boundary: &str, body: &[u8]) -> Count {
    let label = Label::read(&format!("charset=utf-8; boundary={boundary}"));
    let mut outcomes = (1..10).chain([body.len().max(1)]).map(|size| {
        let mut counter = Counter::labelled(&ReplyKind::Multipart { of: None }, None, &label).unwrap();
        body.chunks(size).for_each(|piece| counter.push(piece));
        counter.finish().records
    });
    let first = outcomes.next().unwrap();
    assert!(outcomes.all(|outcome| outcome == first), "in pieces");
    first
}

#[test]
fn parts_between_boundaries_are_records() {
    let exactly = Count::Exactly;
    let cases = [
        ("two", "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n", exactly(2)),
        ("around them", "preamble\r\n--b\r\n\r\nx --b\r\n --b\r\n--b-- \r\nbehind\r\n", exactly(1)),
        ("lines of a file", "--b\n\nx\n--b\n\ny\n--b--", exactly(2)),
        ("blanks behind", "--b \t\r\n\r\nx\r\n--b--", exactly(1)),
        ("none", "--b--\r\n", exactly(0)),
        ("an empty body", "", exactly(0)),
        ("no end", "--b\r\n\r\nx\r\n--b\r\n\r\ny", UNPARSABLE),
        ("no boundary in it", "x", UNPARSABLE),
        ("what begins like the boundary", "--b\r\n\r\n--bc\r\n--b--", UNPARSABLE),
        ("parts behind the end", "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--", UNPARSABLE),
        (
            "parts of a part",
            "--b\r\nContent-Type:\r\n MultiPart/mixed; boundary=c\r\n\r\n--c\r\n--b--",
            UNPARSABLE,
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(parts("b", body.as_bytes()), expected, "{name}");
    }
    let quoted = b"--a b:c\r\n\r\n\x00\xFF\r\n--a b:c--\r\n";
    assert_eq!(parts("\"a b:c\"", quoted), exactly(1));
    assert_eq!(parts("", b"--\r\n\r\nx\r\n----\r\n"), UNPARSABLE);
    assert_eq!(
        parts(&"b".repeat(71), format!("--{0}\r\n\r\n--{0}--", "b".repeat(71)).as_bytes()),
        UNPARSABLE
    );
    assert_eq!(
        records(&ReplyKind::Multipart { of: None }, "--b\r\n\r\nx\r\n--b--"),
        UNPARSABLE,
        "the type has no boundary"
    );
}

proptest! {
    #[test]
    fn parts_that_are_written_are_counted(
        bodies in proptest::collection::vec(proptest::collection::vec(prop::sample::select(b"-b\r\n x".to_vec()), 0..30), 0..6),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let mut body = Vec::new();
        for part in &bodies {
            body.extend_from_slice(b"--bound\r\nContent-Id: 1\r\n\r\n");
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--bound--\r\n");
        let label = Label::read("boundary=bound");
        let mut counter = Counter::labelled(&ReplyKind::Multipart { of: None }, None, &label).unwrap();
        cut(&body, &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish().records, Count::Exactly(bodies.len() as u64));
    }
}

/// What parts of rows come to, however they are cut.
fn rows_of_parts(body: &str) -> Tally {
    let of = Some(Box::new(ReplyKind::Csv { delimiter: None, header: true }));
    let (kind, patient) = (ReplyKind::Multipart { of }, PatientLocator::Column("ID".to_owned()));
    let label = Label::read("boundary=b");
    let counted = |size: usize| {
        let mut counter = Counter::labelled(&kind, Some(&patient), &label).unwrap();
        body.as_bytes().chunks(size).for_each(|piece| counter.push(piece));
        counter.finish()
    };
    let whole = counted(body.len().max(1));
    for size in [1, 2, 3, 7] {
        assert_eq!(counted(size), whole, "in pieces of {size}: {body}");
    }
    whole
}

#[test]
fn what_parts_hold_is_counted() {
    let exactly =
        |records, patients| Tally { records: Count::Exactly(records), patients: Count::Exactly(patients) };
    let cases = [
        ("--b\r\n\r\nID,x\r\n1,a\r\n2,b\r\n--b--\r\n", exactly(2, 2)),
        (
            "--b\r\nContent-Type: text/csv\r\n\r\nID\r\n1\r\n\r\n--b\r\n\r\nID\r\n1\r\n2\r\n3\r\n--b--",
            exactly(4, 3),
        ),
        (
            "before\n--b\n\nID\n\"--b\n--bb\n\n\"\n-\n--c\n--b--\nbehind\n--b\n",
            Tally::unknown(WhyUnknown::Unparsable),
        ),
        ("before\n--b\n\nID\n\"-\n--c\n\r\n\"\n-\n--c\n\n--b--\nbehind", exactly(3, 3)),
        ("--b\n\n--b\n\nID\n1\n--b--", exactly(1, 1)),
        ("--b--", exactly(0, 0)),
    ];
    for (body, expected) in cases {
        assert_eq!(rows_of_parts(body), expected, "{body:?}");
    }
}

#[test]
fn a_part_that_is_not_what_is_declared_is_unknown() {
    let cases = [
        ("Content-Type: application/json", WhyUnknown::Mismatch),
        ("Content-Type: text/csv\nContent-Type: text/csv", WhyUnknown::Unparsable),
        ("content-type: text/csv;\n charset=shift_jis", WhyUnknown::Charset),
        ("Content-Type: text/csv; charset=utf-16", WhyUnknown::Charset),
        ("Content-Transfer-Encoding: base64", WhyUnknown::Coding),
        ("Content-Encoding: gzip", WhyUnknown::Coding),
        ("Content-Type: multipart/mixed; boundary=c", WhyUnknown::Unparsable),
        ("no header", WhyUnknown::Unparsable),
    ];
    for (header, why) in cases {
        let body = format!("--b\n{header}\n\nID\n1\n--b--");
        assert_eq!(rows_of_parts(&body), Tally::unknown(why), "{header}");
    }
    assert_eq!(
        rows_of_parts("--b\nContent-Type: text/csv\n--b--").records,
        Count::Unknown(WhyUnknown::Unparsable)
    );
    assert_eq!(rows_of_parts("--b\n\nID\n1\n").records, Count::Unknown(WhyUnknown::Unparsable), "no end");
    let fine = "--b\nContent-Transfer-Encoding: 8Bit\nX-Note: x\nContent-Type: text/csv; charset=utf-8\n\nID\n1\n--b--";
    assert_eq!(rows_of_parts(fine).records, Count::Exactly(1));
}
