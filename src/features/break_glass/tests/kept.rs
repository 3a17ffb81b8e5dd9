//! What is kept: over a restart, within bounds, and told to whom it belongs.

use super::*;

fn load(folder: &std::path::Path) -> Breaks {
    Breaks::load(Store::open(&folder.join("store.db"), &[MIGRATIONS]).unwrap()).unwrap()
}

#[tokio::test]
async fn it_opens_one_patient_to_one_person_in_one_session_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let breaks = load(folder.path());
    assert!(breaks.is_quiet());
    let it = broken(now());
    breaks.begin(it.clone(), written()).await.unwrap();
    drop(breaks);
    let breaks = load(folder.path());
    let active =
        |person: &SubjectId, session, number, at| breaks.active(person, session, &patient(number).into(), at);
    assert_eq!(active(&nurse(), session(), "100021", now()), Some(it.clone()));
    assert_eq!(active(&nurse(), session(), "100022", now()), None, "another patient");
    let other = "01980000-0000-7000-8000-000000000008".parse().unwrap();
    assert_eq!(active(&nurse(), other, "100021", now()), None, "another session");
    let somebody = SubjectId { sub: "clerk".into(), ..nurse() };
    assert_eq!(active(&somebody, session(), "100021", now()), None, "another person");
    assert_eq!(active(&nurse(), session(), "100021", now().plus(4 * HOUR)), None, "too late");

    breaks.change(it.id, |it| it.ended(now().plus(HOUR), BreakEnd::Person)).await.unwrap();
    assert!(breaks.is_quiet() && breaks.running().is_empty());
    assert!(!breaks.ran_out(&nurse(), session(), &patient("100021").into()), "somebody has ended it");
    drop(breaks);
    let breaks = load(folder.path());
    assert_eq!(breaks.active(&nurse(), session(), &patient("100021").into(), now()), None);
    assert!(breaks.remembered(&nurse(), &patient("100021").into(), 7 * DAY, now().plus(DAY)).is_some());
    assert!(breaks.remembered(&nurse(), &patient("100021").into(), 7 * DAY, now().plus(7 * DAY)).is_none());
}

#[tokio::test]
async fn what_operators_measure_is_what_has_happened() {
    let folder = tempfile::tempdir().unwrap();
    let breaks = load(folder.path());
    let (first, second) = (broken(now()), Break { joins: Some(broken(now()).id), ..broken(now()) });
    breaks.count(BreakStep::Prompted);
    breaks.begin(first.clone(), written()).await.unwrap();
    breaks.change(first.id, |it| it.ended(now(), BreakEnd::Person)).await.unwrap();
    breaks.begin(Break { text_due: None, ..second.clone() }, written()).await.unwrap();
    breaks.change(second.id, |it| it.ended(now(), BreakEnd::Time)).await.unwrap();
    let later = now().plus(30 * DAY);
    let figures = breaks.figures(later);
    assert_eq!((figures.waiting, figures.overdue, figures.owed, figures.active), (1, 1, 1, 0));
    let steps = [BreakStep::Prompted, BreakStep::Started, BreakStep::Remembered, BreakStep::Ended];
    let times = steps.map(|step| figures.steps.get(&step).copied());
    assert_eq!(times, [Some(1), Some(1), Some(1), Some(2)]);
    assert_eq!(figures.ends.get(&BreakEnd::Person), Some(&1));

    let closes = Asked {
        state: BreakReview::Closed,
        finding: Some(BreakFinding::Justified),
        reviewer: "Petra".to_owned(),
        note: None,
    };
    breaks.change(first.id, |it| it.reviewed(closes.clone(), later)).await.unwrap();
    let figures = breaks.figures(later);
    assert_eq!((figures.waiting, figures.overdue, figures.closed_in_time, figures.closed_late), (0, 0, 0, 1));
    assert_eq!(figures.findings.get(&BreakFinding::Justified), Some(&1));
    assert_eq!(breaks.list(Some(BreakReview::Open), 10).len(), 0, "what joins a review has none of its own");
    assert_eq!(breaks.list(None, 10).len(), 2);
    assert_eq!(breaks.theirs(&nurse(), now()).len(), 1, "what is over and owes nothing is nobody's to mind");
}

#[tokio::test]
async fn a_page_that_asks_for_many_things_at_once_begins_one() {
    let folder = tempfile::tempdir().unwrap();
    let breaks = load(folder.path());
    let (first, second) = (broken(now()), broken(now()));
    let (one, two) = tokio::join!(
        breaks.begin(first.clone(), written()),
        breaks.begin(second, async { Err("it is not to be written down") })
    );
    assert_eq!((one.unwrap(), two.unwrap()), (first.clone(), first.clone()));
    assert_eq!(breaks.list(None, 10).len(), 1);
    // What another node has begun meanwhile is the same chart of the same person.
    let third = broken(now());
    breaks.take_over(third.id, Some(store::Kept { it: third.clone(), revision: 1 }));
    assert_eq!(breaks.beside(&first, now()), [third]);
    let other = "01980000-0000-7000-8000-000000000008".parse().unwrap();
    let unwritten = breaks.begin(Break { session: other, ..broken(now()) }, async { Err(()) }).await;
    assert!(matches!(unwritten, Err(BeginError::Unrecorded(()))));
    assert_eq!(breaks.list(None, 10).len(), 2, "nothing begins that is not written down");
}

#[tokio::test]
async fn what_is_found_not_justified_is_over_and_nothing_older_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let breaks = load(folder.path());
    let before = broken(now());
    breaks.begin(before.clone(), written()).await.unwrap();
    breaks.change(before.id, |it| it.ended(now(), BreakEnd::Person)).await.unwrap();
    let later = now().plus(HOUR);
    let it = broken(later);
    breaks.begin(it.clone(), written()).await.unwrap();
    let remembered =
        || breaks.remembered(&nurse(), &patient("100021").into(), 7 * DAY, later).map(|it| it.id);
    assert_eq!(remembered(), Some(it.id));
    let refuses = Asked {
        state: BreakReview::Closed,
        finding: Some(BreakFinding::NotJustified),
        reviewer: "Petra".to_owned(),
        note: Some("was at home that day".parse().unwrap()),
    };
    let reviewed = breaks.change(it.id, |it| it.reviewed(refuses.clone(), later)).await.unwrap();
    assert_eq!(reviewed.standing.end(), Some(BreakEnd::Review));
    assert_eq!(breaks.active(&nurse(), session(), &patient("100021").into(), later), None);
    assert!(!breaks.ran_out(&nurse(), session(), &patient("100021").into()), "what goes on by it ends");
    assert_eq!(remembered(), None);
}

#[tokio::test]
async fn what_could_not_be_told_is_told_by_whoever_looks_next_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let breaks = load(folder.path());
    let it = broken(now());
    breaks.begin(it.clone(), written()).await.unwrap();
    let ended = |it: Break| it.clone().ended(now(), BreakEnd::Session).map(|ended| ended.to_tell(&it, now()));
    breaks.change(it.id, ended).await.unwrap();
    let waits = |breaks: &Breaks, seconds| breaks.untold(now().plus(Duration::from_secs(seconds))).len();
    assert_eq!((waits(&breaks, 29), waits(&breaks, 30)), (0, 1), "whoever has ended it has its time");
    drop(breaks);
    let breaks = load(folder.path());
    assert_eq!(waits(&breaks, 30), 1);
    breaks.change(it.id, Break::was_told).await.unwrap();
    assert_eq!(waits(&breaks, 30), 0);
}
