//! Rows of a page, as a browser sees them.
//!
//! What an application sends is seldom well formed: rows without an end, a `tbody` that nobody wrote, `</body>` in the middle.
//! So it is read by the algorithm that browsers follow (HTML, section 13.2) and counted in the tree that this
//! makes, of which nothing is kept but the elements that are open. What rows stand in has to be there, or
//! it is another page and the number is unknown. What a script makes of it afterwards is not seen.

mod element;
mod narrow;
mod standing;
mod tree;

pub(in crate::features::guard) use self::element::{DEPTH_MAX, Element, Nested, ancestors, declares_foreign};
pub(in crate::features::guard) use self::standing::{Selectors, Standing};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tokenizer::TokenizerOpts;
use html5ever::{ParseOpts, Parser, parse_document};

use self::narrow::Narrow;
use self::tree::Tree;
use super::Tally;
use super::patients::Patients;
use crate::domain::count::WhyUnknown;
use crate::domain::reply_shape::PatientLocator;
use crate::domain::row_selector::RowSelector;

/// Counts the elements that a selector finds, and the distinct patients that they name.
pub struct HtmlScanner {
    parser: Option<Parser<Tree>>,
    narrow: Narrow,
    /// Bytes since the tree last grew: so long is what the tokenizer holds.
    silent: usize,
    /// How often the tree had grown then.
    steps: u64,
    blank: bool,
    /// Why it is unknown, or what it came to.
    outcome: Option<Tally>,
    /// Whom it has named, once it has ended.
    patients: Patients,
}

/// One tag or comment is no longer: a page's state or an image that is written into it is long.
const TOKEN_BYTES_MAX: usize = 4 * 1024 * 1024;

impl HtmlScanner {
    /// A scanner for the `rows` of a page whose patient is where `patient` says.
    pub fn new(rows: &RowSelector, patient: Option<&PatientLocator>) -> Self {
        let tree = Tree::new(rows, patient.cloned());
        Self {
            parser: Some(parse_document(tree, options())),
            narrow: Narrow::default(),
            silent: 0,
            steps: 0,
            blank: true,
            outcome: None,
            patients: Patients::default(),
        }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.blank &= piece.iter().all(u8::is_ascii_whitespace);
        let Some(parser) = &mut self.parser else { return };
        let mut rest = piece;
        while !rest.is_empty() {
            let (part, after) = rest.split_at_checked(STRETCH_BYTES).unwrap_or((rest, &[]));
            rest = after;
            parser.process(StrTendril::from(&*self.narrow.decode(part)));
            let tree = &parser.tokenizer.sink.sink;
            let steps = tree.steps();
            self.silent = if steps == self.steps { self.silent + part.len() } else { 0 };
            self.steps = steps;
            let why = tree.broken().or((self.silent > TOKEN_BYTES_MAX).then_some(WhyUnknown::Unparsable));
            if let Some(why) = why {
                self.outcome = Some(Tally::unknown(why));
                self.parser = None;
                return;
            }
        }
    }

    /// Does something with the patients that it has found.
    pub(super) fn with_patients<R>(&mut self, act: impl FnOnce(&mut Patients) -> R) -> R {
        match &self.parser {
            Some(parser) => parser.tokenizer.sink.sink.with_patients(act),
            None => act(&mut self.patients),
        }
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        match (&self.parser, self.outcome) {
            (_, Some(outcome)) => outcome,
            (Some(parser), None) => parser.tokenizer.sink.sink.so_far(),
            (None, None) => Tally::unknown(WhyUnknown::Unparsable),
        }
    }

    /// The page is complete.
    pub fn finish(&mut self) -> Tally {
        if self.blank {
            return Tally::NONE;
        }
        if let Some(mut parser) = self.parser.take() {
            parser.process(StrTendril::from(self.narrow.finish()));
            let (outcome, patients) = parser.finish();
            (self.outcome, self.patients) = (Some(outcome), patients);
        }
        self.outcome.unwrap_or(Tally::unknown(WhyUnknown::Unparsable))
    }
}

/// A mark at the beginning is off already, and in the middle of a page, where a piece may begin with one, it is a character.
fn options() -> ParseOpts {
    let tokenizer = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
    ParseOpts { tokenizer, ..ParseOpts::default() }
}

/// So much is decoded at a time.
const STRETCH_BYTES: usize = 16 * 1024;

impl std::fmt::Debug for HtmlScanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HtmlScanner").field("so_far", &self.so_far()).finish_non_exhaustive()
    }
}
