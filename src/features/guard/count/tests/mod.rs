//! Bodies with what they hold, whole and in pieces; the scanners and the lexer against their oracles.

mod archives;
mod attached;
mod coded;
mod documents;
mod dumps;
mod graphql;
mod included;
mod listing;
mod objects;
mod oracle;
mod packed;
mod pages;
mod prints;
mod properties;
mod workbooks;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::reply_shape::RecordsPointer;

fn json_shape(pointer: &str) -> ReplyKind {
    ReplyKind::Json { records: RecordsPointer::read(pointer) }
}

const CSV: ReplyKind = ReplyKind::Csv { delimiter: None, header: true };

fn member(name: &str) -> PatientLocator {
    PatientLocator::Member(name.to_owned())
}

fn column(name: &str) -> PatientLocator {
    PatientLocator::Column(name.to_owned())
}

/// Counts `body` whole and in pieces of every size up to 9; all have to agree.
fn count(kind: &ReplyKind, patient: Option<&PatientLocator>, body: impl AsRef<[u8]>) -> Tally {
    let body = body.as_ref();
    let whole = count_in_pieces(kind, patient, body, body.len().max(1));
    for size in 1..10 {
        assert_eq!(count_in_pieces(kind, patient, body, size), whole, "in pieces of {size}");
    }
    whole
}

fn count_in_pieces(kind: &ReplyKind, patient: Option<&PatientLocator>, body: &[u8], size: usize) -> Tally {
    let mut counter = Counter::new(kind, patient).unwrap();
    for piece in body.chunks(size) {
        counter.push(piece);
        counter.push(b"");
    }
    counter.finish()
}

fn records(kind: &ReplyKind, body: impl AsRef<[u8]>) -> Count {
    count(kind, None, body).records
}

const UNPARSABLE: Count = Count::Unknown(WhyUnknown::Unparsable);

