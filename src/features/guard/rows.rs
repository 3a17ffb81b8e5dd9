//! Tells rows from other text by its first lines.

/// What the first lines have in common.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// How often each delimiter stood in this line, outside of quotes, and in every line before; 0 once they differ.
    here: [u32; DELIMITERS.len()],
    common: Option<[u32; DELIMITERS.len()]>,
    quoted: bool,
    /// Anything stood in this line.
    has_text: bool,
    lines: u32,
    bytes: u32,
    decided: Option<bool>,
}

const DELIMITERS: [u8; 4] = *b",;\t|";

/// So many lines with as many columns are a table; fewer are few records.
const LINES: u32 = 3;

/// With fewer delimiters a line is a sentence.
const DELIMITERS_MIN: u32 = 2;

/// Text whose first lines are longer is not looked through.
const BYTES_MAX: u32 = 4096;

impl Rows {
    /// Whether it is known.
    pub(super) const fn is_decided(&self) -> bool {
        self.decided.is_some()
    }

    /// Whether these are the first lines of a table.
    pub(super) fn is_table(&self) -> bool {
        self.decided == Some(true)
    }

    /// Nothing more is waited for: where what has come could be the first lines of a table, it is one.
    pub(super) fn settle(&mut self) {
        let could_be = |counts: &[u32; DELIMITERS.len()]| counts.iter().any(|count| *count >= DELIMITERS_MIN);
        let is_table = || self.common.as_ref().map_or_else(|| could_be(&self.here), could_be);
        self.decided = Some(self.decided.unwrap_or_else(is_table));
    }

    /// Looks at what comes next.
    pub(super) fn push(&mut self, bytes: impl Iterator<Item = u8>) {
        for byte in bytes {
            if self.decided.is_some() {
                return;
            }
            self.look(byte);
        }
    }

    fn look(&mut self, byte: u8) {
        self.bytes += 1;
        // What begins so is of another kind, which its own grammar tells.
        let is_other = self.bytes == 1 && matches!(byte, b'<' | b'{' | b'[');
        if is_other || self.bytes > BYTES_MAX || byte == 0 {
            self.decided = Some(false);
            return;
        }
        self.has_text |= self.quoted || !matches!(byte, b'\n' | b'\r');
        match byte {
            b'"' => self.quoted = !self.quoted,
            b'\n' | b'\r' if !self.quoted => self.end_line(),
            _ if self.quoted => {}
            _ => {
                for (count, delimiter) in self.here.iter_mut().zip(DELIMITERS) {
                    *count += u32::from(byte == delimiter);
                }
            }
        }
    }

    fn end_line(&mut self) {
        if !std::mem::take(&mut self.has_text) {
            return;
        }
        let here = std::mem::take(&mut self.here);
        let before = self.common.unwrap_or(here);
        let mut common = [0; DELIMITERS.len()];
        for ((slot, here), before) in common.iter_mut().zip(here).zip(before) {
            *slot = if here == before && here >= DELIMITERS_MIN { here } else { 0 };
        }
        self.common = Some(common);
        self.lines += 1;
        if common == [0; DELIMITERS.len()] {
            self.decided = Some(false);
        } else if self.lines == LINES {
            self.decided = Some(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_in_the_middle_is_told_by_what_there_is() {
        let cases = [
            ("a header", "ID,name,born\n", true),
            ("half a header", "ID,name,bo", true),
            ("one line and half of the next", "ID,name,born\n1,", true),
            ("a line of a log", "started\n", false),
            ("no line at all", "xxxxxxxxxxxxxxxxxxxxxxx", false),
            ("nothing", "", false),
        ];
        for (name, text, expected) in cases {
            let mut rows = Rows::default();
            rows.push(text.bytes());
            rows.settle();
            assert_eq!(rows.is_table(), expected, "{name}");
        }
    }

    #[test]
    fn lines_with_as_many_columns_are_a_table() {
        let cases = [
            ("rows", "ID,name,born\n1,a,b\n2,c,d\n", Some(true)),
            ("semicolons", "ID;name;born\r\n1;a,b;2\r\n2;c;3\r\n", Some(true)),
            ("tabs", "a\tb\tc\n\n1\t2\t3\n4\t5\t6\n", Some(true)),
            ("bars", "a|b|c\n1|2|3\n4|5|6\n", Some(true)),
            ("quotes", "a,b,c\n\"x,\ny\",2,3\n\"\"\"\",5,6\n", Some(true)),
            ("two rows are few", "a,b,c\n1,2,3\n", None),
            ("two columns", "a,b\n1,2\n3,4\n", Some(false)),
            ("sentences", "Dear Sir,\nthe report, which you asked for, is ready, and so\non\n", Some(false)),
            ("other columns", "a,b,c\n1,2,3,4\n1,2,3\n", Some(false)),
            ("a page", "<p>a,b,c\n1,2,3\n4,5,6\n", Some(false)),
            ("JSON", "[1,2,3,\n4,5,6,\n7,8,9,\n0]", Some(false)),
            ("one long line", &"a,".repeat(4000), Some(false)),
            ("nothing", "", None),
        ];
        for (name, text, expected) in cases {
            let mut rows = Rows::default();
            text.as_bytes().chunks(3).for_each(|piece| rows.push(piece.iter().copied()));
            assert_eq!(rows.decided, expected, "{name}");
        }
    }
}
