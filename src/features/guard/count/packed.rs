//! A file that is packed as a whole (gzip, RFC 1952; Zstandard, RFC 8878), by what it holds.
//!
//! It is unpacked piece by piece, and may grow as a content coding may. Several members or frames, one behind the other, are one
//! file, as they are to whoever unpacks it; anything else behind the end is [`WhyUnknown::Undecodable`], and so is what begins as
//! something else. A file that is packed twice is [`WhyUnknown::Mismatch`]: it may hold any number.

use super::bodies::Bodies;
use super::patients::Patients;
use super::{Tally, why_unknown};
use crate::domain::count::WhyUnknown;
use crate::domain::reply_shape::{PackedShape, Packing, PatientLocator};
use crate::platform::http::coding::{Coding, Decoder};

/// Counts what a packed file holds.
#[derive(Debug)]
pub struct PackedScanner {
    /// None where none could be made.
    decoder: Option<Decoder>,
    bodies: Bodies,
    begun: bool,
    broken: Option<WhyUnknown>,
}

impl PackedScanner {
    /// A scanner for a file of this shape, whose records name their patient so, and of which a byte becomes no more than
    /// `ratio_max` after the first MiB.
    pub fn new(shape: &PackedShape, patient: Option<&PatientLocator>, ratio_max: u32) -> Self {
        let coding = match shape.by {
            Packing::Gzip => Coding::Gzip,
            Packing::Zstd => Coding::Zstd,
        };
        let decoder = Decoder::new(coding, ratio_max);
        let broken = decoder.as_ref().err().copied().map(why_unknown);
        let bodies = Bodies::new(&shape.of, patient, ratio_max);
        Self { decoder: decoder.ok(), bodies, begun: false, broken }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let Self { decoder: Some(decoder), bodies, begun, broken: broken @ None } = self else { return };
        if piece.is_empty() {
            return;
        }
        if !std::mem::replace(begun, true) {
            bodies.begin();
        }
        *broken = decoder.push(piece, &mut |plain| bodies.push(plain)).err().map(why_unknown);
    }

    /// The patients that it has found.
    pub(super) fn patients_mut(&mut self) -> &mut Patients {
        self.bodies.patients_mut()
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        self.broken.map_or_else(|| self.bodies.so_far(), Tally::unknown)
    }

    /// The file is complete.
    pub fn finish(&mut self) -> Tally {
        if self.broken.is_none() && std::mem::take(&mut self.begun) {
            let unpacked = self.decoder.as_ref().map_or(Ok(()), Decoder::finish).map_err(why_unknown);
            self.broken = unpacked.and_then(|()| self.bodies.end()).err();
        }
        self.broken.map_or_else(|| self.bodies.whole(), Tally::unknown)
    }
}
