//! The journal's disk takes nothing: on in the spool, home again, and what may pass where nothing takes anything.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::faults::{Faults, FaultyDisk};
use super::*;
use crate::domain::gap::{Gap, GapRule};
use crate::features::audit::carry::{carry_home, cut_behind};
use crate::features::audit::directory::segments;
use crate::features::audit::disk::SegmentFile;
use crate::features::audit::format::Head;
use crate::features::audit::site::Site;
use crate::features::audit::spool::spooled;
use crate::features::audit::{JournalError, Standing};

/// Two disks: one for the journal, one for its spool.
#[derive(Debug)]
struct Drives {
    home: FaultyDisk,
    spool: FaultyDisk,
    spool_at: PathBuf,
}

impl Drives {
    fn of(&self, path: &Path) -> &FaultyDisk {
        if path.starts_with(&self.spool_at) { &self.spool } else { &self.home }
    }
}

impl Disk for Drives {
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        self.of(path).allocate(path, bytes)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.of(path).open(path)
    }

    fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.of(to).publish(from, to)
    }
}

/// A journal with a spool, on two disks that can be made to fail.
struct House {
    _directory: tempfile::TempDir,
    settings: JournalSettings,
    drives: Arc<Drives>,
}

impl House {
    fn new(segment_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(&directory.path().join("journal"), segment_bytes);
        let spool_at = directory.path().join("spool");
        settings.outage.spool = Some(spool_at.clone());
        settings.outage.looks_every = Duration::from_millis(20);
        let drives = Arc::new(Drives { home: FaultyDisk::default(), spool: FaultyDisk::default(), spool_at });
        Self { _directory: directory, settings, drives }
    }

    fn open(&self) -> Arc<Journal> {
        open_on(self.drives.clone(), &self.settings)
    }

    fn home(&self) -> &Faults {
        &self.drives.home.faults
    }

    fn spool(&self) -> &Faults {
        &self.drives.spool.faults
    }

    fn spooled(&self) -> usize {
        segments(&self.drives.spool_at).unwrap().len()
    }

    /// All is at home, fits, and is signed; these are the requests' opening entries, in order.
    fn at_home(&self) -> Vec<i64> {
        assert_eq!(self.spooled(), 0, "nothing is left in the spool");
        let report = report(&self.settings.directory);
        assert!(report.is_sound() && report.signed_through == report.last_sequence, "{report:?}");
        let known: Vec<_> =
            (0..1000).map(|number| (opening(number).event, i64::try_from(number).unwrap())).collect();
        let number = |event| known.iter().find(|(known, _)| *known == event).map(|(_, number)| *number);
        let opened = |stored: Stored| match stored.entry {
            Entry::Opening(opening) => number(opening.event),
            Entry::Closing(_) => None,
        };
        entries(&self.settings.directory).into_iter().filter_map(opened).collect()
    }

    /// Whoever has the journal's folder alone learns that entries are in the spool, and nobody goes on without that.
    fn tells_its_spool(&self, holds_entries: bool) {
        let told = spooled(&self.settings.directory).unwrap().map(|spooled| spooled.directory);
        assert_eq!(told.is_some(), holds_entries, "{told:?}");
        if !holds_entries {
            return;
        }
        assert_eq!(told, self.drives.spool_at.canonicalize().ok());
        for spool in [None, Some(self.drives.spool_at.with_extension("other"))] {
            let mut settings = self.settings.clone();
            if let Some(spool) = &spool {
                std::fs::create_dir_all(spool).unwrap();
                std::fs::write(spool.join("spool"), "").unwrap();
            }
            settings.outage.spool = spool;
            let clock = Arc::new(TestClock::at(MORNING));
            let refused =
                Journal::open_on(self.drives.clone(), &settings, clock, Arc::new(SystemEntropy)).map(|_| ());
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("until they have come home"), "{error}");
        }
    }

    fn gaps(&self) -> Vec<Gap> {
        let entries = entries(&self.settings.directory).into_iter();
        let gap = |stored: Stored| match stored.entry {
            Entry::Opening(opening) => opening.gap.map(|gap| *gap),
            Entry::Closing(_) => None,
        };
        entries.filter_map(gap).collect()
    }
}

/// Each durable before the next.
async fn write_each(desk: &super::super::journal::Desk, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let durable = desk.submit(&opening(number)).unwrap().1.durable().await.unwrap();
        assert_eq!(durable.number_in_gap(), None);
        desk.close(&closing(number));
    }
}

