//! What is withheld does not come out, however a body is cut; and what comes out is what another parser reads of the
//! original without it.

use std::sync::Arc;

use http::Response;
use http::response::Parts;
use leastway::domain::field::{FhirElement, Field, Place};
use leastway::domain::reply_shape::{RecordsPointer, ReplyKind, ReplyShape};
use leastway::features::guard::count::Counter;
use leastway::features::guard::redact::{Plan, Redaction};
use serde_json::Value;

use crate::input::Input;
use crate::redacting::{SETTINGS, redacted};

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, cut) = (input.byte(), input.byte());
    let (kind, place) = match choice % 5 {
        0 => (ReplyKind::Json { records: RecordsPointer::default() }, Place::Member("ssn".into())),
        1 => (
            ReplyKind::Json { records: RecordsPointer::default() },
            Place::Pointer(RecordsPointer::read("/a/*/ssn")),
        ),
        2 => (ReplyKind::Ndjson, Place::Member("ssn".into())),
        3 => (ReplyKind::FhirBundle, Place::Element(FhirElement::read("Patient.ssn").expect("an element"))),
        _ => (ReplyKind::Csv { delimiter: None, header: true }, Place::Column("ssn".into())),
    };
    let field = Field {
        name: "ssn".parse().expect("a name"),
        categories: Vec::new(),
        identifies: false,
        places: vec![place],
    };
    let plan = Arc::new(Plan::new(Some(&kind), [&field]).expect("a field"));
    let mut head = Response::new(()).into_parts().0;
    head.headers = input.headers();
    let body = input.rest();

    let Some(whole) = redacted(|| Redaction::new(Arc::clone(&plan), &head, &SETTINGS), body, cut) else {
        return;
    };
    check_cut(&kind, &field, &head, body, (choice, cut));

    if choice % 5 == 0 && !head.headers.contains_key("content-encoding") {
        let (Ok(came), Ok(mut original)) =
            (serde_json::from_slice::<Value>(&whole), serde_json::from_slice::<Value>(body))
        else {
            return;
        };
        mask(&mut original);
        assert_eq!(came, original);
    }
}

/// What is cut has no more records than are kept, by the counter of every reply, and is the same however it comes.
fn check_cut(kind: &ReplyKind, field: &Field, head: &Parts, body: &[u8], (choice, cut): (u8, u8)) {
    let keep = u64::from(choice / 5 % 4);
    let shape = ReplyShape { kind: kind.clone(), patient: None, same_numbers: false };
    let fields = [field].into_iter().take(usize::from(choice / 20 % 2));
    let plan = Arc::new(Plan::cut(&shape, fields).expect("a kind that can be cut"));
    let begin = || Redaction::new(Arc::clone(&plan), head, &SETTINGS).keeping(keep, None);
    let Some(whole) = redacted(begin, body, cut) else { return };
    // What came in UTF-16 leaves in it, and is counted elsewhere.
    if !whole.is_empty() && !whole.contains(&0) {
        let mut counter = Counter::new(kind, None).expect("a kind that is counted");
        counter.push(&whole);
        assert!(counter.finish().records.at_least() <= keep);
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(mask),
        Value::Object(members) => {
            for (name, value) in members {
                if name == "ssn" { *value = Value::from("[withheld]") } else { mask(value) }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
