//! A disk that refuses, forgets, or loses its power.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::features::audit::JournalError;
use crate::features::audit::disk::SegmentFile;

/// A disk that keeps what is written in memory until it is synced, and fails on demand.
#[derive(Debug, Default)]
pub(super) struct FaultyDisk {
    pub(super) faults: Arc<Faults>,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) writes_fail: AtomicBool,
    pub(super) syncs_fail: AtomicBool,
    writes_panic: AtomicBool,
    pub(super) allocations_fail: AtomicBool,
    /// Nothing is changed any more: neither files nor names.
    pub(super) is_read_only: AtomicBool,
    /// Held, a sync does not come back.
    pub(super) hangs: Mutex<()>,
    /// Which pieces of an unsynced write survive a loss of power: a seed; 0 keeps none.
    pub(super) luck: AtomicU64,
    order: Mutex<Vec<&'static str>>,
}

#[derive(Debug)]
struct FaultyFile {
    inner: Box<dyn SegmentFile>,
    faults: Arc<Faults>,
    unsynced: Vec<(u64, Vec<u8>)>,
}

impl FaultyDisk {
    fn file(&self, inner: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        Box::new(FaultyFile { inner, faults: self.faults.clone(), unsynced: Vec::new() })
    }
}

impl Faults {
    fn check(&self) -> io::Result<()> {
        if self.is_read_only.load(Ordering::SeqCst) {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        } else {
            Ok(())
        }
    }
}

impl Disk for FaultyDisk {
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        self.faults.check()?;
        if self.faults.allocations_fail.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(self.file(LocalDisk.allocate(path, bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.faults.check()?;
        Ok(self.file(LocalDisk.open(path)?))
    }

    fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.check()?;
        LocalDisk.publish(from, to)
    }
}

impl SegmentFile for FaultyFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.faults.order.lock().unwrap().push("write");
        self.faults.check()?;
        assert!(!self.faults.writes_panic.load(Ordering::SeqCst), "a mistake of ours, made for this test");
        if self.faults.writes_fail.load(Ordering::SeqCst) {
            self.inner.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.unsynced.push((offset, bytes.to_owned()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.faults.order.lock().unwrap().push("sync");
        drop(self.faults.hangs.lock().unwrap());
        self.faults.check()?;
        let fails = self.faults.syncs_fail.load(Ordering::SeqCst);
        let mut luck = self.faults.luck.load(Ordering::SeqCst);
        for (offset, bytes) in self.unsynced.drain(..) {
            for (number, sector) in bytes.chunks(512).enumerate() {
                luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(luck);
                if !fails || (luck >> 40) & 1 == 1 {
                    self.inner.write_at(sector, offset + 512 * number as u64)?;
                }
            }
        }
        if fails { Err(io::Error::other("the disk is gone")) } else { self.inner.sync() }
    }
}

#[test]
fn nothing_is_durable_before_its_sync() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let faults = disk.faults.clone();
    let journal = open_on(disk, &settings(directory.path(), 1 << 20));
    on_a_worker(async {
        let worker = journal.desk();
        let _durable = worker.submit(&opening(0)).unwrap().1.durable().await.unwrap();
        faults.order.lock().unwrap().clear();
        for number in 1..=3 {
            let _durable = worker.submit(&opening(number)).unwrap().1.durable().await.unwrap();
            let mut order = faults.order.lock().unwrap();
            assert_eq!(*order, ["write", "sync"], "entry {number}");
            order.clear();
        }
    });
}

/// A failing disk: whoever waits is told, whoever comes is refused, nothing is called durable.
fn fails_closed(fault: fn(&Faults) -> &AtomicBool) -> (Vec<i64>, u64) {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), 1 << 20);
    settings.outage.looks_every = Duration::from_secs(3600);
    let mut lost_closings = 0;
    let disk = Arc::new(FaultyDisk::default());
    let faults = disk.faults.clone();
    let journal = open_on(disk, &settings);
    on_a_worker(async {
        let worker = journal.desk();
        let other = journal.desk();
        let _durable = worker.submit(&opening(1)).unwrap().1.durable().await.unwrap();
        let head = journal.head();
        assert!(journal.is_writable());

        fault(&faults).store(true, Ordering::SeqCst);
        let waiting: Vec<_> = (2..10)
            .map(|number| {
                let from = if number % 2 == 0 { &worker } else { &other };
                tokio::task::spawn_local(from.submit(&opening(number)).unwrap().1.durable())
            })
            .collect();
        for waiting in waiting {
            assert!(matches!(waiting.await.unwrap(), Err(JournalError::Failed { .. })));
        }
        assert!(!journal.is_writable());
        assert_eq!(journal.head(), head, "what failed does not advance the chain");

        // The disk recovers, but what is on it is unknown until it is read.
        fault(&faults).store(false, Ordering::SeqCst);
        assert!(matches!(worker.submit(&opening(10)), Err(JournalError::Failed { .. })));
        assert!(matches!(journal.desk().submit(&opening(10)), Err(JournalError::Failed { .. })));
        assert!(matches!(journal.record(&opening(10), None).await, Err(JournalError::Failed { .. })));
        // How the event ends that was durable is kept until it can be written.
        worker.close(&closing(1));
        lost_closings = journal.counters().lost_closings;
    });
    journal.close();

    let journal = open(&settings);
    assert!(journal.is_writable());
    journal.close();
    assert_eq!(report(directory.path()).misfit, None);
    let numbers = numbers(directory.path(), 20);
    assert_eq!(numbers.first(), Some(&1));
    assert!(!numbers.contains(&10));
    (numbers, lost_closings)
}