#[expect(clippy::disallowed_methods, reason = "the writer is a thread of its own")]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_home(journal: &Journal) -> bool {
    journal.standing() == Standing::Journal
}

/// Whatever the fault is, nobody notices, and nothing is missing or there twice when the disk is back.
fn goes_on_in_the_spool(segment_bytes: u64, luck: u64, fault: impl Fn(&Faults, bool)) {
    let house = House::new(segment_bytes);
    let journal = house.open();
    on_a_worker(async {
        let desk = journal.desk();
        write_each(&desk, 0..20).await;
        let home = journal.home();
        assert_eq!(home, journal.head());
        house.home().luck.store(luck, Ordering::SeqCst);
        fault(house.home(), true);
        write_each(&desk, 20..60).await;
        // Small segments are full by now; until then a disk that makes none is no trouble.
        assert!(matches!(journal.standing(), Standing::Spool { .. }), "{:?}", journal.standing());
        assert!(journal.is_writable() && journal.home().sequence < journal.head().sequence);
        assert!(house.spooled() > 0 && journal.counters().spooled > 0);
        fault(house.home(), false);
        until("all is at home", || is_home(&journal));
        write_each(&desk, 60..80).await;
        assert_eq!(journal.home(), journal.head());
    });
    assert_eq!(journal.counters().lost_closings, 0);
    journal.close();
    assert_eq!(house.at_home(), (0..80).collect::<Vec<_>>());
    let notes: Vec<_> = entries(&house.settings.directory)
        .into_iter()
        .filter_map(|stored| match stored.entry {
            Entry::Opening(opening) => opening.note,
            Entry::Closing(_) => None,
        })
        .collect();
    assert!(notes.iter().any(|note| note.starts_with("journal goes on in its spool")), "{notes:?}");
    assert!(notes.iter().any(|note| note == "journal goes on in its own folder"), "{notes:?}");
}

#[test]
fn a_disk_that_takes_no_writes_is_left_for_the_spool() {
    for luck in 0..3 {
        goes_on_in_the_spool(16 << 10, luck, |home, fails| home.writes_fail.store(fails, Ordering::SeqCst));
    }
}

#[test]
fn a_disk_whose_syncs_fail_is_left_for_the_spool() {
    for luck in 0..8 {
        goes_on_in_the_spool(16 << 10, luck, |home, fails| home.syncs_fail.store(fails, Ordering::SeqCst));
    }
}

#[test]
fn a_disk_that_is_full_is_left_for_the_spool() {
    goes_on_in_the_spool(8 << 10, 0, |home, fails| home.allocations_fail.store(fails, Ordering::SeqCst));
}

#[test]
fn a_disk_that_is_read_only_is_left_for_the_spool() {
    goes_on_in_the_spool(1 << 20, 0, |home, fails| home.is_read_only.store(fails, Ordering::SeqCst));
}

#[test]
#[expect(clippy::await_holding_lock, reason = "as long as it is held, the disk hangs")]
fn a_disk_that_hangs_is_left_for_the_spool() {
    let mut house = House::new(1 << 20);
    house.settings.outage.stall_after = Duration::from_millis(200);
    let journal = house.open();
    on_a_worker(async {
        let desk = journal.desk();
        write_each(&desk, 0..5).await;
        let hangs = house.home().hangs.lock().unwrap();
        write_each(&desk, 5..30).await;
        let Standing::Spool { why, .. } = journal.standing() else { panic!("{:?}", journal.standing()) };
        assert_eq!(&*why, "the disk has not answered within 200 ms");
        // Nothing is begun there for as long as a call has not come back.
        drop(hangs);
        until("all is at home", || is_home(&journal));
        write_each(&desk, 30..40).await;
    });
    journal.close();
    assert_eq!(house.at_home(), (0..40).collect::<Vec<_>>());
}

