//! Telling all events up to a place.

use super::super::index::Hints;
use super::super::query::Filter;
use super::super::scan::Scan;
use super::*;
use crate::features::audit::{Head, Problem, ReadError};
use crate::foundation::digest::Digest;

fn scan(directory: &Path, through: Option<Head>) -> (Vec<u64>, Option<Head>, Option<Problem>) {
    let mut scan = Scan::open(directory, &Filter::default(), through, Hints::Used).unwrap();
    let (mut told, mut problem) = (Vec::new(), None);
    for event in scan.by_ref() {
        match event {
            Ok(event) => told.push(event.sequence),
            Err(ReadError::Misfit(misfit)) => problem = Some(misfit.problem),
            Err(error) => panic!("{error}"),
        }
    }
    (told, scan.read_through(), problem)
}

#[test]
fn what_is_written_later_does_not_change_what_was_told_before() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 8192);
    write(&settings, 0..20);
    let (told, through, problem) = scan(directory.path(), None);
    assert_eq!((told.len(), problem), (22, None), "with the opening and the closing of the journal");
    write(&settings, 20..40);
    assert_eq!(scan(directory.path(), through), (told, through, None));
    assert!(scan(directory.path(), None).0.len() > 22);
}

#[test]
fn a_place_that_is_not_in_the_journal_is_a_misfit() {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 8192), 0..20);
    let last = scan(directory.path(), None).1.unwrap();
    let beyond = Head { sequence: last.sequence + 1, ..last };
    assert_eq!(scan(directory.path(), Some(beyond)).2, Some(Problem::Cut { noted: beyond }));
    let other = Head { sequence: 7, hash: Digest::ZERO };
    assert_eq!(scan(directory.path(), Some(other)).2, Some(Problem::Noted { noted: other }));
}
