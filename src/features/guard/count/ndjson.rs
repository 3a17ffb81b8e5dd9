//! Records of newline-delimited JSON: the lines that are not blank.
//!
//! Every line has to be one whole JSON value and not an array, since a line that is an array can hold any
//! number of records. What does not hold to that is [`WhyUnknown::Unparsable`].

use super::Tally;
use super::lexer::{Broken, Lexer, Sink, Wants};
use super::patients::Patients;
use super::text::{NameFilter, Scalar, Text};
use crate::domain::count::{Count, WhyUnknown};

/// Counts lines of JSON, and the distinct values of one member inside of them.
#[derive(Debug)]
pub struct NdjsonScanner {
    lexer: Lexer<true>,
    lines: Lines,
}

#[derive(Debug, Default)]
struct Lines {
    patient: Option<Box<[u8]>>,
    filter: NameFilter,
    depth: usize,
    is_patient: bool,
    number: u64,
    patients: Patients,
}

impl NdjsonScanner {
    /// A scanner for lines that name their patient in the member `patient`.
    pub fn new(patient: Option<&str>) -> Self {
        let lines = Lines {
            patient: patient.map(|name| name.as_bytes().into()),
            filter: patient.map_or(NameFilter::NONE, |name| NameFilter::NONE.with(name.as_bytes())),
            ..Lines::default()
        };
        Self { lexer: Lexer::default(), lines }
    }

    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.lines.patients
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.lexer.push(piece, &mut self.lines);
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.lexer.is_broken() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally { records: Count::AtLeast(self.lines.number), patients: self.lines.patients(Patients::so_far) }
    }

    /// The last line is complete.
    pub fn finish(&mut self) -> Tally {
        if self.lexer.finish(&mut self.lines).is_err() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally { records: Count::Exactly(self.lines.number), patients: self.lines.patients(Patients::count) }
    }
}

impl Lines {
    fn patients(&self, count: impl Fn(&Patients) -> Count) -> Count {
        if self.patient.is_some() { count(&self.patients) } else { Count::NotCounted }
    }
}

impl Sink for Lines {
    #[inline]
    fn names(&self) -> NameFilter {
        self.filter
    }

    #[inline]
    fn wants(&self) -> Wants {
        if self.is_patient {
            Wants::Strings
        } else if self.depth == 0 {
            Wants::Scalars
        } else if self.patient.is_some() {
            Wants::Names
        } else {
            Wants::Structure
        }
    }

    #[inline]
    fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        self.is_patient = self.patient.as_ref().is_some_and(|patient| name.is(patient));
        Ok(())
    }

    #[inline]
    fn open(&mut self, array: bool) -> Result<(), Broken> {
        self.is_patient = false;
        if self.depth == 0 {
            if array {
                return Err(Broken);
            }
            self.number += 1;
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken> {
        self.number += u64::from(self.depth == 0);
        if std::mem::take(&mut self.is_patient) {
            match scalar {
                Scalar::String(text) => self.patients.name(&text.decoded()),
                Scalar::Number(text) => self.patients.name(text),
                Scalar::Boolean | Scalar::Null | Scalar::Unread => {}
            }
        }
        Ok(())
    }
}
