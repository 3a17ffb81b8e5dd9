//! What changed from one text to another, line by line.

/// Lines that stand in place of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Where it is in the later text: the number of its first line, or of the one before which something is missing now.
    pub line: u64,
    /// What stood there.
    pub was: String,
    /// What stands there.
    pub is: String,
}

/// All changes, from the top: as few lines as can be, but in texts that differ in too much, of which all between the first and the
/// last difference is one change.
pub(super) fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(was, is)| was == is).count();
    let (old, new) = (old.get(before..).unwrap_or_default(), new.get(before..).unwrap_or_default());
    let behind = old.iter().rev().zip(new.iter().rev()).take_while(|(was, is)| was == is).count();
    let old = old.get(..old.len() - behind).unwrap_or_default();
    let new = new.get(..new.len() - behind).unwrap_or_default();
    let mut found = Found { changes: Vec::new(), open: None, line: before as u64 + 1 };
    if old.len().saturating_mul(new.len()) > CELLS_MAX {
        for line in old {
            found.removed(line);
        }
        for line in new {
            found.added(line);
        }
    } else {
        walk(old, new, &mut found);
    }
    found.close();
    found.changes
}

/// Along the longest common subsequence of both.
fn walk(old: &[&str], new: &[&str], found: &mut Found) {
    let width = new.len() + 1;
    // How many lines both have in common from here on.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let look = |common: &[u32], row, column| common.get(at(row, column)).copied().unwrap_or(0);
    for (row, was) in old.iter().enumerate().rev() {
        for (column, is) in new.iter().enumerate().rev() {
            let longest = if was == is {
                look(&common, row + 1, column + 1) + 1
            } else {
                look(&common, row + 1, column).max(look(&common, row, column + 1))
            };
            if let Some(cell) = common.get_mut(at(row, column)) {
                *cell = longest;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (Some(was), Some(is)) if was == is => {
                found.kept();
                (row, column) = (row + 1, column + 1);
            }
            (Some(was), is)
                if is.is_none() || look(&common, row + 1, column) >= look(&common, row, column + 1) =>
            {
                found.removed(was);
                row += 1;
            }
            (_, Some(is)) => {
                found.added(is);
                column += 1;
            }
            (_, None) => return,
        }
    }
}

/// What was found so far.
struct Found {
    changes: Vec<Change>,
    open: Option<Change>,
    /// The number of the next line of the later text.
    line: u64,
}

impl Found {
    fn kept(&mut self) {
        self.close();
        self.line += 1;
    }

    fn removed(&mut self, line: &str) {
        put(&mut self.open().was, line);
    }

    fn added(&mut self, line: &str) {
        put(&mut self.open().is, line);
        self.line += 1;
    }

    fn open(&mut self) -> &mut Change {
        let line = self.line;
        self.open.get_or_insert_with(|| Change { line, was: String::new(), is: String::new() })
    }

    fn close(&mut self) {
        self.changes.extend(self.open.take());
    }
}

fn put(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The most pairs of lines that are compared: 16 MB.
const CELLS_MAX: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(line: u64, was: &str, is: &str) -> Change {
        Change { line, was: was.to_owned(), is: is.to_owned() }
    }

    #[test]
    fn a_change_says_where_it_is_what_stood_there_and_what_does() {
        let old = "[role.nurse]\nlimit = 100\n\n[role.clerk]\nhours = \"day\"\n";
        let new = "# 2027\n[role.nurse]\nlimit = 200\n\n[role.clerk]\n";
        let expected = [
            change(1, "", "# 2027\n"),
            change(3, "limit = 100\n", "limit = 200\n"),
            change(6, "hours = \"day\"\n", ""),
        ];
        assert_eq!(changes(old, new), expected);
        assert_eq!(changes(old, old), []);
        assert_eq!(changes("", "a\nb\n"), [change(1, "", "a\nb\n")]);
    }

    #[test]
    fn texts_that_differ_in_too_much_are_one_change() {
        let long =
            |word: &str| (0..2_500).map(|number| format!("{word} {number}\n")).collect::<Vec<_>>().concat();
        let (old, new) = (format!("same\n{}", long("a")), format!("same\n{}", long("b")));
        assert_eq!(changes(&old, &new), [change(2, &long("a"), &long("b"))]);
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_the_one_text_to_the_other(
            old in proptest::collection::vec("[abc]", 0..12),
            new in proptest::collection::vec("[abc]", 0..12),
        ) {
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
            let (old, new) = (text(&old), text(&new));
            let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
            for change in changes(&old, &new) {
                let at = usize::try_from(change.line).unwrap() - 1;
                let was: Vec<String> = lines.splice(
                    at..at + change.was.lines().count(),
                    change.is.lines().map(str::to_owned),
                ).collect();
                prop_assert_eq!(was, change.was.lines().map(str::to_owned).collect::<Vec<_>>());
            }
            prop_assert_eq!(lines, new.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    }
}
