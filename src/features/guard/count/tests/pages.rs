//! Rows of pages: as a browser sees them, by another reader of the same tree, however the page is broken or cut.

use std::collections::HashSet;

use scraper::{ElementRef, Html, Selector};

use super::properties::cut;
use super::*;
use crate::domain::row_selector::RowSelector;

fn html(rows: &str) -> ReplyKind {
    ReplyKind::Html { rows: RowSelector::read(rows).unwrap() }
}

const CELL: PatientLocator = PatientLocator::Cell(2);

#[test]
fn rows_of_a_page_are_those_that_a_browser_shows() {
    struct Case {
        name: &'static str,
        body: &'static str,
        records: Count,
    }
    let exactly = Count::Exactly;
    let cases = [
        Case {
            name: "a table",
            body: "<table id=list><tbody><tr><td>1<tr><td>2</table>",
            records: exactly(2),
        },
        Case {
            name: "a body of the table that nobody wrote",
            body: "<table id=list><tr><td>1</td></tr><tr><td>2</td></tr></table>",
            records: exactly(2),
        },
        Case {
            name: "the end of the page in the middle",
            body: "<table id=list><tr><td>1</body></html><tr><td>2<tr><td>3</table>",
            records: exactly(3),
        },
        Case {
            name: "ends that nothing began",
            body: "<div><table id=list><tr><td></div></p></span></form>1<tr><td>2</table>",
            records: exactly(2),
        },
        Case {
            name: "a table in a cell",
            body: "<table id=list><tr><td><table><tr><td>a<tr><td>b</table><tr><td>2</table>",
            records: exactly(4),
        },
        Case {
            name: "another table",
            body: "<table><tr><td>0</table><table id=list><tr><td>1</table><table><tr><td>0</table>",
            records: exactly(1),
        },
        Case {
            name: "its heads",
            body: "<table id=list><thead><tr><th>Name</thead></table>",
            records: UNPARSABLE,
        },
        Case {
            name: "none",
            body: "<table id=list><thead><tr><th>Name</thead><tbody></tbody></table>",
            records: exactly(0),
        },
        Case {
            name: "in a comment, a script, a text",
            body: "<script>'<table id=list>'</script><table id=list><tr><td><!--<tr><td>--><textarea><tr></textarea></table>",
            records: exactly(1),
        },
        Case {
            name: "in an attribute",
            body: "<table id=list title='<tr>'><tr title=\"><tr>\"><td></table>",
            records: exactly(1),
        },
        Case { name: "in other case", body: "<TABLE ID=LIST><TR><TD></TABLE>", records: exactly(1) },
        Case { name: "another page", body: "<form><input name=password></form>", records: UNPARSABLE },
        Case { name: "something else", body: "ID,name\n1,a\n", records: UNPARSABLE },
        Case { name: "never ended", body: "<table id=list><tr><td>1<tr><td", records: exactly(2) },
        Case { name: "nothing", body: " \n", records: exactly(0) },
        Case {
            name: "an encoding that is not based on ASCII",
            body: "<meta charset=iso-2022-jp><table id=list><tr><td></table>",
            records: Count::Unknown(WhyUnknown::Charset),
        },
    ];
    for case in cases {
        assert_eq!(records(&html("#list tbody tr"), case.body), case.records, "{}", case.name);
    }
}

#[test]
fn a_row_names_its_patient_in_a_cell_or_an_attribute() {
    let cases = [
        ("a cell", "<table id=l><tr><td>a<td> 7 <tr><td>b<td>7<tr><td>c<th>8</table>", Count::Exactly(2)),
        (
            "text in pieces of markup",
            "<table id=l><tr><td><td><b>7</b>1<tr><td><td>71</table>",
            Count::Exactly(1),
        ),
        ("references", "<table id=l><tr><td><td>&#55;&eacute;<tr><td><td>7\u{e9}</table>", Count::Exactly(1)),
        ("too few cells", "<table id=l><tr><td>1<tr><td>2</table>", UNPARSABLE),
        ("empty cells", "<table id=l><tr><td><td></table>", Count::Exactly(0)),
        (
            "a table in a cell",
            "<table id=l><tr><td>a<td>7<table><tr><td>x<td>9</table></table>",
            Count::Exactly(2),
        ),
        (
            "a form that nobody ended",
            "<table id=l><tr><td><td><form>1<tr><td><td>2<tr><td><td>3</table>",
            Count::Exactly(3),
        ),
    ];
    for (name, body, patients) in cases {
        assert_eq!(count(&html("#l tr"), Some(&CELL), body).patients, patients, "{name}");
    }
    let bytes = b"<table id=l><tr><td><td>M\xFCller<tr><td><td>M\xF6ller<tr><td><td>M\xC3\xBCller</table>";
    assert_eq!(
        count(&html("#l tr"), Some(&CELL), bytes).patients,
        Count::Exactly(3),
        "names differ by a byte"
    );

    let body = "<ul id=l><li data-id=1 class=patient><li data-id=' 1'><li data-id=2><li></ul>";
    let attribute = PatientLocator::Attribute("data-id".to_owned());
    let tally = count(&html("ul#l > li[data-id]"), Some(&attribute), body);
    assert_eq!(tally, Tally { records: Count::Exactly(3), patients: Count::Exactly(2) });
    let title = PatientLocator::Attribute("title".to_owned());
    assert_eq!(count(&html("#l li"), Some(&title), body).patients, UNPARSABLE);
}

