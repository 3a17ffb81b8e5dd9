//! Texts from outside, as they may be shown.

/// The text without anything that could move a cursor or turn the direction of writing, which is told by its number instead.
pub fn plain(text: &str) -> String {
    let is_tricky = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        if is_tricky(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
        plain
    })
}

/// The text, so that no spreadsheet calculates it (OWASP, "CSV Injection"): what could be a formula begins with an apostrophe.
pub fn without_formula(text: String) -> String {
    // Full-width forms are taken for the same signs where a spreadsheet is set to an East Asian language.
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    let is_formula = |part: &str| part.trim_start().starts_with(SIGNS);
    // What separates cells is another sign where numbers are written otherwise.
    if text == NOTHING || !text.split(SEPARATORS).any(is_formula) {
        return text;
    }
    let parts = text.split_inclusive(SEPARATORS);
    parts.flat_map(|part| [if is_formula(part) { "'" } else { "" }, part]).collect()
}

/// What may end a cell.
const SEPARATORS: [char; 5] = [';', ',', '\t', '\n', '\r'];

/// What stands in a table where there is nothing.
const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_line() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
    }

    #[test]
    fn a_spreadsheet_calculates_nothing() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u{ff1d}1"] {
            assert_eq!(without_formula(formula.to_owned()), format!("'{formula}"));
        }
        assert_eq!(
            without_formula("x;=1+1, -2;y".to_owned()),
            "x;'=1+1,' -2;y",
            "where a semicolon ends a cell"
        );
        assert_eq!(without_formula("\t=1".to_owned()), "\t'=1");
        for text in ["-", "", "Rosa Ruiz", "1-2", "a=b", "Ruiz, Rosa"] {
            assert_eq!(without_formula(text.to_owned()), text);
        }
    }
}
