//! Segments elsewhere: shipped, proven, removed, asked, fetched and retired; and changed by somebody meanwhile.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::super::archive::{
    Archive, ArchiveError, ManifestError, Receipt, elsewhere, fetch, fetch_fitting, receipts,
};
use super::super::index::{Hints, Look, make_missing};
use super::super::query::{Filter, Order, query_by};
use super::super::seal::Period;
use super::super::settings::{ArchivePlace, ArchiveSettings};
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A journal of several segments, all full ones indexed, and a folder for its archive.
struct House {
    journal: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
}

impl House {
    fn of(events: u64) -> Self {
        let house = Self { journal: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() };
        write(&settings(house.path(), SEGMENT), 0..events);
        make_missing(house.path(), Look::AtEach, &|| true).unwrap();
        house
    }

    fn path(&self) -> &Path {
        self.journal.path()
    }

    fn archive(&self) -> Archive {
        self.archive_at(self.elsewhere.path())
    }

    fn archive_at(&self, place: &Path) -> Archive {
        let place = ArchivePlace::Directory(place.to_owned());
        let settings = ArchiveSettings { place, keep_local: KEPT, retain_years: 10 };
        Archive::new(self.path().to_owned(), settings).unwrap()
    }

    /// Ships all that is due.
    fn ship(&self) -> Vec<Receipt> {
        let archive = self.archive();
        run(async {
            for due in archive.due(MORNING).await.unwrap() {
                let receipt = archive.ship(&due, &[], MORNING).await.unwrap();
                archive.keep(receipt).await.unwrap();
            }
        });
        receipts(self.path()).unwrap().into_iter().map(|entry| entry.receipt).collect()
    }

    /// Removes all that may go once it is old.
    fn remove(&self) -> usize {
        let archive = self.archive();
        run(async {
            let removable = archive.removable(later(), u64::MAX, &[]).await.unwrap();
            for receipt in &removable {
                archive.remove(receipt, later()).await.unwrap();
            }
            removable.len()
        })
    }

    fn stored(&self, name: &str) -> PathBuf {
        self.elsewhere.path().join(name)
    }

