//! Which values of JSON are withheld, by pointers (RFC 6901) and by names of members.
//!
//! A value at a place is masked whatever it is: a string, a number, `null`, or an object with all that is in it. The mark
//! is the same for each, so that it does not tell which of them there was. A member that comes twice is masked twice. A
//! field itself may be missing; what it stands in may not: an application that moves its records elsewhere does not open the door.

use super::Fault;
use super::guide::{Fate, Guide, Step, Value};
use crate::domain::field::Place;
use crate::domain::reply_shape::{RecordsPointer, Segment};

/// The places, and whether all that they stand in was there.
#[derive(Debug)]
pub(super) struct Members {
    pointers: Vec<RecordsPointer>,
    names: Vec<Box<[u8]>>,
    has_missed: bool,
    /// Of which pointers the field, or what it stands in, has come.
    met: Vec<bool>,
}

/// The pointers on whose way an object or array is.
pub(super) type Ways = Vec<Way>;

/// One pointer, followed so far.
#[derive(Debug)]
pub(super) struct Way {
    pointer: usize,
    /// How many of its segments lead here.
    length: usize,
    found: bool,
}

impl Members {
    pub(super) fn new<'p>(places: impl Iterator<Item = &'p Place>) -> Self {
        let (mut pointers, mut names) = (Vec::new(), Vec::new());
        for place in places {
            match place {
                Place::Pointer(pointer) => pointers.push(pointer.clone()),
                Place::Member(name) => names.push(name.as_bytes().into()),
                Place::Column(_) | Place::Cell(_) | Place::Selector(_) | Place::Element(_) => {}
            }
        }
        let met = vec![false; pointers.len()];
        Self { pointers, names, has_missed: false, met }
    }

    /// Whether a place stands in something that was not there.
    pub(super) const fn has_missed(&self) -> bool {
        self.has_missed
    }

    /// Whether what each field stands in has come.
    pub(super) fn is_found(&self) -> bool {
        self.met.iter().all(|met| *met)
    }

    fn segment(&self, way: &Way) -> Option<&Segment> {
        self.pointers.get(way.pointer)?.segments().get(way.length)
    }

    /// What a value comes to that these ways lead to.
    fn arrive(&mut self, ways: Ways, value: Value) -> Fate<Ways> {
        for way in &ways {
            let left =
                self.pointers.get(way.pointer).map_or(0, |pointer| pointer.segments().len() - way.length);
            if let Some(met) =
                self.met.get_mut(way.pointer).filter(|_| left == 0 || left == 1 && value != Value::Scalar)
            {
                *met = true;
            }
        }
        if ways.iter().any(|way| self.segment(way).is_none()) {
            return Fate::Mask;
        }
        // On the way to a field there is `null`, or what can hold it; a name leads nowhere in an array.
        let by_name = |way: &Way| matches!(self.segment(way), Some(Segment::Named { index: None, .. }));
        let misfits = match value {
            Value::Scalar => !ways.is_empty(),
            Value::Array => ways.iter().any(by_name),
            Value::Object | Value::Null => false,
        };
        self.has_missed |= misfits;
        Fate::Keep(ways)
    }
}

impl Guide for Members {
    type Frame = Ways;

    fn begin(
        &mut self,
        within: Option<&mut Ways>,
        step: Step<'_>,
        value: Value,
    ) -> Result<Fate<Ways>, Fault> {
        let Some(within) = within else {
            let all = (0..self.pointers.len()).map(|pointer| Way { pointer, length: 0, found: false });
            return Ok(self.arrive(all.collect(), value));
        };
        if let Step::Member(name) = step
            && self.names.iter().any(|wanted| **wanted == *name)
        {
            return Ok(Fate::Mask);
        }
        let mut ways = Ways::new();
        for way in within.iter_mut() {
            if self.segment(way).is_some_and(|segment| leads(segment, step)) {
                way.found = true;
                ways.push(Way { pointer: way.pointer, length: way.length + 1, found: false });
            }
        }
        Ok(self.arrive(ways, value))
    }

    fn told(&mut self, _: Option<&mut Ways>, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }

    fn end(&mut self, ways: Ways) -> Result<String, Fault> {
        for way in &ways {
            let rest =
                self.pointers.get(way.pointer).map_or(0, |pointer| pointer.segments().len() - way.length);
            // The field itself may be absent, and a list may be empty.
            let may_be_empty = matches!(self.segment(way), Some(Segment::Every));
            self.has_missed |= !way.found && rest > 1 && !may_be_empty;
        }
        Ok(String::new())
    }
}

/// Whether a segment leads to what stands at this step. `*` is every element of an array, and every member of an object, so that
/// records that are found by their name are no way around it.
pub(super) fn leads(segment: &Segment, step: Step<'_>) -> bool {
    match (segment, step) {
        (_, Step::Root) => false,
        (Segment::Every, Step::Member(_) | Step::Element(_)) => true,
        (Segment::Named { name, .. }, Step::Member(member)) => **name == *member,
        (Segment::Named { index, .. }, Step::Element(at)) => *index == Some(at),
    }
}
