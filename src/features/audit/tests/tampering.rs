//! Somebody changes the journal: it shows.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::features::audit::directory::{segments, torn};
use crate::features::audit::format::{ENTRY_HEAD_BYTES, HEADER_BYTES, encode_entry};
use crate::features::audit::{Head, JournalError, Problem};

/// A small journal of several segments, closed in order.
fn small() -> (tempfile::TempDir, Vec<PathBuf>) {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 3072), 0..4);
    let paths: Vec<_> = segments(directory.path()).unwrap().into_iter().map(|segment| segment.path).collect();
    assert!(paths.len() >= 2, "{paths:?}");
    assert_eq!(report(directory.path()).misfit, None);
    (directory, paths)
}

#[test]
fn every_changed_byte_is_found() {
    let (directory, paths) = small();
    let head = report(directory.path()).head();
    for path in &paths {
        let whole = fs::read(path).unwrap();
        for position in 0..whole.len() {
            let mut changed = whole.clone();
            changed[position] ^= 1 << (position % 8);
            fs::write(path, &changed).unwrap();
            let report = report(directory.path());
            let misfit =
                report.misfit.unwrap_or_else(|| panic!("{} byte {position} was not found", path.display()));
            assert_eq!(path.file_name().unwrap().to_str(), Some(&*misfit.segment), "{misfit}");
            assert!(misfit.offset <= position as u64 && misfit.sequence <= head.sequence + 1, "{misfit}");
        }
        fs::write(path, &whole).unwrap();
    }
    assert_eq!(report(directory.path()).head(), head);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_are_found(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (directory, paths) = small();
        let mut differs = false;
        let original: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
        let mut files = original.clone();
        for (file, position, byte) in changes {
            let file = file.get(&paths);
            let file = &mut files[paths.iter().position(|path| path == file).unwrap()];
            let position = position.index(file.len());
            file[position] = byte;
        }
        for ((path, file), original) in paths.iter().zip(&files).zip(&original) {
            differs |= file != original;
            fs::write(path, file).unwrap();
        }
        prop_assert_eq!(report(directory.path()).misfit.is_some(), differs);
    }
}

