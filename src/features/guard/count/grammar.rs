//! The order of tokens in JSON (RFC 8259 sections 2 to 5), checked for 64 bytes at a time.
//!
//! Whether a token may follow another is decided without a loop: to add the bits behind some tokens to
//! the bits that hold no token carries each of them to the token that follows. Two things depend on what is
//! around and are left to the [`Lexer`](super::lexer::Lexer): brackets have to match, and of what may follow an opening one or a comma
//! some is right in an array only and some in an object only. A colon stands in an object only.

use super::lexer::Broken;
use super::tokens::Tokens;

/// What the last token was, for the next block: a one in one or two of these, or in none after a value.
#[derive(Debug)]
pub(super) struct Grammar {
    /// One behind which something has to come, or the start.
    opener: u64,
    comma: u64,
    colon: u64,
    name: u64,
}

/// What the order of tokens says that is not decided yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// Strings that are names if they stand in an object.
    pub(super) names: u64,
    /// Tokens that are wrong in an object.
    pub(super) only_in_array: u64,
}

impl Default for Grammar {
    fn default() -> Self {
        Self { opener: 1, comma: 0, colon: 0, name: 0 }
    }
}

impl Grammar {
    /// Whether no token came, or with `LINES` none on this line.
    pub(super) const fn is_at_start(&self) -> bool {
        self.opener == 1 && self.comma | self.colon == 0
    }

    /// Checks that the tokens of the next block may follow each other. With `LINES`, the end of a line is a
    /// token, behind which everything starts again.
    #[inline]
    pub(super) fn check<const LINES: bool>(&mut self, tokens: &Tokens) -> Result<Order, Broken> {
        let Tokens { opening, word_begin, open, close, comma, colon, .. } = *tokens;
        let line = if LINES { tokens.line } else { 0 };
        let gaps = !(opening | word_begin | open | close | comma | colon | line);
        let value_comes = next(open | comma | colon | line, gaps, &mut self.opener);
        let after_comma = next(comma, gaps, &mut self.comma);
        let after_colon = next(colon, gaps, &mut self.colon);
        // What begins a member, in an object.
        let member_comes = value_comes & !after_colon;
        let names = opening & member_comes;
        let after_name = next(names, gaps, &mut self.name);

        let wrong = (open | word_begin | opening) & !value_comes
            | comma & value_comes
            | close & (after_comma | after_colon)
            | colon & !after_name;
        if wrong != 0 {
            return Err(Broken);
        }
        // Where a member begins its name comes, and behind that a colon.
        let only_in_array = (open | word_begin) & member_comes | after_name & !colon;
        Ok(Order { names, only_in_array })
    }
}

/// The token behind each of some tokens. `carry` is one if that is in the next block.
#[inline]
fn next(tokens: u64, gaps: u64, carry: &mut u64) -> u64 {
    let (moved, over) = (tokens << 1 | *carry).overflowing_add(gaps);
    *carry = tokens >> 63 | u64::from(over);
    moved & !gaps
}
