//! What a start learns of the last day is what the events tell.

use proptest::prelude::*;

use super::super::takings::{Ending, Taking, takings_since};
use super::indexes::{journal, step};
use super::*;
use crate::domain::subject::SubjectId;

/// The same, by whole events.
fn told(directory: &Path, since: Timestamp) -> Vec<Taking> {
    let permitted = events(directory).into_iter().filter_map(|Event { opening, closing, .. }| {
        let subject = opening.subject.as_ref().filter(|_| opening.verdict == Verdict::Permit)?;
        let ending = closing.map(|Closing { outcome, status, records, bytes_out, found_file, .. }| Ending {
            outcome,
            status,
            records,
            bytes_out,
            found_file,
        });
        Some(Taking {
            person: SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() },
            taken: opening.takes(),
            time: opening.time,
            ending,
        })
    });
    permitted.filter(|taking| taking.time >= since).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn what_was_taken_is_what_the_events_tell(steps in prop::collection::vec(step(), 1..160), seconds in 0_u64..200) {
        let directory = journal(&steps);
        let since = MORNING.plus(Duration::from_secs(seconds));
        let mut found = Vec::new();
        takings_since(directory.path(), since, |taking| found.push(taking)).unwrap();
        let mut expected = told(directory.path(), since);
        // Each event of a test has a second of its own.
        for takings in [&mut found, &mut expected] {
            takings.sort_by_key(|taking| taking.time);
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_start_stops_at_the_first_entry_that_does_not_fit() {
    let directory = tempfile::tempdir().unwrap();
    write(&settings(directory.path(), 3072), 0..10);
    let paths = crate::features::audit::directory::segments(directory.path()).unwrap();
    let whole = |segment: usize| std::fs::read(&paths[segment].path).unwrap();
    let mut changed = whole(1);
    changed[200] ^= 1;
    std::fs::write(&paths[1].path, changed).unwrap();
    let error = takings_since(directory.path(), Timestamp::default(), |_| {}).unwrap_err().to_string();
    assert!(error.contains(&*paths[1].name), "{error}");
    std::fs::remove_file(&paths[1].path).unwrap();
    let error = takings_since(directory.path(), Timestamp::default(), |_| {}).unwrap_err().to_string();
    assert!(
        error.contains("missing") || error.contains("not here") || error.contains(&*paths[2].name),
        "{error}"
    );
}
