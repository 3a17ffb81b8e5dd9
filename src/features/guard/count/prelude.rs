//! The character encoding of a text in pieces, read off its first bytes, and the text in one in which every
//! structural byte is the ASCII byte: as it came, or UTF-16 made UTF-8.

use super::label::{Charset, Label};
use super::wide::{Order, Wide};

/// A byte order mark says more than any declaration, and UTF-16 without one is read where it is declared and looks
/// like it.
#[derive(Debug)]
pub(in crate::features::guard) struct Characters {
    prelude: Prelude,
    declared: Charset,
}

const PRELUDE_BYTES: usize = 4;

/// The first bytes, which tell the encoding.
#[derive(Debug)]
enum Prelude {
    Gathering { bytes: [u8; PRELUDE_BYTES], length: usize },
    Narrow { marked: bool },
    Wide { wide: Wide, order: Order, marked: bool },
    Refused,
}

/// The encoding of a text, once it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum Encoding {
    /// Every structural byte is the ASCII byte.
    Narrow,
    /// UTF-16.
    Wide(Order),
}

impl Characters {
    /// Of what is no text.
    pub(in crate::features::guard) const BYTES: Self =
        Self { prelude: Prelude::Narrow { marked: false }, declared: Charset::Ascii };

    /// Of a text whose media type says this.
    pub(in crate::features::guard) const fn new(label: &Label) -> Self {
        let prelude = Prelude::Gathering { bytes: [0; PRELUDE_BYTES], length: 0 };
        Self { prelude, declared: label.charset }
    }

    /// Hands the text in the next piece to `tell`.
    #[inline]
    pub(in crate::features::guard) fn push(&mut self, piece: &[u8], tell: &mut impl FnMut(&[u8])) {
        match &mut self.prelude {
            Prelude::Narrow { .. } => tell(piece),
            Prelude::Wide { wide, .. } => wide.push(piece, tell),
            Prelude::Refused => {}
            Prelude::Gathering { bytes, length } => {
                let taken = gather(bytes, length, piece);
                if *length == PRELUDE_BYTES {
                    self.open(tell);
                    self.push(piece.get(taken..).unwrap_or_default(), tell);
                }
            }
        }
    }

    /// The text has ended: hands on what is left of it.
    pub(in crate::features::guard) fn finish(&mut self, tell: &mut impl FnMut(&[u8])) {
        if matches!(self.prelude, Prelude::Gathering { .. }) {
            self.open(tell);
        }
    }

    /// Whether it cannot be read.
    pub(in crate::features::guard) const fn is_broken(&self) -> bool {
        match &self.prelude {
            Prelude::Refused => true,
            Prelude::Wide { wide, .. } => wide.is_broken(),
            Prelude::Gathering { .. } | Prelude::Narrow { .. } => false,
        }
    }

    /// Whether it could be read to its end.
    pub(in crate::features::guard) const fn is_sound(&self) -> bool {
        match &self.prelude {
            Prelude::Refused => false,
            Prelude::Wide { wide, .. } => wide.is_sound(),
            Prelude::Gathering { .. } | Prelude::Narrow { .. } => true,
        }
    }

    /// The encoding, and whether the text began with a byte order mark; none as long as that is not known.
    pub(in crate::features::guard) const fn encoding(&self) -> Option<(Encoding, bool)> {
        match &self.prelude {
            Prelude::Narrow { marked } => Some((Encoding::Narrow, *marked)),
            Prelude::Wide { order, marked, .. } => Some((Encoding::Wide(*order), *marked)),
            Prelude::Gathering { .. } | Prelude::Refused => None,
        }
    }

    fn open(&mut self, tell: &mut impl FnMut(&[u8])) {
        let Prelude::Gathering { bytes, length } = &self.prelude else { return };
        let (bytes, length) = (*bytes, *length);
        let gathered = bytes.get(..length).unwrap_or_default();
        let wide = |order, marked| Prelude::Wide { wide: Wide::new(order), order, marked };
        let (prelude, rest) = match gathered {
            // UTF-32 begins so too.
            [0xFF, 0xFE, 0, 0] => (Prelude::Refused, gathered),
            [0xFF, 0xFE, rest @ ..] => (wide(Order::LittleEndian, true), rest),
            [0xFE, 0xFF, rest @ ..] => (wide(Order::BigEndian, true), rest),
            _ => match (self.declared, order(gathered)) {
                (Charset::Wide(said), Some(found)) if said.is_none_or(|said| said == found) => {
                    (wide(found, false), gathered)
                }
                (Charset::Ascii, _) if !gathered.contains(&0) => {
                    let unmarked = gathered.strip_prefix(b"\xEF\xBB\xBF");
                    (Prelude::Narrow { marked: unmarked.is_some() }, unmarked.unwrap_or(gathered))
                }
                (Charset::Ascii | Charset::Wide(_) | Charset::Foreign, _) => (Prelude::Refused, gathered),
            },
        };
        self.prelude = prelude;
        self.push(rest, tell);
    }
}

/// The order of bytes in UTF-16 that begins with two characters of ASCII, or one and no more.
const fn order(gathered: &[u8]) -> Option<Order> {
    let ascii = match gathered {
        [first, second] => [*first, *second, *first, *second],
        [first, second, third, fourth] => [*first, *second, *third, *fourth],
        _ => return None,
    };
    match [ascii[0] == 0, ascii[1] == 0, ascii[2] == 0, ascii[3] == 0] {
        [false, true, false, true] => Some(Order::LittleEndian),
        [true, false, true, false] => Some(Order::BigEndian),
        _ => None,
    }
}

fn gather(bytes: &mut [u8; PRELUDE_BYTES], length: &mut usize, piece: &[u8]) -> usize {
    let free = bytes.get_mut(*length..).unwrap_or_default();
    let taken = free.iter_mut().zip(piece).map(|(slot, byte)| *slot = *byte).count();
    *length += taken;
    taken
}
