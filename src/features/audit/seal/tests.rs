use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::confidential::{Confidential, SealedText};
use crate::domain::phi::Phi;
use crate::features::audit::settings::{Fields, KeepJustification, KeepPatient, KeepQuery, SealSettings};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::{SeededEntropy, SystemEntropy};
use crate::foundation::id::RequestId;

/// 2026-11-28T22:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_795_903_200);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn what_is_sealed_is_revealed_in_its_event_and_nowhere_else() {
    let home = tempfile::tempdir().unwrap();
    let seals = seals(home.path(), NOW);
    let sealed = Sealer::new(seals.clone()).seal(event(1), &confidential()).unwrap().unwrap();
    assert!(sealed.as_str().starts_with("2026-11."));
    assert!(!sealed.as_str().contains("00017"));
    assert_eq!(seals.reveal(event(1), &sealed).unwrap(), confidential());
    assert!(matches!(seals.reveal(event(2), &sealed), Err(RevealError::Unreadable)));
    let moved = SealedText::new(sealed.as_str().replace("2026-11", "2026-12"));
    assert!(matches!(seals.reveal(event(1), &moved), Err(RevealError::Unreadable)));
    for text in ["", ".", "2026-11", "2026-11.", "2026-13.AAAA", "2026-11.!", "x.AAAA"] {
        let text = SealedText::new(text.to_owned());
        assert!(matches!(seals.reveal(event(1), &text), Err(RevealError::Unreadable)), "{text:?}");
    }
}

#[test]
fn the_next_months_key_is_looked_for_once_an_hour_and_another_month_is_seen_at_once() {
    let home = tempfile::tempdir().unwrap();
    let seals = seals(home.path(), NOW);
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    assert!(!seals.is_due(NOW) && !seals.is_due(NOW.plus(59 * minute)) && seals.is_due(NOW.plus(hour)));
    seals.turn(NOW.plus(hour)).unwrap();
    assert!(!seals.is_due(NOW.plus(hour).plus(minute)));
    assert!(!seals.is_due(NOW), "a clock that was set back");
    let midnight = NOW.plus(2 * DAY).plus(2 * hour);
    seals.turn(midnight.minus(minute)).unwrap();
    assert!(!seals.is_due(midnight.minus(Duration::from_secs(1))) && seals.is_due(midnight));
}

#[test]
fn nothing_is_sealed_where_nothing_is_confidential() {
    let home = tempfile::tempdir().unwrap();
    let sealer = Sealer::new(seals(home.path(), NOW));
    assert_eq!(sealer.seal(event(1), &Confidential::default()), Ok(None));
}

#[test]
fn another_month_has_another_key_which_is_there_before_it_comes() {
    let home = tempfile::tempdir().unwrap();
    let seals = seals(home.path(), NOW);
    assert_eq!(names(home.path()), ["2026-11.key", "2026-12.key"]);
    let sealer = Sealer::new(seals.clone());
    let before = sealer.seal(event(1), &confidential()).unwrap().unwrap();
    // Whoever is late seals under the month before, and it opens all the same.
    let late = sealer.seal(event(2), &confidential()).unwrap().unwrap();
    let made = std::fs::read(home.path().join("2026-12.key")).unwrap();
    seals.turn(NOW.plus(5 * DAY)).unwrap();
    let after = sealer.seal(event(3), &confidential()).unwrap().unwrap();
    assert!(late.as_str().starts_with("2026-11.") && after.as_str().starts_with("2026-12."));
    assert_eq!(std::fs::read(home.path().join("2026-12.key")).unwrap(), made);
    assert_eq!(names(home.path()), ["2026-11.key", "2026-12.key", "2027-01.key"]);
    for (number, sealed) in [(1, before), (2, late), (3, after)] {
        assert_eq!(seals.reveal(event(number), &sealed).unwrap(), confidential());
    }
}

#[test]
fn a_key_outlives_a_restart_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let sealed = Sealer::new(seals(home.path(), NOW)).seal(event(1), &confidential()).unwrap().unwrap();
    assert_eq!(seals(home.path(), NOW).reveal(event(1), &sealed).unwrap(), confidential());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.path().join("2026-11.key")), 0o600);
}

#[test]
fn a_month_is_destroyed_only_after_its_time_and_under_no_hold() {
    let home = tempfile::tempdir().unwrap();
    let seals = seals(home.path(), NOW);
    let sealed = Sealer::new(seals.clone()).seal(event(1), &confidential()).unwrap().unwrap();
    let november: Period = "2026-11".parse().unwrap();
    let years = |years: u32| NOW.plus(years * 365 * DAY);
    for now in [NOW, years(9), years(10)] {
        let refused = seals.destroy(november.into(), now).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "what was sealed in 2026-11 is kept until 2036-12 (`journal.sealed.retain_years`)"
        );
    }
    let late = years(10).plus(10 * DAY);
    assert!(
        matches!(seals.destroy(november.into(), late), Err(SealError::InUse { .. })),
        "it seals with that one still"
    );
    seals.turn(late).unwrap();
    seals.hold(&[november]);
    assert!(matches!(seals.destroy(november.into(), late), Err(SealError::Held { .. })));
    assert_eq!(seals.periods().unwrap()[0].until, None);
    seals.hold(&[]);
    assert!(seals.reveal(event(1), &sealed).is_ok());
    seals.destroy(november.into(), late).unwrap();
    let why = seals.reveal(event(1), &sealed).unwrap_err();
    assert_eq!(why.to_string(), "the key of 2026-11 was destroyed: nobody can read it any more");
    assert!(matches!(seals.destroy(november.into(), late), Err(SealError::NoKey { .. })));
    assert_eq!(names(home.path())[..2], ["2026-11.destroyed", "2026-12.key"]);
    let states: Vec<_> =
        seals.periods().unwrap().iter().map(|one| (one.period.to_string(), one.state)).collect();
    let (gone, kept) = (PeriodState::Destroyed, PeriodState::Kept);
    assert_eq!(states[..2], [("2026-11".to_owned(), gone), ("2026-12".to_owned(), kept)]);
}

