//! Several bodies of one kind that are counted as a whole: files in an archive, or in a document.

use super::patients::Patients;
use super::{Counter, Label, Tally};
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::{PatientLocator, ReplyKind};

/// What bodies of one kind come to, one after the other.
#[derive(Debug)]
pub(super) struct Bodies {
    kind: ReplyKind,
    patient: Option<PatientLocator>,
    ratio_max: u32,
    /// For the body that is being read.
    counter: Option<Counter>,
    records: u64,
    /// Of the bodies before this one; the counter of this one has them meanwhile.
    patients: Patients,
    /// Whether anybody asks for patients, and why their number is unknown.
    patients_asked: bool,
    patients_unknown: Option<WhyUnknown>,
}

impl Bodies {
    /// No body yet, of those of this kind whose records name their patient so, and in which a compressed byte becomes no more
    /// than `ratio_max` after the first MiB.
    pub(super) fn new(kind: &ReplyKind, patient: Option<&PatientLocator>, ratio_max: u32) -> Self {
        let mut bodies = Self {
            kind: kind.clone(),
            patient: patient.cloned(),
            ratio_max,
            counter: None,
            records: 0,
            patients: Patients::default(),
            patients_asked: false,
            patients_unknown: None,
        };
        let none = bodies.fresh().map(|mut fresh| fresh.finish());
        bodies.patients_asked = none.is_some_and(|none| none.patients != Count::NotCounted);
        bodies
    }

    fn fresh(&self) -> Option<Counter> {
        Counter::bounded(&self.kind, self.patient.as_ref(), &Label::default(), self.ratio_max)
    }

    /// The next body begins.
    pub(super) fn begin(&mut self) {
        self.counter = self.fresh();
        self.swap_patients();
    }

    /// Looks at the next piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) {
        if let Some(counter) = &mut self.counter {
            counter.push(piece);
        }
    }

    /// The body is complete, and added to those before.
    pub(super) fn end(&mut self) -> Result<(), WhyUnknown> {
        let Some(tally) = self.counter.as_mut().map(Counter::finish) else { return Err(WhyUnknown::Opaque) };
        self.swap_patients();
        self.counter = None;
        match tally.records {
            Count::Exactly(number) => self.records += number,
            Count::Unknown(why) => return Err(why),
            Count::AtLeast(_) | Count::NotCounted => return Err(WhyUnknown::Unparsable),
        }
        if let Count::Unknown(why) = tally.patients {
            self.patients_unknown.get_or_insert(why);
        }
        Ok(())
    }

    /// The patients that were found, where they are now: what reads a body has those before it, too.
    pub(super) fn patients_mut(&mut self) -> &mut Patients {
        let inner = self.counter.as_mut().and_then(Counter::patients_mut);
        inner.unwrap_or(&mut self.patients)
    }

    /// How many so far: lower bounds, or already unknown.
    pub(super) fn so_far(&self) -> Tally {
        let Some(inner) = self.counter.as_ref().map(Counter::so_far) else {
            return Tally {
                records: Count::AtLeast(self.records),
                patients: self.patients(Patients::so_far),
            };
        };
        if let Count::Unknown(why) = inner.records {
            return Tally::unknown(why);
        }
        let patients = self.patients_unknown.map_or(inner.patients, Count::Unknown);
        Tally { records: Count::AtLeast(self.records + inner.records.at_least()), patients }
    }

    /// How many in all bodies that were complete.
    pub(super) fn whole(&self) -> Tally {
        Tally { records: Count::Exactly(self.records), patients: self.patients(Patients::count) }
    }

    fn patients(&self, count: impl Fn(&Patients) -> Count) -> Count {
        match self.patients_unknown {
            _ if !self.patients_asked => Count::NotCounted,
            Some(why) => Count::Unknown(why),
            None => count(&self.patients),
        }
    }

    fn swap_patients(&mut self) {
        if let Some(patients) = self.counter.as_mut().and_then(Counter::patients_mut) {
            std::mem::swap(patients, &mut self.patients);
        }
    }
}
