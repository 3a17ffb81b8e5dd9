//! Sets of the blocks into which a segment is divided.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Some of the blocks of a segment, by their numbers from 0. Written as the gaps between them: a byte for most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks(Vec<u16>);

impl Blocks {
    /// None of them.
    pub(super) const NONE: Self = Self(Vec::new());

    /// Adds one.
    pub(super) fn put(&mut self, block: u16) {
        // They come nearly in order.
        if self.0.last().is_none_or(|last| *last < block) {
            self.0.push(block);
        } else if let Err(place) = self.0.binary_search(&block) {
            self.0.insert(place, block);
        }
    }

    pub(super) fn has(&self, block: u16) -> bool {
        self.0.binary_search(&block).is_ok()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Leaves those that are among `others`, too.
    pub(super) fn keep(&mut self, others: &Self) {
        self.0.retain(|block| others.has(*block));
    }

    /// All that are in any of these.
    pub(super) fn any<'a>(sets: impl Iterator<Item = &'a Self>) -> Self {
        let mut all: Vec<u16> = sets.flat_map(|set| &set.0).copied().collect();
        all.sort_unstable();
        all.dedup();
        Self(all)
    }
}

impl FromIterator<u16> for Blocks {
    fn from_iter<I: IntoIterator<Item = u16>>(blocks: I) -> Self {
        let mut set = Self::NONE;
        blocks.into_iter().for_each(|block| set.put(block));
        set
    }
}

impl IntoIterator for Blocks {
    type Item = u16;
    type IntoIter = std::vec::IntoIter<u16>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Each as the difference from the one before it, seven bits to a byte, the lowest first; the eighth says that more follow.
fn gaps(blocks: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(blocks.len());
    let mut before = 0;
    for block in blocks {
        let mut gap = block - before;
        before = *block;
        while gap > LOW {
            bytes.push((gap & LOW) as u8 | MORE);
            gap >>= 7;
        }
        bytes.push((gap & LOW) as u8);
    }
    bytes
}

/// `None` where they are not in rising order, or no numbers of blocks.
fn from_gaps(bytes: &[u8]) -> Option<Vec<u16>> {
    let mut blocks: Vec<u16> = Vec::with_capacity(bytes.len());
    let (mut gap, mut shift) = (0_u32, 0);
    for byte in bytes {
        gap |= u32::from(byte & !MORE).checked_shl(shift).filter(|_| shift < 21)?;
        if byte & MORE != 0 {
            shift += 7;
            continue;
        }
        let before = blocks.last().copied();
        let block = u32::from(before.unwrap_or(0)).checked_add(gap)?;
        if before.is_some() && gap == 0 {
            return None;
        }
        blocks.push(u16::try_from(block).ok()?);
        (gap, shift) = (0, 0);
    }
    (shift == 0).then_some(blocks)
}

impl Serialize for Blocks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(gaps(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Blocks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("gaps between blocks, in base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Blocks, E> {
                let bytes = STANDARD_NO_PAD.decode(text).map_err(E::custom)?;
                from_gaps(&bytes).map(Blocks).ok_or_else(|| E::custom("no gaps between blocks"))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

const LOW: u16 = 0x7f;
const MORE: u8 = 0x80;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_is_read_back_whatever_is_in_it(blocks in prop::collection::vec(any::<u16>(), 0..200)) {
            let set: Blocks = blocks.iter().copied().collect();
            let sorted: BTreeSet<u16> = blocks.into_iter().collect();
            prop_assert!(set.0.iter().eq(&sorted));
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<Blocks>(&json).unwrap(), set);
        }

        #[test]
        fn sets_are_joined_and_cut(one in prop::collection::btree_set(0..50_u16, 0..30), two in prop::collection::btree_set(0..50_u16, 0..30)) {
            let [first, second]: [Blocks; 2] = [&one, &two].map(|set| set.iter().copied().collect());
            prop_assert!(Blocks::any([&first, &second].into_iter()).0.iter().eq(one.union(&two)));
            let mut both = first;
            both.keep(&second);
            prop_assert!(both.0.iter().eq(one.intersection(&two)));
        }

        #[test]
        fn no_bytes_are_read_as_a_set_that_is_written_otherwise(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Some(blocks) = from_gaps(&bytes) {
                prop_assert!(blocks.is_sorted_by(|one, next| one < next));
            }
        }
    }
}
