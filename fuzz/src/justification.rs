//! A reason that a person types, with its number and recipient, is short and plain, and the same when it is read again.

use leastway::domain::action::Action;
use leastway::domain::purpose::Purpose;
use leastway::gateway::pages::{Entered, read_justification};

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (Some(code), Some(number), Some(recipient), Some(text)) =
        (input.text_line(), input.text_line(), input.text_line(), input.text())
    else {
        return;
    };
    // Under this purpose both are asked for.
    let needs = Purpose::Legal.needs(Action::Export);
    let entered = Entered { number, recipient, text, ..Entered::default() };
    let Ok(given) = read_justification(code, &entered, needs) else { return };
    let is_plain = |text: &str| text.chars().all(|letter| letter == '\n' || !letter.is_control());
    assert!(given.text.chars().count() <= 500 && is_plain(&given.text));
    assert!(given.code.as_str() != "other" || !given.text.trim().is_empty());
    let (number, recipient) = (given.number.as_deref().unwrap(), given.recipient.as_deref().unwrap());
    assert!(number.is_ascii() && number.len() <= 200 && !recipient.contains('\n') && is_plain(recipient));
    let again = Entered { number, recipient, text: &given.text, ..Entered::default() };
    assert_eq!(read_justification(given.code.as_str(), &again, needs).as_ref(), Ok(&given));
}