#[test]
fn a_missing_moved_or_doubled_segment_is_found() {
    type Change = fn(&[PathBuf]);
    struct Case {
        name: &'static str,
        change: Change,
        problem: fn(&Problem) -> bool,
    }
    let cases = [
        Case {
            name: "the first is gone",
            change: |paths| fs::remove_file(&paths[0]).unwrap(),
            problem: |problem| matches!(problem, Problem::Missing { .. }),
        },
        Case {
            name: "one in the middle is gone",
            change: |paths| fs::remove_file(&paths[1]).unwrap(),
            problem: |problem| matches!(problem, Problem::Missing { .. }),
        },
        Case {
            name: "two have changed places",
            change: |paths| {
                let (one, two) = (fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
                fs::write(&paths[0], two).unwrap();
                fs::write(&paths[1], one).unwrap();
            },
            problem: |problem| matches!(problem, Problem::Name { .. }),
        },
        Case {
            name: "one is there under another name",
            change: |paths| {
                fs::copy(&paths[0], paths[0].with_file_name("00000000000000000002.segment")).unwrap();
            },
            problem: |problem| matches!(problem, Problem::Name { .. }),
        },
        Case {
            name: "one is cut",
            change: |paths| {
                let bytes = fs::read(&paths[0]).unwrap();
                fs::write(&paths[0], &bytes[..bytes.len() - 1]).unwrap();
            },
            problem: |problem| matches!(problem, Problem::Size { .. }),
        },
        Case {
            name: "one is empty",
            change: |paths| fs::write(&paths[1], b"").unwrap(),
            problem: |problem| matches!(problem, Problem::Header),
        },
    ];
    for case in cases {
        let directory = tempfile::tempdir().unwrap();
        write(&settings(directory.path(), 3072), 0..10);
        let paths: Vec<_> =
            segments(directory.path()).unwrap().into_iter().map(|segment| segment.path).collect();
        (case.change)(&paths);
        let misfit = report(directory.path()).misfit.unwrap_or_else(|| panic!("{} was not found", case.name));
        assert!((case.problem)(&misfit.problem), "{}: {misfit}", case.name);
    }
}

/// The places at which entries begin in a segment, and its end.
fn places(directory: &Path, segment: &Path) -> Vec<usize> {
    let name = segment.file_name().unwrap().to_str().unwrap();
    let entries = entries(directory);
    let entries = entries.iter().filter(|stored| *stored.segment == *name);
    entries.map(|stored| usize::try_from(stored.offset).unwrap()).collect()
}

#[test]
fn a_doctored_entry_with_a_right_checksum_breaks_the_chain() {
    let (directory, paths) = small();
    let whole = fs::read(&paths[0]).unwrap();
    let places = places(directory.path(), &paths[0]);
    let (begin, end) = (places[2], places[3]);
    let payload = String::from_utf8(whole[begin + ENTRY_HEAD_BYTES..end].to_vec()).unwrap();
    let before = entries(directory.path())[1].clone();
    let mut doctored = Vec::new();
    let before = Head { sequence: before.sequence, hash: before.hash };
    encode_entry(&mut doctored, before, before.sequence, payload.replace("permit", "peRmit").as_bytes());
    let mut changed = whole;
    changed[begin..end].copy_from_slice(&doctored);
    fs::write(&paths[0], changed).unwrap();
    let found = report(directory.path());
    assert_eq!(found.last_sequence, found.entries, "what says nothing is not counted");
    let misfit = found.misfit.unwrap();
    assert!(matches!(misfit.problem, Problem::Unreadable(_)), "{misfit}");
    assert_eq!(misfit.sequence, 3);

    let mut doctored = Vec::new();
    encode_entry(&mut doctored, before, before.sequence, payload.replace("sub-0", "sub-1").as_bytes());
    let mut changed = fs::read(&paths[0]).unwrap();
    changed[begin..end].copy_from_slice(&doctored);
    fs::write(&paths[0], changed).unwrap();
    let misfit = report(directory.path()).misfit.unwrap();
    assert_eq!((misfit.problem, misfit.sequence), (Problem::Hash, 4));
}

#[test]
fn removed_and_repeated_entries_are_found() {
    let (directory, paths) = small();
    let whole = fs::read(&paths[0]).unwrap();
    let places = places(directory.path(), &paths[0]);
    let mut removed = whole.clone();
    removed.drain(places[1]..places[2]);
    removed.resize(whole.len(), 0);
    fs::write(&paths[0], removed).unwrap();
    let misfit = report(directory.path()).misfit.unwrap();
    assert_eq!((misfit.problem, misfit.sequence), (Problem::Sequence { found: 3 }, 2));

    let mut repeated = whole.clone();
    let entry = whole[places[1]..places[2]].to_vec();
    repeated.splice(places[2]..places[2], entry);
    repeated.truncate(whole.len());
    fs::write(&paths[0], repeated).unwrap();
    let misfit = report(directory.path()).misfit.unwrap();
    assert_eq!((misfit.problem, misfit.sequence), (Problem::Sequence { found: 2 }, 3));
}

#[test]
fn a_cut_tail_shows_against_a_noted_head_only() {
    let (directory, paths) = small();
    let noted = report(directory.path()).head();
    let middle = entries(directory.path())[2].clone();
    let middle = Head { sequence: middle.sequence, hash: middle.hash };
    let against = |head| {
        verify(directory.path(), &Expectations { head: Some(head), ..Expectations::default() })
            .unwrap()
            .misfit
    };
    assert_eq!(against(noted), None);
    assert_eq!(against(middle), None);
    let wrong = Head { sequence: middle.sequence, hash: noted.hash };
    assert_eq!(against(wrong).unwrap().problem, Problem::Noted { noted: wrong });

    let last = paths.last().unwrap();
    let mut bytes = fs::read(last).unwrap();
    let begin = *places(directory.path(), last).last().unwrap();
    bytes[begin..].fill(0);
    fs::write(last, bytes).unwrap();
    assert_eq!(report(directory.path()).misfit, None, "the chain alone cannot know");
    assert!(!report(directory.path()).is_sound(), "but its checkpoints do, where they are left");
    assert_eq!(against(noted).unwrap().problem, Problem::Cut { noted });
    assert_eq!(against(middle), None);

    // The journal's next beginning names the head that it found, where nothing is left that would refuse it.
    for left in ["checkpoints", "checkpoint"] {
        fs::remove_file(directory.path().join(left)).unwrap();
    }
    write(&settings(directory.path(), 3072), 0..0);
    assert!(against(noted).is_some());
}

#[test]
fn a_journal_goes_on_from_its_archive() {
    let (directory, paths) = small();
    let before_second = {
        let entries = entries(directory.path());
        let first_name = paths[0].file_name().unwrap().to_str().unwrap();
        let last = entries.iter().rfind(|stored| *stored.segment == *first_name).unwrap();
        Head { sequence: last.sequence, hash: last.hash }
    };
    fs::remove_file(&paths[0]).unwrap();
    let archived = Some(before_second);
    assert_eq!(
        verify(directory.path(), &Expectations { archived, ..Expectations::default() }).unwrap().misfit,
        None
    );
    let archived = Some(Head { hash: crate::foundation::digest::Digest::ZERO, ..before_second });
    let misfit = verify(directory.path(), &Expectations { archived, ..Expectations::default() })
        .unwrap()
        .misfit
        .unwrap();
    assert_eq!(misfit.problem, Problem::Hash);
}

#[test]
fn an_incomplete_write_is_put_aside_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 1 << 16);
    write(&settings, 0..3);
    let segment = segments(directory.path()).unwrap().pop().unwrap();
    let head = report(directory.path()).head();
    let mut bytes = fs::read(&segment.path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut half = Vec::new();
    encode_entry(&mut half, head, head.sequence, &serde_json::to_vec(&Entry::Closing(closing(9))).unwrap());
    half.truncate(half.len() - 9);
    bytes[end..end + half.len()].copy_from_slice(&half);
    fs::write(&segment.path, &bytes).unwrap();

    let misfit = report(directory.path()).misfit.unwrap();
    assert_eq!(misfit.problem, Problem::Torn { bytes: half.len() as u64 });
    assert_eq!(events(directory.path()).len(), 3, "whoever only reads may go on");

    let journal = open(&settings);
    assert_eq!(journal.found().head, head);
    assert_eq!(journal.found().torn_bytes, half.len() as u64);
    journal.close();
    assert_eq!(fs::read(torn(&segment, end as u64)).unwrap(), half);
    assert_eq!(report(directory.path()).misfit, None);
    let notes: Vec<_> = entries(directory.path())
        .into_iter()
        .filter_map(|stored| match stored.entry {
            Entry::Opening(opening) => opening.note,
            Entry::Closing(_) => None,
        })
        .collect();
    let expected =
        format!("journal opened after entry {head}, {} bytes of an incomplete write put aside", half.len());
    assert!(notes.contains(&expected), "{notes:?}");
}

