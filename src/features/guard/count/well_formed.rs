//! Whether a text is JSON (RFC 8259), by the grammar by which records are counted.

use std::borrow::Cow;

use super::lexer::{Broken, Lexer, Sink, Wants};
use super::text::{NameFilter, Scalar, Text};

/// Checks a document, or lines that are a document each, in pieces.
#[derive(Debug)]
pub(in crate::features::guard) enum WellFormed {
    Document(Box<Lexer<false>>),
    Lines(Box<Lexer<true>>),
}

impl WellFormed {
    /// Of one document.
    pub(in crate::features::guard) fn document() -> Self {
        Self::Document(Box::default())
    }

    /// Of one in each line.
    pub(in crate::features::guard) fn lines() -> Self {
        Self::Lines(Box::default())
    }

    /// Looks at the next piece; whether all is well so far.
    pub(in crate::features::guard) fn push(&mut self, piece: &[u8]) -> bool {
        match self {
            Self::Document(lexer) => {
                lexer.push(piece, &mut Nobody);
                !lexer.is_broken()
            }
            Self::Lines(lexer) => {
                lexer.push(piece, &mut Nobody);
                !lexer.is_broken()
            }
        }
    }

    /// The text has ended; whether it is well-formed to its end. White space alone is.
    pub(in crate::features::guard) fn finish(&mut self) -> bool {
        match self {
            Self::Document(lexer) => lexer.finish(&mut Nobody).is_ok(),
            Self::Lines(lexer) => lexer.finish(&mut Nobody).is_ok(),
        }
    }
}

/// What a name or string means that is written so between its quotes.
pub(in crate::features::guard) fn meant(raw: &[u8]) -> Cow<'_, [u8]> {
    Text::new(raw).decoded()
}

/// Wants to be told nothing.
struct Nobody;

impl Sink for Nobody {
    fn wants(&self) -> Wants {
        Wants::Structure
    }

    fn names(&self) -> NameFilter {
        NameFilter::NONE
    }

    fn key(&mut self, _: Text<'_>) -> Result<(), Broken> {
        Ok(())
    }

    fn open(&mut self, _: bool) -> Result<(), Broken> {
        Ok(())
    }

    fn close(&mut self) {}

    fn scalar(&mut self, _: Scalar<'_>) -> Result<(), Broken> {
        Ok(())
    }
}
