//! The rules that events name go with their segments, and come back with them.

use super::*;
use crate::domain::rulebook::Rulebook;
use crate::features::audit::archive::{ArchiveError, Trust, fetch, fetch_fitting, lost_rules, receipts};
use crate::features::audit::rulebooks::{Kept, in_force, keep, read};

/// A journal under two versions of the rules, the second from event 20 on.
fn house() -> (House, [Rulebook; 2]) {
    let house = House { journal: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() };
    let books = ["version = 1\n", "version = 1\n# stricter\n"].map(|text| {
        let mut book = Rulebook::default();
        book.add("leastway.toml".to_owned(), text.to_owned());
        keep(house.path(), &book).unwrap();
        book
    });
    let journal = open(&settings(house.path(), SEGMENT));
    on_a_worker(async {
        for number in 0..40 {
            let version = books[usize::from(number >= 20)].version().short();
            let opening = Opening { rules_version: Some(version.into()), ..opening(number) };
            journal.record(&opening, Some(&closing(number))).await.unwrap();
        }
    });
    journal.close();
    make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    (house, books)
}

#[test]
fn the_rules_of_a_date_are_told_from_an_archive_alone() {
    let (house, [first, second]) = house();
    let shipped = house.ship();
    let named = |receipt: &Receipt| receipt.rulebooks.keys().cloned().collect::<Vec<_>>();
    assert_eq!(named(&shipped[0]), [first.version().short()]);
    assert!(shipped.iter().any(|receipt| named(receipt).contains(&second.version().short())));

    // Of the journal nothing is left: the archive is listed.
    let (gone, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = House { journal: gone, elsewhere: house.elsewhere };
    let places = (archive.path(), to.path());
    run(fetch(&archive.archive(), places, (None, None), &Trust::Archive, MORNING)).unwrap();
    for (seconds, book) in [(10, &first), (25, &second)] {
        let date = MORNING.plus(Duration::from_secs(seconds));
        let version = in_force(to.path(), date).unwrap().unwrap();
        assert_eq!(read(to.path(), &version).unwrap(), Kept::Whole(book.clone()));
    }
}

#[test]
fn rules_that_were_lost_here_come_back_for_whoever_asks_the_archive_too() {
    let (house, [first, second]) = house();
    house.ship();
    let path =
        |book: &Rulebook| house.path().join("rulebooks").join(format!("{}.json", book.version().short()));
    assert_eq!(lost_rules(house.path()).unwrap(), 0);
    // Of what all segments are still here.
    let changed = fs::read_to_string(path(&second)).unwrap().replace("stricter", "laxer");
    fs::write(path(&second), changed).unwrap();
    fs::remove_file(path(&first)).unwrap();
    assert_eq!(lost_rules(house.path()).unwrap(), 2);
    let ask = || {
        let (archive, filter) = (house.archive(), Filter::default());
        let asking = fetch_fitting(&archive, house.path(), (&filter, None), Hints::Used, &SystemEntropy);
        run(asking).unwrap()
    };
    let (view, fetched) = ask();
    assert_eq!((fetched.segments, fetched.rules, fetched.rules_missing), (0, 2, 0));
    for book in [&first, &second] {
        let version = book.version().short();
        assert_eq!(read(view.directory(), &version).unwrap(), Kept::Whole(book.clone()));
        assert_ne!(
            read(house.path(), &version).unwrap(),
            Kept::Whole(book.clone()),
            "nothing is put right here"
        );
    }
    drop(view);

    // What the archive has not either is told, and is no reason to answer nothing.
    keep(house.path(), &second).unwrap();
    let of_first = |receipt: Receipt| receipt.rulebooks.get(&first.version().short()).cloned();
    let mut copies: Vec<_> = receipts_of(&house).into_iter().filter_map(of_first).collect();
    assert!(copies.len() > 1);
    let last = copies.pop().unwrap();
    for copy in &copies {
        house.overwrite(&copy.name, |bytes| bytes.truncate(3));
    }
    let (view, fetched) = ask();
    assert_eq!((fetched.rules, fetched.rules_missing), (1, 0), "one copy is enough");
    drop(view);
    house.overwrite(&last.name, |bytes| bytes.truncate(3));
    let (view, fetched) = ask();
    assert_eq!((fetched.rules, fetched.rules_missing), (0, 1));
    assert_eq!(read(view.directory(), &first.version().short()).unwrap(), Kept::Absent);
    assert_eq!(read(view.directory(), &second.version().short()).unwrap(), Kept::Whole(second));
}

fn receipts_of(house: &House) -> Vec<Receipt> {
    receipts(house.path()).unwrap().into_iter().map(|entry| entry.receipt).collect()
}

#[test]
fn rules_that_were_changed_are_neither_shipped_nor_taken_back() {
    let (house, [first, second]) = house();
    let path =
        |book: &Rulebook| house.path().join("rulebooks").join(format!("{}.json", book.version().short()));
    let changed = fs::read_to_string(path(&second)).unwrap().replace("stricter", "laxer");
    fs::write(path(&second), changed).unwrap();
    let shipped = house.ship();
    let all: Vec<_> = shipped.iter().flat_map(|receipt| receipt.rulebooks.keys()).collect();
    assert!(!all.is_empty() && all.iter().all(|version| **version == first.version().short()));

    let name = &shipped[0].rulebooks[&first.version().short()].name;
    house.overwrite(name, |bytes| *bytes = String::from_utf8_lossy(bytes).replace("= 1", "= 2").into_bytes());
    let refused = run(house.archive().prove(&shipped[0])).unwrap_err();
    assert!(matches!(&refused, ArchiveError::Copy { .. }), "{refused}");
    let to = tempfile::tempdir().unwrap();
    let places = (house.path(), to.path());
    let (archive, trust) = (house.archive(), Trust::Keys(Vec::new()));
    let fetching = fetch(&archive, places, (None, None), &trust, MORNING);
    assert!(matches!(run(fetching), Err(ArchiveError::Copy { .. })));
}

#[test]
fn rules_are_destroyed_with_the_segment_that_names_them() {
    let (house, _) = house();
    let shipped = house.ship();
    house.remove();
    let over: Timestamp = "2036-04-01T00:00:00Z".parse().unwrap();
    let rules: Vec<_> = shipped[0].rulebooks.values().map(|object| house.stored(&object.name)).collect();
    assert!(!rules.is_empty() && rules.iter().all(|path| path.exists()));
    run(house.archive().retire(&shipped[0], over)).unwrap();
    assert!(rules.iter().all(|path| !path.exists()));
    let others = shipped[1..].iter().flat_map(|receipt| receipt.rulebooks.values());
    assert!(others.into_iter().all(|object| house.stored(&object.name).exists()));
}