    /// Writes over what is in the archive, which nobody may by its mode.
    fn overwrite(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.stored(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn later() -> Timestamp {
    MORNING.plus(KEPT).plus(DAY)
}

fn answered(directory: &Path, filter: &Filter, hints: Hints) -> Vec<u64> {
    let answer = query_by(directory, filter, Order::OldestFirst, 1000, hints).unwrap();
    assert!(answer.stopped.is_none(), "{:?}", answer.stopped);
    answer.events.iter().map(|event| event.sequence).collect()
}

#[test]
fn a_full_segment_is_shipped_and_proven_and_the_one_in_use_is_not() {
    let house = House::of(40);
    let shipped = house.ship();
    let there = super::super::directory::segments(house.path()).unwrap();
    assert_eq!(shipped.len() + 1, there.len());
    assert!(shipped.len() > 3);
    let first = shipped.first().unwrap();
    assert_eq!((first.first(), first.segment()), (1, "00000000000000000001.segment".to_owned()));
    assert_eq!(first.retain_until, "2036-04-01T00:00:00Z".parse().unwrap());
    for (receipt, next) in shipped.iter().zip(shipped.iter().skip(1)) {
        assert_eq!(receipt.through, next.before);
    }
    for object in shipped.iter().flat_map(Receipt::objects) {
        let mode = fs::metadata(house.stored(&object.name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400, "{}", object.name);
    }
    let archive = house.archive();
    for receipt in &shipped {
        let manifest = run(archive.prove(receipt)).unwrap();
        assert!(manifest.packed.bytes < manifest.raw.bytes);
    }
    assert!(run(archive.due(MORNING)).unwrap().is_empty());
    assert_eq!((archive.now().archived, archive.now().waiting), (shipped.len() as u64, 0));
    assert!(
        !house
            .path()
            .join("archive")
            .read_dir()
            .unwrap()
            .any(|file| { file.unwrap().file_name().to_string_lossy().starts_with("scratch") })
    );
}

#[test]
fn what_has_no_index_or_no_checkpoint_waits() {
    let house = House::of(40);
    let first = house.path().join("00000000000000000001.index");
    fs::remove_file(&first).unwrap();
    let archive = house.archive();
    assert!(run(archive.due(MORNING)).unwrap().is_empty());
    assert!(archive.now().waiting > 3 && archive.now().waiting_since == Some(MORNING));
    make_missing(house.path(), Look::AtEach, &|| true).unwrap();
    fs::remove_file(house.path().join("checkpoint")).unwrap();
    assert!(run(archive.due(MORNING)).unwrap().is_empty());
}

#[test]
fn a_segment_that_was_changed_here_is_not_shipped() {
    let house = House::of(40);
    let path = house.path().join("00000000000000000001.segment");
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 1;
    fs::write(&path, bytes).unwrap();
    let archive = house.archive();
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Segment(_)), "{refused}");
    assert_eq!(fs::read_dir(house.elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_tree_that_is_not_what_was_signed_ships_nothing() {
    let (house, other) = (House::of(40), House::of(40));
    for name in ["checkpoint", "checkpoint.keys"] {
        fs::copy(other.path().join(name), house.path().join(name)).unwrap();
    }
    let archive = house.archive();
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Contradicted { .. }), "{refused}");
}

#[test]
fn what_was_changed_in_the_archive_is_found() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let faults = |receipt: &Receipt| match run(archive.prove(receipt)).unwrap_err() {
        ArchiveError::Copy { why, .. } => why,
        other => panic!("{other}"),
    };
    house.overwrite(&shipped[0].packed.name, |bytes| bytes[40] ^= 1);
    assert!(matches!(faults(&shipped[0]), ManifestError::Sum { .. }));
    house.overwrite(&shipped[1].packed.name, |bytes| bytes.truncate(bytes.len() - 1));
    assert!(matches!(faults(&shipped[1]), ManifestError::Sum { .. }));
    house.overwrite(&shipped[2].manifest.name, |bytes| *bytes.last_mut().unwrap() = b' ');
    assert_eq!(faults(&shipped[2]), ManifestError::Manifest);
    house.overwrite(&shipped[3].index.as_ref().unwrap().name, |bytes| bytes[9] ^= 1);
    assert!(matches!(faults(&shipped[3]), ManifestError::Sum { .. }));
    fs::remove_file(house.stored(&shipped[4].packed.name)).unwrap();
    assert!(run(archive.prove(&shipped[4])).unwrap_err().to_string().contains("is not in the bucket"));
}

#[test]
fn a_copy_that_was_written_anew_with_its_sums_is_not_what_was_signed() {
    let house = House::of(40);
    let shipped = house.ship();
    // All that whoever has the archive alone can do: entries of another journal, with a manifest that is true of them.
    let forged = House::of(41);
    let theirs = forged.ship();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(forged.stored(&theirs[0].manifest.name)).unwrap()).unwrap();
    let ours: serde_json::Value =
        serde_json::from_slice(&fs::read(house.stored(&shipped[0].manifest.name)).unwrap()).unwrap();
    for kept in ["origin", "checkpoint", "consistency", "edge", "keys"] {
        manifest[kept] = ours[kept].clone();
    }
    house.overwrite(&shipped[0].packed.name, |bytes| {
        *bytes = fs::read(forged.stored(&theirs[0].packed.name)).unwrap();
    });
    house.overwrite(&shipped[0].manifest.name, |bytes| *bytes = serde_json::to_vec(&manifest).unwrap());
    fs::remove_dir_all(house.path().join("archive")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let found = run(fetch(&house.archive(), (house.path(), to.path()), (None, None), &[], MORNING));
    let why = found.unwrap_err();
    assert!(matches!(why, ArchiveError::Copy { why: ManifestError::Replaced, .. }), "{why}");
}

#[test]
fn the_place_of_another_journal_is_left_alone() {
    let (house, other) = (House::of(40), House::of(40));
    house.ship();
    let archive = other.archive_at(house.elsewhere.path());
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Foreign { .. }), "{refused}");
    let first = &receipts(house.path()).unwrap()[0].receipt;
    run(house.archive().prove(first)).unwrap();
}

#[test]
fn what_was_shipped_before_a_crash_is_shipped_again() {
    let house = House::of(40);
    let archive = house.archive();
    let due = run(archive.due(MORNING)).unwrap();
    run(archive.ship(&due[0], &[], MORNING)).unwrap();
    assert_eq!(house.ship().len(), due.len());
}

#[test]
fn a_segment_goes_once_it_is_old_and_neither_needed_nor_held() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let going =
        |now, needed_from, held: &[Period]| run(archive.removable(now, needed_from, held)).unwrap().len();
    assert_eq!(going(MORNING.plus(KEPT.checked_sub(DAY).unwrap()), u64::MAX, &[]), 0);
    assert_eq!(going(later(), u64::MAX, &[]), shipped.len());
    assert_eq!(going(later(), 1, &[]), 0);
    assert_eq!(going(later(), shipped[1].through.sequence, &[]), 1);
    assert_eq!(going(later(), u64::MAX, &["2026-03".parse().unwrap()]), 0);
    assert_eq!(going(later(), u64::MAX, &["2026-02".parse().unwrap()]), shipped.len());
}

