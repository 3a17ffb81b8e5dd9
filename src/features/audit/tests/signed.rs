//! What the journal has signed: held against it, by itself and by what others have noted; its keys.

use std::fs;
use std::path::PathBuf;

use crate::features::audit::settings::CheckpointSettings;
use crate::features::audit::tree::checkpoint::{Signed, split};
use crate::features::audit::tree::keys::{known, prepare};
use crate::features::audit::tree::resume::{last_checkpoint, resume};
use crate::features::audit::verify::TreeProblem;
use crate::features::audit::{Head, JournalError};
use crate::platform::signed_note::{SigningKey, VerifierKey};

use super::*;

/// A journal of several runs and so several checkpoints, closed in order.
pub(super) fn signed() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for run in 0..3 {
        write(&settings(directory.path(), 3072), run * 3..run * 3 + 3);
    }
    let report = report(directory.path());
    assert!(report.is_sound(), "{report:?}");
    assert!(report.checkpoints >= 3 && report.signed_through == report.last_sequence, "{report:?}");
    directory
}

pub(super) fn key(directory: &Path) -> VerifierKey {
    known(directory).unwrap().pop().unwrap()
}

pub(super) fn newest(directory: &Path) -> String {
    fs::read_to_string(directory.join("checkpoint")).unwrap()
}

/// What a witness with the key finds.
pub(super) fn against(directory: &Path, key: &VerifierKey, witnessed: &str) -> Report {
    let expectations = Expectations {
        keys: vec![key.clone()],
        witnessed: vec![witnessed.to_owned()],
        ..Expectations::default()
    };
    verify(directory, &expectations).unwrap()
}

fn problems(report: &Report) -> Vec<TreeProblem> {
    report.contradictions.iter().map(|found| found.problem.clone()).collect()
}

/// All files of the tree and of what was signed.
fn kept(directory: &Path) -> Vec<PathBuf> {
    let mut folders = vec![directory.join("tile")];
    let mut files =
        vec![directory.join("checkpoints"), directory.join("checkpoint"), directory.join("checkpoint.keys")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[test]
fn every_changed_byte_of_what_was_signed_is_found() {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 4096), 0..1);
    write(&settings(directory.path(), 4096), 1..2);
    let files = kept(directory.path());
    assert!(files.len() > 4, "{files:?}");
    for path in files {
        let whole = fs::read(&path).unwrap();
        for position in 0..whole.len() {
            let mut changed = whole.clone();
            changed[position] ^= 1 << (position % 8);
            fs::write(&path, &changed).unwrap();
            let report = report(directory.path());
            assert_eq!(report.misfit, None);
            assert!(!report.is_sound(), "{} byte {position} was not found", path.display());
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(report(directory.path()).is_sound());
}

#[test]
fn a_tile_or_checkpoint_that_is_gone_is_found() {
    let directory = signed();
    let size = report(directory.path()).last_sequence;
    let tile = directory.path().join(format!("tile/0/000.p/{size}"));
    let bytes = fs::read(&tile).unwrap();
    fs::remove_file(&tile).unwrap();
    assert_eq!(problems(&report(directory.path())), [TreeProblem::Tile]);
    fs::write(&tile, bytes).unwrap();

    let all = fs::read_to_string(directory.path().join("checkpoints")).unwrap();
    let first = split(&all).next().unwrap().to_owned();
    fs::write(directory.path().join("checkpoints"), first).unwrap();
    assert!(problems(&report(directory.path())).contains(&TreeProblem::Missing));
}

#[test]
fn full_tiles_are_written_and_held_against_the_entries() {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 1 << 20), 0..300);
    let report_before = report(directory.path());
    assert!(report_before.is_sound() && report_before.last_sequence > 512, "{report_before:?}");
    let tile = directory.path().join("tile/0/001");
    let mut bytes = fs::read(&tile).unwrap();
    assert_eq!(bytes.len(), 8192);
    bytes[77] ^= 1;
    fs::write(&tile, &bytes).unwrap();
    let report = report(directory.path());
    assert_eq!(problems(&report), [TreeProblem::Tile]);
    assert_eq!(&*report.contradictions[0].file, "tile/0/001");
}

