//! What a person has taken already.

use super::*;

fn nurse() -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: "nurse".into() }
}

fn patient(id: &str) -> PatientDigest {
    let application: ApplicationName = "ehr".parse().unwrap();
    PatientRef::new(application, id.to_owned()).digest(&DigestKey::from_bytes(&[1; 32]))
}

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[test]
fn two_tabs_do_not_double_an_allowance() {
    let ledger = Ledger::new();
    let first = ledger.try_export(&nurse(), Some(2), NOW).unwrap();
    let second = ledger.clone().try_export(&nurse(), Some(2), NOW).unwrap();
    let third = ledger.try_export(&nurse(), Some(2), NOW).unwrap_err();
    assert_eq!(third, Exceeded { limit: LimitName::ExportsPerDay, allowed: 2, actual: 3 });
    drop(second);
    let again = ledger.try_export(&nurse(), Some(2), NOW).unwrap();
    first.commit(NOW);
    again.commit(NOW);
    assert!(ledger.try_export(&nurse(), Some(2), NOW).is_err());
}

#[test]
fn an_export_counts_for_a_day_and_no_longer() {
    let ledger = Ledger::new();
    ledger.try_export(&nurse(), Some(1), NOW).unwrap().commit(NOW);
    let just_before = NOW.plus(DAY).minus(Duration::from_millis(1));
    assert!(ledger.try_export(&nurse(), Some(1), just_before).is_err());
    assert!(ledger.try_export(&nurse(), Some(1), NOW.plus(DAY)).is_ok());
}

#[test]
fn a_slot_outlives_the_forgetting_of_its_person() {
    let ledger = Ledger::new();
    let slot = ledger.try_export(&nurse(), Some(1), NOW).unwrap();
    let later = NOW.plus(DAY * 3);
    assert!(ledger.try_export(&nurse(), Some(1), later).is_err(), "still reserved");
    slot.commit(later);
    assert!(ledger.try_export(&nurse(), Some(1), later).is_err());
}

#[test]
fn going_back_to_an_open_record_is_free_and_one_too_many_is_not_remembered() {
    let ledger = Ledger::new();
    for id in ["1", "2", "1"] {
        assert_eq!(ledger.opened(&nurse(), patient(id), Some(2), NOW).exceeded, None, "{id}");
    }
    for _ in 0..2 {
        let third = ledger.opened(&nurse(), patient("3"), Some(2), NOW);
        let exceeded = Exceeded { limit: LimitName::PatientsOpenedPerShift, allowed: 2, actual: 3 };
        assert_eq!((third.distinct, third.exceeded), (3, Some(exceeded)));
    }
    ledger.record_opened(&nurse(), patient("3"), NOW);
    assert_eq!(ledger.opened(&nurse(), patient("4"), Some(2), NOW).distinct, 4);
    assert_eq!(ledger.opened(&nurse(), patient("4"), Some(2), NOW.plus(SHIFT)).distinct, 1);
}

#[test]
fn the_journal_restores_what_was_taken() {
    let ledger = Ledger::new();
    let hour = Duration::from_secs(3600);
    ledger.record_export(&nurse(), NOW.minus(hour));
    ledger.record_export(&nurse(), NOW.minus(hour * 30));
    ledger.record_opened(&nurse(), patient("1"), NOW.minus(hour * 2));
    ledger.record_opened(&nurse(), patient("2"), NOW.minus(hour * 13));
    assert!(ledger.try_export(&nurse(), Some(1), NOW).is_err());
    assert!(ledger.try_export(&nurse(), Some(2), NOW).is_ok());
    assert_eq!(ledger.opened(&nurse(), patient("9"), None, NOW).distinct, 2);
}