#[test]
fn a_failed_write_fails_closed() {
    let (numbers, lost_closings) = fails_closed(|faults| &faults.writes_fail);
    // What was taken is written at the end, since the disk takes it again; in the order of the desks.
    assert_eq!((numbers.len(), lost_closings), (10, 0), "{numbers:?}");
    assert!(numbers.contains(&-1));
}

#[test]
fn a_failed_sync_fails_closed() {
    let (numbers, lost_closings) = fails_closed(|faults| &faults.syncs_fail);
    assert_eq!((numbers.len(), lost_closings), (10, 0), "{numbers:?}");
}

#[test]
fn a_writer_that_panics_leaves_nobody_waiting() {
    let (_, lost_closings) = fails_closed(|faults| &faults.writes_panic);
    assert_eq!(lost_closings, 1);
}

#[test]
fn a_loss_of_power_loses_nothing_that_was_durable() {
    let mut torn = 0;
    for luck in 0..60 {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), 32 << 10);
        let disk = Arc::new(FaultyDisk::default());
        let faults = disk.faults.clone();
        let journal = open_on(disk, &settings);
        on_a_worker(async {
            let worker = journal.desk();
            for number in 0..3 {
                let _durable = worker.submit(&opening(number)).unwrap().1.durable().await.unwrap();
            }
            faults.luck.store(luck, Ordering::SeqCst);
            faults.syncs_fail.store(true, Ordering::SeqCst);
            // Several sectors, which reach the disk in any order or not at all.
            let pending: Vec<_> = (3..12).map(|number| worker.submit(&opening(number)).unwrap().1).collect();
            for pending in pending {
                assert!(pending.durable().await.is_err());
            }
        });
        // The machine is off: nothing tidies up.
        faults.is_read_only.store(true, Ordering::SeqCst);
        journal.close();

        let journal = open(&settings);
        torn += u32::from(journal.found().torn_bytes > 0);
        journal.close();
        let report = report(directory.path());
        assert!(
            report.is_sound() && report.signed_through == report.last_sequence,
            "luck {luck}: {report:?}"
        );
        let kept = numbers(directory.path(), 12);
        assert_eq!(kept, (0..i64::try_from(kept.len()).unwrap()).collect::<Vec<_>>(), "luck {luck}");
        assert!(kept.len() >= 3, "luck {luck}: {kept:?}");
    }
    assert!(torn > 20, "the test must produce incomplete writes, not {torn}");
}

#[test]
fn a_full_disk_fails_closed_where_the_next_segment_would_begin() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 4096);
    let disk = Arc::new(FaultyDisk::default());
    let faults = disk.faults.clone();
    let journal = open_on(disk, &settings);
    faults.allocations_fail.store(true, Ordering::SeqCst);
    let durable = on_a_worker(async {
        let worker = journal.desk();
        let mut durable = Vec::new();
        for number in 0..40 {
            let Ok((_journaled, pending)) = worker.submit(&opening(number)) else { break };
            match pending.durable().await {
                Ok(_durable) => durable.push(i64::try_from(number).unwrap()),
                Err(error) => {
                    assert!(matches!(error, JournalError::Failed { .. }), "{error}");
                    break;
                }
            }
        }
        durable
    });
    assert!((1..40).contains(&durable.len()), "{durable:?}");
    assert!(!journal.is_writable());
    journal.close();
    assert_eq!(numbers(directory.path(), 40), durable);

    write(&settings, 100..110);
    assert_eq!(report(directory.path()).misfit, None);
}

#[test]
fn a_journal_without_its_key_is_refused_but_a_new_one_makes_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(&directory.path().join("journal"), 4096);
    let journal = open(&settings);
    let patient = crate::domain::patient::PatientRef::new("ehr".parse().unwrap(), "4711".to_owned());
    let digest = patient.digest(journal.patient_key());
    journal.close();
    let key = settings.directory.join("patients.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&settings.directory).unwrap().permissions().mode() & 0o777, 0o700);
    let offline = super::super::patients::PatientKeys::load(&settings.directory).unwrap();
    assert_eq!(offline.digests(&patient), digest.into());

    let open_again = || {
        let clock = Arc::new(TestClock::at(MORNING));
        Journal::open(&settings, clock, Arc::new(SystemEntropy)).map(|_| ())
    };
    for bytes in [0, 31, 33] {
        std::fs::write(&key, vec![7; bytes]).unwrap();
        assert!(matches!(open_again(), Err(JournalError::Key { .. })), "{bytes} bytes");
    }
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(open_again(), Err(JournalError::Key { .. })));
}
