//! Each rule with a stream that just does not, and one that just does.

use std::sync::Arc;

use super::super::seen::{Seen, Work};
use super::super::settings::{DetectionSettings, When};
use super::super::track::ENTRIES_MAX;
use super::super::usual::DAYS_MIN;
use super::{DAY, MINUTE, found, rule, start, watcher, work};
use crate::domain::count::Count;
use crate::domain::detection::{DetectionThen, REQUESTS_MAX};
use crate::domain::event::{Closing, EventKind, EventSubject, Opening, Outcome, Verdict};
use crate::domain::kept::Kept;
use crate::domain::listed::{Listed, Patients};
use crate::domain::patient::PatientRef;
use crate::domain::purpose::Purpose;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::SessionId;

/// One more of it trips the rule, and says so in these words.
fn trips(rule: &DetectionSettings, stream: &[Work], why: &str) {
    let (last, before) = stream.split_last().unwrap();
    let mut watcher = watcher(std::slice::from_ref(rule));
    assert_eq!(found(&mut watcher, before), [], "{why}");
    let all = found(&mut watcher, std::slice::from_ref(last));
    let [one] = all.as_slice() else { panic!("{why}: {all:?}") };
    assert_eq!(one.why, why);
    assert_eq!(one.requests.first(), Some(&last.request));
    assert!(one.count > rule.more_than && one.requests.len() <= REQUESTS_MAX);
}

fn many(count: u64, each: impl Fn(u64, &mut Work)) -> Vec<Work> {
    let one = |number: u64| {
        let mut work = work(number, start().plus(MINUTE * u32::try_from(number).unwrap()));
        each(number, &mut work);
        work
    };
    (0..count).map(one).collect()
}

#[test]
fn records_are_summed_over_the_window_and_files_are_counted() {
    let hour = MINUTE * 60;
    let exports = many(3, |number, work| {
        (work.files, work.records) = (1, [300, 200, 1][usize::try_from(number).unwrap()]);
    });
    let records = rule("mass", When::RecordsTaken, 500, hour);
    trips(&records, &exports, "501 records were taken away in 2 minutes; flagged above 500 in 60 minutes");
    let files = rule("files", When::FilesTaken, 2, hour);
    trips(&files, &exports, "3 files were taken away in 2 minutes; flagged above 2 in 60 minutes");
    // What lies further apart than the window is never together in it.
    let mut slow = exports;
    for (number, work) in slow.iter_mut().enumerate() {
        work.time = start().plus(hour * u32::try_from(number).unwrap());
    }
    assert_eq!(found(&mut watcher(&[records, files]), &slow), []);
}

#[test]
fn patients_are_counted_once_each() {
    let sweep = rule("sweep", When::PanelSweep, 3, MINUTE * 60);
    let again = many(20, |number, work| work.opened = vec![number % 3]);
    assert_eq!(found(&mut watcher(std::slice::from_ref(&sweep)), &again), []);
    let fourth = many(4, |number, work| work.opened = vec![number]);
    trips(&sweep, &fourth, "4 patients were opened in 3 minutes; flagged above 3 in 60 minutes");
}

#[test]
fn patients_of_lists_are_counted_once_each_and_those_of_a_list_too_long_to_tell_all_of_them() {
    let sweep = rule("lists", When::ListSweep, 30, MINUTE * 60);
    // The same page again and again, as one that is loaded anew.
    let again = many(20, |_, work| work.listed = (0..30).collect());
    assert_eq!(found(&mut watcher(std::slice::from_ref(&sweep)), &again), []);
    // A person who pages through a list of all.
    let pages = many(4, |number, work| work.listed = (number * 10..number * 10 + 10).collect());
    trips(&sweep, &pages, "40 patients were listed in 3 minutes; flagged above 30 in 60 minutes");
    let mut whole = many(2, |_, _| {});
    whole[1].listed_together = 900;
    trips(&sweep, &whole, "900 patients were listed in 1 second; flagged above 30 in 60 minutes");
}

#[test]
fn a_run_of_numbers_counts_by_its_length() {
    let steps = rule("steps", When::SequentialIds, 9, MINUTE * 10);
    let run = many(7, |number, work| work.in_steps = number + 4);
    trips(
        &steps,
        &run,
        "10 patients were asked for one after the other, by numbers at equal steps; flagged above 9 in 10 minutes",
    );
}