#[test]
fn entries_go_on_in_the_spool_where_its_last_segment_hangs_on_its_way_home() {
    let mut house = House::new(1 << 20);
    house.settings.outage.stall_after = Duration::from_millis(100);
    let journal = house.open();
    on_a_worker(async {
        let desk = journal.desk();
        write_each(&desk, 0..5).await;
        house.home().is_read_only.store(true, Ordering::SeqCst);
        write_each(&desk, 5..30).await;
        assert_eq!(house.spooled(), 1);
        // Whoever reads what stands there under its name waits until somebody writes.
        let name = segments(&house.drives.spool_at).unwrap().pop().unwrap().name;
        let pipe = house.settings.directory.join(&*name);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        house.home().is_read_only.store(false, Ordering::SeqCst);
        until("it hangs, and the spool goes on", || house.spooled() == 2);
        write_each(&desk, 30..40).await;
        assert!(matches!(journal.standing(), Standing::Spool { .. }), "{:?}", journal.standing());
        drop(std::fs::File::options().write(true).open(&pipe).unwrap());
        until("all is at home", || is_home(&journal));
        write_each(&desk, 40..50).await;
    });
    journal.close();
    assert_eq!(house.at_home(), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_journal_is_opened_on_its_spool_where_its_disk_takes_nothing() {
    for at_first in [false, true] {
        let house = House::new(16 << 10);
        let journal = house.open();
        on_a_worker(async { write_each(&journal.desk(), 0..10).await });
        journal.close();

        // Down already at the start, or only since the gateway runs.
        house.home().is_read_only.store(at_first, Ordering::SeqCst);
        let journal = house.open();
        assert_eq!(is_home(&journal), !at_first);
        house.home().is_read_only.store(true, Ordering::SeqCst);
        on_a_worker(async { write_each(&journal.desk(), 10..60).await });
        journal.close();
        assert!(house.spooled() > 1, "{}", house.spooled());
        house.tells_its_spool(true);

        // Still down: more of it.
        let journal = house.open();
        assert!(matches!(journal.standing(), Standing::Spool { .. }));
        on_a_worker(async { write_each(&journal.desk(), 60..70).await });
        journal.close();

        // Back: a start carries all of it home before anything else.
        house.home().is_read_only.store(false, Ordering::SeqCst);
        let journal = house.open();
        assert!(is_home(&journal));
        on_a_worker(async { write_each(&journal.desk(), 70..80).await });
        journal.close();
        assert_eq!(house.at_home(), (0..80).collect::<Vec<_>>(), "down at first: {at_first}");
        house.tells_its_spool(false);
    }
}

#[test]
fn a_spool_that_is_not_the_one_that_was_used_is_refused() {
    let house = House::new(16 << 10);
    house.open().close();
    std::fs::remove_dir_all(&house.drives.spool_at).unwrap();
    let refused = Journal::open_on(
        house.drives.clone(),
        &house.settings,
        Arc::new(TestClock::at(MORNING)),
        Arc::new(SystemEntropy),
    );
    let error = refused.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("is its disk mounted?"), "{error}");
}

#[test]
fn carrying_home_goes_on_after_a_crash_at_any_point() {
    let house = House::new(8 << 10);
    let journal = house.open();
    on_a_worker(async {
        write_each(&journal.desk(), 0..10).await;
        house.home().is_read_only.store(true, Ordering::SeqCst);
        write_each(&journal.desk(), 10..60).await;
    });
    journal.close();
    house.home().is_read_only.store(false, Ordering::SeqCst);
    let spooled = segments(&house.drives.spool_at).unwrap();
    assert!(spooled.len() > 3);
    let home = Site {
        disk: Arc::new(LocalDisk),
        directory: house.settings.directory.clone(),
        segment_bytes: 8 << 10,
    };

    // After the name was given, before the spool's was removed.
    let first = &spooled[0];
    let kept = std::fs::read(&first.path).unwrap();
    carry_home(&home, &house.drives.spool_at, &spooled[..1]).unwrap();
    assert!(!first.path.exists());
    std::fs::write(&first.path, &kept).unwrap();
    // While the next was on its way.
    std::fs::write(home.directory.join("coming.prepared"), &kept[..100]).unwrap();
    carry_home(&home, &house.drives.spool_at, &segments(&house.drives.spool_at).unwrap()).unwrap();
    house.open().close();
    assert_eq!(house.at_home(), (0..60).collect::<Vec<_>>());
}

#[test]
fn what_was_durable_is_never_cut() {
    let house = House::new(1 << 20);
    let journal = house.open();
    on_a_worker(async { write_each(&journal.desk(), 0..10).await });
    journal.close();
    let before = std::fs::read_dir(&house.settings.directory).unwrap().count();
    let site = Site {
        disk: Arc::new(LocalDisk),
        directory: house.settings.directory.clone(),
        segment_bytes: 1 << 20,
    };
    let head = report(&house.settings.directory).head();
    cut_behind(&site, head).unwrap();
    let entries = entries(&house.settings.directory);
    let earlier = &entries[3];
    let of_earlier = Head { sequence: earlier.sequence, hash: earlier.hash };
    let another = Head { sequence: earlier.sequence, hash: head.hash };
    for end in [of_earlier, another] {
        assert!(matches!(cut_behind(&site, end), Err(JournalError::Damaged(_))), "{end}");
    }
    let beyond = Head { sequence: head.sequence + 1, hash: head.hash };
    assert!(matches!(cut_behind(&site, beyond), Err(JournalError::Contradicted { .. })));
    assert_eq!(
        std::fs::read_dir(&house.settings.directory).unwrap().count(),
        before,
        "nothing was put aside"
    );
    assert_eq!(report(&house.settings.directory).head(), head);
}

/// Both disks take nothing, then one does again.
fn nowhere(rule: GapRule, back: fn(&House)) -> (House, Vec<u64>) {
    let mut house = House::new(16 << 10);
    house.settings.outage.gap = rule;
    let journal = house.open();
    let mut passed = Vec::new();
    on_a_worker(async {
        let desk = journal.desk();
        write_each(&desk, 0..10).await;
        house.home().is_read_only.store(true, Ordering::SeqCst);
        house.spool().is_read_only.store(true, Ordering::SeqCst);
        let waiting = desk.submit(&opening(10)).unwrap().1;
        assert!(matches!(waiting.durable().await, Err(JournalError::Failed { .. })));
        assert!(matches!(journal.standing(), Standing::Nowhere { .. }) && !journal.is_writable());
        for number in 11..20 {
            assert!(matches!(desk.submit(&opening(number)), Err(JournalError::Failed { .. })));
            if let Some((_journaled, pending)) = desk.pass_in_gap(&opening(number)) {
                passed.extend(pending.durable().await.unwrap().number_in_gap());
            }
        }
        // Of nobody nothing is known that could be told.
        let mut nobody = opening(11);
        nobody.subject = None;
        assert!(desk.pass_in_gap(&nobody).is_none());
        back(&house);
        until("entries are taken again", || journal.is_writable());
        assert!(desk.pass_in_gap(&opening(11)).is_none(), "nothing passes where an entry can be written");
        write_each(&desk, 20..30).await;
        house.home().is_read_only.store(false, Ordering::SeqCst);
        until("all is at home", || is_home(&journal));
    });
    assert_eq!(journal.counters().gap_requests, passed.len() as u64);
    journal.close();
    // The one that was under way was refused, and has its entry all the same: of what was taken, nothing is dropped.
    assert_eq!(house.at_home(), (0..11).chain(20..30).collect::<Vec<_>>());
    (house, passed)
}

#[test]
fn where_no_disk_takes_entries_nothing_passes() {
    for back in [
        |house: &House| house.home().is_read_only.store(false, Ordering::SeqCst),
        |house: &House| house.spool().is_read_only.store(false, Ordering::SeqCst),
    ] {
        let (house, passed) = nowhere(GapRule::Never, back);
        assert_eq!(passed, Vec::<u64>::new());
        assert_eq!(house.gaps(), Vec::new());
    }
}

#[test]
fn a_gap_is_told_by_the_first_entry_behind_it() {
    for back in [
        |house: &House| house.home().is_read_only.store(false, Ordering::SeqCst),
        |house: &House| house.spool().is_read_only.store(false, Ordering::SeqCst),
    ] {
        let (house, passed) = nowhere(GapRule::TreatmentReads, back);
        assert_eq!(passed, (1..=9).collect::<Vec<_>>());
        let gaps = house.gaps();
        let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
        assert_eq!((gap.requests, gap.others), (9, 0));
        assert_eq!((gap.from, gap.to), (opening(11).time, opening(19).time));
        let mut shares: Vec<_> =
            gap.shares.iter().map(|share| (&*share.person.sub, share.requests)).collect();
        shares.sort_unstable();
        assert_eq!(shares, [("sub-0", 3), ("sub-1", 3), ("sub-2", 3)]);
        assert!(gap.shares.iter().all(|share| share.application.is_some() && share.route.is_some()));

        let report = report(&house.settings.directory);
        assert_eq!((report.gaps, report.gap_requests), (1, 9));
        // Before whoever comes next.
        let entries = entries(&house.settings.directory);
        let at = |is: &dyn Fn(&Opening) -> bool| {
            entries.iter().position(|stored| matches!(&stored.entry, Entry::Opening(opening) if is(opening)))
        };
        let (told, next) = (at(&|it| it.gap.is_some()), at(&|it| it.event == opening(20).event));
        assert!(told.is_some() && told < next, "{told:?} {next:?}");
        assert!(at(&|it| it.event == opening(10).event) < told, "what was under way comes first");
    }
}