#[test]
fn a_journal_whose_checkpoints_were_taken_away_is_not_signed_anew() {
    let directory = signed();
    let checkpoints = directory.path().join("checkpoints");
    let all = fs::read(&checkpoints).unwrap();
    for left in [0, all.len() / 2] {
        fs::write(&checkpoints, &all[..left]).unwrap();
        let clock = Arc::new(TestClock::at(MORNING));
        let opened = Journal::open(&settings(directory.path(), 3072), clock, Arc::new(SystemEntropy));
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("they were cut back to"), "{error}");
    }
    fs::write(&checkpoints, all).unwrap();
    write(&settings(directory.path(), 3072), 60..61);
}

#[test]
fn a_witness_finds_what_was_cut_off_even_where_all_traces_are_gone() {
    let directory = signed();
    let (key, noted) = (key(directory.path()), newest(directory.path()));
    assert_eq!(against(directory.path(), &key, &noted).witnessed, 1);
    let size = report(directory.path()).last_sequence;

    // Somebody with the files, and the key: cuts the last segment off, and has the journal signed anew.
    let segments = crate::features::audit::directory::segments(directory.path()).unwrap();
    fs::remove_file(&segments.last().unwrap().path).unwrap();
    for left in ["checkpoints", "checkpoint"] {
        fs::remove_file(directory.path().join(left)).unwrap();
    }
    fs::remove_dir_all(directory.path().join("tile")).unwrap();
    assert!(report(directory.path()).is_sound(), "by itself it cannot know");
    let found = against(directory.path(), &key, &noted);
    let entries = found.last_sequence;
    assert!(entries < size);
    assert_eq!(problems(&found), [TreeProblem::Cut { entries }]);

    write(&settings(directory.path(), 3072), 50..60);
    let grown = report(directory.path());
    assert!(grown.is_sound() && grown.last_sequence > size, "{grown:?}");
    let found = against(directory.path(), &key, &noted);
    assert_eq!(problems(&found), [TreeProblem::Replaced { fits: 0 }]);
}

#[test]
fn a_witness_finds_a_journal_that_was_replaced_whole_and_says_from_where_on() {
    let directory = signed();
    let all = fs::read_to_string(directory.path().join("checkpoints")).unwrap();
    let (key, notes) = (key(directory.path()), split(&all).map(str::to_owned).collect::<Vec<_>>());
    let sizes: Vec<u64> = notes.iter().map(|note| note.parse::<Signed>().unwrap().checkpoint.size).collect();
    let secret = fs::read(directory.path().join("checkpoint.key")).unwrap();
    let patients = fs::read(directory.path().join("patients.key")).unwrap();

    // The same key, another history.
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("checkpoint.key"), &secret).unwrap();
    fs::write(other.path().join("patients.key"), patients).unwrap();
    write(&settings(other.path(), 3072), 70..90);
    assert!(report(other.path()).is_sound());
    let found = against(other.path(), &key, &all);
    assert_eq!(found.contradictions.len(), notes.len());
    assert!(problems(&found).iter().all(|problem| *problem == TreeProblem::Replaced { fits: 0 }));

    // A note of somebody else's says nothing, and is told.
    let stranger = SigningKey::generate(key.name().clone(), &SystemEntropy).unwrap();
    let mut forged = notes[0].parse::<Signed>().unwrap().checkpoint;
    forged.size = sizes[0] + 1;
    let found = against(directory.path(), &key, &forged.sign(&stranger));
    assert_eq!(problems(&found), [TreeProblem::Unsigned]);
}