#[test]
fn a_journal_changed_where_it_was_durable_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 1 << 16);
    write(&settings, 0..5);
    let path = segments(directory.path()).unwrap().pop().unwrap().path;
    let whole = fs::read(&path).unwrap();
    let places = places(directory.path(), &path);
    // The last two entries are the journal's own end, which nothing after them proves.
    let proven = places[places.len() - 2];
    for position in (0..proven).step_by(7).chain(places.clone().into_iter().filter(|place| *place < proven)) {
        let mut changed = whole.clone();
        changed[position] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        let clock = Arc::new(TestClock::at(MORNING));
        let error = Journal::open(&settings, clock, Arc::new(SystemEntropy)).unwrap_err();
        assert!(matches!(error, JournalError::Damaged(_)), "byte {position}: {error}");
        assert_eq!(fs::read(&path).unwrap(), changed, "evidence is left as it is");
    }
    // An entry zeroed as a whole looks like the end, but what follows proves that it was not.
    let mut zeroed = whole.clone();
    zeroed[places[3]..places[4]].fill(0);
    fs::write(&path, &zeroed).unwrap();
    let clock = Arc::new(TestClock::at(MORNING));
    let error = Journal::open(&settings, clock, Arc::new(SystemEntropy)).unwrap_err();
    let JournalError::Damaged(misfit) = error else { panic!("{error}") };
    assert_eq!((misfit.offset, misfit.sequence), (places[3] as u64, 4));
    assert!(HEADER_BYTES < places[3]);
}

#[test]
fn segments_that_are_read_side_by_side_are_told_of_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 1 << 20));
    on_a_worker(async {
        let desk = journal.desk();
        for number in 0..40 {
            let opening = Opening { note: Some("n".repeat(200_000)), ..opening(number) };
            let _durable = desk.submit(&opening).unwrap().1.durable().await.unwrap();
            desk.close(&closing(number));
        }
    });
    journal.close();
    let paths: Vec<_> = segments(directory.path()).unwrap().into_iter().map(|segment| segment.path).collect();
    assert!(paths.len() > 6, "{paths:?}");
    let mut heard = Vec::new();
    let expectations = Expectations::default();
    let whole = crate::features::audit::verify::verify_telling(directory.path(), &expectations, |progress| {
        heard.push((progress.segments, progress.of));
    });
    assert!(whole.unwrap().is_sound());
    assert_eq!(heard, (1..=paths.len()).map(|done| (done, paths.len())).collect::<Vec<_>>());

    for path in [&paths[6], &paths[3]] {
        let mut bytes = fs::read(path).unwrap();
        bytes[HEADER_BYTES + ENTRY_HEAD_BYTES + 9] ^= 1;
        fs::write(path, bytes).unwrap();
        let misfit = report(directory.path()).misfit.unwrap();
        assert_eq!(path.file_name().unwrap().to_str(), Some(&*misfit.segment), "the first is told of");
    }
}
