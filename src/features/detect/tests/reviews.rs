//! Items for review, and what survives a restart.

use std::collections::BTreeSet;

use super::super::review::Items;
use super::super::settings::When;
use super::super::{Asked, Detections, Item, MIGRATIONS, Position, Progress, ReviewError, Step};
use super::{DAY, MINUTE, found, person, rule, start, watcher, work};
use crate::domain::detection::{Detection, ReviewFinding, ReviewState};
use crate::domain::revocation::Why;
use crate::foundation::id::DetectionId;
use crate::platform::store::Store;

fn detection() -> Detection {
    let mut export = work(1, start());
    export.files = 1;
    found(&mut watcher(&[rule("files", When::FilesTaken, 0, MINUTE)]), &[export]).remove(0)
}

fn says(state: ReviewState, finding: Option<ReviewFinding>) -> Asked {
    Asked { state, finding, note: Some("the monthly list".parse().unwrap()) }
}

#[test]
fn a_review_goes_forward_and_ends_with_an_answer() {
    let rules = [rule("files", When::FilesTaken, 0, MINUTE)];
    let open = Item::open(detection(), start());
    let later = start().plus(MINUTE);
    let seen = open.reviewed(says(ReviewState::Seen, None), &rules, later).unwrap();
    assert_eq!((seen.state, seen.finding, seen.reviewed), (ReviewState::Seen, None, Some(later)));
    let no_answer = seen.reviewed(says(ReviewState::Closed, None), &rules, later);
    assert_eq!(no_answer, Err(ReviewError::NoFinding));
    assert_eq!(
        seen.reviewed(says(ReviewState::Open, None), &rules, later),
        Err(ReviewError::Backward(ReviewState::Seen))
    );
    for finding in ReviewFinding::ALL {
        let closed = seen.reviewed(says(ReviewState::Closed, Some(*finding)), &rules, later).unwrap();
        let is_fine = *finding == ReviewFinding::Fine;
        assert_eq!(closed.quiet_until, is_fine.then(|| later.plus(30 * DAY)), "{finding}");
        assert_eq!(closed.review().quiet_until, closed.quiet_until, "and the event says so");
        let again = closed.reviewed(says(ReviewState::Seen, None), &rules, later);
        assert_eq!(again, Err(ReviewError::Backward(ReviewState::Closed)));
    }
}

#[test]
fn fine_is_quiet_about_the_same_rule_and_person_for_its_time() {
    let rules = [rule("files", When::FilesTaken, 0, MINUTE)];
    let item = Item::open(detection(), start());
    let fine = item.reviewed(says(ReviewState::Closed, Some(ReviewFinding::Fine)), &rules, start()).unwrap();
    let items = Items::of([fine]);
    let (files, other) = ("files".parse().unwrap(), "other".parse().unwrap());
    let is_quiet = |sub: &str, rule, time| items.is_quiet(&person(sub), rule, time);
    assert!(
        is_quiet("rosa", &files, start()) && is_quiet("rosa", &files, start().plus(30 * DAY).minus(MINUTE))
    );
    assert!(!is_quiet("rosa", &files, start().plus(30 * DAY)), "its time is over");
    assert!(!is_quiet("rosa", &files, start().minus(MINUTE)), "what was before was before");
    assert!(!is_quiet("nadia", &files, start()) && !is_quiet("rosa", &other, start()));
}

#[test]
fn there_are_so_many_items_and_those_that_are_needed_go_last() {
    let (rules, mut items) = ([rule("files", When::FilesTaken, 0, MINUTE)], Items::default());
    let numbered = |number: u8| Detection { id: DetectionId::derived(start(), &[&[number]]), ..detection() };
    let closed = |number: u8, finding| {
        let item = Item::open(numbered(number), start());
        item.reviewed(says(ReviewState::Closed, Some(finding)), &rules, start()).unwrap()
    };
    items.put(closed(1, ReviewFinding::Fine));
    items.put(Item::open(numbered(2), start()));
    items.put(closed(3, ReviewFinding::Mistake));
    assert_eq!(items.make_room(3, start()), []);
    assert_eq!(items.make_room(2, start()), [numbered(3).id]);
    assert_eq!(items.make_room(1, start()), [numbered(2).id]);
    assert!(items.item(numbered(1).id).is_some());
}

#[tokio::test]
async fn items_people_and_the_position_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rules = [rule("files", When::FilesTaken, 0, MINUTE)];
    let one = Detection { raises: true, ..detection() };
    let position = Position { sequence: 42, time: start() };
    {
        let detections = Detections::load(Store::open(&path, &[MIGRATIONS]).unwrap()).unwrap();
        assert_eq!(detections.resume().unwrap().0, None);
        let mut watcher = watcher(&rules);
        found(&mut watcher, &[work(1, start())]);
        let items = detections.take(vec![Step::Found(one.clone())]);
        assert_eq!(items, BTreeSet::from([one.id]));
        let progress = Progress {
            items,
            people: watcher.take_changes().into_iter().collect(),
            position: Some(position),
        };
        detections.keep(&progress, start()).await.unwrap();
        let seen = detections.reviewed(one.id, says(ReviewState::Seen, None), &rules, start()).unwrap();
        detections.settle(seen).await.unwrap();
        let grown = Detection { count: 9, ..one.clone() };
        let items = detections.take(vec![Step::Grown(grown)]);
        detections.keep(&Progress { items, ..Progress::default() }, start()).await.unwrap();
        assert_eq!(detections.figures().found.values().sum::<u64>(), 1);
        assert_eq!(detections.raised(start()), [(person("rosa"), start())]);
    }
    let detections = Detections::load(Store::open(&path, &[MIGRATIONS]).unwrap()).unwrap();
    let (resumed, people) = detections.resume().unwrap();
    assert_eq!((resumed, people.len()), (Some(position), 1));
    let listed = detections.list(Some(ReviewState::Seen), 9);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].detection.count, listed[0].note.as_ref().map(Why::as_str)),
        (9, Some("the monthly list"))
    );
    assert_eq!(detections.list(Some(ReviewState::Open), 9), []);
    detections.take(vec![Step::Found(one.clone())]);
    assert_eq!(detections.list(None, 9).len(), 1, "found again after a crash, it is the same");
    assert_eq!(detections.list(None, 9)[0].state, ReviewState::Seen);

    assert!(
        detections.clear(&[(person("nadia"), start().plus(MINUTE)), (person("rosa"), start())]).is_empty()
    );
    assert_eq!(detections.clear(&[(person("rosa"), start().plus(MINUTE))]), BTreeSet::from([one.id]));
    assert_eq!(detections.raised(start()), [], "whoever has proven who they are is asked no more");
    detections.rest().await.unwrap();
    assert_eq!(detections.resume().unwrap().0, None);
}