#[test]
fn a_page_is_read_to_its_limits_and_no_further() {
    let deep = |depth: usize| format!("<table id=list>{}<tr><td>", "<tr><td><table>".repeat(depth));
    assert!(matches!(records(&html("#list tr"), deep(100)), Count::Exactly(_)));
    assert_eq!(records(&html("#list tr"), deep(300)), UNPARSABLE);

    let value = "x".repeat(5 * 1024 * 1024);
    let body = format!("<input value='{value}'><table id=list><tr><td>1</table>");
    assert_eq!(count_in_pieces(&html("#list tr"), None, body.as_bytes(), 16 * 1024).records, UNPARSABLE);
    let body = format!("{value}<!--{}--><table id=list><tr><td>1</table>", "y".repeat(1024 * 1024));
    assert_eq!(
        count_in_pieces(&html("#list tr"), None, body.as_bytes(), 16 * 1024).records,
        Count::Exactly(1)
    );
}

/// What a page holds by a tree that is kept whole and a full reader of selectors.
fn by_scraper(body: &str, rows: &str, container: &str) -> Option<(u64, u64)> {
    let page = Html::parse_document(body);
    let all = |selector: &str| Selector::parse(selector).unwrap();
    page.select(&all(container)).next()?;
    let rows: Vec<ElementRef<'_>> = page.select(&all(rows)).collect();
    let mut named = false;
    let mut patients = HashSet::new();
    for row in &rows {
        let is_cell = |cell: &ElementRef<'_>| matches!(cell.value().name(), "td" | "th");
        if let Some(cell) = row.child_elements().filter(is_cell).nth(1) {
            named = true;
            let text = cell.text().collect::<String>().trim().to_owned();
            patients.insert(text);
        }
    }
    patients.remove("");
    Some((rows.len() as u64, if named || rows.is_empty() { patients.len() as u64 } else { u64::MAX }))
}

fn any_markup() -> impl Strategy<Value = String> {
    let names = [
        "table", "tbody", "thead", "tr", "td", "th", "div", "p", "ul", "li", "span", "form", "select",
        "caption",
    ];
    let piece = prop_oneof![
        6 => (prop::sample::select(names.to_vec()), prop_oneof![4 => Just(""), 2 => Just(" id=l"), 1 => Just(" class='l x'"), 1 => Just(" x='<tr>'")])
            .prop_map(|(name, rest)| format!("<{name}{rest}>")),
        3 => prop::sample::select(names.to_vec()).prop_map(|name| format!("</{name}>")),
        1 => prop::sample::select(vec!["</body>", "</html>", "<!-- <tr> -->", "<br/>", "<script>'<tr>'</script>", "<title><tr></title>"])
            .prop_map(str::to_owned),
        3 => "[a-c&;<> \u{e9}]{1,3}",
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| format!("<table id=l>{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn rows_of_any_markup_are_those_of_the_whole_tree(
        body in any_markup(),
        (rows, container) in prop::sample::select(vec![
            ("#l tr", "#l"), ("#l > tbody > tr", "#l > tbody"), ("table.l tr", "table.l"), (".l li", ".l"), ("div p", "div"),
            ("table tbody tr[x]", "table tbody"), ("* [id=l]", "*"),
        ]),
        sizes in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let mut counter = Counter::new(&html(rows), Some(&CELL)).unwrap();
        cut(body.as_bytes(), &sizes).for_each(|piece| counter.push(piece));
        let tally = counter.finish();
        match by_scraper(&body, rows, container) {
            None => prop_assert_eq!(tally.records, UNPARSABLE, "{}", body),
            Some((records, patients)) => {
                prop_assert_eq!(tally.records, Count::Exactly(records), "{}", &body);
                let known = if patients == u64::MAX { UNPARSABLE } else { Count::Exactly(patients) };
                prop_assert_eq!(tally.patients, known, "{}", body);
            }
        }
    }
}
