//! The hidden fields of a sign-in page: what applications guard their forms with.
//!
//! Reads `<input type=hidden name=… value=…>` wherever it stands in the page (HTML, section 13.1.2), and
//! nothing else. What it cannot read it leaves out: then the sign-in is refused by the application.

/// The hidden fields of a page, in order.
pub fn hidden_fields(page: &[u8]) -> Vec<(String, String)> {
    let Ok(page) = std::str::from_utf8(page) else { return Vec::new() };
    let mut fields = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some(tag) = rest.get(..5).filter(|tag| tag.eq_ignore_ascii_case("input")) else { continue };
        let (attributes, after) = attributes(rest.get(tag.len()..).unwrap_or_default());
        rest = after;
        let value_of = |wanted: &str| {
            attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let is_hidden = value_of("type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden"));
        if let (true, Some(name), true) = (is_hidden, value_of("name"), fields.len() < FIELDS_MAX) {
            fields.push((name.clone(), value_of("value").cloned().unwrap_or_default()));
        }
    }
    fields
}

/// The attributes of a tag, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (attributes, rest);
        }
        let ends = |letter: char| letter.is_ascii_whitespace() || matches!(letter, '=' | '>' | '/');
        // An attribute that begins with `=` is one letter long at least, so that this comes to an end.
        let skipped = usize::from(rest.starts_with('='));
        let length =
            rest.get(skipped..).and_then(|rest| rest.find(ends)).map_or(rest.len(), |at| at + skipped);
        let name = rest.get(..length).unwrap_or_default().to_owned();
        rest = rest.get(length..).unwrap_or_default().trim_ascii_start();
        let Some(value) = rest.strip_prefix('=') else {
            attributes.push((name, String::new()));
            continue;
        };
        let value = value.trim_ascii_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let (said, after) = if let Some(quote) = quote {
            value.get(1..).unwrap_or_default().split_once(quote).unwrap_or((value, ""))
        } else {
            let ends = |letter: char| letter.is_ascii_whitespace() || letter == '>';
            value.split_at(value.find(ends).unwrap_or(value.len()))
        };
        attributes.push((name, unescaped(said)));
        rest = after;
    }
}

/// The text with the references that templates write for quotes and brackets.
fn unescaped(text: &str) -> String {
    const KNOWN: [(&str, &str); 8] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2F;", "/"),
        // Last: what comes of it is not read again.
        ("&amp;", "&"),
    ];
    KNOWN.iter().fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

const FIELDS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::hidden_fields;

    #[test]
    fn hidden_fields_are_found_however_they_are_written() {
        let page = r#"<html><form action=x><INPUT TYPE="hidden" NAME='csrf' value="a&quot;b&amp;lt;">
            <input name=next value=/a/b type=hidden><input type=hidden name="empty"/>
            <!-- <input type=hidden name=no value=comment> --><input name=shown value=1>
            <input type=text name=user><input value = "late" name = "spaced" type = "hidden" disabled>"#;
        let found = hidden_fields(page.as_bytes());
        let expected = [("csrf", "a\"b&lt;"), ("next", "/a/b"), ("empty", ""), ("spaced", "late")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_page_that_is_no_text_has_none_and_one_without_measure_has_64() {
        assert!(hidden_fields(b"\xff<input type=hidden name=a>").is_empty());
        let many = "<input type=hidden name=a>".repeat(1000);
        assert_eq!(hidden_fields(many.as_bytes()).len(), 64);
    }

    proptest! {
        #[test]
        fn whatever_stands_there_it_comes_to_an_end_and_written_anew_is_the_same(
            page in prop::collection::vec(
                prop_oneof![
                    Just("<input"), Just("<"), Just("="), Just("'"), Just("\""), Just(">"), Just("/"), Just(" "),
                    Just("type=hidden"), Just("name"), Just("value"), Just("<!--"), Just("&amp;"), Just("&#39;"), Just("é"),
                ],
                0..16,
            ),
        ) {
            let fields = hidden_fields(page.concat().as_bytes());
            let escaped = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
            let one = |(name, value): &(String, String)| {
                format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
            };
            let anew: String = fields.iter().map(one).collect();
            prop_assert_eq!(hidden_fields(anew.as_bytes()), fields);
        }
    }
}
