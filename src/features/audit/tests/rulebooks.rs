//! Configurations that are kept beside the journal.

use super::super::directory::segments;
use super::super::rulebooks::{Kept, in_force, keep, read};
use super::*;
use crate::domain::rulebook::Rulebook;

#[test]
fn what_was_in_force_is_read_again_and_what_was_changed_since_is_told_as_that() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path();
    let mut book = Rulebook::default();
    book.add("leastway.toml".to_owned(), "version = 1\n".to_owned());
    let version = book.version().short();
    assert_eq!(read(journal, &version).unwrap(), Kept::Absent);
    keep(journal, &book).unwrap();
    keep(journal, &book).unwrap();
    assert_eq!(read(journal, &version).unwrap(), Kept::Whole(book.clone()));
    for odd in ["", "../patients", "0011223344556677", "0123456789abcdef0"] {
        assert_eq!(read(journal, odd).unwrap(), Kept::Absent, "{odd}");
    }

    let file = journal.join("rulebooks").join(format!("{version}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("version = 1", "version = 2")).unwrap();
    assert_eq!(read(journal, &version).unwrap(), Kept::Changed);
    keep(journal, &book).unwrap();
    assert_eq!(read(journal, &version).unwrap(), Kept::Whole(book), "it is put right where it is known");
}

#[test]
fn what_cannot_be_kept_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("rulebooks"), "in the way").unwrap();
    assert!(keep(directory.path(), &Rulebook::default()).is_err());
}

#[test]
fn the_rules_in_force_are_those_that_the_last_event_before_a_moment_names() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 4096));
    let version = |number: u64| format!("{:016x}", number / 10);
    on_a_worker(async {
        for number in 0..40 {
            let opening = Opening { rules_version: Some(version(number).into()), ..opening(number) };
            journal.record(&opening, None).await.unwrap();
        }
    });
    journal.close();
    let at = |seconds: u64| in_force(directory.path(), MORNING.plus(Duration::from_secs(seconds))).unwrap();
    assert_eq!(at(0), None, "before the first");
    for second in 1..45 {
        let last = (second - 1).min(39);
        assert_eq!(at(second).as_deref(), Some(&*version(last)), "{second}");
    }
    let long_after = MORNING.plus(Duration::from_secs(100_000));
    assert_eq!(in_force(directory.path(), long_after).unwrap().as_deref(), Some(&*version(39)));
    assert!(segments(directory.path()).unwrap().len() > 3, "over several segments");
}
