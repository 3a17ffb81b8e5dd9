//! Text of any encoding that is based on ASCII, as UTF-8: what is UTF-8 stays as it is, any other byte stands for a
//! character of its own, so that two names that differ still do.

use std::borrow::Cow;

/// The state between two pieces: the beginning of a character.
#[derive(Debug, Default)]
pub(super) struct Narrow {
    begun: Vec<u8>,
}

/// Where bytes beyond ASCII have their own characters: in the private use area.
const PRIVATE: u32 = 0xF700;

impl Narrow {
    /// What `piece` completes.
    pub(super) fn decode<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, str> {
        if self.begun.is_empty()
            && let Ok(text) = std::str::from_utf8(piece)
        {
            return Cow::Borrowed(text);
        }
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(piece);
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let is_last = chunks.peek().is_none();
            if is_last && is_beginning(chunk.invalid()) {
                self.begun = chunk.invalid().to_vec();
            } else {
                text.extend(chunk.invalid().iter().map(|byte| private(*byte)));
            }
        }
        Cow::Owned(text)
    }

    /// What was begun and never completed.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.begun).into_iter().map(private).collect()
    }
}

fn private(byte: u8) -> char {
    char::from_u32(PRIVATE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether more bytes could make a character of these.
fn is_beginning(bytes: &[u8]) -> bool {
    !bytes.is_empty() && std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
