//! A Bundle is counted alike however it is cut, and never from what is no JSON. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let whole = count(&ReplyKind::FhirBundle, None, body, cut);
    // Whatever is counted is a document that `serde_json` reads; it only gives up earlier in depth and numbers.
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let deep = text.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > 100;
    if let Count::Exactly(1..) = whole.records
        && !deep
        && std::str::from_utf8(text).is_ok()
    {
        serde_json::from_slice::<&RawValue>(text).expect("JSON");
    }
    // One Bundle, whose entries say in one way what they are: all that are not put aside are records.
    let marks =
        ["Bundle", "resourceType", "\"entry\""].map(|mark| memchr::memmem::find_iter(text, mark).count());
    if let Ok(document) = serde_json::from_slice::<Value>(text)
        && document.get("resourceType").is_some_and(|kind| kind == "Bundle")
        && let Some(Value::Array(entries)) = document.get("entry")
        && marks == [1; 3]
        && !text.contains(&b'\\')
        && memchr::memmem::find_iter(text, b"search").count() <= entries.len()
        && entries.iter().all(|entry| !entry.is_array())
    {
        let aside = |entry: &&Value| {
            let mode = entry.get("search").and_then(|search| search.get("mode")).and_then(Value::as_str);
            matches!(mode, Some("include" | "outcome"))
        };
        let put_aside = entries.iter().filter(aside).count() as u64;
        let number = entries.len() as u64;
        // A mode that is said twice is not believed, and there are no fewer records than patients.
        let (Count::Exactly(records) | Count::AtLeast(records)) = whole.records else { panic!("{whole:?}") };
        let patients = match whole.patients {
            Count::Exactly(patients) | Count::AtLeast(patients) => patients,
            Count::Unknown(_) | Count::NotCounted => 0,
        };
        assert!((number - put_aside..=number.max(patients)).contains(&records), "{records} of {number}");
    }
}
