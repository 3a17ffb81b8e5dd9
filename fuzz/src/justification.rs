//! A reason that a person types is short and plain, and the same when it is read again.

use leastway::gateway::pages::read_justification;

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (Some(code), Some(typed)) = (input.text_line(), input.text()) else { return };
    let Ok((code, text)) = read_justification(code, typed) else { return };
    assert!(text.chars().count() <= 500 && text.chars().all(|letter| letter == '\n' || !letter.is_control()));
    assert!(code.as_str() != "other" || !text.trim().is_empty());
    assert_eq!(read_justification(code.as_str(), &text), Ok((code, text.clone())));
}
