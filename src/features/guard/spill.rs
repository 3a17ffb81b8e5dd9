//! What of a reply waits on the disk: it is longer than memory may hold, and not yet known to pass.
//!
//! It goes there in sealed pieces and comes back in their order. One piece at a time is on its way, on another thread, so that
//! the worker goes on. What does not fill a piece stays in memory. Whatever fails, the reply does not pass; and whoever drops
//! it has left nothing behind.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use super::settings::SpillSettings;
use crate::foundation::entropy::Entropy;
use crate::platform::spill::{PIECE_BYTES, SEALED_BYTES, SpillError, SpillFile};

/// Why a reply cannot be held until it is known whether it may pass.
#[derive(Debug, thiserror::Error)]
pub enum Unheld {
    /// It is too long by itself.
    #[error("the reply is longer than `guard.hold` and `guard.spill_max`")]
    TooLong,
    /// Others take the room.
    #[error("replies that wait on the disk take all of `guard.spill_total`")]
    NoRoom,
    /// The disk does not take it.
    #[error("the reply cannot be put on the disk")]
    Disk(#[source] SpillError),
}

/// What all replies together have on the disk, and where their keys come from.
pub struct Spills {
    bytes: Arc<AtomicU64>,
    entropy: Arc<dyn Entropy>,
}

impl Spills {
    /// Nothing waits yet. Keys are made of `entropy`.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { bytes: Arc::default(), entropy }
    }

    /// How much waits there now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// With these bounds.
    pub const fn under<'a>(&'a self, settings: &'a SpillSettings) -> Disk<'a> {
        Disk { spills: self, settings }
    }
}

impl fmt::Debug for Spills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spills").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

/// Where replies wait that are longer than memory may hold.
#[derive(Clone, Copy, Debug)]
pub struct Disk<'a> {
    spills: &'a Spills,
    settings: &'a SpillSettings,
}

impl Disk<'_> {
    /// For one reply, of which nothing is there yet.
    pub(super) fn begin(self) -> Spilling {
        let room = Room { all: self.spills.bytes.clone(), bytes: 0 };
        let (settings, entropy) = (self.settings.clone(), self.spills.entropy.clone());
        Spilling { settings, entropy, room, file: None, rest: Vec::new() }
    }
}

/// One reply on its way there.
pub(super) struct Spilling {
    settings: SpillSettings,
    entropy: Arc<dyn Entropy>,
    room: Room,
    /// None until a piece is full.
    file: Option<SpillFile>,
    /// What has come since, less than a piece.
    rest: Vec<u8>,
}

impl Spilling {
    /// Puts this behind what is there. After an error there is nothing any more.
    pub(super) async fn push(&mut self, mut bytes: Bytes) -> Result<(), Unheld> {
        self.room.take(bytes.len() as u64, &self.settings)?;
        while !bytes.is_empty() {
            if self.rest.capacity() == 0 {
                self.rest.reserve_exact(SEALED_BYTES);
            }
            let missing = PIECE_BYTES.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&bytes.split_to(bytes.len().min(missing)));
            if self.rest.len() >= PIECE_BYTES {
                self.write().await.map_err(Unheld::Disk)?;
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), SpillError> {
        let (file, mut piece) = (self.file.take(), std::mem::take(&mut self.rest));
        let (folder, entropy) = (self.settings.directory.clone(), self.entropy.clone());
        let written = spawn_blocking(move || {
            let mut file = file.map_or_else(|| SpillFile::make(&folder, &*entropy), Ok)?;
            file.push(&mut piece)?;
            Ok((file, piece))
        });
        let (file, emptied) = written.await.unwrap_or(Err(SpillError::GivenUp))?;
        self.file = Some(file);
        self.rest = emptied;
        Ok(())
    }

    /// All has come.
    pub(super) fn finish(self) -> Spilled {
        let Self { room, file, rest, settings: _, entropy: _ } = self;
        Spilled { file, reading: None, rest: rest.into(), left: room.bytes, _room: room }
    }
}

/// The next piece, and the file for those behind it.
type Pulled = (SpillFile, Option<Vec<u8>>);

/// One reply on its way back.
pub(super) struct Spilled {
    /// None while a piece of it is read, and once it is read to its end.
    file: Option<SpillFile>,
    reading: Option<JoinHandle<Result<Pulled, SpillError>>>,
    /// What comes last.
    rest: Bytes,
    /// Bytes that have not come back.
    left: u64,
    _room: Room,
}

impl Spilled {
    /// Bytes that have not come back.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; none behind the last.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, SpillError>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let read = ready!(Pin::new(reading).poll(context)).unwrap_or(Err(SpillError::GivenUp));
                self.reading = None;
                if let (file, Some(piece)) = read? {
                    self.file = Some(file);
                    return Poll::Ready(Ok(Some(self.came(piece.into()))));
                }
            } else if let Some(mut file) = self.file.take() {
                self.reading = Some(spawn_blocking(move || file.pull().map(|piece| (file, piece))));
            } else {
                let rest = std::mem::take(&mut self.rest);
                return Poll::Ready(Ok((!rest.is_empty()).then(|| self.came(rest))));
            }
        }
    }

    fn came(&mut self, piece: Bytes) -> Bytes {
        self.left = self.left.saturating_sub(piece.len() as u64);
        piece
    }
}

/// What one reply takes of the room for all; given back when it is dropped.
struct Room {
    all: Arc<AtomicU64>,
    bytes: u64,
}

impl Room {
    fn take(&mut self, more: u64, settings: &SpillSettings) -> Result<(), Unheld> {
        let own = self.bytes.saturating_add(more);
        if own > settings.reply_bytes_max {
            return Err(Unheld::TooLong);
        }
        let fits = |all: u64| all.checked_add(more).filter(|all| *all <= settings.bytes_max);
        let taken = self.all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map_err(|_| Unheld::NoRoom)?;
        self.bytes = own;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
