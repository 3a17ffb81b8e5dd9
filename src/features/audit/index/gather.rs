//! Gathers what a segment holds from its entries.

use std::collections::{BTreeMap, HashMap};

use super::super::events::is_journal_opened;
use super::super::format::Head;
use super::super::segment::Spot;
use super::blocks::Blocks;
use super::contents::{Block, Contents, Late, Open, Terms, part_of};
use crate::domain::event::{Closing, Entry, Opening};
use crate::domain::listed::Listed;
use crate::foundation::id::RequestId;

/// The entries of a segment, one after the other.
#[derive(Debug)]
pub(super) struct Gathering {
    contents: Contents,
    /// What has not ended, and in which block of this segment it began.
    begun: HashMap<RequestId, (u64, Option<u16>)>,
    patients: BTreeMap<u64, Blocks>,
    block_bytes: u64,
    /// The block in which the next entry is, and where it ends.
    block: u16,
    block_end: u64,
}

impl Gathering {
    /// Begins at the first entry of a segment of so many bytes, with what is open of the segment that ends there.
    pub(super) fn begin(at: Spot, segment_bytes: u64, earlier: Option<&Contents>) -> Self {
        let contents = Contents::begin(at, earlier);
        let begun = contents.open.iter().map(|(sequence, open)| (open.event, (*sequence, None))).collect();
        let block_bytes = block_bytes(segment_bytes);
        let block_end = at.offset.saturating_add(block_bytes);
        Self { contents, begun, patients: BTreeMap::new(), block_bytes, block: 0, block_end }
    }

    /// Takes the next entry, which begins at `offset`.
    pub(super) fn take(&mut self, offset: u64, head: Head, entry: Entry) {
        if offset >= self.block_end && self.block < u16::MAX {
            self.block += 1;
            self.block_end = offset.saturating_add(self.block_bytes);
            self.contents.blocks.push(Block::begin(Spot { offset, head: self.contents.through.into() }));
        }
        self.contents.through = head.into();
        match entry {
            Entry::Opening(opening) => self.open(head.sequence, &opening),
            Entry::Closing(closing) => self.close(&closing),
        }
    }

    fn open(&mut self, sequence: u64, opening: &Opening) {
        // Whoever was under way when the gateway ended will not be closed any more: the event ends here, its end unknown, and
        // whoever asks for it has to come by here, so that it comes in the same order as without an index.
        if is_journal_opened(opening) {
            for Open { event: _, terms } in std::mem::take(&mut self.contents.open).into_values() {
                self.add(&terms);
            }
            self.begun.clear();
        }
        let terms = Terms::of(opening);
        self.add(&terms);
        self.begun.insert(opening.event, (sequence, Some(self.block)));
        self.contents.open.insert(sequence, Open { event: opening.event, terms });
    }

    fn close(&mut self, closing: &Closing) {
        let Some((begun, began_in)) = self.begun.remove(&closing.event) else { return };
        let Some(open) = self.contents.open.remove(&begun) else { return };
        let person = closing.revoked.as_ref().and_then(|revoked| revoked.person.as_ref());
        let person = person.map(|person| person.sub.to_string());
        if began_in != Some(self.block) {
            self.add(&open.terms);
        }
        // What only its end tells is told of both ends.
        for block in [Some(self.block), began_in].into_iter().flatten() {
            if let Some(reason) = closing.reason {
                self.contents.reasons.entry(reason).or_default().put(block);
            }
            if let Some(person) = &person {
                put(&mut self.contents.people, person, block);
            }
        }
        let listed: Vec<u64> = closing.listed.iter().flat_map(Listed::each).map(part_of).collect();
        for patient in &listed {
            let blocks = self.patients.entry(*patient).or_default();
            [began_in, Some(self.block)].into_iter().flatten().for_each(|block| blocks.put(block));
        }
        if !listed.is_empty() && began_in != Some(self.block) {
            self.contents.spans.insert((self.block, began_in.unwrap_or(0)));
        }
        let is_told = closing.reason.is_some() || person.is_some() || !listed.is_empty();
        if began_in.is_none() && is_told {
            self.contents.late.push(Late { begun, reason: closing.reason, person, listed });
        }
    }

    /// In the present block an event begins or ends that can be asked for by these.
    fn add(&mut self, terms: &Terms) {
        let Self { contents, patients, block, .. } = self;
        let block = *block;
        if let Some(last) = contents.blocks.last_mut() {
            last.spans(terms.time);
        }
        terms.people.iter().for_each(|person| put(&mut contents.people, person, block));
        terms.names.iter().for_each(|name| put(&mut contents.names, name, block));
        terms.application.iter().for_each(|name| put(&mut contents.applications, name, block));
        terms.route.iter().for_each(|route| put(&mut contents.routes, route, block));
        contents.verdicts.entry(terms.verdict).or_default().put(block);
        for reason in &terms.reasons {
            contents.reasons.entry(*reason).or_default().put(block);
        }
        if terms.is_accounted {
            contents.accounted.put(block);
        }
        for patient in &terms.patients {
            patients.entry(*patient).or_default().put(block);
        }
    }

    /// What the segment holds, whose last entry ends before `end`.
    pub(super) fn finish(self, end: u64) -> Contents {
        let Self { mut contents, patients, .. } = self;
        contents.end = end;
        let each = |(part, blocks): (u64, Blocks)| blocks.into_iter().map(move |block| (part, block));
        contents.patients = patients.into_iter().flat_map(each).collect();
        contents
    }
}

fn put(sets: &mut BTreeMap<String, Blocks>, key: &str, block: u16) {
    match sets.get_mut(key) {
        Some(blocks) => blocks.put(block),
        None => {
            sets.insert(key.to_owned(), [block].into_iter().collect());
        }
    }
}

/// So large that there are as few blocks as each is small: 64 KiB of a segment of 64 MiB. What is read in vain around an event
/// and what is kept of each block grow alike with the segment.
fn block_bytes(segment_bytes: u64) -> u64 {
    segment_bytes.isqrt().saturating_mul(8)
}
