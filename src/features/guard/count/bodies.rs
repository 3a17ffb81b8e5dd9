//! Several bodies of one kind that are counted as a whole: files in an archive, or in a document.
//!
//! One that is an archive, whatever its name says, may hold any number, and is [`WhyUnknown::Mismatch`].

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
    /// For the body that is being read, and how that begins.
    counter: Option<Counter>,
    beginning: Beginning,
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
            beginning: Beginning::default(),
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
        self.beginning = Beginning::default();
        self.swap_patients();
    }

    /// Looks at the next piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.beginning.push(piece);
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
            _ if self.beginning.is_archive() => return Err(WhyUnknown::Mismatch),
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
        match inner.records {
            _ if self.beginning.is_archive() => return Tally::unknown(WhyUnknown::Mismatch),
            Count::Unknown(why) => return Tally::unknown(why),
            Count::Exactly(_) | Count::AtLeast(_) | Count::NotCounted => {}
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

/// The first bytes of a body, which tell an archive.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    bytes: [u8; BEGINNING_BYTES],
    length: usize,
}

const BEGINNING_BYTES: usize = 6;

/// What an archive, or what is packed as a whole, begins with: ZIP (and so XLSX, DOCX, ODS), gzip, compress, zstd, 7z, RAR,
/// bzip2, xz, CAB.
pub const ARCHIVES: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1F\x8B",
    b"\x1F\x9D",
    b"\x28\xB5\x2F\xFD",
    b"7z\xBC\xAF\x27\x1C",
    b"Rar!",
    b"BZh",
    b"\xFD7zXZ",
    b"MSCF\0",
];

impl Beginning {
    /// Takes what is missing from the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        self.length += free.iter_mut().zip(piece).map(|(slot, byte)| *slot = *byte).count();
    }

    /// Whether the body may hold any number.
    pub(super) fn is_archive(&self) -> bool {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        ARCHIVES.iter().any(|beginning| bytes.starts_with(beginning))
    }
}
