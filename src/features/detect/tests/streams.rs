//! Order, restarts and windows: what the same events give, however they come.

use proptest::prelude::*;

use super::super::seen::Work;
use super::super::settings::{DetectionSettings, When};
use super::super::watcher::Watcher;
use super::{DAY, MINUTE, found, person, rule, start, watcher, work};
use crate::domain::detection::{Detection, DetectionName};
use crate::foundation::clock::Timestamp;

fn rules() -> Vec<DetectionSettings> {
    let hour = MINUTE * 60;
    let mut sweep = rule("sweep", When::PanelSweep, 4, hour);
    sweep.usual_times = 3;
    vec![
        rule("records", When::RecordsTaken, 50, hour),
        rule("files", When::FilesTaken, 3, hour),
        sweep,
        rule("nights", When::OffHours("12:00-20:00".parse().unwrap()), 8, hour),
        rule("dormant", When::Dormant(7 * DAY), 5, hour),
        rule("denials", When::Denials, 3, MINUTE * 10),
        rule("after", When::AfterBreakGlass, 1, MINUTE * 30),
        rule("elsewhere", When::Elsewhere, 2, MINUTE * 15),
        rule("nothing", When::NothingToDo, 1, hour),
    ]
}

prop_compose! {
    /// Something done within `seconds` of the start.
    fn anything(seconds: u64)(
        who in 0..3_u8,
        at in 0..seconds,
        kind in 0..7_u8,
        patient in 0..12_u64,
        records in 1..30_u64,
        network in 0..3_u64,
    ) -> Work {
        let mut work = work(0, start().plus(std::time::Duration::from_secs(at)));
        work.person = person(["rosa", "nadia", "gus"][usize::from(who)]);
        work.network = Some(network);
        match kind {
            0 => (work.files, work.records) = (1, records),
            1 | 2 => work.opened = vec![patient],
            3 => work.is_denied = true,
            4 => (work.is_denied, work.is_out_of_role) = (true, true),
            5 => work.is_emergency = true,
            _ => work.by_person = records > 10,
        }
        work
    }
}

fn numbered(mut stream: Vec<Work>) -> Vec<Work> {
    for (number, work) in stream.iter_mut().enumerate() {
        work.request = super::work(number as u64, work.time).request;
    }
    stream
}

/// What does not say in which order it was found.
fn told(found: &[Detection]) -> Vec<(DetectionName, String, u64)> {
    let mut told: Vec<_> =
        found.iter().map(|one| (one.rule.clone(), one.person.sub.to_string(), one.count)).collect();
    told.sort();
    told
}

proptest! {
    #[test]
    fn in_whatever_order_events_of_one_window_end_the_same_is_found(
        stream in prop::collection::vec(anything(10 * 60 - 1), 1..60),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let rules: Vec<_> = rules().into_iter().filter(|rule| rule.within >= MINUTE * 10).collect();
        let stream = numbered(stream);
        let mut other = stream.clone();
        let middle = shuffled.index(other.len());
        other.rotate_left(middle);
        other.reverse();
        let mut one = watcher(&rules);
        prop_assert_eq!(told(&found(&mut one, &stream)), told(&found(&mut watcher(&rules), &other)));
    }

    #[test]
    fn a_restart_in_the_middle_changes_nothing(
        stream in prop::collection::vec(anything(20 * 24 * 3600), 1..120),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut stream = stream;
        stream.sort_by_key(|work| work.time);
        let stream = numbered(stream);
        let whole = found(&mut watcher(&rules()), &stream);

        let (before, after) = stream.split_at(cut.index(stream.len()));
        let mut first = watcher(&rules());
        let mut all = found(&mut first, before);
        let known = first.take_changes().into_iter().filter_map(|(id, baseline)| Some((id, baseline?)));
        let began = |one: &Detection| (began_of(one), one.clone());
        let zone = jiff::tz::TimeZone::UTC;
        let mut second = Watcher::new(rules().into(), zone, known, all.iter().map(began));
        for work in before {
            second.recall(work);
        }
        for work in after {
            for step in second.see(work, &|_, _, _| false) {
                match step {
                    super::super::Step::Found(one) => all.push(one),
                    super::super::Step::Grown(one) => {
                        let grown = all.iter_mut().find(|known| known.id == one.id);
                        *grown.expect("what grows was found") = one;
                    }
                    super::super::Step::Quiet(rule) => panic!("nobody has made `{rule}` quiet"),
                }
            }
        }
        all.sort_by_key(|one| one.id);
        prop_assert_eq!(all, whole);
    }
}

/// When something began, as its identifier tells: the time is its first part (RFC 9562).
fn began_of(one: &Detection) -> Timestamp {
    let millis = one.id.as_u128() >> 80;
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

#[test]
fn what_comes_within_the_window_makes_one_thing_larger_and_then_there_is_another() {
    let files = rule("files", When::FilesTaken, 1, MINUTE * 60);
    let mut stream: Vec<Work> = (0..6)
        .map(|number| {
            let mut work = work(number, start().plus(MINUTE * 20 * u32::try_from(number).unwrap()));
            work.files = 1;
            work
        })
        .collect();
    let mut steady = watcher(std::slice::from_ref(&files));
    let all = found(&mut steady, &stream);
    assert_eq!(all.len(), 2, "one for each hour, and not one for each file");
    stream.truncate(1);
    assert_eq!(found(&mut watcher(&[files]), &stream), []);
}

#[test]
fn a_reviewer_can_make_a_rule_quiet_about_one_person() {
    let files = rule("files", When::FilesTaken, 0, MINUTE);
    let mut watcher = watcher(&[files]);
    let mut export = work(1, start());
    export.files = 1;
    let is_rosa = |whom: &_, rule: &DetectionName, _| *whom == person("rosa") && rule.as_str() == "files";
    let steps = watcher.see(&export, &is_rosa);
    assert_eq!(steps, [super::super::Step::Quiet("files".parse().unwrap())]);
    assert_eq!(watcher.see(&export, &is_rosa), [], "and that is counted once in a window");
    export.person = person("nadia");
    assert!(matches!(watcher.see(&export, &is_rosa).as_slice(), [super::super::Step::Found(_)]));
}

#[test]
fn other_rules_leave_alone_what_has_not_changed() {
    let (files, denials) =
        (rule("files", When::FilesTaken, 1, MINUTE * 60), rule("denials", When::Denials, 0, MINUTE));
    let mut watcher = watcher(std::slice::from_ref(&files));
    let mut export = work(1, start());
    (export.files, export.is_denied) = (1, true);
    assert_eq!(found(&mut watcher, std::slice::from_ref(&export)), []);
    watcher.apply(vec![denials, files].into(), jiff::tz::TimeZone::UTC);
    export.time = start().plus(MINUTE);
    let rules: Vec<_> = found(&mut watcher, &[export]).into_iter().map(|one| one.rule.to_string()).collect();
    assert_eq!(rules.len(), 2, "the file before counts, and denials count from now on: {rules:?}");
}
