//! Messages are counted wherever a segment begins one, however the batch is cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let whole = count(&ReplyKind::Hl7v2, None, body, cut);
    let marked = body.iter().take(4).any(|byte| *byte == 0)
        || body.starts_with(&[0xFF, 0xFE])
        || body.starts_with(&[0xFE, 0xFF]);
    if let (Count::Exactly(records), false) = (whole.records, marked) {
        let messages =
            body.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| line.starts_with(b"MSH|")).count();
        assert!(records >= messages as u64, "never fewer than there are");
        assert!(records <= (body.len() / 4) as u64, "never more than fit");
        assert!(whole.patients.at_least() <= records, "nobody without a record");
    }
}