#[test]
fn elements_of_the_array_at_the_pointer_are_records() {
    struct Case {
        name: &'static str,
        pointer: &'static str,
        body: &'static str,
        records: Count,
    }
    let exactly = Count::Exactly;
    let cases = [
        Case { name: "the document itself", pointer: "", body: "[1,{},[2,3]]", records: exactly(3) },
        Case { name: "empty", pointer: "", body: " [ ] ", records: exactly(0) },
        Case {
            name: "a member",
            pointer: "/data",
            body: r#"{"a":[1,2],"data":[{},{}]}"#,
            records: exactly(2),
        },
        Case { name: "deeper", pointer: "/a/b", body: r#"{"b":[1],"a":{"b":[1,2,3]}}"#, records: exactly(3) },
        Case {
            name: "the same name elsewhere",
            pointer: "/b",
            body: r#"{"a":{"b":[1]},"b":[2]}"#,
            records: exactly(1),
        },
        Case {
            name: "space before the colon",
            pointer: "/a",
            body: "{\"a\" \n: [1, 2]}",
            records: exactly(2),
        },
        Case {
            name: "escaped name",
            pointer: "/entry",
            body: r#"{"\u0065ntry":[1,2]}"#,
            records: exactly(2),
        },
        Case {
            name: "escaped slash and tilde",
            pointer: "/a~1b~0c",
            body: r#"{"a/b~c":[1]}"#,
            records: exactly(1),
        },
        Case {
            name: "every element",
            pointer: "/g/*/m",
            body: r#"{"g":[{"m":[1,2]},{"m":[3]}]}"#,
            records: exactly(3),
        },
        Case { name: "no elements on the way", pointer: "/g/*/m", body: r#"{"g":[]}"#, records: exactly(0) },
        Case {
            name: "an element without it",
            pointer: "/g/*/m",
            body: r#"{"g":[{"m":[1]},{}]}"#,
            records: UNPARSABLE,
        },
        Case {
            name: "every member, whatever a query calls it",
            pointer: "/data/*",
            body: r#"{"data":{"a":[1,2],"b":[3],"c":null}}"#,
            records: exactly(3),
        },
        Case { name: "a name twice", pointer: "/*", body: r#"{"a":[1,2],"a":[3]}"#, records: exactly(3) },
        Case {
            name: "no members on the way",
            pointer: "/data/*",
            body: r#"{"data":{}}"#,
            records: exactly(0),
        },
        Case {
            name: "a member that is none",
            pointer: "/data/*",
            body: r#"{"data":{"a":[1],"b":{}}}"#,
            records: UNPARSABLE,
        },
        Case { name: "by number", pointer: "/1", body: "[[1],[2,3]]", records: exactly(2) },
        Case { name: "null", pointer: "/data", body: r#"{"data":null}"#, records: exactly(0) },
        Case { name: "missing", pointer: "/data", body: r#"{"rows":[1,2]}"#, records: UNPARSABLE },
        Case { name: "not an array", pointer: "/data", body: r#"{"data":{"1":{}}}"#, records: UNPARSABLE },
        Case {
            name: "text with records in it",
            pointer: "/data",
            body: r#"{"data":"a,b\nc,d"}"#,
            records: UNPARSABLE,
        },
        Case {
            name: "an error message",
            pointer: "/data",
            body: r#"{"error":"no such report"}"#,
            records: exactly(0),
        },
        Case {
            name: "an error beside something else than an array",
            pointer: "/data",
            body: r#"{"error":null,"data":{"1":{}}}"#,
            records: UNPARSABLE,
        },
        Case { name: "nothing", pointer: "/data", body: "", records: exactly(0) },
    ];
    for case in cases {
        assert_eq!(records(&json_shape(case.pointer), case.body), case.records, "{}", case.name);
    }
}

#[test]
fn json_that_can_be_read_in_two_ways_is_not_counted() {
    let cases = [
        ("the name on the way twice", r#"{"data":[1],"data":[1,2,3]}"#),
        ("the same, once escaped", r#"{"data":[1],"d\u0061ta":[1,2,3]}"#),
        ("a comment", "{\"data\":[1/*,2,3*/]}"),
        ("a comment to the end of the line", "{\"data\":[1 //]\n]}"),
        ("two documents", r#"{"data":[1]}{"data":[2]}"#),
        ("something behind", r#"{"data":[1]},"#),
        ("a trailing comma", r#"{"data":[1,]}"#),
        ("an empty place", r#"{"data":[1,,2]}"#),
        ("single quotes", "{'data':[1]}"),
        ("a name without quotes", "{data:[1]}"),
        ("not a number", r#"{"data":[NaN]}"#),
        ("a number that is none", r#"{"data":[01]}"#),
        ("an escape that is none", r#"{"data":["\x41"]}"#),
        ("a line end in a string", "{\"data\":[\"a\nb\"]}"),
        ("cut", r#"{"data":[1,2"#),
        ("cut in a string", r#"{"data":["ab"#),
        ("closed by the wrong bracket", r#"{"data":[1}]"#),
        ("a zero byte", "{\"data\":[1]}\0"),
    ];
    for (name, body) in cases {
        assert_eq!(records(&json_shape("/data"), body), UNPARSABLE, "{name}");
    }
}

#[test]
fn nesting_is_read_to_its_limit_and_no_deeper() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(records(&json_shape(""), nested(lexer::DEPTH_MAX)), Count::Exactly(1));
    assert_eq!(records(&json_shape(""), nested(lexer::DEPTH_MAX + 1)), UNPARSABLE);
}

#[test]
fn a_byte_order_mark_is_tolerated_and_wide_encodings_need_one() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let marked = [&b"\xEF\xBB\xBF"[..], b"[1,2]"].concat();
    assert_eq!(records(&json_shape(""), marked), Count::Exactly(2));
    assert_eq!(records(&CSV, "\u{feff}id,name\n1,a\n"), Count::Exactly(1));

    let charset = Count::Unknown(WhyUnknown::Charset);
    assert_eq!(records(&json_shape(""), wide("[1,2]")), charset);
    assert_eq!(records(&json_shape(""), wide("\u{feff}[1,2]")), Count::Exactly(2));
    assert_eq!(records(&CSV, wide("\u{feff}id;name\n1;a\n2;b\n")), Count::Exactly(2));
    assert_eq!(records(&CSV, wide("id;name\n1;a\n2;b\n")), charset);
    assert_eq!(records(&ReplyKind::Ndjson, b"\0\0\0{"), charset);
}

#[test]
fn patients_are_found_wherever_they_stand_in_a_record() {
    let body = r#"{"mrn":"not in a record","data":[
        {"mrn":"1"},{"deep":[{"mrn":2}]},{"\u006drn":"\u0031"},{"mrn":null},{"mrn":"3","x":{"mrn":"3"}},{"MRN":"9"}]}"#;
    let tally = count(&json_shape("/data"), Some(&member("mrn")), body);
    assert_eq!(tally, Tally { records: Count::Exactly(6), patients: Count::Exactly(3) });
}

#[test]
fn fhir_replies_other_than_a_search_are_counted_too() {
    let exactly = Count::Exactly;
    let inner = |count: usize| {
        json!({ "resource": { "entry": vec![json!({"resource": {"resourceType": "Patient"}}); count],
        "resourceType": "Bundle" }, "response": { "status": "200" } })
    };
    let cases = [
        ("one resource", json!({ "resourceType": "Patient", "id": "1" }), exactly(1)),
        ("no entries", json!({ "resourceType": "Bundle", "total": 0 }), exactly(0)),
        ("an outcome", json!({ "resourceType": "OperationOutcome", "issue": [{}] }), exactly(0)),
        ("the type comes last", json!({ "entry": [{}, {}], "resourceType": "Bundle" }), exactly(2)),
        (
            "a batch of searches",
            json!({ "resourceType": "Bundle", "entry": [inner(3), inner(4)] }),
            exactly(7),
        ),
        (
            "entries of a section",
            json!({ "resourceType": "Bundle", "entry": [{ "resource": {
            "resourceType": "Composition", "section": [{ "entry": [{ "reference": "Patient/1" }, {}] }] } }] }),
            exactly(1),
        ),
        ("no resource", json!({ "rows": [1, 2] }), UNPARSABLE),
        ("an array", json!([{ "resourceType": "Patient" }]), UNPARSABLE),
        ("an error message", json!({ "message": "down for maintenance" }), exactly(0)),
        ("an entry that is an array", json!({ "resourceType": "Bundle", "entry": [[1, 2]] }), UNPARSABLE),
    ];
    for (name, body, expected) in cases {
        assert_eq!(records(&ReplyKind::FhirBundle, body.to_string()), expected, "{name}");
    }
}

#[test]
fn a_bundle_cannot_talk_its_entries_away() {
    let twice = r#"{"resourceType":"Bundle","entry":[{"search":{"mode":"include","mode":"match"}}]}"#;
    assert_eq!(records(&ReplyKind::FhirBundle, twice), Count::Exactly(1));
    let elsewhere = r#"{"resourceType":"Bundle","entry":[{"resource":{"search":{"mode":"include"}}}]}"#;
    assert_eq!(records(&ReplyKind::FhirBundle, elsewhere), Count::Exactly(1));
    let two_arrays = r#"{"resourceType":"Bundle","entry":[{}],"entry":[{},{}]}"#;
    assert_eq!(records(&ReplyKind::FhirBundle, two_arrays), UNPARSABLE);
    let two_types = r#"{"resourceType":"OperationOutcome","resourceType":"Bundle","entry":[{},{}]}"#;
    assert_eq!(records(&ReplyKind::FhirBundle, two_types), UNPARSABLE);
}

#[test]
fn patients_are_read_out_of_every_spelling_of_a_reference() {
    let reference = |text: &str| json!({ "resourceType": "Bundle", "entry": [{ "resource": { "subject": { "reference": text } } }] });
    let cases = [
        ("Patient/1", 1),
        ("https://ehr.example/fhir/Patient/1", 1),
        ("Patient/1/_history/2", 1),
        ("Patient?identifier=5", 1),
        ("Practitioner/1", 0),
        ("OutPatient/1", 0),
        ("Group/Patients", 0),
        ("Patient/", 0),
    ];
    for (text, patients) in cases {
        let tally = count(&ReplyKind::FhirBundle, None, reference(text).to_string());
        assert_eq!(tally.patients, Count::Exactly(patients), "{text}");
    }
    let same = r#"[{"reference":"Patient/1"},{"reference":"http:\/\/x\/Patient\/1"},{"resourceType":"Patient","id":"1"}]"#;
    let body = format!(r#"{{"resourceType":"Bundle","entry":{same}}}"#);
    assert_eq!(count(&ReplyKind::FhirBundle, None, body).patients, Count::Exactly(1));
}

#[test]
fn lines_of_ndjson_are_records() {
    struct Case {
        name: &'static str,
        body: &'static str,
        records: Count,
    }
    let cases = [
        Case { name: "two", body: "{\"a\":1}\n{\"a\":2}\n", records: Count::Exactly(2) },
        Case { name: "no line end behind", body: "{}\r\n\r\n  \n1", records: Count::Exactly(2) },
        Case { name: "nothing", body: "\n\n", records: Count::Exactly(0) },
        Case {
            name: "a line end in a string, escaped",
            body: "{\"a\":\"\\n\"}\n",
            records: Count::Exactly(1),
        },
        Case { name: "two on a line", body: "{}{}\n", records: UNPARSABLE },
        Case { name: "one on two lines", body: "{\"a\":\n1}\n", records: UNPARSABLE },
        Case { name: "a line that is an array", body: "[1,2,3,4]\n", records: UNPARSABLE },
        Case { name: "cut", body: "{}\n{\"a", records: UNPARSABLE },
        Case { name: "no JSON", body: "a,b\n1,2\n", records: UNPARSABLE },
    ];
    for case in cases {
        assert_eq!(records(&ReplyKind::Ndjson, case.body), case.records, "{}", case.name);
    }
    let tally =
        count(&ReplyKind::Ndjson, Some(&member("p")), "{\"p\":1}\n{\"q\":{\"p\":\"1\"}}\n{\"p\":2}\n");
    assert_eq!(tally, Tally { records: Count::Exactly(3), patients: Count::Exactly(2) });
}

#[test]
fn rows_after_the_header_are_records() {
    struct Case {
        name: &'static str,
        body: &'static str,
        records: Count,
        patients: Count,
    }
    let exactly = Count::Exactly;
    let cases = [
        Case { name: "commas", body: "ID,name\n1,a\n2,b\n1,c\n", records: exactly(3), patients: exactly(2) },
        Case { name: "semicolons", body: "name;ID\r\na;1\r\nb;2", records: exactly(2), patients: exactly(2) },
        Case { name: "tabs", body: "ID\tname\n1\ta,b;c\n", records: exactly(1), patients: exactly(1) },
        Case { name: "bars", body: "a|ID\n,;|1\n,;|2\n", records: exactly(2), patients: exactly(2) },
        Case {
            name: "the spreadsheet's hint",
            body: "sep=;\nID;a,b\n1;x\n",
            records: exactly(1),
            patients: exactly(1),
        },
        Case {
            name: "quoted line ends",
            body: "ID,n\n1,\"a\nb\r\n\nc\"\n2,x\n",
            records: exactly(2),
            patients: exactly(2),
        },
        Case {
            name: "quoted names",
            body: "\"n\",\"ID\"\n\"a\",\"1\"\n\"b\",\"1\"\n",
            records: exactly(2),
            patients: exactly(1),
        },
        Case {
            name: "doubled quotes",
            body: "ID,n\n\"a\"\"b\",\"\"\"\"\n",
            records: exactly(1),
            patients: exactly(1),
        },
        Case {
            name: "a quote inside",
            body: "ID,n\n1,5\" tube\n2,x\n",
            records: exactly(2),
            patients: exactly(2),
        },
        Case {
            name: "blank lines",
            body: "\n\nID\n\n1\n\r\n2\n\n",
            records: exactly(2),
            patients: exactly(2),
        },
        Case { name: "a blank field", body: "ID,n\n,a\n,b\n", records: exactly(2), patients: exactly(0) },
        Case { name: "old line ends", body: "ID,n\r1,a\r2,b\r", records: exactly(2), patients: exactly(2) },
        Case { name: "the header alone", body: "ID,n", records: exactly(0), patients: exactly(0) },
        Case { name: "nothing", body: "", records: exactly(0), patients: exactly(0) },
        Case { name: "no such column", body: "a,b\n1,2\n", records: exactly(1), patients: UNPARSABLE },
        Case {
            name: "a quote never closed",
            body: "ID,n\n1,\"a\n2,b\n3,c\n",
            records: UNPARSABLE,
            patients: UNPARSABLE,
        },
    ];
    for case in cases {
        let tally = count(&CSV, Some(&column("ID")), case.body);
        assert_eq!(tally.records, case.records, "{}", case.name);
        assert_eq!(tally.patients, case.patients, "{}", case.name);
        assert_eq!(records(&CSV, case.body), case.records, "{}, without patients", case.name);
    }
    let bare = ReplyKind::Csv { delimiter: Some(b','), header: false };
    assert_eq!(records(&bare, "1,a\n2,b\n"), Count::Exactly(2));
    assert_eq!(records(&CSV, "ID,n\n1,\0\n"), Count::Unknown(WhyUnknown::Mismatch));
}

#[test]
fn what_is_counted_so_far_never_exceeds_the_whole() {
    let body = json!({ "resourceType": "Bundle", "entry": [
        { "search": { "mode": "include" } }, { "search": { "mode": "match" } }, { "search": { "mode": "include" } } ] });
    let mut counter = Counter::new(&ReplyKind::FhirBundle, None).unwrap();
    for byte in body.to_string().as_bytes() {
        counter.push(&[*byte]);
        assert!(counter.so_far().records.at_least() <= 1);
    }
    assert_eq!(counter.finish().records, Count::Exactly(1));
}
