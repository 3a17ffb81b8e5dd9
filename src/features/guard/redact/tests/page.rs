use super::*;

fn page_kind() -> ReplyKind {
    ReplyKind::Html { rows: RowSelector::read("#list tr").unwrap() }
}

fn without(places: &[&str], body: &str) -> Result<String, Fault> {
    redacted(&page_kind(), places, body)
}

const BANNER: &str = "<p id=\"leastway-withheld\" role=\"note\">[withheld] ssn</p>";

/// The page with the banner where it says so.
fn expected(text: &str) -> String {
    text.replace("{banner}", BANNER)
}

#[test]
fn a_column_is_masked_wherever_the_tree_has_its_cells() {
    let cases = [
        (
            "as it should be written",
            "<!doctype html><title>x</title><body class=\"a\"><table id=list><thead><tr><th>MRN<th>Ssn</thead>\
             <tbody><tr class='r'><td>1</td><td>123-45-6789</td></tr></tbody></table>",
            "<!doctype html><title>x</title><body class=\"a\">{banner}<table id=list><thead><tr><th>MRN<th>Ssn</thead>\
             <tbody><tr class='r'><td>1</td><td>[withheld]</td></tr></tbody></table>",
        ),
        (
            "ends that nobody wrote, and no body",
            "<table id=list><tr><th>ssn<th>b<tr><td>1 &amp; 2<b>3<td>x<tr><td>4<td>y",
            "{banner}<table id=list><tr><th>ssn<th>b<tr><td>[withheld]<td>x<tr><td>[withheld]<td>y",
        ),
        (
            "markup, scripts, comments and tables in a cell",
            "<body><table id=list><tr><th>a<th> S<i>s</i>n\n<tr><td>1<td><script>'</td>'</script><!-- 9 --><table><tr><td>9</table>\
             <img src=9 alt='9 > 8'></td></tr></table><p>after",
            "<body>{banner}<table id=list><tr><th>a<th> S<i>s</i>n\n<tr><td>1<td>[withheld]</td></tr></table><p>after",
        ),
        (
            "attributes tell as well",
            "<body><table id=list><tr><th>ssn<tr><td class=\"x &quot;\" title=\"1 > 2\" data-ssn=9 colspan=1>9</table>",
            "<body>{banner}<table id=list><tr><th>ssn<tr><td class=\"x &quot;\" colspan=\"1\">[withheld]</table>",
        ),
        (
            "a cell that spans it",
            "<body><table id=list><tr><th>a<th>ssn<th>c<tr><td colspan=2>9<td>c<tr><td>a<td colspan=\"2\">9",
            "<body>{banner}<table id=list><tr><th>a<th>ssn<th>c<tr><td colspan=2>[withheld]<td>c<tr><td>a<td colspan=\"2\">[withheld]",
        ),
        (
            "references without an end",
            "<body><table id=list><tr><th>a<th>ssn<tr><td>&nbsp<td>&nbsp<tr><td>&amp;<td>9&nbsp",
            "<body>{banner}<table id=list><tr><th>a<th>ssn<tr><td>&nbsp<td>[withheld]<tr><td>&amp;<td>[withheld]",
        ),
        (
            "a page without rows",
            "<body><table id=list><tr><th>a<th>ssn</table>",
            "<body><table id=list><tr><th>a<th>ssn</table>",
        ),
        ("an empty body", "", ""),
    ];
    for (name, body, text) in cases {
        assert_eq!(without(&["column:SSN"], body).as_deref(), Ok(&*expected(text)), "{name}");
    }
}

#[test]
fn a_column_by_its_number_is_masked_in_every_row() {
    let body = "<body><table id=list><tr><td>1<td>2</table><table><tr><td>3<td>4</table>";
    let text = "<body>{banner}<table id=list><tr><td>1<td>[withheld]</table><table><tr><td>3<td>4</table>";
    assert_eq!(without(&["cell:2"], body).as_deref(), Ok(&*expected(text)));
}

