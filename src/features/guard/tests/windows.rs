//! What a person has taken already.

use proptest::prelude::*;

use super::*;
use crate::domain::event::Taken;

pub(super) fn nurse() -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: "nurse".into() }
}

fn patient(id: &str) -> PatientDigest {
    let application: ApplicationName = "ehr".parse().unwrap();
    PatientRef::new(application, id.to_owned()).digest(&DigestKey::from_bytes(&[1; 32]))
}

/// So many patients of a shift.
fn shift(patients: u64) -> Limits {
    Limits { patients_opened_per_shift: Some(patients), ..Limits::NONE }
}

/// So many exports of a day.
fn exports(exports: u64) -> Limits {
    Limits { exports_per_day: Some(exports), ..Limits::NONE }
}

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[test]
fn two_tabs_do_not_double_an_allowance() {
    let ledger = Ledger::new();
    let first = ledger.try_export(&nurse(), &exports(2), NOW).unwrap();
    let second = ledger.clone().try_export(&nurse(), &exports(2), NOW).unwrap();
    let third = ledger.try_export(&nurse(), &exports(2), NOW).unwrap_err();
    assert_eq!(third, Exceeded { limit: LimitName::ExportsPerDay, allowed: 2, actual: 3 });
    drop(second);
    let again = ledger.try_export(&nurse(), &exports(2), NOW).unwrap();
    first.commit(NOW);
    again.commit(NOW);
    assert!(ledger.try_export(&nurse(), &exports(2), NOW).is_err());
}

#[test]
fn an_export_counts_for_a_day_and_no_longer() {
    let ledger = Ledger::new();
    ledger.try_export(&nurse(), &exports(1), NOW).unwrap().commit(NOW);
    let just_before = NOW.plus(DAY).minus(Duration::from_millis(1));
    assert!(ledger.try_export(&nurse(), &exports(1), just_before).is_err());
    assert!(ledger.try_export(&nurse(), &exports(1), NOW.plus(DAY)).is_ok());
}

#[test]
fn a_slot_outlives_the_forgetting_of_its_person() {
    let ledger = Ledger::new();
    let slot = ledger.try_export(&nurse(), &exports(1), NOW).unwrap();
    let later = NOW.plus(DAY * 3);
    assert!(ledger.try_export(&nurse(), &exports(1), later).is_err(), "still reserved");
    slot.commit(later);
    assert!(ledger.try_export(&nurse(), &exports(1), later).is_err());
}

#[test]
fn going_back_to_an_open_record_is_free_and_one_too_many_is_not_remembered() {
    let ledger = Ledger::new();
    for id in ["1", "2", "1"] {
        assert_eq!(ledger.opened(&nurse(), &[patient(id)], &shift(2), NOW).exceeded, None, "{id}");
    }
    for _ in 0..2 {
        let third = ledger.opened(&nurse(), &[patient("3")], &shift(2), NOW);
        let exceeded = Exceeded { limit: LimitName::PatientsOpenedPerShift, allowed: 2, actual: 3 };
        assert_eq!((third.distinct, third.exceeded), (3, Some(exceeded)));
    }
    ledger.record_opened(&nurse(), &[patient("3")], NOW);
    assert_eq!(ledger.opened(&nurse(), &[patient("4")], &shift(2), NOW).distinct, 4);
    assert_eq!(ledger.opened(&nurse(), &[patient("4")], &shift(2), NOW.plus(SHIFT)).distinct, 1);
}

#[test]
fn the_journal_restores_what_was_taken() {
    let ledger = Ledger::new();
    let hour = Duration::from_secs(3600);
    ledger.record_export(&nurse(), NOW.minus(hour));
    ledger.record_export(&nurse(), NOW.minus(hour * 30));
    ledger.record_opened(&nurse(), &[patient("1")], NOW.minus(hour * 2));
    ledger.record_opened(&nurse(), &[patient("2")], NOW.minus(hour * 13));
    assert!(ledger.try_export(&nurse(), &exports(1), NOW).is_err());
    assert!(ledger.try_export(&nurse(), &exports(2), NOW).is_ok());
    assert_eq!(ledger.opened(&nurse(), &[patient("9")], &Limits::NONE, NOW).distinct, 2);
}

/// One request, as it came and as it ended.
#[derive(Clone, Debug)]
struct Request {
    taken: Taken,
    advises: bool,
    /// Whether its reply was released; else it failed or was withheld.
    came: bool,
    found_file: bool,
    minutes: u64,
}

fn any_request() -> impl Strategy<Value = Request> {
    let taken = (0_u32..4, proptest::collection::btree_set(0_u8..9, 0..5)).prop_map(|(exports, opened)| {
        let opened = opened.iter().map(|id| patient(&id.to_string()));
        opened.fold(Taken { exports, opened: Vec::new() }, |all, one| {
            all.and(&Taken { exports: 0, opened: vec![one] })
        })
    });
    (taken, any::<bool>(), any::<bool>(), any::<bool>(), 0_u64..120).prop_map(
        |(taken, advises, came, found_file, minutes)| Request { taken, advises, came, found_file, minutes },
    )
}

/// All that can be seen of somebody's windows: the exports, and which patients are known.
fn seen(ledger: &Ledger, now: Timestamp) -> (u64, Vec<bool>) {
    let taken = ledger.try_export(&nurse(), &exports(0), now).unwrap_err().actual - 1;
    let known =
        |id: u8| ledger.opened(&nurse(), &[patient(&id.to_string())], &shift(0), now).exceeded.is_none();
    (taken, (0..9).map(known).collect())
}