#[test]
fn a_journal_that_is_not_what_it_has_signed_is_not_opened() {
    let open_again = |directory: &Path| {
        let clock = Arc::new(TestClock::at(MORNING));
        Journal::open(&settings(directory, 3072), clock, Arc::new(SystemEntropy))
            .map(|journal| journal.close())
    };
    let cut = signed();
    let segments = crate::features::audit::directory::segments(cut.path()).unwrap();
    fs::remove_file(&segments.last().unwrap().path).unwrap();
    assert!(matches!(open_again(cut.path()), Err(JournalError::Contradicted { .. })));

    let forged = signed();
    fs::write(forged.path().join("checkpoint.keys"), format!("{}\n", key(cut.path()))).unwrap();
    assert!(matches!(open_again(forged.path()), Err(JournalError::Contradicted { .. })));

    let keyless = signed();
    fs::remove_file(keyless.path().join("checkpoint.key")).unwrap();
    assert!(matches!(open_again(keyless.path()), Err(JournalError::Key { .. })));

    let whole = signed();
    open_again(whole.path()).unwrap();
    assert!(report(whole.path()).is_sound());
}

#[test]
fn a_tree_whose_tiles_are_gone_is_made_anew_from_the_entries() {
    let directory = signed();
    let last = report(directory.path()).last_sequence;
    let before = resume(directory.path(), last).unwrap().edge;
    fs::remove_dir_all(directory.path().join("tile")).unwrap();
    assert_eq!(resume(directory.path(), last).unwrap().edge, before);
    assert!(report(directory.path()).is_sound());

    // Older journals have neither.
    for left in ["checkpoints", "checkpoint", "checkpoint.keys", "checkpoint.key"] {
        fs::remove_file(directory.path().join(left)).unwrap();
    }
    fs::remove_dir_all(directory.path().join("tile")).unwrap();
    write(&settings(directory.path(), 3072), 20..22);
    let report = report(directory.path());
    assert!(report.is_sound() && report.signed_through == report.last_sequence, "{report:?}");
}

#[test]
fn a_checkpoint_that_a_crash_cut_short_is_put_aside() {
    let whole = signed();
    let path = whole.path().join("checkpoints");
    let text = fs::read_to_string(&path).unwrap();
    let last = split(&text).last().unwrap().len();
    for cut in [1, 10, 90, last - 20, last - 1] {
        let directory = signed();
        let path = directory.path().join("checkpoints");
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - cut]).unwrap();
        // The newest was then not written, either.
        let before = last_checkpoint(directory.path()).unwrap().unwrap();
        fs::remove_file(directory.path().join("checkpoint")).unwrap();
        write(&settings(directory.path(), 3072), 30..31);
        let report = report(directory.path());
        assert!(report.is_sound(), "cut {cut}: {report:?}");
        assert!(report.signed_through > before.checkpoint.size, "cut {cut}");
    }
}

#[test]
fn checkpoints_are_signed_while_entries_come_and_cover_all_of_them_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), 1 << 20);
    settings.checkpoints.every = Duration::from_millis(5);
    let journal = open(&settings);
    on_a_worker(async {
        let desk = journal.desk();
        for number in 0..2000 {
            let _durable = desk.submit(&opening(number)).unwrap().1.durable().await.unwrap();
            tokio::time::sleep(Duration::from_millis(4)).await;
            if journal.counters().checkpoints > 2 {
                break;
            }
        }
    });
    let signed = journal.checkpoint().unwrap();
    assert!(journal.counters().checkpoints > 2, "{:?}", journal.counters());
    assert!(signed.checkpoint.size <= journal.head().sequence);
    journal.close();
    let signed = journal.checkpoint().unwrap();
    assert_eq!(signed.checkpoint.head, Some(journal.head()));
    assert_eq!(journal.counters().unsigned, 0);
    assert_eq!(journal.counters().checkpoint_failures, 0);
    assert_eq!(newest(directory.path()), signed.note);
    assert!(report(directory.path()).is_sound());
}

