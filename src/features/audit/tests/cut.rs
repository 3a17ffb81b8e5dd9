//! Somebody cuts, reorders or replaces what the journal is made of: segments, entries, tiles, checkpoints. Each is found and named.

use std::fs;
use std::path::PathBuf;

use super::signed::signed;
use super::*;
use crate::features::audit::Problem;
use crate::features::audit::directory::segments;
use crate::features::audit::tree::checkpoint::split;
use crate::features::audit::verify::TreeProblem;

/// A small journal of several segments, closed in order.
fn small() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 3072), 0..4);
    assert!(paths(directory.path()).len() >= 2);
    directory
}

fn paths(directory: &Path) -> Vec<PathBuf> {
    segments(directory).unwrap().into_iter().map(|segment| segment.path).collect()
}

/// Of each contradiction, the file that it names, and what does not fit.
fn named(report: &Report) -> Vec<(String, TreeProblem)> {
    report.contradictions.iter().map(|found| (found.file.to_string(), found.problem.clone())).collect()
}

#[test]
fn a_segment_is_cut_at_any_byte() {
    let directory = small();
    for path in paths(directory.path()) {
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let misfit = report(directory.path())
                .misfit
                .unwrap_or_else(|| panic!("{} cut at {length}", path.display()));
            assert_eq!(path.file_name().unwrap().to_str(), Some(&*misfit.segment), "{misfit}");
            assert!(matches!(misfit.problem, Problem::Size { .. } | Problem::Header), "{length}: {misfit}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(report(directory.path()).is_sound());
}

#[test]
fn what_follows_any_byte_is_made_to_look_as_if_nothing_had_been_written() {
    let directory = small();
    for path in paths(directory.path()) {
        let whole = fs::read(&path).unwrap();
        let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for end in 0..written {
            let mut zeroed = whole.clone();
            zeroed[end..].fill(0);
            fs::write(&path, &zeroed).unwrap();
            let report = report(directory.path());
            assert!(!report.is_sound(), "{} from byte {end} on", path.display());
            // At the end of an entry of the last segment the chain fits, and what was signed does not.
            let is_named = match &report.misfit {
                Some(misfit) => misfit.offset <= end as u64 || misfit.offset == 0,
                None => named(&report)
                    .iter()
                    .all(|(_, problem)| matches!(problem, TreeProblem::Cut { .. } | TreeProblem::Tile)),
            };
            assert!(is_named, "{report:?}");
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(report(directory.path()).is_sound());
}

#[test]
fn any_two_entries_that_have_changed_places_are_found() {
    let directory = signed();
    let path = paths(directory.path()).swap_remove(0);
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let whole = fs::read(&path).unwrap();
    let places: Vec<usize> = entries(directory.path())
        .iter()
        .filter(|stored| *stored.segment == *name)
        .map(|stored| usize::try_from(stored.offset).unwrap())
        .collect();
    assert!(places.len() > 3, "{places:?}");
    for window in places.windows(3) {
        let [first, second, end] = window else { unreachable!() };
        let turned =
            [&whole[..*first], &whole[*second..*end], &whole[*first..*second], &whole[*end..]].concat();
        fs::write(&path, turned).unwrap();
        let misfit = report(directory.path()).misfit.unwrap();
        assert!(matches!(misfit.problem, Problem::Sequence { .. }), "{misfit}");
        assert_eq!((&*misfit.segment, misfit.offset), (&*name, *first as u64));
    }
}

#[test]
fn a_segment_is_replaced_by_that_of_another_journal() {
    let (directory, other) = (signed(), signed());
    for (path, theirs) in paths(directory.path()).iter().zip(paths(other.path())) {
        if path.file_name() != theirs.file_name() {
            continue;
        }
        let whole = fs::read(path).unwrap();
        fs::copy(&theirs, path).unwrap();
        assert!(!report(directory.path()).is_sound(), "{}", path.display());
        fs::write(path, whole).unwrap();
    }
    assert!(report(directory.path()).is_sound());
}

#[test]
fn a_tile_is_cut_or_replaced_by_another() {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 1 << 20), 0..400);
    assert!(report(directory.path()).is_sound());
    let tile = |index: u32| directory.path().join(format!("tile/0/{index:03}"));
    let [first, second] = [0, 1].map(|index| fs::read(tile(index)).unwrap());
    assert_eq!((first.len(), second.len()), (8192, 8192));
    for length in [0, 1, 31, 32, 4096, 8160, 8191] {
        fs::write(tile(0), &first[..length]).unwrap();
        assert_eq!(
            named(&report(directory.path())),
            [("tile/0/000".to_owned(), TreeProblem::Tile)],
            "{length}"
        );
    }
    let longer = [&first[..], &[0]].concat();
    fs::write(tile(0), longer).unwrap();
    assert_eq!(named(&report(directory.path())), [("tile/0/000".to_owned(), TreeProblem::Tile)]);
    fs::write(tile(0), &second).unwrap();
    fs::write(tile(1), &first).unwrap();
    let both = ["tile/0/000", "tile/0/001"].map(|file| (file.to_owned(), TreeProblem::Tile));
    assert_eq!(named(&report(directory.path())), both);
}

#[test]
fn checkpoints_that_have_changed_places_or_stand_twice_are_found() {
    let directory = signed();
    let path = directory.path().join("checkpoints");
    let all = fs::read_to_string(&path).unwrap();
    let notes: Vec<&str> = split(&all).collect();
    assert!(notes.len() >= 3, "{all}");
    let mut turned = notes.clone();
    turned.swap(0, 1);
    let doubled = [&[notes[0]], &notes[..]].concat();
    for changed in [turned, doubled] {
        fs::write(&path, changed.join("\n\n")).unwrap();
        let found = named(&report(directory.path()));
        assert!(found.contains(&("checkpoints".to_owned(), TreeProblem::Order)), "{found:?}");
    }
    fs::write(&path, all).unwrap();
    assert!(report(directory.path()).is_sound());
}
