//! Rows of a page are those of the whole tree, however the page is cut. The first byte is the size of a piece, the second
//! says which rows.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, ReplyKind};
use leastway::domain::row_selector::RowSelector;
use scraper::{Html, Selector};

use crate::counting::count;
use crate::input::Input;

const SELECTORS: [(&str, &str); 4] =
    [("table tr", "table"), ("table > tbody > tr", "table > tbody"), ("ul li", "ul"), ("* p", "*")];

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let (cut, choice) = (input.byte(), input.byte());
    let body = input.rest();
    let (rows, container) = SELECTORS[usize::from(choice) % SELECTORS.len()];
    let kind = ReplyKind::Html { rows: RowSelector::read(rows).expect("a selector") };
    let whole = count(&kind, Some(&PatientLocator::Cell(1)), body, cut).records;
    let Ok(text) = std::str::from_utf8(body) else { return };
    let lower = text.to_ascii_lowercase();
    // What is in a template has another place there. A text in UTF-16 is read as such, and so is a mark before it.
    if lower.contains("<template")
        || body.starts_with(b"\xEF\xBB\xBF")
        || body.iter().take(4).any(|byte| *byte == 0)
    {
        return;
    }
    let page = Html::parse_document(text);
    let number = |selector: &str| page.select(&Selector::parse(selector).expect("a selector")).count() as u64;
    match whole {
        Count::Exactly(0) if text.trim_ascii().is_empty() => {}
        Count::Exactly(rows_counted) => {
            // Elements of text that end out of order are rebuilt around others, which then stand where they did not.
            if ["<a", "<b", "<i", "<s", "<u", "<em", "<code", "<font", "<nobr", "<tt"]
                .iter()
                .any(|name| lower.contains(name))
            {
                return;
            }
            assert_eq!(rows_counted, number(rows));
            assert!(number(container) > 0);
        }
        Count::Unknown(_) => {}
        Count::AtLeast(_) | Count::NotCounted => panic!("it has ended"),
    }
}
