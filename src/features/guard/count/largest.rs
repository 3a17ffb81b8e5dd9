//! Records of JSON that nobody has described: the elements of the array that has the most, and where it stands. For learning
//! what routes there should be; no route declares it, and nobody is held to what it counts.

use super::Tally;
use super::lexer::{Broken, Lexer, Sink, Wants};
use super::text::{NameFilter, Scalar, Text};
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::LargestArray;

/// Finds the largest array of a document.
#[derive(Debug, Default)]
pub struct LargestScanner {
    lexer: Lexer<false>,
    arrays: Arrays,
}

impl LargestScanner {
    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.lexer.push(piece, &mut self.arrays);
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.lexer.is_broken() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        let open = self.arrays.levels.iter().filter(|level| level.is_array).map(|level| level.number).max();
        Self::tally(Count::AtLeast(open.unwrap_or(0).max(self.arrays.number)))
    }

    /// The document is complete.
    pub fn finish(&mut self) -> Tally {
        if self.lexer.finish(&mut self.arrays).is_err() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Self::tally(Count::Exactly(self.arrays.number))
    }

    /// Where it stands, of those that are complete.
    pub fn largest(&self) -> LargestArray {
        LargestArray { at: self.arrays.at.clone(), is_bundle: self.arrays.is_bundle }
    }

    const fn tally(records: Count) -> Tally {
        Tally { records, patients: Count::NotCounted }
    }
}

/// An array or object that is open.
#[derive(Debug)]
struct Level {
    is_array: bool,
    /// What it holds, of an array.
    number: u64,
    step: Step,
}

/// Where in the one around it something stands.
#[derive(Debug)]
enum Step {
    /// In none.
    Root,
    /// In an array: every element is alike.
    Every,
    /// The member of this name.
    Member(Box<str>),
    /// A member whose name may be somebody's, or too deep to be told.
    Unnamed,
}

#[derive(Debug, Default)]
struct Arrays {
    levels: Vec<Level>,
    /// The last name that was told; empty for one that is no word.
    name: String,
    number: u64,
    at: Option<String>,
    /// How deep the largest stands.
    depth: usize,
    /// The scalar that comes now says what the document is.
    is_type: bool,
    is_bundle: bool,
}

impl Arrays {
    /// The innermost array, if that is innermost, has one more.
    fn count(&mut self) {
        if let Some(level) = self.levels.last_mut().filter(|level| level.is_array) {
            level.number += 1;
        }
    }

    fn step(&self) -> Step {
        match self.levels.last() {
            None => Step::Root,
            Some(level) if level.is_array => Step::Every,
            Some(_) if self.name.is_empty() || self.levels.len() >= STEPS_MAX => Step::Unnamed,
            Some(_) => Step::Member(self.name.as_str().into()),
        }
    }

    /// The pointer to the innermost that is open. None where a name on the way is not told.
    fn pointer(&self) -> Option<String> {
        let steps = self.levels.iter().map(|level| match &level.step {
            Step::Root => Some(String::new()),
            Step::Every => Some("/*".to_owned()),
            Step::Member(name) => Some(format!("/{name}")),
            Step::Unnamed => None,
        });
        steps.collect()
    }
}

impl Sink for Arrays {
    fn names(&self) -> NameFilter {
        NameFilter::NONE
    }

    fn wants(&self) -> Wants {
        if self.is_type { Wants::Strings } else { Wants::Scalars }
    }

    fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        self.is_type = self.levels.len() == 1 && name.is(b"resourceType");
        self.name.clear();
        if self.levels.len() < STEPS_MAX {
            let name = name.decoded();
            let word = std::str::from_utf8(&name).ok().filter(|name| is_word(name));
            self.name.push_str(word.unwrap_or_default());
        }
        Ok(())
    }

    fn open(&mut self, array: bool) -> Result<(), Broken> {
        self.is_type = false;
        let step = self.step();
        self.count();
        self.levels.push(Level { is_array: array, number: 0, step });
        Ok(())
    }

    fn close(&mut self) {
        let depth = self.levels.len();
        let number = self.levels.last().filter(|level| level.is_array).map(|level| level.number);
        // Of two that hold as many, records stand further out than what is said of them.
        if let Some(number) = number
            && (number > self.number || number == self.number && (self.depth == 0 || depth < self.depth))
        {
            (self.number, self.at, self.depth) = (number, self.pointer(), depth);
        }
        self.levels.pop();
    }

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken> {
        if std::mem::take(&mut self.is_type)
            && let Scalar::String(text) = scalar
        {
            self.is_bundle = text.is(b"Bundle");
        }
        self.count();
        Ok(())
    }
}

/// Whether a name is one that somebody gave a member, and not a value that stands where a name would.
fn is_word(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:$@".contains(&byte);
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(known)
        && digits < DIGITS_MAX
        && digits * 2 < name.len()
}

/// What stands deeper is counted, and its place not told.
const STEPS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 40;
/// As many digits make a number of somebody or something.
const DIGITS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(document: &str, cut: usize) -> (Count, Option<String>, bool) {
        let mut scanner = LargestScanner::default();
        for piece in document.as_bytes().chunks(cut) {
            scanner.push(piece);
        }
        let records = scanner.finish().records;
        let LargestArray { at, is_bundle } = scanner.largest();
        (records, at, is_bundle)
    }

    #[test]
    fn the_largest_array_is_found_wherever_it_stands() {
        let cases = [
            ("[{},{},[]]", 3, Some("")),
            (
                "{\"page\":1,\"data\":[{\"tags\":[1,2]},{\"tags\":[]},{\"a\":{\"b\":[1]}}],\"ids\":[1]}",
                3,
                Some("/data"),
            ),
            ("{\"results\":{\"items\":[1,2]}}", 2, Some("/results/items")),
            ("{\"groups\":[{\"items\":[1,2,3]}]}", 3, Some("/groups/*/items")),
            ("{\"a\":[{\"b\":[1]}]}", 1, Some("/a")),
            ("{\"data\":[]}", 0, Some("/data")),
            ("{\"name\":\"x\"}", 0, None),
            ("7", 0, None),
            ("{\"4711\":[1,2]}", 2, None),
            ("{\"Ruiz, Rosa\":[1,2]}", 2, None),
            ("{\"\\u0064ata\":[1,2]}", 2, Some("/data")),
            ("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":[1]}}}}}}}}", 1, None),
        ];
        for (document, number, at) in cases {
            for cut in [1, 2, 7, 4096] {
                let found = largest(document, cut);
                assert_eq!(found, (Count::Exactly(number), at.map(str::to_owned), false), "{document} {cut}");
            }
        }
    }

    #[test]
    fn a_bundle_is_told_by_its_own_type_alone() {
        let is_bundle = |document: &str| largest(document, 3).2;
        assert!(is_bundle("{\"resourceType\":\"Bundle\",\"entry\":[{}]}"));
        assert!(!is_bundle("{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Bundle\"}]}"));
        assert!(!is_bundle("{\"resourceType\":[\"Bundle\"]}"));
    }

    #[test]
    fn what_is_no_json_is_unknown_and_what_is_open_counts_so_far() {
        assert_eq!(largest("{\"data\":[1,2", 4).0, Count::Unknown(WhyUnknown::Unparsable));
        let mut scanner = LargestScanner::default();
        scanner.push(b"{\"data\":[1,2,3,");
        assert_eq!(scanner.so_far().records, Count::AtLeast(3));
        scanner.push(b",");
        assert_eq!(scanner.so_far().records, Count::Unknown(WhyUnknown::Unparsable));
    }
}
