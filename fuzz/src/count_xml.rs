//! Elements are counted as `roxmltree` reads them, however the document is cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{ElementPath, PatientLocator, ReplyKind};

use crate::counting::count;
use crate::input::Input;

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let kind = ReplyKind::Xml { records: ElementPath::read("/r/*/row").expect("a path") };
    let whole = count(&kind, Some(&PatientLocator::Element("ID".to_owned())), body, cut);
    let Ok(text) = std::str::from_utf8(body) else { return };
    let (Count::Exactly(number), Ok(document)) = (whole.records, roxmltree::Document::parse(text)) else {
        return;
    };
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "r");
    let groups = root.children().filter(roxmltree::Node::is_element);
    let rows = groups.flat_map(|group| group.children()).filter(|node| node.tag_name().name() == "row");
    assert_eq!(number, rows.count() as u64);
}
