//! Pages against another parser, and pages that nobody would write.

use std::fmt::Write as _;

use proptest::prelude::*;
use scraper::{Html, Selector};

use super::properties::in_pieces;
use super::*;

/// The texts of the cells of each row, as `scraper` reads them.
fn cells(page: &str) -> Vec<Vec<String>> {
    let (row, cell) = (Selector::parse("#list tr").unwrap(), Selector::parse("td, th").unwrap());
    let page = Html::parse_document(page);
    let text = |cell: scraper::ElementRef<'_>| cell.text().collect();
    page.select(&row).map(|row| row.select(&cell).map(text).collect()).collect()
}

fn table() -> ReplyKind {
    ReplyKind::Html { rows: RowSelector::read("#list tr").unwrap() }
}

const MARKUP: &[&str] = &[
    "<div id=list>",
    "<table id=list>",
    "<table>",
    "</table>",
    "<tr>",
    "</tr>",
    "<td>",
    "<td class=ssn data-x='<td>'>",
    "</td>",
    "<th>ssn",
    "<tbody>",
    "<b class=ssn>",
    "</b>",
    "<p class=\"ssn\">",
    "</p>",
    "<a class=ssn href=secret>",
    "</a>",
    "<i>",
    "</i>",
    "<form>",
    "</form>",
    "<input class=ssn value=secret>",
    "<select class=ssn><option>",
    "</select>",
    "<script>",
    "</script>",
    "<textarea class=ssn>",
    "</textarea>",
    "<svg><title class=ssn>",
    "</svg>",
    "<math><mi class=ssn>",
    "<template>",
    "</template>",
    "<noscript>",
    "</noscript>",
    "<!--",
    "-->",
    "<body class=ssn>",
    "</body>",
    "<frameset>",
    "&nbsp",
    "&amp;",
    "secret",
    " ",
    "<",
    ">",
    "\"",
];

proptest! {
    #[test]
    fn a_table_is_the_same_but_for_its_column(
        rows in prop::collection::vec(prop::collection::vec("[a-z&<> é]{0,6}", 3), 0..5),
        column in 0_usize..3,
        ends in any::<[bool; 4]>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let end = |at: usize, text: &'static str| if ends[at] { text } else { "" };
        let mut page = format!("<!doctype html>{}<table id=list>{}<tr>", end(0, "<body>"), end(1, "<tbody>"));
        for at in 0..3 {
            page.push_str(if at == column { "<th>Ssn" } else { "<th>other" });
        }
        for row in &rows {
            page.push_str("<tr>");
            for cell in row {
                write!(page, "<td><b>{}</b>{}", escaped(cell), end(2, "</td>")).unwrap();
            }
            page.push_str(end(3, "</tr>"));
        }
        let (plan, head) = (plan(&table(), &["column:ssn"]), head(200, "text/html; charset=utf-8", None));
        let (out, record) = passed(&plan, &head, [page.as_bytes()]).unwrap();
        prop_assert_eq!(&passed(&plan, &head, in_pieces(page.as_bytes(), &cuts)).unwrap(), &(out.clone(), record.clone()));
        prop_assert_eq!(record.values, rows.len() as u64);
        let mut expected = cells(&page);
        expected.iter_mut().skip(1).for_each(|row| row[column] = "[withheld]".to_owned());
        prop_assert_eq!(cells(std::str::from_utf8(&out).unwrap()), expected);
    }

    #[test]
    fn whatever_is_written_no_secret_stands_in_what_is_withheld(
        words in prop::collection::vec(prop::sample::select(MARKUP), 0..24),
        places in prop::sample::subsequence(vec!["css:#list .ssn", "column:ssn", "cell:1"], 1..=3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let page = format!("<body><div><table id=list>{}", words.concat());
        let (plan, head) = (plan(&table(), &places), head(200, "text/html", None));
        let whole = passed(&plan, &head, [page.as_bytes()]);
        let cut = passed(&plan, &head, in_pieces(page.as_bytes(), &cuts));
        prop_assert_eq!(&whole, &cut);
        let Ok((out, _)) = whole else { return Ok(()) };
        let out = String::from_utf8(out).unwrap();
        let page = Html::parse_document(&out);
        if places.contains(&"css:#list .ssn") {
            for element in page.select(&Selector::parse("#list .ssn").unwrap()) {
                prop_assert!(!element.html().contains("secret"), "{}", out);
            }
        }
        if places.contains(&"cell:1") {
            for cell in page.select(&Selector::parse("#list tr > :is(td, th):first-child").unwrap()) {
                prop_assert!(!cell.html().contains("secret"), "{}", out);
            }
        }
    }
}
