//! Finds the next byte that matters, eight bytes at a time, without `unsafe`.
//!
//! `memchr` is faster over long stretches; the strings and fields of records are short, and a call
//! for each costs more than it saves.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Where the first of three bytes is.
#[inline]
pub(super) fn any_of(bytes: &[u8], [a, b, c]: [u8; 3]) -> Option<usize> {
    let (wide_a, wide_b, wide_c) = (splat(a), splat(b), splat(c));
    find(
        bytes,
        |word| zero_byte(word ^ wide_a) | zero_byte(word ^ wide_b) | zero_byte(word ^ wide_c),
        |byte| byte == a || byte == b || byte == c,
    )
}

#[inline]
fn find(bytes: &[u8], wide: impl Fn(u64) -> u64, narrow: impl Fn(u8) -> bool) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        // A mask may also mark bytes above the first true one, never below: the lowest is right.
        let hits = wide(u64::from_le_bytes(*word));
        if hits != 0 {
            return Some(index * 8 + (hits.trailing_zeros() / 8) as usize);
        }
    }
    rest.iter().position(|byte| narrow(*byte)).map(|at| words.len() * 8 + at)
}

const fn splat(byte: u8) -> u64 {
    LOW * byte as u64
}

const fn zero_byte(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_byte_that_matters_is_found(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let plain = bytes.iter().position(|byte| b",\n\r".contains(byte));
            prop_assert_eq!(any_of(&bytes, *b",\n\r"), plain);
        }
    }
}
