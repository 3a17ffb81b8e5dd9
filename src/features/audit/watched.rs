//! A disk that may hang: what takes it longer than it is given is an error, and whoever asked goes on elsewhere.
//!
//! A system call cannot be called off. So each file has a thread that makes its calls; one that does not come back is left to
//! itself, its file is never used again, and until it has come back nothing new is begun on that disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::disk::{Disk, SegmentFile};

/// A disk that is waited for only so long.
#[derive(Debug)]
pub(super) struct WatchedDisk {
    inner: Arc<dyn Disk>,
    patience: Duration,
    /// Calls that have not come back in time.
    stuck: Arc<AtomicUsize>,
}

impl WatchedDisk {
    /// `patience`: for one write or one sync. What writes a whole segment has [`ALLOCATION_TAKES`] times as long.
    pub(super) fn new(inner: Arc<dyn Disk>, patience: Duration) -> Self {
        Self { inner, patience, stuck: Arc::default() }
    }

    /// Has `call` made on a thread of its own.
    fn within<T: Send + 'static>(
        &self,
        patience: Duration,
        call: impl FnOnce(&dyn Disk) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        if self.stuck.load(Ordering::SeqCst) > 0 {
            return Err(hangs(self.patience));
        }
        let (inner, (told, heard)) = (self.inner.clone(), sync_channel(1));
        let watch = Watch::new(self.stuck.clone());
        let its = watch.clone();
        named(move || {
            let answer = call(&*inner);
            // In this order: whoever gives up in this moment finds the answer, and takes it back.
            told.send(answer).ok();
            its.came_back();
        })?;
        heard_within(&heard, patience, &watch)?
    }
}

impl Disk for WatchedDisk {
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        let path = path.to_owned();
        let patience = self.patience.saturating_mul(ALLOCATION_TAKES);
        let file = self.within(patience, move |disk| disk.allocate(&path, bytes))?;
        Ok(Box::new(WatchedFile::new(file, self.patience, self.stuck.clone())?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let path = path.to_owned();
        let file = self.within(self.patience, move |disk| disk.open(&path))?;
        Ok(Box::new(WatchedFile::new(file, self.patience, self.stuck.clone())?))
    }

    fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to): (PathBuf, PathBuf) = (from.to_owned(), to.to_owned());
        self.within(self.patience, move |disk| disk.publish(&from, &to))
    }

    fn is_idle(&self) -> bool {
        self.stuck.load(Ordering::SeqCst) == 0
    }
}

/// A segment that is waited for only so long.
#[derive(Debug)]
struct WatchedFile {
    calls: SyncSender<Call>,
    answers: Receiver<Answer>,
    patience: Duration,
    /// For the bytes of the next call.
    spare: Vec<u8>,
    watch: Watch,
    /// A call has not come back: no other is made.
    is_given_up: bool,
}

#[derive(Debug)]
enum Call {
    Write(Vec<u8>, u64),
    Sync,
}

/// How a call went, and the bytes back that it brought.
type Answer = (io::Result<()>, Vec<u8>);

impl WatchedFile {
    fn new(mut file: Box<dyn SegmentFile>, patience: Duration, stuck: Arc<AtomicUsize>) -> io::Result<Self> {
        let (calls, called) = sync_channel::<Call>(1);
        let (answered, answers) = sync_channel(1);
        let watch = Watch::new(stuck);
        let its = watch.clone();
        named(move || {
            for call in called {
                let answer = match call {
                    Call::Write(bytes, offset) => (file.write_at(&bytes, offset), bytes),
                    Call::Sync => (file.sync(), Vec::new()),
                };
                let is_awaited = answered.send(answer).is_ok();
                its.came_back();
                if !is_awaited {
                    return;
                }
            }
        })?;
        Ok(Self { calls, answers, patience, spare: Vec::new(), watch, is_given_up: false })
    }

    fn ask(&mut self, call: Call) -> io::Result<()> {
        if self.is_given_up {
            return Err(hangs(self.patience));
        }
        let asked = self.calls.send(call).map_err(|_| io::Error::other("the thread of the file has ended"));
        let answer = asked.and_then(|()| heard_within(&self.answers, self.patience, &self.watch));
        self.is_given_up = answer.is_err();
        let (outcome, bytes) = answer?;
        if bytes.capacity() > self.spare.capacity() {
            self.spare = bytes;
        }
        outcome
    }
}

impl SegmentFile for WatchedFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut copy = std::mem::take(&mut self.spare);
        copy.clear();
        copy.extend_from_slice(bytes);
        self.ask(Call::Write(copy, offset))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.ask(Call::Sync)
    }
}

/// Counts a call as stuck from when it was given up until it has come back.
#[derive(Clone, Debug)]
struct Watch {
    stuck: Arc<AtomicUsize>,
    is_counted: Arc<AtomicBool>,
}

impl Watch {
    fn new(stuck: Arc<AtomicUsize>) -> Self {
        Self { stuck, is_counted: Arc::default() }
    }

    fn give_up(&self) {
        self.stuck.fetch_add(1, Ordering::SeqCst);
        self.is_counted.store(true, Ordering::SeqCst);
    }

    fn came_back(&self) {
        if self.is_counted.swap(false, Ordering::SeqCst) {
            self.stuck.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn heard_within<T>(heard: &Receiver<T>, patience: Duration, watch: &Watch) -> io::Result<T> {
    match heard.recv_timeout(patience) {
        Ok(answer) => Ok(answer),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("a mistake of ours at the disk")),
        Err(RecvTimeoutError::Timeout) => {
            watch.give_up();
            // It may have come back in this moment: then it has nothing more to take back.
            if heard.try_recv().is_ok() {
                watch.came_back();
            }
            Err(hangs(patience))
        }
    }
}

fn hangs(patience: Duration) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("the disk has not answered within {} ms", patience.as_millis()),
    )
}

fn named(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("journal-disk".to_owned()).spawn(work).map(drop)
}

/// A segment is written in steps, each with a sync of its own.
const ALLOCATION_TAKES: u32 = 6;
