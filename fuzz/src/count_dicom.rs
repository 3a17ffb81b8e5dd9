//! An object of DICOM is one record of at most one patient, however it is cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let whole = count(&ReplyKind::Dicom, None, body, cut);
    let is_object = body.get(128..132) == Some(b"DICM");
    match whole.records {
        Count::Exactly(number) => assert_eq!(number, u64::from(is_object)),
        Count::Unknown(_) => assert!(!is_object && !body.is_empty()),
        Count::AtLeast(_) | Count::NotCounted => panic!("{whole:?}"),
    }
    if let Count::Exactly(patients) = whole.patients {
        assert!(patients <= u64::from(is_object));
    }
}
