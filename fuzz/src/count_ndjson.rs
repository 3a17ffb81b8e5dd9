//! Lines are counted as `serde_json` reads each, however they are cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;
use serde_json::value::RawValue;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let whole = count(&ReplyKind::Ndjson, None, body, cut);
    let Ok(text) = std::str::from_utf8(body) else { return };
    let lines: Vec<&str> =
        text.split(['\n', '\r']).filter(|line| !line.trim_matches([' ', '\t']).is_empty()).collect();
    let readable = lines
        .iter()
        .all(|line| serde_json::from_str::<&RawValue>(line).is_ok_and(|value| !value.get().starts_with('[')));
    if readable && !text.starts_with('\u{feff}') {
        assert_eq!(whole.records, Count::Exactly(lines.len() as u64));
    }
}