#[test]
fn work_outside_of_the_hours_counts_where_it_is_the_persons_own() {
    let nights = rule("nights", When::OffHours("12:00-20:00".parse().unwrap()), 2, MINUTE * 60);
    trips(
        &nights,
        &many(3, |_, _| {}),
        "3 requests in 2 minutes, outside of 12:00-20:00; flagged above 2 in 60 minutes",
    );
    assert_eq!(
        found(&mut watcher(std::slice::from_ref(&nights)), &many(9, |_, work| work.by_person = false)),
        []
    );
    let by_day = many(9, |_, work| work.time = work.time.plus(MINUTE * 120));
    assert_eq!(found(&mut watcher(&[nights]), &by_day), []);
}

#[test]
fn whoever_wakes_is_watched_for_a_while() {
    let dormant = rule("dormant", When::Dormant(45 * DAY), 2, MINUTE * 60);
    let after = |days: u32| {
        let mut stream = vec![work(90, start())];
        stream.extend(many(3, |_, work| work.time = work.time.plus(DAY * days)));
        stream
    };
    trips(
        &dormant,
        &after(46),
        "3 requests in 2 minutes, after 46 days without any; flagged above 2 in 60 minutes",
    );
    assert_eq!(found(&mut watcher(std::slice::from_ref(&dormant)), &after(44)), []);
    // Of whom nothing was ever seen, nobody knows how long they were away.
    assert_eq!(found(&mut watcher(&[dormant]), &many(9, |_, _| {})), []);
}

#[test]
fn denials_within_two_seconds_count_once() {
    let denials = rule("denials", When::Denials, 2, MINUTE * 10);
    let apart = many(3, |_, work| work.is_denied = true);
    trips(&denials, &apart, "3 denials in 2 minutes; flagged above 2 in 10 minutes");
    let together = many(9, |_, work| (work.is_denied, work.time) = (true, start()));
    assert_eq!(found(&mut watcher(&[denials]), &together), []);
}

#[test]
fn what_is_taken_away_after_an_emergency_is_told_also_if_the_emergency_ends_later() {
    let after = rule("after", When::AfterBreakGlass, 0, MINUTE * 30);
    let mut emergency = work(1, start());
    emergency.is_emergency = true;
    let export = |minutes: u32| {
        let mut export = work(2, start().plus(MINUTE * minutes));
        export.files = 1;
        export
    };
    let why = "1 files were taken away within 30 minutes of an emergency; flagged above 0 in 30 minutes";
    trips(&after, &[emergency.clone(), export(29)], why);
    let mut ends_later = watcher(std::slice::from_ref(&after));
    assert_eq!(found(&mut ends_later, &[export(29), emergency.clone()]).len(), 1);
    let mut too_late = watcher(std::slice::from_ref(&after));
    assert_eq!(found(&mut too_late, &[emergency, export(30)]), []);
    let mut before = export(0);
    before.time = start().minus(MINUTE);
    let mut emergency = work(1, start());
    emergency.is_emergency = true;
    assert_eq!(found(&mut watcher(&[after]), &[before, emergency]), []);
}

#[test]
fn several_networks_in_the_same_minutes_are_told_and_moving_is_not() {
    let elsewhere = rule("elsewhere", When::Elsewhere, 1, MINUTE * 15);
    let moving = many(12, |number, work| work.network = Some(u64::from(number > 5)));
    assert_eq!(found(&mut watcher(std::slice::from_ref(&elsewhere)), &moving), []);
    let mut both = many(4, |number, work| {
        work.network = Some(number % 2);
        work.time = start().plus(MINUTE * u32::try_from(number / 2).unwrap());
    });
    both.sort_by_key(|work| work.time);
    trips(
        &elsewhere,
        &both,
        "requests came from several networks in the same 2 minutes; flagged above 1 in 15 minutes",
    );
}

#[test]
fn a_chart_that_no_rule_opens_is_told_the_first_time_and_only_of_the_roles_that_are_meant() {
    let mut nothing = rule("guards", When::NothingToDo, 0, MINUTE * 60);
    nothing.roles = vec!["guard".parse().unwrap()];
    let ask = |role: &str| {
        let mut ask = work(1, start());
        (ask.is_denied, ask.is_out_of_role, ask.roles) = (true, true, vec![role.parse().unwrap()]);
        vec![ask]
    };
    let why = "1 charts were asked for that no rule of any of the person's roles opens; flagged above 0 in 60 minutes";
    trips(&nothing, &ask("guard"), why);
    assert_eq!(found(&mut watcher(&[nothing]), &ask("registrar")), []);
}

