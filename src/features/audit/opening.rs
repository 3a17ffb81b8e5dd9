//! Where a journal goes on when it is opened: at home, or on the spool, where something is left there that cannot be carried
//! home, or the journal's own disk takes nothing.

use std::path::Path;
use std::sync::Arc;

use super::directory::{Lock, make, segments};
use super::disk::{Disk, sync_directory};
use super::error::{JournalError, Problem, ReadError};
use super::format::Head;
use super::meter::Meter;
use super::place::{Place, Places};
use super::read::end_of;
use super::segment::{SegmentReader, Tail};
use super::settings::JournalSettings;
use super::site::Site;
use super::spool::know;
use super::tape::{Found, Tape};
use super::tree::resume::{Resumed, resume};
use super::watched::WatchedDisk;
use crate::domain::gap::GapRule;

/// Makes the folders of the journal and of its spool where they are not there, and takes both for this process alone.
pub(super) fn occupy(settings: &JournalSettings) -> Result<(Lock, Option<Lock>), JournalError> {
    let take = |directory: &Path| {
        make(directory)?;
        Lock::take(directory)
    };
    Ok((take(&settings.directory)?, settings.outage.spool.as_deref().map(take).transpose()?))
}

/// The journal's folder and its spool. Where there is somewhere else to go, or something that goes on, a disk that hangs is not
/// waited for without end.
pub(super) fn places(disk: Arc<dyn Disk>, settings: &JournalSettings, meter: Arc<Meter>) -> Places {
    let outage = &settings.outage;
    let watched = |disk: Arc<dyn Disk>| -> Arc<dyn Disk> {
        match (&outage.spool, outage.gap) {
            (None, GapRule::Never) => disk,
            (Some(_), GapRule::Never) | (_, GapRule::TreatmentReads) => {
                Arc::new(WatchedDisk::new(disk, outage.stall_after))
            }
        }
    };
    let segment_bytes = settings.segment_bytes;
    let site =
        |disk, directory: &Path| Site { disk: watched(disk), directory: directory.to_owned(), segment_bytes };
    Places {
        home: site(disk.clone(), &settings.directory),
        spool: outage.spool.as_deref().map(|spool| site(disk, spool)),
        meter,
        looks_every: outage.looks_every,
        carried_within: outage.stall_after.saturating_mul(CARRYING_TAKES),
        times_longer: 1,
        left: Vec::new(),
    }
}

/// The tree over what is there. Where entries go to the spool it is taken up when they have come home.
pub(super) fn tree(place: &Place, directory: &Path, head: Head) -> Result<Option<Resumed>, JournalError> {
    match place {
        Place::Home(_) => {
            // A process that was killed may have renamed a segment without having synced the folder.
            for names in [Some(directory), directory.parent().filter(|parent| parent.is_dir())] {
                let Some(names) = names else { continue };
                sync_directory(names).map_err(|error| JournalError::disk(names, error))?;
            }
            resume(directory, head.sequence).map(Some)
        }
        Place::Spool(..) | Place::Nowhere(_) => Ok(None),
    }
}

/// Where a journal goes on, what was found, and why it is not at home.
pub(super) struct Opened {
    pub(super) place: Place,
    pub(super) found: Found,
    /// The last entry that is in the journal's own folder.
    pub(super) home: Head,
    pub(super) why: Option<JournalError>,
}

impl Places {
    /// Finds where the journal goes on.
    pub(super) fn open(&self) -> Result<Opened, JournalError> {
        know(&self.home.directory, self.spool.as_ref().map(|spool| &*spool.directory))?;
        let Some(spool) = &self.spool else { return self.open_home(0) };
        if segments(&spool.directory)?.is_empty() {
            return match self.open_home(0) {
                Err(why @ JournalError::Disk { .. }) => self.begin_on(spool, why),
                opened => opened,
            };
        }
        // What a killed process left half-written there is put aside first.
        let (_, found) = Tape::open(spool.clone(), self.meter.clone())?;
        match self.empty_spool().and_then(|()| self.open_home(found.torn_bytes)) {
            // All of it is home, and then the journal's disk failed.
            Err(why @ JournalError::Disk { .. }) if segments(&spool.directory)?.is_empty() => {
                self.begin_on(spool, why)
            }
            Err(why @ JournalError::Disk { .. }) => self.go_on_on(spool, why),
            opened => opened,
        }
    }

    fn open_home(&self, torn_before: u64) -> Result<Opened, JournalError> {
        let (tape, found) = Tape::open(self.home.clone(), self.meter.clone())?;
        let found = Found { torn_bytes: found.torn_bytes.saturating_add(torn_before), ..found };
        Ok(Opened { place: Place::Home(Box::new(tape)), found, home: found.head, why: None })
    }

    fn go_on_on(&self, spool: &Site, why: JournalError) -> Result<Opened, JournalError> {
        let segments = segments(&spool.directory)?;
        let first = segments.first().map(SegmentReader::open).transpose()?;
        let home = first.map_or(Head::START, |first| first.header.before);
        let (tape, found) = Tape::open(spool.clone(), self.meter.clone())?;
        Ok(Opened { place: Place::Spool(Box::new(tape), None), found, home, why: Some(why) })
    }

    /// The first segment on the spool. Of the entries that can be read at home, the last may not have been synced: they are
    /// written here again.
    fn begin_on(&self, spool: &Site, why: JournalError) -> Result<Opened, JournalError> {
        let (durable, tail) = self.unproven()?;
        let disk = |error| JournalError::disk(&spool.directory, error);
        let tape = Tape::after_with(spool.clone(), self.meter.clone(), durable, &tail).map_err(disk)?;
        let found = Found { head: tape.head(), torn_bytes: 0 };
        Ok(Opened { place: Place::Spool(Box::new(tape), None), found, home: durable, why: Some(why) })
    }

    /// The last entry at home of which a later one says that it was durable, and those after it.
    fn unproven(&self) -> Result<(Head, Vec<Vec<u8>>), JournalError> {
        let Some(last) = segments(&self.home.directory)?.pop() else { return Ok((Head::START, Vec::new())) };
        let mut reader = SegmentReader::open(&last)?;
        let mut durable = reader.header.before;
        let mut tail: Vec<(Head, Vec<u8>)> = Vec::new();
        // What does not fit behind them is half a write, and is looked at when the spool is carried home.
        let misfit = loop {
            match reader.next() {
                Ok(Some(raw)) => {
                    let proven = tail.partition_point(|(head, _)| head.sequence <= raw.synced);
                    durable = tail.drain(..proven).next_back().map_or(durable, |(head, _)| head);
                    tail.push((raw.head, raw.payload.to_vec()));
                }
                Ok(None) => break None,
                Err(ReadError::Misfit(misfit)) => break Some(misfit),
                Err(error) => return Err(error.into()),
            }
        };
        match end_of(&reader, misfit)? {
            Tail::Clean | Tail::Torn { .. } => {}
            // What was changed is no half write: the chain would go on in two places.
            Tail::Changed => return Err(JournalError::Damaged(reader.misfit(Problem::Residue))),
        }
        Ok((durable, tail.into_iter().map(|(_, payload)| payload).collect()))
    }
}

/// The last segment of the spool is read, written, synced and read back: each within the time of one call, and some to spare.
const CARRYING_TAKES: u32 = 6;
