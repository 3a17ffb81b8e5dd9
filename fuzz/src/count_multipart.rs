//! Parts are counted as the lines of their boundary stand, however the body is cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::ReplyKind;
use leastway::features::guard::count::{Counter, Label};

use crate::input::{Input, pieces};

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let label = Label::read(input.text_line().unwrap_or_default());
    let body = input.rest();
    let count = |kind: &ReplyKind, label: &Label, pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut counter = Counter::labelled(kind, None, label).expect("countable");
        pieces.for_each(|piece| counter.push(piece));
        counter.finish().records
    };
    let counted = |label: &Label, pieces: &mut dyn Iterator<Item = &[u8]>| {
        count(&ReplyKind::Multipart { of: None }, label, pieces)
    };
    assert_eq!(counted(&label, &mut pieces(body, cut)), counted(&label, &mut [body].into_iter()));

    let known = Label::read("boundary=b");
    let whole = counted(&known, &mut [body].into_iter());
    assert_eq!(counted(&known, &mut pieces(body, cut)), whole);
    let marked = body.iter().take(4).any(|byte| *byte == 0) || !body.starts_with(b"-");
    if let (Count::Exactly(parts), false) = (whole, marked) {
        let ends = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let lines = ends.take_while(|line| line != b"--b--").filter(|line| line == b"--b").count();
        assert_eq!(parts, lines as u64);
    }

    // What the parts hold is no more than the lines that there are.
    let of = Some(Box::new(ReplyKind::Csv { delimiter: None, header: false }));
    let rows = ReplyKind::Multipart { of };
    let held = count(&rows, &known, &mut [body].into_iter());
    assert_eq!(count(&rows, &known, &mut pieces(body, cut)), held);
    if let Count::Exactly(number) = held {
        assert!(matches!(whole, Count::Exactly(_)), "{held:?} {whole:?}");
        let ends = body.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        assert!(number <= ends as u64 + 1);
    }
}
