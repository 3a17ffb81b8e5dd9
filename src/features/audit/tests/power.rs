//! Disks that fail and machines that lose their power, at any moment: what was called durable is there.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::features::audit::disk::SegmentFile;

/// A machine with two disks, which forget what was not synced when they fail or when it loses its power.
#[derive(Debug)]
struct Machine {
    spool_at: PathBuf,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// Operations until the journal's disk fails.
    home_left: AtomicI64,
    /// Operations until the power is lost.
    power_left: AtomicI64,
    /// Which unsynced sectors reach the disk all the same.
    luck: AtomicU64,
}

impl State {
    fn spend(&self, is_home: bool) -> io::Result<()> {
        if self.power_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(io::Error::other("no power"));
        }
        if is_home && self.home_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(io::Error::other("the disk is gone"));
        }
        Ok(())
    }

    fn is_lucky(&self) -> bool {
        let luck = self.luck.load(Ordering::SeqCst);
        let next = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.luck.store(next, Ordering::SeqCst);
        (next >> 40) & 1 == 1
    }
}

impl Machine {
    fn file(&self, path: &Path, inner: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        let is_home = !path.starts_with(&self.spool_at);
        Box::new(Forgetful { inner, state: self.state.clone(), is_home, unsynced: Vec::new() })
    }

    fn spend(&self, path: &Path) -> io::Result<()> {
        self.state.spend(!path.starts_with(&self.spool_at))
    }
}

impl Disk for Machine {
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        self.spend(path)?;
        Ok(self.file(path, LocalDisk.allocate(path, bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.spend(path)?;
        Ok(self.file(path, LocalDisk.open(path)?))
    }

    fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.spend(to)?;
        LocalDisk.publish(from, to)
    }
}

#[derive(Debug)]
struct Forgetful {
    inner: Box<dyn SegmentFile>,
    state: Arc<State>,
    is_home: bool,
    unsynced: Vec<(u64, Vec<u8>)>,
}

impl Forgetful {
    /// Of what was not synced, some sectors may be on the disk.
    fn forget(&mut self) {
        for (offset, bytes) in self.unsynced.drain(..) {
            for (number, sector) in bytes.chunks(512).enumerate() {
                if self.state.is_lucky() {
                    self.inner.write_at(sector, offset + 512 * number as u64).unwrap();
                }
            }
        }
    }
}

impl SegmentFile for Forgetful {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.unsynced.push((offset, bytes.to_owned()));
        self.state.spend(self.is_home).inspect_err(|_| self.forget())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.state.spend(self.is_home).inspect_err(|_| self.forget())?;
        for (offset, bytes) in self.unsynced.drain(..) {
            self.inner.write_at(&bytes, offset)?;
        }
        self.inner.sync()
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        self.forget();
    }
}

/// How a run of the gateway ends.
#[derive(Clone, Debug)]
struct Run {
    home_lasts: i64,
    power_lasts: i64,
    at_once: u64,
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let run = (0..120_i64, 0..160_i64, 1..6_u64);
    let run = run.prop_map(|(home_lasts, power_lasts, at_once)| Run { home_lasts, power_lasts, at_once });
    proptest::collection::vec(run, 1..5)
}

/// Writes until nothing is taken any more, or enough is written; gives what was called durable.
fn durable_of(journal: &Arc<Journal>, first: u64, at_once: u64) -> BTreeSet<u64> {
    on_a_worker(async {
        let desk = journal.desk();
        let mut durable = BTreeSet::new();
        for group in 0..12 {
            let numbers = (first + group * at_once)..(first + (group + 1) * at_once);
            let waiting: Vec<_> =
                numbers.filter_map(|number| Some((number, desk.submit(&opening(number)).ok()?.1))).collect();
            if waiting.is_empty() {
                break;
            }
            for (number, pending) in waiting {
                if pending.durable().await.is_ok() {
                    durable.insert(number);
                }
            }
        }
        durable
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_was_called_durable_is_there_whatever_fails_and_whenever(
        runs in runs(),
        luck in any::<u64>(),
        has_spool in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(&directory.path().join("journal"), 8 << 10);
        settings.outage.looks_every = Duration::from_millis(2);
        let spool_at = directory.path().join("spool");
        settings.outage.spool = has_spool.then(|| spool_at.clone());
        // What a first start makes before there is a journal is not what is tested here.
        open(&settings).close();
        let machine = |run: &Run, luck| Machine {
            spool_at: spool_at.clone(),
            state: Arc::new(State {
                home_left: AtomicI64::new(run.home_lasts),
                power_left: AtomicI64::new(run.power_lasts),
                luck: AtomicU64::new(luck),
            }),
        };

        let mut durable = BTreeSet::new();
        for (number, run) in runs.iter().enumerate() {
            let first = 100 * number as u64;
            let disk = Arc::new(machine(run, luck.wrapping_add(first)));
            let clock = Arc::new(TestClock::at(MORNING));
            // Where the power does not last for a start, there is none.
            let Ok(journal) = Journal::open_on(disk.clone(), &settings, clock, Arc::new(SystemEntropy)) else { continue };
            durable.extend(durable_of(&journal, first, run.at_once));
            // No orderly end.
            disk.state.power_left.store(0, Ordering::SeqCst);
            journal.close();
        }

        open(&settings).close();
        let report = report(&settings.directory);
        prop_assert!(report.is_sound(), "{report:?}");
        prop_assert_eq!(report.signed_through, report.last_sequence);
        let kept: Vec<_> = numbers(&settings.directory, 1000).into_iter().map(|number| u64::try_from(number).unwrap()).collect();
        let once: BTreeSet<_> = kept.iter().copied().collect();
        prop_assert_eq!(once.len(), kept.len(), "nothing is there twice");
        prop_assert!(durable.is_subset(&once), "missing: {:?}", durable.difference(&once).collect::<Vec<_>>());
    }
}
