//! Keeps the first records of a reply and leaves out the rest, so that what is left ends as its kind does.
//!
//! What is left is counted again as it leaves, by the counter of every reply: where that is still beyond the number, as with an
//! entry of a Bundle that names many patients, nothing passes. In a Bundle an `OperationOutcome` at the end of its entries says that
//! there were more (FHIR, `search.mode` = `outcome`; `suppressed` is left out by a rule); its `total` is still of all that was found.
//! A Bundle that is signed is not cut.

use super::Fault;
use super::guide::{Fate, Guide, Step, Value};
use super::json::Editor;
use super::members::leads;
use super::plan::Target;
use crate::domain::count::Count;
use crate::domain::listed::Listed;
use crate::domain::patient::PatientNames;
use crate::domain::reply_shape::{RecordsPointer, ReplyShape, Segment};
use crate::features::guard::count::{Counter, Tally};

/// Leaves out what comes after the first records.
#[derive(Debug)]
pub(super) struct Cut {
    /// Absent for rows, which are left out where they are read.
    editor: Option<Box<Editor<First>>>,
    counter: Option<Counter>,
    keep: u64,
    /// What is left, once it has ended.
    tally: Option<Tally>,
}

impl Cut {
    /// After so many records of a reply of this shape, which is read so.
    pub(super) fn new(shape: &ReplyShape, target: &Target, keep: u64) -> Self {
        let first = match target {
            Target::Json { records } => Some(First::of(Some(records.clone()), keep, false)),
            Target::Fhir => Some(First::of(Some(RecordsPointer::read("/entry")), keep, true)),
            Target::Ndjson => Some(First::of(None, keep, false)),
            Target::Rows { .. } | Target::Page { .. } => None,
        };
        let editor = first.map(|first| Box::new(Editor::new(first)));
        Self { editor, counter: Counter::new(&shape.kind, shape.patient.as_ref()), keep, tally: None }
    }

    /// Events are to keep the patients whom it leaves, and call them so.
    pub(super) fn list_by(&mut self, names: PatientNames) {
        if let Some(counter) = &mut self.counter {
            counter.list_by(names);
        }
    }

    /// Whom events are to keep of what is left.
    pub(super) fn take_listed(&mut self) -> Option<Listed> {
        self.counter.as_mut().and_then(Counter::take_listed)
    }

    /// What of the next piece is left.
    pub(super) fn push(&mut self, text: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let left = match &mut self.editor {
            Some(editor) => {
                let mut left = Vec::with_capacity(text.len());
                editor.push(&text, &mut left)?;
                left
            }
            None => text,
        };
        self.count(&left);
        Ok(left)
    }

    /// The text has ended: what is left of it.
    pub(super) fn finish(&mut self, text: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let mut left = self.push(text)?;
        if let Some(editor) = &mut self.editor {
            let mut rest = Vec::new();
            editor.finish(&mut rest);
            self.count(&rest);
            left.append(&mut rest);
        }
        let tally = self.counter.as_mut().map_or(Tally::NOT_COUNTED, Counter::finish);
        self.tally = Some(tally);
        match tally.records {
            Count::Exactly(records) if records <= self.keep => Ok(left),
            Count::Exactly(_) | Count::AtLeast(_) | Count::Unknown(_) | Count::NotCounted => {
                Err(Fault::Beyond)
            }
        }
    }

    /// What is left so far.
    pub(super) fn tally(&self) -> Tally {
        let so_far = || self.counter.as_ref().map_or(Tally::NOT_COUNTED, Counter::so_far);
        self.tally.unwrap_or_else(so_far)
    }

    fn count(&mut self, left: &[u8]) {
        if let Some(counter) = self.counter.as_mut().filter(|_| !left.is_empty()) {
            counter.push(left);
        }
    }
}

/// The first records of JSON: elements of the array at a pointer, or documents.
#[derive(Debug)]
pub(super) struct First {
    pointer: Option<RecordsPointer>,
    keep: u64,
    came: u64,
    /// Whether an entry of a Bundle says that there were more.
    tells: bool,
    /// A signature of the Bundle came.
    is_signed: bool,
}

/// Where an object or array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// On the way to the records, and how many segments of the pointer lead there.
    Way(usize),
    /// It holds the records.
    Records,
    /// Within a record, or beside.
    Beside,
}

impl First {
    const fn of(pointer: Option<RecordsPointer>, keep: u64, tells: bool) -> Self {
        Self { pointer, keep, came: 0, tells, is_signed: false }
    }

    /// A record comes.
    fn record(&mut self) -> Result<Fate<Spot>, Fault> {
        self.came += 1;
        self.check_signed()?;
        Ok(if self.came > self.keep { Fate::GoAlong } else { Fate::Keep(Spot::Beside) })
    }

    /// What is signed is not cut, whichever of both comes first.
    const fn check_signed(&self) -> Result<(), Fault> {
        if self.is_signed && self.came > self.keep { Err(Fault::Signed) } else { Ok(()) }
    }

    /// A value comes to which so many segments of the pointer have led.
    fn reached(&self, done: usize, value: Value) -> Spot {
        match self.segments().get(done) {
            Some(_) => Spot::Way(done),
            None if value == Value::Array => Spot::Records,
            None => Spot::Beside,
        }
    }

    fn segments(&self) -> &[Segment] {
        self.pointer.as_ref().map_or(&[], RecordsPointer::segments)
    }
}

impl Guide for First {
    type Frame = Spot;

    fn begin(
        &mut self,
        within: Option<&mut Spot>,
        step: Step<'_>,
        value: Value,
    ) -> Result<Fate<Spot>, Fault> {
        let within = within.map(|spot| *spot);
        Ok(match (within, self.pointer.is_some()) {
            (None, true) => Fate::Keep(self.reached(0, value)),
            (None, false) | (Some(Spot::Records), _) => self.record()?,
            (Some(Spot::Way(done)), _) => {
                if self.tells && done == 0 && matches!(step, Step::Member(b"signature")) {
                    self.is_signed = true;
                    self.check_signed()?;
                }
                let leads = self.segments().get(done).is_some_and(|segment| leads(segment, step));
                Fate::Keep(if leads { self.reached(done + 1, value) } else { Spot::Beside })
            }
            (Some(Spot::Beside), _) => Fate::Keep(Spot::Beside),
        })
    }

    fn told(&mut self, _: Option<&mut Spot>, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }

    fn end(&mut self, spot: Spot) -> Result<String, Fault> {
        Ok(if self.tells && spot == Spot::Records && self.came > self.keep {
            outcome(self.keep)
        } else {
            String::new()
        })
    }
}

/// What the last entry of a Bundle says.
fn outcome(keep: u64) -> String {
    serde_json::json!({
        "search": { "mode": "outcome" },
        "resource": {
            "resourceType": "OperationOutcome",
            "issue": [{
                "severity": "warning",
                "code": "suppressed",
                "diagnostics": format!("Only the first entries are here, {keep} at the most: there are more."),
            }],
        },
    })
    .to_string()
}
