//! The hidden fields of a page: what applications guard their forms with.
//!
//! Reads `<input type=hidden name=… value=…>` wherever it stands in the page (HTML, section 13.1.2), and
//! nothing else. What it cannot read it leaves out: then the form is refused by the application, or not sent.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The hidden fields of a sign-in page, in order; the first 64.
pub fn hidden_fields(page: &[u8]) -> Vec<(String, String)> {
    hidden(page).take(FIELDS_MAX).collect()
}

/// The values of those hidden fields of a page that have these names; none where it gives one of them two values, since
/// nothing says which of its forms is meant.
pub fn hidden_values(page: &[u8], names: &[String]) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (name, value) in hidden(page).filter(|(name, _)| names.contains(name)) {
        match found.entry(name) {
            Entry::Vacant(place) => drop(place.insert(value)),
            Entry::Occupied(known) if *known.get() == value => {}
            Entry::Occupied(_) => return None,
        }
    }
    Some(found)
}

fn hidden(page: &[u8]) -> impl Iterator<Item = (String, String)> {
    let mut rest = std::str::from_utf8(page).unwrap_or_default();
    std::iter::from_fn(move || {
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
            if let (true, Some(name)) = (is_hidden, value_of("name")) {
                return Some((name.clone(), value_of("value").cloned().unwrap_or_default()));
            }
        }
        None
    })
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

/// The text without its character references; what comes of one is not read again.
fn unescaped(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        read.push_str(before);
        let (letter, after) = reference(after).unwrap_or(('&', after));
        read.push(letter);
        rest = after;
    }
    read.push_str(rest);
    read
}

/// What a reference means, and what follows it (HTML, section 13.2.5.72): all by number, and the names that templates
/// write for quotes and brackets.
fn reference(text: &str) -> Option<(char, &str)> {
    const NAMED: [(&str, char); 5] =
        [("lt;", '<'), ("gt;", '>'), ("quot;", '"'), ("apos;", '\''), ("amp;", '&')];
    let Some(number) = text.strip_prefix('#') else {
        return NAMED.iter().find_map(|(name, letter)| Some((*letter, text.strip_prefix(name)?)));
    };
    let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |digits| (digits, 16));
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    let (digits, after) = digits.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())?;
    let letter = u32::from_str_radix(digits, radix).ok().filter(|code| *code != 0).and_then(char::from_u32);
    let after = after.strip_prefix(';').unwrap_or(after);
    Some((letter.unwrap_or(char::REPLACEMENT_CHARACTER), after))
}

const FIELDS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{hidden_fields, hidden_values, unescaped};

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

    #[test]
    fn references_are_read_once_and_those_by_number_all() {
        for (written, meant) in [
            ("a&#43;b&#x2B;c&#X2f;d&#61;", "a+b+c/d="),
            ("&#39;&apos;&quot;&lt;&gt;", "''\"<>"),
            ("&amp;#43;&amp;lt;&&amp;", "&#43;&lt;&&"),
            ("&#43&#x2Bg", "++g"),
            ("&#0;&#xD800;&#x110000;&#99999999999;", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            ("&#;&#x;&;&none;&", "&#;&#x;&;&none;&"),
        ] {
            assert_eq!(unescaped(written), meant, "{written}");
        }
    }

    #[test]
    fn fields_are_found_by_name_however_many_there_are_unless_one_has_two_values() {
        let of = |page: &str| {
            let found = hidden_values(page.as_bytes(), &["csrf".to_owned(), "nonce".to_owned()])?;
            Some(found.into_values().collect::<Vec<_>>())
        };
        let field = |name: &str, value: &str| format!("<input type=hidden name={name} value={value}>");
        let many = field("other", "1").repeat(100);
        let last = format!("{many}{}{}", field("nonce", "n"), field("csrf", "c"));
        assert_eq!(of(&last).unwrap(), ["c", "n"]);
        assert_eq!(of(&format!("{last}{last}")).unwrap(), ["c", "n"], "in each form of the page");
        assert_eq!(of(&format!("{last}{}", field("csrf", "d"))), None);
        assert_eq!(of(&many).unwrap(), [""; 0]);
    }

    proptest! {
        #[test]
        fn whatever_stands_there_it_comes_to_an_end_and_written_anew_is_the_same(
            page in prop::collection::vec(
                prop_oneof![
                    Just("<input"), Just("<"), Just("="), Just("'"), Just("\""), Just(">"), Just("/"), Just(" "),
                    Just("type=hidden"), Just("name"), Just("value"), Just("<!--"), Just("&amp;"), Just("&#39;"), Just("&#"), Just("x2B"), Just("0;"), Just("é"),
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
