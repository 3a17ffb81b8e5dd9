//! Where the writer writes: the journal's own folder; the spool, on another disk, while the journal's takes nothing; or
//! nowhere, while neither does.
//!
//! The chain is one over all of them. Whoever leaves a place leaves it for good: what comes next begins a segment of its own
//! behind the last entry that is durable.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::carry::{carry_home, cut_behind, drop_undurable};
use super::direct::BLOCK_BYTES;
use super::directory::{SegmentPath, prepared, segments};
use super::error::JournalError;
use super::meter::Meter;
use super::site::Site;
use super::tape::{Rest, Tape};
use crate::platform::disk::room;

/// Where the writer writes.
#[derive(Debug)]
pub(super) enum Place {
    /// Into the journal.
    Home(Box<Tape>),
    /// Into the spool; with whoever carries what is full there home.
    Spool(Box<Tape>, Option<Carrier>),
    /// Nowhere.
    Nowhere(Rest),
}

/// Carries segments home, on a thread of its own.
pub(super) type Carrier = JoinHandle<Result<(), JournalError>>;

impl Place {
    /// What is written, if anything can be.
    pub(super) fn tape(&mut self) -> Option<&mut Tape> {
        match self {
            Self::Home(tape) | Self::Spool(tape, _) => Some(tape),
            Self::Nowhere(_) => None,
        }
    }

    /// Whether it is the journal's own folder.
    pub(super) const fn is_home(&self) -> bool {
        matches!(self, Self::Home(_))
    }
}

/// How far the way home was gone.
pub(super) enum Way {
    /// What is written is what was written before.
    NotYet(Place),
    /// Something else is written now.
    Elsewhere(Place),
}

/// The places that there are.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) home: Site,
    pub(super) spool: Option<Site>,
    pub(super) meter: Arc<Meter>,
    /// How often it is looked whether a disk takes entries again.
    pub(super) looks_every: Duration,
    /// How long the last of the spool may take on its way home, while entries wait.
    pub(super) carried_within: Duration,
    /// How many times as long it may, since it did not get there before.
    pub(super) times_longer: u32,
    /// What was left and has not come to its end, and whether at home: carriers, too.
    pub(super) left: Vec<(bool, Carrier)>,
}

impl Places {
    /// Nothing is written there any more. A disk that hangs is not waited for.
    pub(super) fn leave(&mut self, place: Place) -> Rest {
        let is_home = place.is_home();
        self.left.retain(|(_, left)| !left.is_finished());
        let mut tape = match place {
            Place::Home(tape) | Place::Spool(tape, None) => tape,
            Place::Spool(tape, Some(carrier)) => {
                // It writes at home until it ends, and nobody else does before that.
                self.left.push((true, carrier));
                tape
            }
            Place::Nowhere(rest) => return rest,
        };
        let rest = tape.rest();
        let leave = move || {
            drop(tape);
            Ok(())
        };
        match std::thread::Builder::new().name("journal-left".to_owned()).spawn(leave) {
            Ok(left) => self.left.push((is_home, left)),
            Err(error) => tracing::warn!(%error, "no thread to leave a disk on"),
        }
        rest
    }

    /// At the end what was left is waited for, so that its place can be taken once more; a disk that hangs, not for long.
    #[expect(clippy::disallowed_methods, reason = "a thread of its own, which has nothing else left to do")]
    pub(super) fn await_left(&self) {
        let begin = Instant::now();
        while self.left.iter().any(|(_, left)| !left.is_finished()) && begin.elapsed() < LEFT_WITHIN {
            std::thread::sleep(LOOKED_EVERY);
        }
    }

