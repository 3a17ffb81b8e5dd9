//! UTF-16 in pieces: what comes out is UTF-8, so that one scanner reads both.

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::features::guard) enum Order {
    LittleEndian,
    BigEndian,
}

/// The state between two pieces: at most half a unit, and half a pair.
#[derive(Debug)]
pub(super) struct Wide {
    order: Order,
    half: Option<u8>,
    high: Option<u16>,
    broken: bool,
}

/// So much is transcoded at a time.
const STRETCH_BYTES: usize = 4096;

impl Wide {
    pub(super) const fn new(order: Order) -> Self {
        Self { order, half: None, high: None, broken: false }
    }

    /// Hands what `piece` completes to `tell`, in UTF-8.
    pub(super) fn push(&mut self, piece: &[u8], tell: &mut impl FnMut(&[u8])) {
        let mut text = String::with_capacity(STRETCH_BYTES.min(piece.len() * 2));
        for byte in piece {
            let Some(first) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let unit = match self.order {
                Order::LittleEndian => u16::from_le_bytes([first, *byte]),
                Order::BigEndian => u16::from_be_bytes([first, *byte]),
            };
            self.unit(unit, &mut text);
            if text.len() >= STRETCH_BYTES - 4 {
                tell(text.as_bytes());
                text.clear();
            }
        }
        if !text.is_empty() {
            tell(text.as_bytes());
        }
    }

    /// Whether it was whole, and everything in it meant a character.
    pub(super) const fn is_sound(&self) -> bool {
        !self.broken && self.half.is_none() && self.high.is_none()
    }

    /// Whether something in it meant no character.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    fn unit(&mut self, unit: u16, text: &mut String) {
        let is_high = (0xD800..0xDC00).contains(&unit);
        match (self.high.take(), is_high) {
            (None, true) => self.high = Some(unit),
            (Some(_), true) => self.broken = true,
            (None, false) => self.character(char::from_u32(u32::from(unit)), text),
            (Some(high), false) => {
                let pair = char::decode_utf16([high, unit]).next().and_then(Result::ok);
                self.character(pair.filter(|character| u32::from(*character) > 0xFFFF), text);
            }
        }
    }

    fn character(&mut self, character: Option<char>, text: &mut String) {
        match character {
            Some(character) => text.push(character),
            None => self.broken = true,
        }
    }
}
