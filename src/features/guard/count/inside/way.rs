//! The way to a value in a JSON document, by a pointer.

use crate::domain::reply_shape::{RecordsPointer, Segment};
use crate::features::guard::count::lexer::Broken;
use crate::features::guard::count::text::{NameFilter, Text};

/// Where in a document one is, seen from the way.
#[derive(Debug)]
pub(super) struct Way {
    pointer: RecordsPointer,
    names: NameFilter,
    /// The open containers on the way, from the root.
    levels: Vec<Level>,
    /// All open containers.
    depth: usize,
    /// An array on the way, of which every element counts, was there and had none.
    empty: bool,
}

#[derive(Debug)]
struct Level {
    array: bool,
    index: u64,
    /// The member that comes now is on the way, and whether one was already.
    named: bool,
    met: bool,
}

/// What the value is that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Not on the way.
    Elsewhere,
    /// A member whose name tells.
    Name,
    /// On the way, and not at its end.
    Between,
    /// At the end of the way, or, in an array, perhaps so.
    Target,
}

impl Way {
    pub(super) fn new(pointer: &RecordsPointer) -> Self {
        let names = pointer.segments().iter().fold(NameFilter::NONE, |names, segment| match segment {
            Segment::Every => names,
            Segment::Named { name, .. } => names.with(name),
        });
        Self { pointer: pointer.clone(), names, levels: Vec::new(), depth: 0, empty: false }
    }

    pub(super) const fn names(&self) -> NameFilter {
        self.names
    }

    /// Whether there was no file because there was nothing that could have had one.
    pub(super) const fn is_empty_every(&self) -> bool {
        self.empty
    }

    /// What the value may be that comes next.
    pub(super) fn next(&self) -> Step {
        if self.depth != self.levels.len() {
            return Step::Elsewhere;
        }
        match self.levels.last() {
            Some(level) if !level.array && !level.named => Step::Name,
            Some(_) | None => self.inward(),
        }
    }

    /// Whether the value that comes is at the end of the way.
    pub(super) fn is_target(&self) -> bool {
        self.next() == Step::Target && self.is_chosen()
    }

    fn inward(&self) -> Step {
        if self.levels.len() == self.pointer.segments().len() { Step::Target } else { Step::Between }
    }

    fn segment(&self) -> Option<&Segment> {
        self.levels.len().checked_sub(1).and_then(|last| self.pointer.segments().get(last))
    }

    /// Whether the value that comes in the innermost container is the one that the pointer names.
    fn is_chosen(&self) -> bool {
        match (self.levels.last(), self.segment()) {
            (None, _) => true,
            (Some(level), Some(Segment::Every)) => level.array,
            (Some(level), Some(Segment::Named { index, .. })) if level.array => *index == Some(level.index),
            (Some(level), _) => level.named,
        }
    }

    pub(super) fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        if self.depth != self.levels.len() {
            return Ok(());
        }
        let is_wanted = match self.segment() {
            Some(Segment::Named { name: wanted, .. }) => name.is(wanted),
            Some(Segment::Every) | None => false,
        };
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if is_wanted && std::mem::replace(&mut level.met, true) {
            return Err(Broken);
        }
        level.named = is_wanted;
        Ok(())
    }

    /// A value comes; what it is.
    fn take(&mut self) -> Step {
        if self.depth != self.levels.len() {
            return Step::Elsewhere;
        }
        let (is_chosen, inward) = (self.is_chosen(), self.inward());
        if let Some(level) = self.levels.last_mut() {
            level.index += 1;
            level.named = false;
            level.met |= level.array;
        }
        if is_chosen { inward } else { Step::Elsewhere }
    }

    pub(super) fn open(&mut self, array: bool) -> Step {
        let step = self.take();
        if step == Step::Between {
            self.levels.push(Level { array, index: 0, named: false, met: false });
        }
        self.depth += 1;
        step
    }

    pub(super) fn close(&mut self) {
        if self.depth == self.levels.len() {
            let is_every = matches!(self.segment(), Some(Segment::Every));
            self.empty |= self.levels.pop().is_some_and(|level| level.array && is_every && !level.met);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn scalar(&mut self) -> Step {
        self.take()
    }
}
