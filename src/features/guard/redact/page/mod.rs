//! Pages that pass but for the cells and elements that are withheld.
//!
//! A page is read as browsers read it (HTML, section 13.2), for its cells are where the tree has them and not where
//! the text seems to. So it is held whole, read, and what each withheld element holds is cut out of its text. What comes of that is then
//! read anew: only if each of these elements holds the mark and nothing else, and if all else stands where it stood,
//! does it leave. A mistake in the cutting is a page that does not pass, never one that tells.
//!
//! It covers what stands in those elements and in their attributes. The same value elsewhere, in a script, in an attribute of
//! the row, in another element, is another place.

mod columns;
mod node;
mod reading;
mod tree;
mod wanted;

use std::borrow::Cow;

use self::reading::{Cut, Reading};
use self::tree::BANNER;
use self::wanted::Wanted;
use super::Fault;
use crate::domain::field::{FieldName, MARK, Place};
use crate::domain::row_selector::RowSelector;

/// The state between two pieces, and behind the last.
#[derive(Debug)]
pub(super) struct Page {
    wanted: Wanted,
    /// What says that something is withheld.
    banner: String,
    bytes: Vec<u8>,
    bytes_max: usize,
    has_missed: bool,
    values: u64,
}

impl Page {
    /// Of a page whose records are these `rows`, of which no more than `bytes_max` is held.
    pub(super) fn new<'p>(
        rows: &RowSelector,
        places: impl Iterator<Item = &'p Place>,
        names: &[FieldName],
        bytes_max: usize,
    ) -> Self {
        let names: Vec<&str> = names.iter().map(FieldName::as_str).collect();
        Self {
            wanted: Wanted::new(rows, places),
            banner: format!("<p id=\"{BANNER}\" role=\"note\">{MARK} {}</p>", names.join(", ")),
            bytes: Vec::new(),
            bytes_max,
            has_missed: false,
            values: 0,
        }
    }

    /// How many elements were withheld.
    pub(super) const fn values(&self) -> u64 {
        self.values
    }

    /// Whether what the fields stand in was not there.
    pub(super) const fn has_missed(&self) -> bool {
        self.has_missed
    }

    /// Keeps the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Fault> {
        if self.bytes.len() + piece.len() > self.bytes_max {
            return Err(Fault::TooLong);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The page is complete; writes what passes of it.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.trim_ascii().is_empty() {
            out.extend_from_slice(&bytes);
            return Ok(());
        }
        let (text, is_foreign) = match std::str::from_utf8(&bytes) {
            Ok(text) => (Cow::Borrowed(text), false),
            Err(_) => (Cow::Owned(bytes.iter().map(|byte| widened(*byte)).collect()), true),
        };
        let before = Reading::of(&text, &self.wanted, true)?;
        let passed = self.without(&text, &before)?;
        self.check(&before, &passed)?;
        self.has_missed = before.has_missed;
        self.values = before.cuts.len() as u64;
        if is_foreign {
            out.extend(passed.chars().filter_map(narrowed));
        } else {
            out.extend_from_slice(passed.as_bytes());
        }
        Ok(())
    }

    /// The text without what is cut out of it, and with the banner.
    fn without(&self, text: &str, reading: &Reading) -> Result<String, Fault> {
        let mut passed = String::with_capacity(text.len() + self.banner.len());
        let banner = reading.body.filter(|_| !reading.cuts.is_empty() && !reading.has_banner);
        let (mut banner, mut at) = (banner, 0);
        for cut in &reading.cuts {
            if let Some(body) = banner.take_if(|body| *body <= cut.from) {
                passed.push_str(text.get(at..body).ok_or(Fault::Malformed)?);
                passed.push_str(&self.banner);
                at = body;
            }
            passed.push_str(text.get(at..cut.from).ok_or(Fault::Malformed)?);
            self.mark(text, cut, &mut passed)?;
            at = cut.until;
        }
        passed.push_str(text.get(at..).ok_or(Fault::Malformed)?);
        Ok(passed)
    }

    fn mark(&self, text: &str, cut: &Cut, passed: &mut String) -> Result<(), Fault> {
        let tag =
            text.get(cut.from..cut.inside).filter(|tag| tag.starts_with('<')).ok_or(Fault::Malformed)?;
        let element = cut.element();
        if self.wanted.is_bare(element) {
            passed.push_str(tag);
        } else {
            self.wanted.write_bare(element, cut.is_void, passed);
        }
        if !cut.is_void {
            passed.push_str(MARK);
        }
        Ok(())
    }

    /// That what passes holds the marks where the values were, and else what it held.
    fn check(&self, before: &Reading, passed: &str) -> Result<(), Fault> {
        let after = Reading::of(passed, &self.wanted, true)?;
        let is_same = after.cuts.len() == before.cuts.len() && after.beside == before.beside;
        let is_marked = |reading: &Reading| {
            reading.cuts.iter().all(|cut| cut.is_marked() && self.wanted.is_bare(cut.element()))
        };
        if !is_same || !is_marked(&after) {
            return Err(Fault::Malformed);
        }
        // Where no script runs, `noscript` holds elements.
        let has_noscript = passed
            .as_bytes()
            .windows(NOSCRIPT.len())
            .any(|window| window.eq_ignore_ascii_case(NOSCRIPT.as_bytes()));
        if has_noscript && !is_marked(&Reading::of(passed, &self.wanted, false)?) {
            return Err(Fault::Malformed);
        }
        Ok(())
    }
}

const NOSCRIPT: &str = "<noscript";

/// Where bytes beyond ASCII of a page that is not UTF-8 have their own characters: in the private use area.
const PRIVATE: u32 = 0xF700;

fn widened(byte: u8) -> char {
    if byte.is_ascii() {
        char::from(byte)
    } else {
        char::from_u32(PRIVATE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// The byte that a character stands for; all of a widened text do.
fn narrowed(character: char) -> Option<u8> {
    let code = u32::from(character);
    u8::try_from(if character.is_ascii() { code } else { code.checked_sub(PRIVATE)? }).ok()
}