#[test]
fn an_element_is_masked_wherever_it_stands() {
    let cases = [
        (
            "<div id=p><span class=ssn title=9>9<b>9</b></span>",
            "<div id=p><span class=\"ssn\">[withheld]</span>",
        ),
        ("<div id=p><p class=ssn>9<div>8</div>", "<div id=p><p class=ssn>[withheld]<div>8</div>"),
        (
            "<div id=p><input class=ssn name=s value=9><img class=ssn src=9>",
            "<div id=p><input class=\"ssn\" value=\"[withheld]\"><img class=\"ssn\" alt=\"[withheld]\">",
        ),
        (
            "<div id=p><textarea class=ssn>9</textarea><script class=ssn>var x = '9</p>'</script>",
            "<div id=p><textarea class=ssn>[withheld]</textarea><script class=ssn>[withheld]</script>",
        ),
        ("<div id=p><i class=ssn><i class=ssn>9</i>8</i>7", "<div id=p><i class=ssn>[withheld]</i>7"),
        ("<div id=p>7", "<div id=p>7"),
    ];
    for (body, text) in cases {
        let banner = if text.contains("[withheld]") { "<body>{banner}" } else { "<body>" };
        let text = expected(&format!("{banner}{text}"));
        assert_eq!(without(&["css:#p .ssn"], &format!("<body>{body}")).as_deref(), Ok(&*text), "{body}");
    }
    let by_attribute = without(&["css:body [data-ssn]"], "<body><b data-ssn=9 id=9>9</b>").unwrap();
    assert_eq!(by_attribute, expected("<body>{banner}<b data-ssn=\"\">[withheld]</b>"));
    let by_value = without(&["css:body [name=ssn]"], "<body><b name=ssn id=9>9</b>").unwrap();
    assert_eq!(by_value, expected("<body>{banner}<b name=\"ssn\">[withheld]</b>"));
}

#[test]
fn what_cannot_be_told_for_certain_does_not_pass() {
    let cases = [
        ("another page", "<body><table id=other><tr><th>ssn<tr><td>9", Fault::Misfit),
        ("a column of another name", "<body><table id=list><tr><th>social<tr><td>9", Fault::Misfit),
        ("no header", "<body><table id=list><tr><td>9<tr><td>9", Fault::Misfit),
        (
            "a table of one row each",
            "<body><div id=list><table><tr><td>9</table><table><tr><td>8</table></div>",
            Fault::Ragged,
        ),
        ("a row that is too short", "<body><table id=list><tr><th>a<th>ssn<tr><td>9", Fault::Ragged),
        (
            "a cell that pushes those below it aside",
            "<body><table id=list><tr><th>a<th>ssn<tr><td rowspan=2>1<td>9<tr><td>9<td>x",
            Fault::Ragged,
        ),
        (
            "an encoding that is not read",
            "<meta charset=utf-7><table id=list><tr><th>ssn<tr><td>9",
            Fault::Charset,
        ),
        ("JSON", "{\"ssn\":9}", Fault::Misfit),
    ];
    for (name, body, fault) in cases {
        assert_eq!(without(&["column:ssn"], body), Err(fault), "{name}");
    }
    let noscript =
        "<head><noscript><table id=p><tr><td class=ssn>9</table></noscript></head><body><div id=p>";
    assert_eq!(without(&["css:#p .ssn"], noscript), Err(Fault::Malformed), "where no script runs");
    let row = "<body><table id=p><tr class=ssn><td>9</table>";
    assert_eq!(without(&["css:#p .ssn"], row), Err(Fault::Malformed), "a row holds no text");
    let long = format!("<body><div id=p>{}", "x".repeat(1024 * 1024));
    assert_eq!(
        passed(&plan(&page_kind(), &["css:#p .ssn"]), &head(200, "text/html", None), [long.as_bytes()]),
        Err(Fault::TooLong)
    );
}

#[test]
fn a_page_keeps_its_encoding() {
    let page = "<body><table id=list><tr><th>Name<th>ssn<tr><td>Grün<td>Grün";
    let text = expected("<body>{banner}<table id=list><tr><th>Name<th>ssn<tr><td>Grün<td>[withheld]");
    let latin =
        |text: &str| text.chars().map(|character| u8::try_from(character).unwrap()).collect::<Vec<u8>>();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (media_type, body, expected) in [
        ("text/html; charset=utf-8", page.into(), text.clone().into_bytes()),
        ("text/html; charset=windows-1252", latin(page), latin(&text)),
        ("text/html", latin(page), latin(&text)),
        ("text/html; charset=utf-16be", wide(page), wide(&text)),
    ] {
        let (plan, head) = (plan(&page_kind(), &["column:ssn"]), head(200, media_type, None));
        for size in [1, 7, 1000] {
            let (out, record) = passed(&plan, &head, body.chunks(size)).unwrap();
            assert_eq!(out, expected, "{media_type}");
            assert_eq!(record.values, 1);
        }
    }
}
