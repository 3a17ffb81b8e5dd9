//! Literals, found in a stream that comes in pieces of any size.
//!
//! The match that begins first wins; no literal begins another, so that there is one that does. Only what
//! may be the beginning of a literal waits for the next piece, so that nothing else is late.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

use super::settings::Literal;

/// The literals of an application.
#[derive(Debug)]
pub struct Literals(Vec<(Finder<'static>, Bytes)>);

impl Literals {
    /// No literal may begin another.
    pub fn new(literals: &[Literal]) -> Self {
        let of = |literal: &Literal| {
            (Finder::new(&literal.find).into_owned(), Bytes::from(literal.replace.clone()))
        };
        Self(literals.iter().map(of).collect())
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first match: where it begins and ends, and what is put there.
    fn first(&self, text: &[u8]) -> Option<(usize, usize, &Bytes)> {
        let found = self.0.iter().filter_map(|(finder, replace)| {
            let start = finder.find(text)?;
            Some((start, start + finder.needle().len(), replace))
        });
        found.min_by_key(|(start, ..)| *start)
    }

    /// Where the end of `text` begins to be the beginning of a literal.
    fn waits_from(&self, text: &[u8]) -> usize {
        let longest = self.0.iter().map(|(finder, _)| finder.needle().len()).max().unwrap_or(0);
        let earliest = text.len().saturating_sub(longest.saturating_sub(1));
        (earliest..text.len())
            .find(|start| {
                let end = text.get(*start..).unwrap_or_default();
                self.0
                    .iter()
                    .any(|(finder, _)| finder.needle().len() > end.len() && finder.needle().starts_with(end))
            })
            .unwrap_or(text.len())
    }
}

/// A search through one body.
#[derive(Debug)]
pub struct Search {
    literals: Arc<Literals>,
    /// The beginning of a literal, perhaps. Shorter than the longest of them.
    kept: BytesMut,
}

impl Search {
    /// At the beginning of a body.
    pub fn new(literals: Arc<Literals>) -> Self {
        Self { literals, kept: BytesMut::new() }
    }

    /// What of the body so far is settled by this piece.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        // Most pieces hold none, and are handed on as they are.
        if self.kept.is_empty()
            && self.literals.first(&piece).is_none()
            && self.literals.waits_from(&piece) == piece.len()
        {
            return piece;
        }
        let mut text = std::mem::take(&mut self.kept);
        text.extend_from_slice(&piece);
        let mut settled = BytesMut::with_capacity(text.len());
        loop {
            let waits_from = self.literals.waits_from(&text);
            match self.literals.first(&text) {
                Some((start, end, replace)) if start < waits_from => {
                    settled.extend_from_slice(text.get(..start).unwrap_or_default());
                    settled.extend_from_slice(replace);
                    drop(text.split_to(end));
                }
                Some(_) | None => {
                    settled.extend_from_slice(&text.split_to(waits_from));
                    self.kept = text;
                    return settled.freeze();
                }
            }
        }
    }

    /// What is left at the end of the body: no literal, and perhaps the beginning of one.
    pub fn finish(&mut self) -> Bytes {
        let mut settled = BytesMut::new();
        let mut text = std::mem::take(&mut self.kept);
        while let Some((start, end, replace)) = self.literals.first(&text) {
            settled.extend_from_slice(text.get(..start).unwrap_or_default());
            settled.extend_from_slice(replace);
            drop(text.split_to(end));
        }
        settled.extend_from_slice(&text);
        settled.freeze()
    }

    /// Whether nothing waits.
    pub fn is_settled(&self) -> bool {
        self.kept.is_empty()
    }
}

/// Whether literals are looked for in a body of this media type.
pub fn is_searched(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        essence.as_str(),
        "text/html"
            | "text/css"
            | "text/javascript"
            | "text/xml"
            | "application/javascript"
            | "application/x-javascript"
            | "application/json"
            | "application/xml"
            | "application/xhtml+xml"
    ) || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn literals(pairs: &[(&str, &str)]) -> Arc<Literals> {
        let literal = |(find, replace): &(&str, &str)| Literal {
            find: (*find).to_owned(),
            replace: (*replace).to_owned(),
        };
        Arc::new(Literals::new(&pairs.iter().map(literal).collect::<Vec<_>>()))
    }

    fn through(literals: &Arc<Literals>, pieces: &[&[u8]]) -> String {
        let mut search = Search::new(literals.clone());
        let mut text: Vec<u8> = Vec::new();
        for piece in pieces {
            text.extend_from_slice(&search.push(Bytes::copy_from_slice(piece)));
        }
        text.extend_from_slice(&search.finish());
        assert!(search.is_settled());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_match_that_begins_first_wins_wherever_the_pieces_end() {
        let literals = literals(&[("abcd", "1"), ("bc", "2"), ("cdab", "3")]);
        for (text, expected) in [
            ("abcd", "1"),
            ("abce", "a2e"),
            ("xbcdab", "x2dab"),
            ("abcdabcd", "11"),
            ("cdabcd", "3cd"),
            ("abc", "a2"),
        ] {
            assert_eq!(through(&literals, &[text.as_bytes()]), expected, "{text}");
            for cut in 1..text.len() {
                let (one, other) = text.as_bytes().split_at(cut);
                assert_eq!(through(&literals, &[one, other]), expected, "{text} at {cut}");
            }
        }
    }

    #[test]
    fn what_cannot_be_the_beginning_of_a_literal_is_not_late() {
        let mut search = Search::new(literals(&[("http://10.0.0.7", "https://ehr")]));
        assert_eq!(search.push(Bytes::from_static(b"data: 1\n\n")), "data: 1\n\n");
        assert_eq!(search.push(Bytes::from_static(b"see htt")), "see ");
        assert_eq!(search.push(Bytes::from_static(b"en")), "htten");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_come_to_the_same(text in "[abcd]{0,60}", cuts in prop::collection::vec(1_usize..6, 1..10)) {
            let literals = literals(&[("abcd", "XYZ"), ("bca", ""), ("dd", "abcd")]);
            let whole = through(&literals, &[text.as_bytes()]);
            let (mut pieces, mut rest) = (Vec::new(), text.as_bytes());
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            prop_assert_eq!(through(&literals, &pieces), whole);
        }
    }
}
