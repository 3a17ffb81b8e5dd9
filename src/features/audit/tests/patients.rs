//! The keys by which events name patients: apart from the journal, moved there, renewed, and those before it.

use super::super::index::{Look, make_missing};
use super::super::patients::PatientKeys;
use super::super::query::{Filter, Order, query};
use super::*;
use crate::domain::listed::Listed;
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::features::audit::JournalError;

/// A journal with its keys elsewhere.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn settings(&self) -> JournalSettings {
        JournalSettings { keys: self.keys(), ..settings(&self.journal(), 4096) }
    }

    fn journal(&self) -> std::path::PathBuf {
        self.0.path().join("journal")
    }

    fn keys(&self) -> std::path::PathBuf {
        self.0.path().join("seals")
    }

    fn open(&self, now: Timestamp) -> Result<Arc<Journal>, JournalError> {
        Journal::open(&self.settings(), Arc::new(TestClock::at(now)), Arc::new(SystemEntropy))
    }

    /// Writes events about a patient, by the key of now.
    fn treat(&self, now: Timestamp, numbers: std::ops::Range<u64>) -> PatientDigest {
        let journal = self.open(now).unwrap();
        let digest = patient().digest(journal.patient_key());
        on_a_worker(async {
            for number in numbers {
                let opening = Opening { patient: Some(digest), ..opening(number) };
                journal.record(&opening, Some(&closing(number))).await.unwrap();
            }
        });
        journal.close();
        digest
    }

    fn renew(&self, now: Timestamp) {
        let journal = self.open(now).unwrap();
        journal.renew_patient_key(&SystemEntropy).unwrap();
        journal.close();
    }

    fn names(&self) -> Vec<String> {
        let name =
            |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = std::fs::read_dir(self.keys()).unwrap().map(name).collect();
        names.sort();
        names
    }

    fn found(&self) -> usize {
        let asked = PatientKeys::load(&self.keys()).unwrap().digests(&patient());
        let filter = Filter { patient: Some(asked), ..Filter::default() };
        query(&self.journal(), &filter, Order::OldestFirst, 100).unwrap().events.len()
    }
}

fn patient() -> PatientRef {
    PatientRef::new("ehr".parse().unwrap(), "4711".to_owned())
}

#[test]
fn whoever_has_a_copy_of_the_journal_has_no_key_to_its_patients() {
    let house = House::new();
    house.treat(MORNING, 0..3);
    assert_eq!(house.names(), ["patients.key"]);
    let key = std::fs::read(house.keys().join("patients.key")).unwrap();
    for file in std::fs::read_dir(house.journal()).unwrap() {
        let path = file.unwrap().path();
        let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        assert!(!bytes.windows(key.len()).any(|window| window == key), "{}", path.display());
    }
}

#[test]
fn a_key_that_lay_in_the_journals_folder_is_moved_and_finds_the_same_patients() {
    let house = House::new();
    let before = house.treat(MORNING, 0..3);
    let (old, new) = (house.journal().join("patients.key"), house.keys().join("patients.key"));
    std::fs::rename(&new, &old).unwrap();
    assert_eq!(house.treat(MORNING, 3..5), before);
    assert!(new.exists() && !old.exists());
    assert_eq!(house.found(), 5);

    // It was copied, and the journal's folder let nothing be removed.
    std::fs::copy(&new, &old).unwrap();
    assert_eq!(house.treat(MORNING, 5..6), before);
    assert!(!old.exists());

    std::fs::write(&old, [7; 32]).unwrap();
    let refused = house.open(MORNING).unwrap_err().to_string();
    assert!(refused.contains("another one is in"), "{refused}");
    assert!(old.exists(), "nothing is lost of which nobody knows what it finds");
}

#[test]
fn after_a_renewal_the_next_start_names_by_a_new_key_and_the_one_before_still_finds_its_own() {
    let house = House::new();
    let before = house.treat(MORNING, 0..30);
    house.renew(MORNING);
    assert_eq!(house.names(), ["patients.key", "patients.next"]);
    let after = house.treat(MORNING, 30..60);
    assert_ne!(before, after);
    assert_eq!(house.names(), ["patients-2026-03.key", "patients.key"]);
    assert_eq!(house.found(), 60);
    make_missing(&house.journal(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    assert_eq!(house.found(), 60, "and by their indexes");
    let told: Vec<_> = fold(Reader::open(&house.journal()).unwrap())
        .filter_map(|event| event.unwrap().opening.note.filter(|note| note.starts_with("patients")))
        .collect();
    assert_eq!(
        told,
        ["patients are named by a new key from here on; the one before was last used in 2026-03"]
    );

    std::fs::remove_file(house.keys().join("patients-2026-03.key")).unwrap();
    assert_eq!(house.found(), 30, "whose key is gone is found by nobody");
}

#[test]
fn two_renewals_in_a_month_wait_for_the_next_and_a_crash_in_between_is_none() {
    let house = House::new();
    house.treat(MORNING, 0..1);
    house.renew(MORNING);
    house.renew(MORNING);
    assert_eq!(house.names(), ["patients-2026-03.key", "patients.key", "patients.next"]);
    let second = house.treat(MORNING, 1..2);
    let april = MORNING.plus(Duration::from_secs(31 * 24 * 60 * 60));
    // The old one has its new name, and the process ended before the new one had its.
    std::fs::rename(house.keys().join("patients.key"), house.keys().join("patients-2026-04.key")).unwrap();
    let third = house.treat(april, 2..3);
    assert_ne!(second, third);
    assert_eq!(house.names(), ["patients-2026-03.key", "patients-2026-04.key", "patients.key"]);
    assert_eq!(house.found(), 3);
}

#[test]
fn whom_a_list_named_by_an_earlier_key_is_known_and_what_cannot_be_known_is_not_denied() {
    use crate::domain::patient::{PatientDigests, PatientNames};
    use crate::foundation::digest::DigestKey;

    let named = |key: u8, id: &str| {
        let names = PatientNames::of("ehr".parse().unwrap(), DigestKey::from_bytes(&[key; 32]).into());
        names.digest(id.as_bytes())
    };
    let event = |listed| Event {
        sequence: 1,
        opening: opening(1).into(),
        closing: Some(Closing { listed, ..closing(1) }),
    };
    let each = event(Some(Listed::Each(crate::domain::listed::Patients::One(named(1, "4711")))));
    let asked = PatientDigests::new(named(2, "4711"), vec![named(1, "4711")]);
    let another = PatientDigests::new(named(2, "4712"), vec![named(1, "4712")]);
    assert_eq!((each.lists(&asked), each.lists(&another)), (Some(true), Some(false)));
    assert_eq!(event(None).lists(&asked), None);
}
