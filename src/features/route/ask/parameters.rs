//! The parameters of a query or form as they are written, so that one of them can be written anew and all
//! others stay byte for byte.

use crate::features::route::fields::{Fields, FieldsFault, is_key};

/// What stands in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::features::route) enum Found<T> {
    /// Nothing.
    Absent,
    /// This, and whoever reads finds the same.
    One(T),
    /// Readers would find different things: it is there twice, in two places, or spelled in another way.
    Unclear,
}

/// Parameters in their order. Prints none of them.
pub(super) struct Parameters {
    pieces: Vec<Piece>,
    /// Whether they can be written anew: not where they are parts of a multipart body.
    is_written: bool,
    is_changed: bool,
}

struct Piece {
    raw: Vec<u8>,
    pairs: Fields,
    /// Some readers find several pairs in it.
    is_split: bool,
}

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(super) fn read(raw: &[u8]) -> Result<Self, FieldsFault> {
        let piece = |raw: &[u8]| {
            Ok(Piece { raw: raw.to_vec(), pairs: Fields::parse(raw)?, is_split: raw.contains(&b';') })
        };
        let pieces = raw.split(|byte| *byte == b'&').map(piece).collect::<Result<_, _>>()?;
        Ok(Self { pieces, is_written: true, is_changed: false })
    }

    /// Those of a form of which only the values are known.
    pub(super) fn of(fields: &Fields) -> Result<Self, FieldsFault> {
        let piece = |(key, value): (&str, &str)| {
            let mut pairs = Fields::none();
            pairs.push(key, value)?;
            Ok(Piece { raw: Vec::new(), pairs, is_split: false })
        };
        let pieces = fields.iter().map(piece).collect::<Result<_, _>>()?;
        Ok(Self { pieces, is_written: false, is_changed: false })
    }

    /// What stands under a name, and in which piece.
    pub(super) fn find(&self, name: &str, folds: bool) -> Found<String> {
        match self.position(name, folds) {
            Found::Absent => Found::Absent,
            Found::Unclear => Found::Unclear,
            Found::One(position) => {
                let pair = self.pieces.get(position).and_then(|piece| piece.pairs.iter().next());
                pair.map_or(Found::Unclear, |(_, value)| Found::One(value.to_owned()))
            }
        }
    }

    /// Every value that any reader could find under a name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs().filter(move |(key, _)| is_like(key, name)).map(|(_, value)| value)
    }

    /// Every pair that any reader could find.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pieces.iter().flat_map(|piece| piece.pairs.iter())
    }

    /// Gives the one parameter of that name another value, or adds it. `None` where that cannot be done.
    pub(super) fn put(&mut self, name: &str, value: &str, folds: bool) -> Option<()> {
        if !self.is_written {
            return None;
        }
        let raw = format!("{}={}", encoded(name), encoded(value)).into_bytes();
        let piece = Piece { pairs: Fields::parse(&raw).ok()?, raw, is_split: false };
        match self.position(name, folds) {
            Found::Unclear => return None,
            Found::One(position) => *self.pieces.get_mut(position)? = piece,
            Found::Absent => {
                // An empty text is one empty piece, and one behind the last `&` is another.
                if self.pieces.last().is_some_and(|last| last.raw.is_empty()) {
                    self.pieces.pop();
                }
                self.pieces.push(piece);
            }
        }
        self.is_changed = true;
        Some(())
    }

    /// As they are sent, if anything was written anew.
    pub(super) fn changed(&self) -> Option<Vec<u8>> {
        let raw = self.pieces.iter().map(|piece| &*piece.raw);
        self.is_changed.then(|| raw.collect::<Vec<&[u8]>>().join(&b'&'))
    }

    fn position(&self, name: &str, folds: bool) -> Found<usize> {
        let like = |piece: &Piece| piece.pairs.iter().any(|(key, _)| is_like(key, name));
        let mut all = self.pieces.iter().enumerate().filter(|(_, piece)| like(piece));
        let Some((position, piece)) = all.next() else { return Found::Absent };
        let is_exact = piece
            .pairs
            .iter()
            .next()
            .is_some_and(|(key, _)| key == name || folds && key.eq_ignore_ascii_case(name));
        if piece.is_split || !is_exact || all.next().is_some() {
            return Found::Unclear;
        }
        Found::One(position)
    }
}

/// Whether an application could take a name for `wanted`: without letter case, as one of an array, or, as PHP
/// does, with an underscore for a dot, a blank or an open bracket.
pub(super) fn is_like(found: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.trim().replace(['.', ' ', '['], "_");
    is_key(found, wanted, true) || plain(found).eq_ignore_ascii_case(&plain(wanted))
}

const HEX: &[char; 16] = &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];

/// Percent-encoded, but for what stands for itself in a query and in a form alike.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b',' | b'$' | b':') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].into_iter().filter_map(|half| HEX.get(usize::from(half))));
        }
    }
    out
}