#[test]
fn a_disk_that_takes_no_tiles_stops_checkpoints_and_no_entries() {
    let directory = tempfile::tempdir().unwrap();
    // A file stands where the folder of tiles would be.
    fs::write(directory.path().join("tile"), "in the way").unwrap();
    let clock = Arc::new(TestClock::at(MORNING));
    let settings = settings(directory.path(), 1 << 20);
    let journal = Journal::open(&settings, clock, Arc::new(SystemEntropy)).unwrap();
    on_a_worker(async {
        let desk = journal.desk();
        let _durable = desk.submit(&opening(1)).unwrap().1.durable().await.unwrap();
    });
    journal.close();
    let counters = journal.counters();
    assert!(counters.checkpoint_failures > 0 && counters.checkpoints == 0, "{counters:?}");
    assert_eq!(counters.unsigned, journal.head().sequence);

    fs::remove_file(directory.path().join("tile")).unwrap();
    write(&settings, 2..3);
    let report = report(directory.path());
    assert!(report.is_sound() && report.signed_through == report.last_sequence, "{report:?}");
}

#[test]
fn a_key_is_rotated_while_the_journal_runs_and_the_old_one_leads_to_the_new() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path(), 1 << 20);
    settings.checkpoints.every = Duration::from_millis(5);
    let journal = open(&settings);
    let first = on_a_worker(async {
        let desk = journal.desk();
        let _durable = desk.submit(&opening(1)).unwrap().1.durable().await.unwrap();
        while journal.checkpoint().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let first = key(directory.path());
        let next = prepare(directory.path(), &SystemEntropy).unwrap();
        assert_ne!(next, first);
        let mut number = 2;
        while key(directory.path()) != next {
            let _durable = desk.submit(&opening(number)).unwrap().1.durable().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            number += 1;
        }
        first
    });
    journal.close();
    let report = report(directory.path());
    assert!(report.is_sound(), "{report:?}");
    // Whoever has the first key alone follows to the last.
    let newest = newest(directory.path());
    let found = against(directory.path(), &first, &newest);
    assert!(found.is_sound() && found.witnessed == 1, "{found:?}");
    assert!(!newest.parse::<Signed>().unwrap().is_signed_by(std::slice::from_ref(&first)));
    // Whoever has another one believes nothing.
    let stranger = SigningKey::generate(first.name().clone(), &SystemEntropy).unwrap();
    assert!(!against(directory.path(), stranger.verifier(), &newest).is_sound());
    // And the next start goes on with the new one.
    write(&settings, 200..201);
    assert!(against(directory.path(), &first, &newest).is_sound());
}

#[test]
fn a_key_from_elsewhere_signs_under_the_origin_that_was_set() {
    let directory = tempfile::tempdir().unwrap();
    let plain = settings(directory.path(), 1 << 20);
    let key = SigningKey::generate("clinic.example/journal".parse().unwrap(), &SystemEntropy).unwrap();
    let verifier = key.verifier().clone();
    let checkpoints = CheckpointSettings { key: Some(Arc::new(key)), ..CheckpointSettings::default() };
    let settings = JournalSettings { checkpoints, ..plain.clone() };
    write(&settings, 0..2);
    assert!(!directory.path().join("checkpoint.key").exists());
    let signed: Signed = newest(directory.path()).parse().unwrap();
    assert_eq!(signed.checkpoint.origin, "clinic.example/journal");
    assert!(signed.is_signed_by(std::slice::from_ref(&verifier)));
    assert!(matches!(prepare(directory.path(), &SystemEntropy), Err(JournalError::Key { .. })));

    let mut renamed = settings;
    renamed.checkpoints.origin = Some("clinic.example/other".parse().unwrap());
    write(&renamed, 2..3);
    let signed: Signed = newest(directory.path()).parse().unwrap();
    assert_eq!(signed.checkpoint.origin, "clinic.example/other");
    assert!(report(directory.path()).is_sound());
}

#[test]
fn a_journal_goes_on_from_its_archive_with_its_tree() {
    let directory = signed();
    let paths = crate::features::audit::directory::segments(directory.path()).unwrap();
    let entries = entries(directory.path());
    let last = entries.iter().rfind(|stored| *stored.segment == *paths[0].name).unwrap();
    let archived = Some(Head { sequence: last.sequence, hash: last.hash });
    fs::remove_file(&paths[0].path).unwrap();
    write(&settings(directory.path(), 3072), 40..42);
    let report = verify(directory.path(), &Expectations { archived, ..Expectations::default() }).unwrap();
    assert!(report.is_sound() && report.checkpoints > 0, "{report:?}");
}
