//! What a GraphQL query is answered, under whatever names.

#![expect(clippy::wildcard_enum_match_arm, reason = "the oracle's values are not our words")]

use serde_json::Value;

use super::properties::{any_json, cut};
use super::*;

const NAMELESS: Count = Count::Unknown(WhyUnknown::Unparsable);

fn node(id: u32) -> Value {
    json!({ "node": { "id": id, "name": "x", "stays": [{ "ward": "4W" }, { "ward": "4E" }] } })
}

#[test]
fn lists_and_connections_are_counted_under_whatever_names() {
    let (one, two) = (Count::Exactly(1), Count::Exactly(2));
    let edges = json!([node(1), node(2)]);
    let page = json!({ "hasNextPage": true, "endCursor": "x" });
    let cases = [
        ("a list", json!({ "patients": [{ "id": 1 }, { "id": 2 }] }), two, two),
        ("two lists, in part of the same", json!({ "a": [{ "id": 1 }], "b": [{ "id": 1 }] }), two, one),
        (
            "a connection",
            json!({ "patients": { "totalCount": 600, "edges": edges, "pageInfo": page } }),
            two,
            two,
        ),
        (
            "an edge of another name",
            json!({ "p": { "e": [{ "n": { "id": 1 } }, { "n": { "id": 2 } }] } }),
            two,
            two,
        ),
        ("nodes", json!({ "p": { "nodes": [{ "id": 1 }, { "id": 2 }] } }), two, two),
        (
            "the same list twice in one connection",
            json!({ "p": { "edges": edges, "nodes": [{ "id": 1 }, { "id": 2 }] } }),
            Count::Exactly(4),
            two,
        ),
        (
            "a list deeper down",
            json!({ "site": { "wards": { "beds": [{ "id": 1 }, { "id": 2 }] } } }),
            two,
            two,
        ),
        ("one thing", json!({ "patient": { "id": 1, "name": "x" } }), one, one),
        ("two of them", json!({ "a": { "id": 1 }, "b": { "id": 2 } }), two, two),
        ("one with an empty list", json!({ "patient": { "id": 1, "tags": [] } }), one, one),
        (
            "an empty connection is one record",
            json!({ "p": { "edges": [], "pageInfo": page } }),
            one,
            Count::Exactly(0),
        ),
        ("a number is one record", json!({ "count": 600 }), one, Count::Exactly(0)),
        (
            "nothing was found",
            json!({ "patients": null, "others": [] }),
            Count::Exactly(0),
            Count::Exactly(0),
        ),
        ("nothing was asked", json!({}), Count::Exactly(0), Count::Exactly(0)),
        ("no name, in a list", json!({ "a": [{ "id": 1 }, { "x": 2 }] }), two, NAMELESS),
        ("no name, at first", json!({ "a": { "edges": [{ "x": 1 }, node(2)] } }), two, NAMELESS),
        ("an empty name", json!({ "a": [{ "id": "" }] }), one, NAMELESS),
        ("a name that is a list", json!({ "a": [{ "id": [1] }] }), one, NAMELESS),
        ("no name, alone", json!({ "a": { "id": 1 }, "b": { "x": 2 } }), two, NAMELESS),
        (
            "a name beside the list is not in it",
            json!({ "p": { "id": 1, "e": [{ "x": 1 }] } }),
            one,
            NAMELESS,
        ),
    ];
    for (name, data, records, patients) in cases {
        let body = json!({ "data": data, "extensions": { "tracing": [1, 2, 3] } }).to_string();
        let tally = count(&ReplyKind::Graphql, Some(&member("id")), &body);
        assert_eq!(tally, Tally { records, patients }, "{name}");
        let tally = count(&ReplyKind::Graphql, None, &body);
        assert_eq!(tally, Tally { records, patients: Count::NotCounted }, "{name}, without patients");
    }
}

#[test]
fn what_is_no_answer_is_unknown_and_an_error_is_none() {
    let cases = [
        ("an error", r#"{"errors":[{"message":"x"}]}"#, Count::Exactly(0)),
        ("an error without data", r#"{"errors":[{"message":"x"}],"data":null}"#, Count::Exactly(0)),
        (
            "an error of one field",
            r#"{"errors":[{"message":"x"}],"data":{"a":null,"b":[1]}}"#,
            Count::Exactly(1),
        ),
        ("no data", r#"{"patients":[1]}"#, UNPARSABLE),
        ("a list of answers", r#"[{"data":{"a":[1]}}]"#, UNPARSABLE),
        ("data that is none", r#"{"data":7}"#, UNPARSABLE),
        ("data twice", r#"{"data":{},"data":{"a":[1]}}"#, UNPARSABLE),
        ("an answer that breaks off", r#"{"data":{"a":{"edges":[1,2"#, UNPARSABLE),
        ("a page", "<p>", UNPARSABLE),
        ("nothing", "", Count::Exactly(0)),
    ];
    for (name, body, expected) in cases {
        assert_eq!(records(&ReplyKind::Graphql, body), expected, "{name}");
    }
    let deep =
        |depth: usize| format!("{{\"data\":{{\"a\":{}1{}}}}}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_eq!(records(&ReplyKind::Graphql, deep(lexer::DEPTH_MAX - 2)), Count::Exactly(1));
    assert_eq!(records(&ReplyKind::Graphql, deep(lexer::DEPTH_MAX - 1)), UNPARSABLE);
}

/// How many records a root field is answered, as `serde_json` reads it.
fn answered(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Array(elements) => elements.len(),
        Value::Object(_) => listed(value).max(1),
        _ => 1,
    }
}

/// The elements of the outermost lists.
fn listed(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.len(),
        Value::Object(members) => members.values().map(listed).sum(),
        _ => 0,
    }
}

/// Whether something in it has the name of a patient.
fn names(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(names),
        Value::Object(members) => members.iter().any(|(name, value)| match value {
            Value::String(text) => name == "mrn" && !text.is_empty(),
            Value::Number(_) => name == "mrn",
            _ => names(value),
        }),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn answers_are_counted_as_serde_json_reads_them_however_they_are_cut(
        fields in proptest::collection::vec(any_json(), 0..5),
        sizes in proptest::collection::vec(1_usize..30, 1..8),
    ) {
        let data: serde_json::Map<_, _> =
            fields.iter().enumerate().map(|(number, field)| (format!("f{number}"), field.clone())).collect();
        let body = json!({ "data": data }).to_string();
        let mut counter = Counter::new(&ReplyKind::Graphql, Some(&member("mrn"))).unwrap();
        let mut least = 0;
        for piece in cut(body.as_bytes(), &sizes) {
            counter.push(piece);
            let so_far = counter.so_far().records.at_least();
            prop_assert!(so_far >= least, "a lower bound never sinks");
            least = so_far;
        }
        let tally = counter.finish();
        let expected: usize = fields.iter().map(answered).sum();
        prop_assert_eq!(tally.records, Count::Exactly(expected as u64));
        let is_named_throughout = fields.iter().all(|field| match field {
            Value::Array(elements) => elements.iter().all(names),
            _ => false,
        });
        if is_named_throughout {
            prop_assert!(matches!(tally.patients, Count::Exactly(_)), "{:?}", tally);
        }
        let has_nameless = fields.iter().any(|field| match field {
            Value::Array(elements) => !elements.iter().all(names),
            _ => false,
        });
        if has_nameless {
            prop_assert_eq!(tally.patients, NAMELESS);
        }
    }
}
