//! Finds the bytes of JSON that matter, 64 at a time, with the widest instructions that the processor has.
//!
//! What a byte is does not depend on its neighbours here; whether it stands inside of a string is for
//! [`Tokenizer`](super::tokens::Tokenizer) to say.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

/// So many bytes have their bits in one word.
pub(super) const BLOCK_BYTES: usize = 64;

/// So many blocks are marked at a time, which spares asking at each what the processor can.
pub(super) const STRETCH_BLOCKS: usize = 16;

pub(super) const STRETCH_BYTES: usize = STRETCH_BLOCKS * BLOCK_BYTES;

/// Where in a block each kind of byte stands: bit *n* is for byte *n*.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Marks {
    pub(super) quote: u64,
    pub(super) backslash: u64,
    /// Below a space: never in a string.
    pub(super) control: u64,
    /// White space (RFC 8259 section 2).
    pub(super) blank: u64,
    /// Line feed and carriage return, which are white space as well.
    pub(super) line: u64,
    pub(super) comma: u64,
    pub(super) colon: u64,
    /// `{` and `[`.
    pub(super) open: u64,
    /// `}` and `]`.
    pub(super) close: u64,
    /// Of those two, `[` and `]`; among other bytes it says nothing.
    pub(super) square: u64,
}

/// Marks the bytes of a stretch, block by block. The last block is filled up with spaces.
///
/// Only this is compiled for each kind of processor. In what follows, words of bits belong in plain registers.
pub(super) fn mark(stretch: &[u8], marks: &mut [Marks; STRETCH_BLOCKS]) {
    let (blocks, rest) = stretch.as_chunks();
    dispatch!(Level::new(), simd => mark_blocks(simd, blocks, marks));
    if !rest.is_empty()
        && let Some(marks) = marks.get_mut(blocks.len()..)
    {
        let mut block = [b' '; BLOCK_BYTES];
        block.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
        dispatch!(Level::new(), simd => mark_blocks(simd, &[block], marks));
    }
}

#[expect(clippy::inline_always, reason = "it becomes part of the version for each kind of processor")]
#[inline(always)]
fn mark_blocks<S: Simd>(simd: S, blocks: &[[u8; BLOCK_BYTES]], marks: &mut [Marks]) {
    for (block, marks) in blocks.iter().zip(marks) {
        let bytes = u8x64::simd_from(simd, *block);
        let line = bytes.simd_eq(b'\n') | bytes.simd_eq(b'\r');
        let blank = line | bytes.simd_eq(b' ') | bytes.simd_eq(b'\t');
        // Brackets of one direction differ in this bit alone.
        let curly = bytes | (b'{' ^ b'[');
        *marks = Marks {
            quote: bytes.simd_eq(b'"').to_bitmask(),
            backslash: bytes.simd_eq(b'\\').to_bitmask(),
            control: bytes.simd_lt(b' ').to_bitmask(),
            blank: blank.to_bitmask(),
            line: line.to_bitmask(),
            comma: bytes.simd_eq(b',').to_bitmask(),
            colon: bytes.simd_eq(b':').to_bitmask(),
            open: curly.simd_eq(b'{').to_bitmask(),
            close: curly.simd_eq(b'}').to_bitmask(),
            square: curly.simd_ne(bytes).to_bitmask(),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_has_its_mark(bytes in proptest::collection::vec(any::<u8>(), 0..=STRETCH_BYTES)) {
            let mut marks = [Marks::default(); STRETCH_BLOCKS];
            mark(&bytes, &mut marks);
            for (at, byte) in bytes.iter().enumerate() {
                let marks = &marks[at / BLOCK_BYTES];
                let has = |mask: u64| mask >> (at % BLOCK_BYTES) & 1 == 1;
                prop_assert_eq!(has(marks.quote), *byte == b'"');
                prop_assert_eq!(has(marks.backslash), *byte == b'\\');
                prop_assert_eq!(has(marks.control), *byte < 0x20);
                prop_assert_eq!(has(marks.blank), b" \t\n\r".contains(byte));
                prop_assert_eq!(has(marks.line), b"\n\r".contains(byte));
                prop_assert_eq!(has(marks.comma), *byte == b',');
                prop_assert_eq!(has(marks.colon), *byte == b':');
                prop_assert_eq!(has(marks.open), b"{[".contains(byte));
                prop_assert_eq!(has(marks.close), b"}]".contains(byte));
                prop_assert_eq!(has(marks.square & (marks.open | marks.close)), b"[]".contains(byte));
            }
            if let Some(last) = bytes.chunks(BLOCK_BYTES).next_back() {
                let blank = marks[bytes.len().div_ceil(BLOCK_BYTES) - 1].blank;
                prop_assert!(blank.leading_ones() as usize >= BLOCK_BYTES - last.len());
            }
        }
    }
}
