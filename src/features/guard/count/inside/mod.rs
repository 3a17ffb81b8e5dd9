//! A file in a string of a JSON document, such as the `data` of a FHIR `Binary`.
//!
//! It is decoded while it passes, however long it is, and counted by what it holds. A document without a string at the
//! pointer is [`WhyUnknown::Unparsable`], an error message too: the meter knows one by its status. `null` is no file. A
//! member on the way that comes twice in one object can be read in two ways and is unknown.

mod decode;
mod way;

use self::decode::Decode;
use self::way::{Step, Way};
use super::Tally;
use super::bodies::Bodies;
use super::lexer::{Broken, Lexer, Sink, Wants};
use super::patients::Patients;
use super::text::{NameFilter, Scalar, Text};
use crate::domain::count::WhyUnknown;
use crate::domain::reply_shape::{InsideShape, PatientLocator};

/// Counts what files hold that stand in a JSON document.
#[derive(Debug)]
pub struct InsideScanner {
    lexer: Lexer<false>,
    members: Members,
    begun: bool,
}

#[derive(Debug)]
struct Members {
    way: Way,
    decode: Decode,
    bodies: Bodies,
    /// A file is being read.
    reading: bool,
    /// A string or `null` was where it has to be.
    found: bool,
    broken: Option<WhyUnknown>,
}

impl InsideScanner {
    /// A scanner for files of this shape, whose records name their patient so, and in which a compressed byte becomes no more
    /// than `ratio_max` after the first MiB.
    pub fn new(shape: &InsideShape, patient: Option<&PatientLocator>, ratio_max: u32) -> Self {
        let members = Members {
            way: Way::new(&shape.at),
            decode: Decode::new(shape.encoding),
            bodies: Bodies::new(&shape.of, patient, ratio_max),
            reading: false,
            found: false,
            broken: None,
        };
        Self { lexer: Lexer::default(), members, begun: false }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.begun |= !piece.iter().all(u8::is_ascii_whitespace);
        self.lexer.push(piece, &mut self.members);
    }

    /// The patients that it has found.
    pub(super) fn patients_mut(&mut self) -> &mut Patients {
        self.members.bodies.patients_mut()
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        match self.broken() {
            Some(why) => Tally::unknown(why),
            None => self.members.bodies.so_far(),
        }
    }

    /// The document is complete.
    pub fn finish(&mut self) -> Tally {
        if self.begun && self.lexer.finish(&mut self.members).is_err() {
            self.members.broken.get_or_insert(WhyUnknown::Unparsable);
        }
        let is_misfit = self.begun && !self.members.found && !self.members.way.is_empty_every();
        match self.broken().or(is_misfit.then_some(WhyUnknown::Unparsable)) {
            Some(why) => Tally::unknown(why),
            None => self.members.bodies.whole(),
        }
    }

    fn broken(&self) -> Option<WhyUnknown> {
        self.members.broken.or(self.lexer.is_broken().then_some(WhyUnknown::Unparsable))
    }
}

impl Members {
    fn fail(&mut self, why: WhyUnknown) -> Broken {
        self.broken.get_or_insert(why);
        Broken
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.reading, true) {
            self.bodies.begin();
        }
    }

    fn end(&mut self) -> Result<(), Broken> {
        self.reading = false;
        let Self { decode, bodies, .. } = self;
        let decoded = decode.finish(&mut |bytes| bodies.push(bytes));
        decoded.and_then(|()| self.bodies.end()).map_err(|why| self.fail(why))
    }
}

impl Sink for Members {
    fn wants(&self) -> Wants {
        match self.way.next() {
            Step::Elsewhere => Wants::Structure,
            Step::Name => Wants::Names,
            Step::Between => Wants::Scalars,
            Step::Target => Wants::Streamed,
        }
    }

    fn names(&self) -> NameFilter {
        self.way.names()
    }

    fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        self.way.key(name)
    }

    fn open(&mut self, array: bool) -> Result<(), Broken> {
        // A file is a string: something else in its place is not read.
        if self.way.open(array) == Step::Target { Err(Broken) } else { Ok(()) }
    }

    fn close(&mut self) {
        self.way.close();
    }

    fn part(&mut self, raw: &[u8]) -> Result<(), Broken> {
        if !self.way.is_target() {
            return Ok(());
        }
        self.begin();
        let Self { decode, bodies, .. } = self;
        let decoded = decode.push(raw, &mut |bytes| bodies.push(bytes));
        decoded.map_err(|why| self.fail(why))
    }

    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken> {
        let step = self.way.scalar();
        match (step, scalar) {
            (Step::Target, Scalar::Unread) => {
                self.begin();
                self.found = true;
                self.end()
            }
            (Step::Target | Step::Between, Scalar::Null) => {
                self.found = true;
                Ok(())
            }
            (Step::Target | Step::Between, _) => Err(Broken),
            (Step::Elsewhere | Step::Name, _) => Ok(()),
        }
    }
}