#[test]
fn a_key_of_patients_is_destroyed_after_its_last_month_and_no_month_before_it_may_be_held() {
    let home = tempfile::tempdir().unwrap();
    let seals = seals(home.path(), NOW);
    std::fs::write(home.path().join("patients.key"), [1; 32]).unwrap();
    std::fs::write(home.path().join("patients-2026-11.key"), [2; 32]).unwrap();
    let november: Period = "2026-11".parse().unwrap();
    let key = KeyName { kind: KeyKind::Patients, period: november };
    let refused = seals.destroy(key, NOW.plus(10 * 365 * DAY)).unwrap_err().to_string();
    assert!(refused.contains("used until 2026-11 is kept until 2036-12"), "{refused}");
    let late = NOW.plus(10 * 365 * DAY).plus(10 * DAY);
    seals.hold(&["2025-03".parse().unwrap()]);
    assert!(matches!(seals.destroy(key, late), Err(SealError::Held { .. })), "it was used then, too");
    assert_eq!(seals.patients().unwrap()[0].until, None);
    seals.hold(&["2026-12".parse().unwrap()]);
    seals.destroy(key, late).unwrap();
    assert_eq!(seals.patients().unwrap()[0].state, PeriodState::Destroyed);
    assert!(names(home.path()).contains(&"patients.key".to_owned()), "the one of now is nobody's to destroy");
    assert!(seals.reveal(event(1), &SealedText::new("2026-11.AAAA".to_owned())).is_err());
    assert!(keys_in(home.path(), KeyKind::Patients).unwrap().is_empty());
    assert_eq!(seals.periods().unwrap()[0].state, PeriodState::Kept, "what was sealed then is another key's");
}

#[test]
fn keys_end_by_themselves_after_retention_and_not_by_a_clock_that_leapt() {
    let home = tempfile::tempdir().unwrap();
    let seals = seals(home.path(), NOW);
    let late = NOW.plus(10 * 365 * DAY).plus(10 * DAY);
    assert_eq!(seals.ended(NOW).unwrap(), Ended::Keys(Vec::new()));
    seals.turn(late).unwrap();
    assert_eq!(seals.ended(late).unwrap(), Ended::Doubted, "that it has said so once does not make it true");
    let mut month = Period::of(late);
    for _ in 0..12 {
        assert_eq!(seals.ended(late).unwrap(), Ended::Doubted, "{month}");
        month = month.before();
        std::fs::copy(home.path().join("2026-11.key"), home.path().join(format!("{month}.key"))).unwrap();
    }
    let [november, december] = ["2026-11", "2026-12"].map(|month| month.parse::<Period>().unwrap().into());
    assert_eq!(seals.ended(late).unwrap(), Ended::Keys(vec![november]));
    assert!(matches!(seals.may_destroy(december, late), Err(SealError::Retained { .. })));
    seals.hold(&["2026-11".parse().unwrap()]);
    assert_eq!(seals.ended(late).unwrap(), Ended::Keys(Vec::new()));
}

#[test]
fn what_is_no_key_is_not_taken_for_one() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("2026-11.key"), "short").unwrap();
    let error = Seals::open(&settings(home.path()), NOW, Arc::new(SystemEntropy)).unwrap_err();
    assert!(
        error.to_string().ends_with("2026-11.key` is no key of a month: bring it back from the backup"),
        "{error}"
    );
}

#[test]
fn a_period_is_a_month() {
    assert_eq!(Period::of(NOW).to_string(), "2026-11");
    assert_eq!("2026-12".parse::<Period>().unwrap().next().to_string(), "2027-01");
    for text in ["", "2026", "2026-00", "2026-13", "26-11", "2026-1", "2026-11-01", "+026-11"] {
        assert_eq!(text.parse::<Period>(), Err(PeriodError), "{text}");
    }
}

fn seals(directory: &Path, now: Timestamp) -> Arc<Seals> {
    Arc::new(Seals::open(&settings(directory), now, Arc::new(SystemEntropy)).unwrap())
}

fn settings(directory: &Path) -> SealSettings {
    let fields = Fields {
        patient: KeepPatient::Sealed,
        query: KeepQuery::Sealed,
        justification: KeepJustification::Sealed,
    };
    SealSettings { directory: directory.to_owned(), fields, retain_years: 10, legal_hold: Vec::new() }
}

fn names(directory: &Path) -> Vec<String> {
    let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(directory).unwrap().map(name).collect();
    names.sort();
    names
}

fn event(number: u64) -> RequestId {
    RequestId::new(NOW, &SeededEntropy::new(number))
}

fn confidential() -> Confidential {
    let phi = |text: &str| Some(Phi::new(text.to_owned()));
    Confidential {
        patient: phi("00017"),
        query: phi("name=Smith&born=1970"),
        justification: phi("she asked me to"),
    }
}