    /// The journal is closed: waits for whoever works beside.
    pub(super) fn close(&mut self, place: Place) {
        let carrier = match place {
            Place::Spool(_, carrier) => carrier,
            Place::Home(_) | Place::Nowhere(_) => None,
        };
        for left in carrier.into_iter().chain(self.left.drain(..).map(|(_, left)| left)) {
            match left.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the spool was not carried into the journal"),
                Err(_) => tracing::error!("what worked beside the journal failed by a mistake of ours"),
            }
        }
    }

    /// What was left there may still be making a segment: another of the same name would be written by two. And what a disk that
    /// hung is still writing would land behind what was found there.
    fn is_free(&self, site: &Site) -> Result<(), JournalError> {
        let is_home = site.directory == self.home.directory;
        if self.left.iter().any(|(left_home, left)| *left_home == is_home && !left.is_finished()) {
            let error = io::Error::other("what was written there before has not come to its end");
            return Err(JournalError::disk(&site.directory, error));
        }
        if !site.disk.is_idle() {
            let error = io::Error::other("the disk has not answered yet what it was asked before");
            return Err(JournalError::disk(&site.directory, error));
        }
        Ok(())
    }

    /// On the spool, behind what is durable; or why not, and what was given.
    pub(super) fn spool_after(&self, rest: Rest) -> Result<Place, (Option<JournalError>, Box<Rest>)> {
        let Some(spool) = &self.spool else { return Err((None, Box::new(rest))) };
        self.tape_after(spool, rest)
            .map(|tape| Place::Spool(Box::new(tape), None))
            .map_err(|(error, rest)| (Some(error), rest))
    }

    /// Wherever entries are taken: at home, if all that is in the spool can be carried there first; or on the spool.
    pub(super) fn anywhere_after(&self, rest: Rest) -> Place {
        let is_ready = self.is_free(&self.home).and_then(|()| has_room(&self.home));
        let home = is_ready.and_then(|()| self.cut_spool(&rest)).and_then(|()| self.empty_spool());
        let rest = match home {
            Ok(()) => match self.tape_after(&self.home, rest) {
                Ok(tape) => return Place::Home(Box::new(tape)),
                Err((error, rest)) => {
                    tracing::debug!(%error, "the journal's disk takes nothing yet");
                    *rest
                }
            },
            Err(error) => {
                tracing::debug!(%error, "the journal's disk takes nothing yet");
                rest
            }
        };
        self.spool_after(rest).unwrap_or_else(|(_, rest)| Place::Nowhere(*rest))
    }

    /// Goes home from the spool by steps, of which the long ones are taken beside: first the journal's disk shows that it
    /// takes a segment, then what is full is carried home; what is still written, and is all that is left then, here.
    pub(super) fn home_from(&mut self, place: Place) -> Way {
        let (spool, tape, carrier) = match (self.spool.clone(), place) {
            (Some(spool), Place::Spool(tape, carrier)) => (spool, tape, carrier),
            (_, place) => return Way::NotYet(place),
        };
        let full = match segments(&spool.directory) {
            Ok(mut segments) => {
                segments.pop();
                segments
            }
            Err(error) => {
                tracing::error!(%error, "the spool cannot be read");
                return Way::NotYet(Place::Spool(tape, carrier));
            }
        };
        Way::NotYet(match carrier {
            Some(carrier) if !carrier.is_finished() => Place::Spool(tape, Some(carrier)),
            Some(carrier) => match carrier.join() {
                Ok(Ok(())) if full.is_empty() => return Way::Elsewhere(self.finish(tape)),
                Ok(Ok(())) => self.begin_to_carry(&spool, tape, full),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the spool cannot be carried into the journal yet");
                    Place::Spool(tape, None)
                }
                Err(_) => {
                    tracing::error!("carrying the spool home failed by a mistake of ours");
                    Place::Spool(tape, None)
                }
            },
            None => self.begin_to_carry(&spool, tape, full),
        })
    }

    fn begin_to_carry(&self, spool: &Site, tape: Box<Tape>, full: Vec<SegmentPath>) -> Place {
        let (home, spool) = (self.home.clone(), spool.directory.clone());
        if let Err(error) = self.is_free(&home) {
            tracing::debug!(%error, "the spool cannot be carried into the journal yet");
            return Place::Spool(tape, None);
        }
        let carry = move || {
            has_room(&home)?;
            probe(&home).map_err(|error| JournalError::disk(&home.directory, error))?;
            carry_home(&home, &spool, &full)
        };
        let carrier = std::thread::Builder::new().name("journal-carrier".to_owned()).spawn(carry);
        let carrier =
            carrier.inspect_err(|error| tracing::warn!(%error, "no thread to carry the spool home"));
        Place::Spool(tape, carrier.ok())
    }

    /// The last segment of the spool goes home, and the next one begins there. What hangs meanwhile is left to itself: entries
    /// go on in the spool, and it is joined as those are that carry what is full.
    fn finish(&mut self, mut tape: Box<Tape>) -> Place {
        let rest = tape.rest();
        drop(tape);
        let rest = match self.cut_spool(&rest).and_then(|()| self.carry_last()) {
            Ok(None) => match self.tape_after(&self.home, rest) {
                Ok(tape) => {
                    self.times_longer = 1;
                    return Place::Home(Box::new(tape));
                }
                Err((error, rest)) => {
                    tracing::warn!(%error, "the journal's disk takes nothing after all");
                    *rest
                }
            },
            Ok(Some(carrier)) => {
                tracing::warn!(
                    within_ms = self.carried_within().as_millis(),
                    "the last of the spool is not carried home in time: entries go on there"
                );
                // A disk that is only slow gets there.
                self.times_longer = self.times_longer.saturating_mul(2);
                return match self.spool_after(rest) {
                    Ok(Place::Spool(tape, _)) => Place::Spool(tape, Some(carrier)),
                    Ok(place @ (Place::Home(_) | Place::Nowhere(_))) => {
                        self.left.push((true, carrier));
                        place
                    }
                    Err((_, rest)) => {
                        self.left.push((true, carrier));
                        Place::Nowhere(*rest)
                    }
                };
            }
            Err(error) => {
                tracing::warn!(%error, "the spool cannot be carried into the journal after all");
                rest
            }
        };
        self.spool_after(rest).unwrap_or_else(|(_, rest)| Place::Nowhere(*rest))
    }

    /// How long that may take: twice as long each time that it did not.
    const fn carried_within(&self) -> Duration {
        self.carried_within.saturating_mul(self.times_longer)
    }

    /// Carries all of the spool home, which nobody writes; whoever still does so where that takes longer than it may.
    fn carry_last(&self) -> Result<Option<Carrier>, JournalError> {
        let Some(spool) = &self.spool else { return Ok(None) };
        let (home, folder, all) = (self.home.clone(), spool.directory.clone(), segments(&spool.directory)?);
        let (told, heard) = sync_channel(1);
        let carry = move || {
            let carried = carry_home(&home, &folder, &all);
            // Whoever waits for it may have gone on.
            told.send(()).ok();
            carried
        };
        let carrier = std::thread::Builder::new().name("journal-carrier".to_owned()).spawn(carry);
        let carrier = carrier.map_err(|error| JournalError::disk(&self.home.directory, error))?;
        if heard.recv_timeout(self.carried_within()) == Err(RecvTimeoutError::Timeout) {
            return Ok(Some(carrier));
        }
        let mistake = || io::Error::other("carrying the spool home failed by a mistake of ours");
        carrier.join().map_err(|_| JournalError::disk(&self.home.directory, mistake()))??;
        forget_prepared(spool).map(|()| None)
    }

    /// What was written to the spool and not synced is written again elsewhere.
    fn cut_spool(&self, rest: &Rest) -> Result<(), JournalError> {
        let Some(spool) = &self.spool else { return Ok(()) };
        drop_undurable(&spool.directory, rest.durable)?;
        if segments(&spool.directory)?.is_empty() { Ok(()) } else { cut_behind(spool, rest.durable) }
    }

    /// Carries all of the spool home, which nobody writes.
    pub(super) fn empty_spool(&self) -> Result<(), JournalError> {
        let Some(spool) = &self.spool else { return Ok(()) };
        carry_home(&self.home, &spool.directory, &segments(&spool.directory)?)?;
        forget_prepared(spool)
    }

    fn tape_after(&self, site: &Site, rest: Rest) -> Result<Tape, (JournalError, Box<Rest>)> {
        if let Err(error) = self.is_free(site) {
            return Err((error, Box::new(rest)));
        }
        let cut = segments(&site.directory).map_err(JournalError::from).and_then(|segments| {
            // An empty spool has nothing to cut.
            if segments.is_empty() { Ok(()) } else { cut_behind(site, rest.durable) }
        });
        if let Err(error) = cut {
            return Err((error, Box::new(rest)));
        }
        Tape::after(site.clone(), self.meter.clone(), rest)
            .map_err(|(error, rest)| (JournalError::disk(&site.directory, error), Box::new(rest)))
    }
}