#[test]
fn what_stands_in_the_place_of_an_archived_segment_stays() {
    let house = House::of(40);
    house.ship();
    let (first, second) = ("00000000000000000001.segment", house.path().join("archive/receipts"));
    let text = fs::read_to_string(&second).unwrap();
    let through = &receipts(house.path()).unwrap()[0].receipt.through.hash.to_string();
    fs::write(&second, text.replace(through, &"0".repeat(64))).unwrap();
    assert!(house.path().join(first).exists());
    assert_eq!(run(house.archive().removable(later(), u64::MAX, &[])).unwrap().len(), 0);
}

#[test]
fn a_journal_whose_beginning_is_elsewhere_verifies_and_goes_on() {
    let house = House::of(40);
    let shipped = house.ship();
    let all = entries(house.path());
    assert_eq!(house.remove(), shipped.len());
    let found = report(house.path());
    assert!(found.is_sound() && found.checkpoints > 0, "{found:?}");
    assert_eq!(found.last_sequence, all.last().unwrap().sequence);
    write(&settings(house.path(), SEGMENT), 40..80);
    make_missing(house.path(), Look::AtEach, &|| true).unwrap();
    let found = report(house.path());
    assert!(found.is_sound() && found.segments > 3, "{found:?}");
    assert!(house.ship().len() > shipped.len());
    // Without its receipts nobody knows whether the beginning was cut off.
    fs::remove_dir_all(house.path().join("archive")).unwrap();
    assert!(!report(house.path()).is_sound());
}

#[test]
fn a_question_is_answered_with_the_archive_as_it_was_before() {
    let house = House::of(60);
    let about = |number: u64| Filter {
        since: Some(MORNING.plus(Duration::from_secs(number))),
        until: Some(MORNING.plus(Duration::from_secs(number + 3))),
        ..Filter::default()
    };
    let filters = [
        Filter::default(),
        about(5),
        about(55),
        Filter { person: Some("sub-1".to_owned()), ..Filter::default() },
    ];
    let before: Vec<_> = filters.iter().map(|it| answered(house.path(), it, Hints::Used)).collect();
    house.ship();
    house.remove();
    assert_ne!(answered(house.path(), &filters[0], Hints::Used), before[0]);
    let archive = house.archive();
    for (filter, before) in filters.iter().zip(&before) {
        for hints in [Hints::Used, Hints::Ignored] {
            let chance = SystemEntropy;
            let asked = fetch_fitting(&archive, house.path(), (filter, None), hints, &chance);
            let (view, fetched) = run(asked).unwrap();
            assert_eq!(answered(view.directory(), filter, hints), *before, "{filter:?}");
            let is_narrow = filter.since.is_some();
            assert_eq!(fetched.passed_over > 0, is_narrow && hints == Hints::Used, "{filter:?} {fetched:?}");
            let place = view.directory().to_owned();
            drop(view);
            assert!(!place.exists() && house.path().join("patients.key").exists());
        }
    }
}

#[test]
fn what_is_not_here_any_more_is_told_by_its_time() {
    let house = House::of(60);
    let shipped = house.ship();
    let told = |since, until| elsewhere(house.path(), since, until).unwrap();
    assert_eq!(told(None, None).archived, None);
    house.remove();
    let last = shipped.last().unwrap();
    let all = told(None, None).archived.unwrap();
    assert_eq!((all.segments, all.first, all.last), (shipped.len() as u64, 1, last.through.sequence));
    assert_eq!(told(Some(last.to.plus(DAY)), None).archived, None);
    assert_eq!(told(None, Some(MORNING)).archived, None);
    let some = told(Some(last.from), None).archived.unwrap();
    assert!(some.segments < all.segments && some.last == all.last);
}

#[test]
fn what_is_fetched_verifies_alone() {
    let house = House::of(60);
    let shipped = house.ship();
    house.remove();
    let all = (None, None);
    let part = (Some(shipped[2].from), Some(shipped[4].to));
    for (times, is_known) in [(all, true), (part, true), (all, false)] {
        if !is_known {
            fs::rename(house.path().join("archive"), house.path().join("lost")).unwrap();
        }
        let to = tempfile::tempdir().unwrap();
        let fetched = run(fetch(&house.archive(), (house.path(), to.path()), times, &[], MORNING)).unwrap();
        let found = report(to.path());
        assert!(found.is_sound(), "{found:?}");
        assert_eq!((found.segments, found.entries), (fetched.segments, fetched.entries));
        assert_eq!(fetched.segments == shipped.len() as u64, times == all);
    }
}

