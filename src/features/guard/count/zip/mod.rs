//! Files in a ZIP archive, or what they hold.
//!
//! A file is counted, may lie beside, or is neither, and then the number is unknown: an application that packs something more
//! does not take it out uncounted. So is an archive that is encrypted, packed by another method than DEFLATE or not at
//! all, that holds an archive, grows beyond measure, or can be read in two ways ([`walk`] says which).

mod record;
mod walk;

pub(super) use self::walk::{Inside, Walk};
use super::Tally;
use super::bodies::{Beginning, Bodies};
use super::patients::Patients;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::{ArchiveShape, PatientLocator};

/// Counts files, or the records in them, and distinct patients over all of them.
#[derive(Debug)]
pub struct ZipScanner {
    walk: Walk,
    files: Files,
    broken: Option<WhyUnknown>,
}

/// What is known of the files.
#[derive(Debug)]
struct Files {
    shape: ArchiveShape,
    /// What they hold, if that is counted.
    bodies: Option<Bodies>,
    /// How many there are, if it is not.
    number: u64,
    place: Place,
    /// How a file begins that is not read.
    beginning: Beginning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A file that is counted.
    Counted,
    /// One that may lie beside.
    Beside,
    /// A folder, which holds nothing.
    Folder,
}

impl ZipScanner {
    /// A scanner for an archive of this shape, of which a byte becomes no more than `ratio_max` after the first MiB.
    pub fn new(shape: &ArchiveShape, patient: Option<&PatientLocator>, ratio_max: u32) -> Self {
        let bodies = shape.of.as_deref().map(|kind| Bodies::new(kind, patient, ratio_max));
        let files = Files {
            shape: shape.clone(),
            bodies,
            number: 0,
            place: Place::Folder,
            beginning: Beginning::default(),
        };
        Self { walk: Walk::new(ratio_max), files, broken: None }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.broken.is_none() {
            self.broken = self.walk.push(piece, &mut self.files).err();
        }
    }

    /// The patients that it has found; none where nothing is counted in its files.
    pub(super) fn patients_mut(&mut self) -> Option<&mut Patients> {
        self.files.bodies.as_mut().map(Bodies::patients_mut)
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        match self.broken {
            Some(why) => Tally::unknown(why),
            None => self.files.bodies.as_ref().map_or_else(
                || Tally { records: Count::AtLeast(self.files.number), patients: Count::NotCounted },
                Bodies::so_far,
            ),
        }
    }

    /// The archive is complete.
    pub fn finish(&mut self) -> Tally {
        let breaks_off = || if self.walk.is_empty() { None } else { self.walk.finish().err() };
        match self.broken.or_else(breaks_off) {
            Some(why) => Tally::unknown(why),
            None => self.files.bodies.as_ref().map_or_else(
                || Tally { records: Count::Exactly(self.files.number), patients: Count::NotCounted },
                Bodies::whole,
            ),
        }
    }
}

impl Inside for Files {
    fn begin(&mut self, name: &[u8]) -> Result<(), WhyUnknown> {
        self.beginning = Beginning::default();
        self.place = if name.ends_with(b"/") {
            Place::Folder
        } else if self.shape.entries.contain(name) {
            Place::Counted
        } else if self.shape.besides.contain(name) {
            Place::Beside
        } else {
            return Err(WhyUnknown::Mismatch);
        };
        if let (Place::Counted, Some(bodies)) = (self.place, &mut self.bodies) {
            bodies.begin();
        }
        Ok(())
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), WhyUnknown> {
        match (self.place, &mut self.bodies) {
            (Place::Folder, _) => Err(WhyUnknown::Mismatch),
            (Place::Counted, Some(bodies)) => {
                bodies.push(piece);
                Ok(())
            }
            (Place::Counted | Place::Beside, _) => self.look(piece),
        }
    }

    fn end(&mut self) -> Result<(), WhyUnknown> {
        match (self.place, &mut self.bodies) {
            (Place::Counted, Some(bodies)) => bodies.end(),
            (Place::Counted, None) => {
                self.number += 1;
                Ok(())
            }
            (Place::Folder | Place::Beside, _) => Ok(()),
        }
    }
}

impl Files {
    /// Whatever is not read may be anything but an archive.
    fn look(&mut self, piece: &[u8]) -> Result<(), WhyUnknown> {
        self.beginning.push(piece);
        if self.beginning.is_archive() { Err(WhyUnknown::Unparsable) } else { Ok(()) }
    }
}

/// It is no archive, or one that readers take differently.
const fn broken() -> WhyUnknown {
    WhyUnknown::Unparsable
}