/// Removes what was made ahead in a spool that is empty.
fn forget_prepared(spool: &Site) -> Result<(), JournalError> {
    match std::fs::remove_file(prepared(&spool.directory)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(JournalError::disk(&spool.directory, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether there is room for what comes from the spool and goes on there.
fn has_room(home: &Site) -> Result<(), JournalError> {
    let disk = |error| JournalError::disk(&home.directory, error);
    let room = room(&home.directory).map_err(disk)?;
    if room.free_bytes < home.segment_bytes.saturating_mul(SEGMENTS_AHEAD) {
        return Err(disk(io::ErrorKind::StorageFull.into()));
    }
    Ok(())
}

/// Has the disk take a segment and give it back.
fn probe(site: &Site) -> io::Result<()> {
    let mut file = site.allocate()?;
    file.write_at(&[1; BLOCK_BYTES], 0)?;
    file.sync()?;
    drop(file);
    std::fs::remove_file(prepared(&site.directory))
}

/// How long what was left may take to come to its end, once that is all there is to do.
const LEFT_WITHIN: Duration = Duration::from_secs(5);
const LOOKED_EVERY: Duration = Duration::from_millis(1);
/// One that comes home, one that is written, and one ahead of it.
const SEGMENTS_AHEAD: u64 = 3;
