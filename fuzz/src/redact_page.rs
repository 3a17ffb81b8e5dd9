//! What is withheld of a page does not come out, however it is cut; and what comes out is what another parser reads of the
//! original, but for the marks.

use std::sync::Arc;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::domain::field::{Field, Place};
use leastway::domain::reply_shape::ReplyKind;
use leastway::domain::row_selector::RowSelector;
use leastway::features::guard::redact::{Plan, Redaction};
use scraper::{Html, Selector};

use crate::input::Input;
use crate::redacting::{SETTINGS, redacted};

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, cut) = (input.byte(), input.byte());
    let selector = |text: &str| RowSelector::read(text).expect("a selector");
    let (place, masked) = match choice % 3 {
        0 => (Place::Column("ssn".into()), None),
        1 => (Place::Cell(1), None),
        _ => (Place::Selector(selector("body .ssn")), Some("body .ssn")),
    };
    let field = Field {
        name: "ssn".parse().expect("a name"),
        categories: Vec::new(),
        identifies: false,
        places: vec![place],
    };
    let kind = ReplyKind::Html { rows: selector("table tr") };
    let plan = Arc::new(Plan::new(Some(&kind), [&field]).expect("a field"));
    let mut head = Response::new(()).into_parts().0;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let body = input.rest();

    let Some(whole) = redacted(|| Redaction::new(Arc::clone(&plan), &head, &SETTINGS), body, cut) else {
        return;
    };
    // UTF-16 comes out as it came.
    let (Some(masked), Ok(text)) = (masked, String::from_utf8(whole)) else { return };
    if text.starts_with(['\0', '\u{FEFF}']) || text.get(..4).is_some_and(|text| text.contains('\0')) {
        return;
    }
    let page = Html::parse_document(&text);
    for element in page.select(&Selector::parse(masked).expect("a selector")) {
        let shown: String = element.text().collect();
        assert!(matches!(&*shown, "[withheld]" | ""), "{text}");
        let is_kept =
            |name: &str| matches!(name, "class" | "colspan" | "rowspan" | "scope" | "value" | "alt");
        assert!(element.value().attrs().all(|(name, _)| is_kept(name)), "{text}");
    }
}
