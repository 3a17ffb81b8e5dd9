//! A Cedar file, taken apart into its statements, so that a mistake in one does not hide the mistakes
//! in the others, and so that each has a line.

/// One statement of a Cedar file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// Where its first token begins, in bytes.
    pub(super) offset: usize,
    /// From there to its semicolon.
    pub(super) text: &'a str,
}

/// The statements of a file. What follows the last semicolon is a statement too, unless it is empty.
pub(super) fn statements(file: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    let mut rest = file.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        match character {
            '/' if rest.peek().is_some_and(|(_, next)| *next == '/') => {
                while rest.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            '"' => {
                start.get_or_insert(at);
                skip_string(&mut rest);
            }
            ';' => {
                let begin = start.take().unwrap_or(at);
                found.extend(file.get(begin..=at).map(|text| Statement { offset: begin, text }));
            }
            white if white.is_whitespace() => {}
            _ => {
                start.get_or_insert(at);
            }
        }
    }
    if let Some(begin) = start {
        found.extend(file.get(begin..).map(|text| Statement { offset: begin, text: text.trim_end() }));
    }
    found
}

fn skip_string(rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    while let Some((_, character)) = rest.next() {
        match character {
            '\\' => {
                rest.next();
            }
            '"' => return,
            _ => {}
        }
    }
}

/// The line and column of a byte, both counting from 1.
pub(super) fn position(file: &str, offset: usize) -> (usize, usize) {
    let before = file.get(..offset.min(file.len())).unwrap_or(file);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_apart_at_semicolons_outside_strings_and_comments() {
        let file =
            "// first; not\n@id(\"a;b\\\"\")\npermit (principal, action, resource);\n\nforbid ( // ; \n ); x";
        let texts: Vec<_> = statements(file).into_iter().map(|found| (found.offset, found.text)).collect();
        assert_eq!(
            texts,
            [
                (14, "@id(\"a;b\\\"\")\npermit (principal, action, resource);"),
                (66, "forbid ( // ; \n );"),
                (85, "x"),
            ]
        );
        assert_eq!(position(file, 66), (5, 1));
        assert!(statements("// nothing\n  ").is_empty());
    }
}
