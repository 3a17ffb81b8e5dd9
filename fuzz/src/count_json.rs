//! JSON is counted as `serde_json` reads it, however it is cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, RecordsPointer, ReplyKind};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let patient = PatientLocator::Member("p".to_owned());
    for pointer in ["", "/data", "/a/*/b"] {
        let kind = ReplyKind::Json { records: RecordsPointer::read(pointer) };
        count(&kind, Some(&patient), body, cut);
    }
    let whole = count(&ReplyKind::Json { records: RecordsPointer::default() }, Some(&patient), body, cut);
    if let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        // A zero byte among the first is taken for UTF-16 or UTF-32, which JSON cannot be here.
        assert_eq!(whole.records, Count::Exactly(elements.len() as u64));
    }
    // What GraphQL answers is no fewer than the elements of each list that is a member of its data.
    let answered = count(&ReplyKind::Graphql, Some(&patient), body, cut).records;
    if let (Count::Exactly(number), Ok(document)) = (answered, serde_json::from_slice::<Value>(body))
        && let Some(Value::Object(data)) = document.get("data")
    {
        let least: usize = data.values().filter_map(Value::as_array).map(Vec::len).sum();
        assert!(number >= least as u64);
    }
    // Below a member: the elements of the array there, if the member comes once.
    if let Ok(document) = serde_json::from_slice::<Value>(body)
        && let Some(Value::Array(elements)) = document.get("data")
        && memchr::memmem::find_iter(body, b"data").count() == 1
        && !body.contains(&b'\\')
    {
        let kind = ReplyKind::Json { records: RecordsPointer::read("/data") };
        assert_eq!(count(&kind, Some(&patient), body, cut).records, Count::Exactly(elements.len() as u64));
    }
}
