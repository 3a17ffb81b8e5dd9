//! What changed from one text to another, line by line.

use similar::{Algorithm, DiffTag, capture_diff_slices};

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

/// All changes, from the top: as few lines as can be; of texts that are too long to be compared line by line, all of both as one.
pub(super) fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let whole = |lines: &[&str]| lines.iter().flat_map(|line| [line, "\n"]).collect();
    if old.len().max(new.len()) > LINES_MAX {
        let change = Change { line: 1, was: whole(&old), is: whole(&new) };
        return (old != new).then_some(change).into_iter().collect();
    }
    let (mut line, mut changes) = (1, Vec::new());
    for one in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (was, is) = (one.old_range(), one.new_range());
        let behind = line + is.len() as u64;
        if one.tag() != DiffTag::Equal {
            let (was, is) = (old.get(was).unwrap_or_default(), new.get(is).unwrap_or_default());
            changes.push(Change { line, was: whole(was), is: whole(is) });
        }
        line = behind;
    }
    changes
}

/// Lines that are compared.
const LINES_MAX: usize = 20_000;

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
    fn texts_that_differ_in_all_or_are_too_long_are_one_change() {
        let long =
            |word: &str| (0..2_500).map(|number| format!("{word} {number}\n")).collect::<Vec<_>>().concat();
        let (old, new) = (format!("same\n{}", long("a")), format!("same\n{}", long("b")));
        assert_eq!(changes(&old, &new), [change(2, &long("a"), &long("b"))]);
        let (old, new) = ("same\n".repeat(LINES_MAX), "same\n".repeat(LINES_MAX + 1));
        assert_eq!(changes(&old, &new), [change(1, &old, &new)]);
        assert_eq!(changes(&new, &new), []);
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