#[test]
fn what_is_usual_for_the_person_counts_from_the_fifth_day_on() {
    let mut sweep = rule("sweep", When::PanelSweep, 3, MINUTE * 60);
    sweep.usual_times = 2;
    let day = |day: u32, patients: u64| {
        let mut stream = many(patients, |number, work| work.opened = vec![number]);
        for work in &mut stream {
            work.time = work.time.plus(DAY * day);
        }
        stream
    };
    let mut known = watcher(std::slice::from_ref(&sweep));
    for number in 0..u32::try_from(DAYS_MIN).unwrap() {
        // Found while nothing is usual yet.
        assert_eq!(found(&mut known, &day(number, 4)).len(), 1);
    }
    assert_eq!(found(&mut known, &day(10, 8)), [], "twice as many as usual");
    let all = found(&mut known, &day(11, 9));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].why, "9 patients were opened in 8 minutes; usual 4; flagged above 3 in 60 minutes");
    assert_eq!((all[0].usual, all[0].count), (Some(4), 9));
}

#[test]
fn a_window_is_bounded_and_loses_no_amount() {
    let records = rule("mass", When::RecordsTaken, ENTRIES_MAX as u64 * 3 - 1, MINUTE * 60);
    let stream: Vec<Work> = (0..ENTRIES_MAX as u64 * 3)
        .map(|number| {
            let mut work = work(number, start().plus(std::time::Duration::from_millis(number)));
            (work.files, work.records) = (1, 1);
            work
        })
        .collect();
    let all = found(&mut watcher(&[records]), &stream);
    assert_eq!(all.iter().map(|one| one.count).collect::<Vec<_>>(), [ENTRIES_MAX as u64 * 3]);
    assert_eq!(all[0].requests.len(), REQUESTS_MAX);
}

#[test]
fn under_treatment_it_asks_nothing_unless_the_rule_says_so() {
    for (then, in_care, in_treatment, raises) in [
        (DetectionThen::Flag, false, false, false),
        (DetectionThen::StepUp, false, false, true),
        (DetectionThen::StepUp, true, false, false),
        (DetectionThen::StepUp, true, true, true),
    ] {
        let mut files = rule("files", When::FilesTaken, 0, MINUTE);
        (files.then, files.in_treatment) = (then, in_treatment);
        let mut export = work(1, start());
        (export.files, export.in_care) = (1, in_care);
        let all = found(&mut watcher(&[files]), &[export]);
        assert_eq!(all[0].raises, raises, "{then} {in_care} {in_treatment}");
    }
}

#[test]
fn whom_a_reply_listed_counts_unless_it_was_withheld() {
    let time = start();
    let id = work(1, time).request;
    let opening = Opening {
        verdict: Verdict::Permit,
        subject: Some(Arc::new(Kept::new(EventSubject {
            issuer: "https://id.clinic.example".into(),
            sub: "rosa".into(),
            name: "Rosa Registrar".into(),
            roles: Vec::new(),
            purpose: Purpose::Operations,
            session: SessionId::new(time, &SeededEntropy::new(1)),
            acr: None,
            amr: Vec::new(),
            auth_time: time,
            client: None,
            standing: None,
        }))),
        ..Opening::begin(id, EventKind::Request, time)
    };
    let patient = |id: u64| {
        PatientRef::new("ehr".parse().unwrap(), id.to_string()).digest(&DigestKey::from_bytes(&[7; 32]))
    };
    let counted = |number: u64, outcome: Outcome| {
        let mut patients = None;
        (0..number).for_each(|id| Patients::put(&mut patients, patient(id)));
        let closing = Closing {
            listed: patients.map(Listed::of),
            patients: Count::Exactly(number),
            ..Closing::of(id, time, outcome)
        };
        match Seen::of(&opening, Some(&closing)) {
            Some(Seen::Work(work)) => (work.listed.len(), work.listed_together),
            _ => panic!("it is work"),
        }
    };
    assert_eq!(counted(3, Outcome::Completed), (3, 0));
    assert_eq!(counted(501, Outcome::Completed), (0, 501));
    assert_eq!(counted(3, Outcome::Withheld), (0, 0));
    assert_eq!(counted(0, Outcome::Completed), (0, 0));
}