proptest! {
    #[test]
    fn windows_after_a_restart_are_the_windows_before(
        requests in proptest::collection::vec(any_request(), 0..30),
        minutes in 0_u64..1500,
    ) {
        let limits = Limits { exports_per_day: Some(6), patients_opened_per_shift: Some(5), ..Limits::NONE };
        let (live, mut now, mut journal) = (Ledger::new(), NOW, Vec::new());
        for request in requests {
            now = now.plus(Duration::from_secs(60 * request.minutes));
            let beyond = |exceeded| if request.advises { Ok(()) } else { Err(exceeded) };
            // What is refused is no permit in the journal, and takes nothing.
            let Ok(mut slots) = live.take(&nurse(), &request.taken, &limits, now, beyond) else { continue };
            let found_file = request.found_file && slots.is_empty();
            if found_file {
                slots.extend(live.try_export(&nurse(), &Limits::NONE, now));
            }
            if request.came {
                for slot in slots {
                    slot.commit(now);
                }
            }
            let entry = serde_json::to_string(&request.taken).unwrap();
            let came = request.came.then_some(Came { amounts: Amounts::default(), found_file });
            journal.push((entry, came, now));
        }
        let restored = Ledger::new();
        for (entry, came, time) in journal.iter().rev() {
            restored.recall(&nurse(), &serde_json::from_str(entry).unwrap(), *came, *time);
        }
        // Looking at them changes them, so they are looked at once.
        let later = now.plus(Duration::from_secs(60 * minutes));
        prop_assert_eq!(seen(&restored, later), seen(&live, later));
    }
}

#[test]
fn a_batch_takes_all_or_nothing() {
    let ledger = Ledger::new();
    let limits = Limits { exports_per_day: Some(2), patients_opened_per_shift: Some(2), ..Limits::NONE };
    let take = |exports, ids: &[&str]| {
        let taken = Taken { exports, opened: ids.iter().map(|id| patient(id)).collect() };
        ledger.take(&nurse(), &taken, &limits, NOW, Err::<(), _>)
    };
    assert_eq!(take(3, &[]).unwrap_err().limit, LimitName::ExportsPerDay);
    assert_eq!(take(2, &["1", "2", "3"]).unwrap_err().limit, LimitName::PatientsOpenedPerShift);
    assert_eq!(seen(&ledger, NOW), (0, vec![false; 9]));
    assert_eq!(take(2, &["1", "2"]).unwrap().len(), 2);
}

#[test]
fn patients_of_an_hour_and_of_a_shift_are_bounded_apart() {
    let ledger = Ledger::new();
    let limits =
        Limits { patients_opened_per_hour: Some(2), patients_opened_per_shift: Some(3), ..Limits::NONE };
    let open = |id, now| ledger.opened(&nurse(), &[patient(id)], &limits, now).exceeded;
    let hour = |actual| Exceeded { limit: LimitName::PatientsOpenedPerHour, allowed: 2, actual };
    assert_eq!((open("1", NOW), open("2", NOW), open("3", NOW)), (None, None, Some(hour(3))));
    let later = NOW.plus(HOUR);
    assert_eq!((open("3", later), open("1", later)), (None, None));
    assert_eq!(open("2", later), Some(hour(3)), "it was opened in this shift, and not in this hour");
    let shift = Exceeded { limit: LimitName::PatientsOpenedPerShift, allowed: 3, actual: 4 };
    assert_eq!(open("4", later.plus(HOUR)), Some(shift));
}

#[test]
fn patients_opened_in_a_day_are_bounded_apart_and_outlive_the_shift() {
    let ledger = Ledger::new();
    let limits =
        Limits { patients_opened_per_shift: Some(2), patients_opened_per_day: Some(3), ..Limits::NONE };
    let open = |id, now| ledger.opened(&nurse(), &[patient(id)], &limits, now).exceeded;
    let exceeded = |limit, allowed, actual| Some(Exceeded { limit, allowed, actual });
    assert_eq!((open("1", NOW), open("2", NOW)), (None, None));
    assert_eq!(open("3", NOW), exceeded(LimitName::PatientsOpenedPerShift, 2, 3));
    let next = NOW.plus(SHIFT);
    assert_eq!((open("3", next), open("4", next)), (None, exceeded(LimitName::PatientsOpenedPerDay, 3, 4)));
    assert_eq!(open("1", next), None, "of the day, and new to the shift");
    assert_eq!(open("4", NOW.plus(DAY + SHIFT)), None);
}

#[test]
fn exports_of_an_hour_and_of_a_shift_are_bounded_apart() {
    let ledger = Ledger::new();
    let limits = Limits { exports_per_hour: Some(1), exports_per_shift: Some(2), ..Limits::NONE };
    let export = |now| ledger.try_export(&nurse(), &limits, now).map(|slot| slot.commit(now));
    let exceeded = |limit, allowed| Err(Exceeded { limit, allowed, actual: allowed + 1 });
    assert_eq!((export(NOW), export(NOW)), (Ok(()), exceeded(LimitName::ExportsPerHour, 1)));
    let later = NOW.plus(HOUR);
    assert_eq!((export(later), export(later.plus(HOUR))), (Ok(()), exceeded(LimitName::ExportsPerShift, 2)));
    assert_eq!(export(NOW.plus(SHIFT)), Ok(()));
}
