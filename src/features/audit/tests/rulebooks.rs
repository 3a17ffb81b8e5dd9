//! Configurations that are kept beside the journal.

use super::super::rulebooks::{Kept, keep, read};
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