#[test]
fn what_another_key_has_signed_is_not_taken() {
    let (house, other) = (House::of(40), House::of(1));
    house.ship();
    let keys = super::super::tree::keys::known(other.path()).unwrap();
    let to = tempfile::tempdir().unwrap();
    let refused = run(fetch(&house.archive(), (house.path(), to.path()), (None, None), &keys, MORNING));
    let why = refused.unwrap_err();
    assert!(matches!(why, ArchiveError::Copy { why: ManifestError::Unsigned, .. }), "{why}");
}

#[test]
fn checkpoints_within_what_is_fetched_are_held_against_it() {
    let house = House::of(60);
    house.ship();
    // More is signed later, so that what is shipped then is covered by other checkpoints.
    write(&settings(house.path(), SEGMENT), 60..120);
    make_missing(house.path(), Look::AtEach, &|| true).unwrap();
    house.ship();
    house.remove();
    let to = tempfile::tempdir().unwrap();
    run(fetch(&house.archive(), (house.path(), to.path()), (None, None), &[], MORNING)).unwrap();
    let found = report(to.path());
    assert!(found.is_sound() && found.checkpoints > 0 && found.signed_through > 60, "{found:?}");
}

#[test]
fn the_end_of_retention_removes_what_is_elsewhere_alone_and_not_held() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let over: Timestamp = "2036-04-01T00:00:00Z".parse().unwrap();
    let ended = |now, held: &[Period]| run(archive.ended(now, held)).unwrap().len();
    assert_eq!(ended(over, &[]), 0, "it is still here");
    house.remove();
    assert_eq!(ended(over.minus(Duration::from_secs(1)), &[]), 0);
    assert_eq!(ended(over, &["2026-03".parse().unwrap()]), 0);
    assert_eq!(ended(over, &[]), shipped.len());
    run(archive.retire(&shipped[0], over)).unwrap();
    assert!(shipped[0].objects().all(|object| !house.stored(&object.name).exists()));
    assert_eq!(ended(over, &[]), shipped.len() - 1);
    let told = elsewhere(house.path(), None, None).unwrap();
    assert_eq!(told.retired.unwrap().last, shipped[0].through.sequence);
    assert_eq!(told.archived.unwrap().first, shipped[1].first());
    assert!(report(house.path()).is_sound());
}

#[test]
fn a_hold_is_laid_on_and_lifted_once() {
    let house = House::of(40);
    let shipped = house.ship();
    let archive = house.archive();
    let march: Period = "2026-03".parse().unwrap();
    assert_eq!(run(archive.unlike(&[])).unwrap(), Vec::new());
    for (receipt, is_held) in run(archive.unlike(&[march])).unwrap() {
        assert!(is_held);
        run(archive.hold(&receipt, is_held, MORNING)).unwrap();
    }
    assert_eq!(run(archive.unlike(&[march])).unwrap(), Vec::new());
    let lifted = run(archive.unlike(&[])).unwrap();
    assert_eq!((lifted.len(), lifted.iter().any(|(_, is_held)| *is_held)), (shipped.len(), false));
}

#[test]
fn half_a_receipt_counts_as_none_and_another_text_as_damage() {
    let house = House::of(40);
    let shipped = house.ship();
    let path = house.path().join("archive/receipts");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    assert_eq!(receipts(house.path()).unwrap().len(), shipped.len() - 1);
    assert_eq!(house.ship().len(), shipped.len());
    fs::write(&path, format!("{{\"step\":\"archived\"}}\n{text}")).unwrap();
    assert!(matches!(receipts(house.path()), Err(ArchiveError::Receipts { line: 1, .. })));
    fs::write(&path, "{\"step\":\"removed\",\"first\":1,\"at\":\"2026-03-01T08:00:00Z\"}\n").unwrap();
    assert!(matches!(receipts(house.path()), Err(ArchiveError::Receipts { line: 1, .. })));
}

#[test]
fn a_place_that_is_not_there_is_not_made() {
    let house = House::of(40);
    let gone = house.elsewhere.path().join("not-mounted");
    let archive = house.archive_at(&gone);
    let due = run(archive.due(MORNING)).unwrap();
    let refused = run(archive.ship(&due[0], &[], MORNING)).unwrap_err();
    assert!(matches!(refused, ArchiveError::Disk { .. }), "{refused}");
    assert!(!gone.exists());
    assert!(archive.note_failure(&refused) && !archive.note_failure(&refused));
    assert_eq!(archive.now().failures, 2);
    assert!(archive.note_success() && archive.now().fault.is_none());
}

const SEGMENT: u64 = 8192;
