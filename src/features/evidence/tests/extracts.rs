//! Extracts: what each shows, what it leaves out, and that nobody chooses a sample.

use std::sync::Arc;

use super::super::versions::Versions;
use super::*;
use crate::domain::action::Action;
use crate::domain::event::{
    Closing, Event, EventJustification, EventKind, EventSubject, Opening, Outcome, Taken, Verdict,
};
use crate::domain::kept::Kept;
use crate::domain::listed::{Listed, Patients};
use crate::domain::patient::PatientRef;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::digest::{Digest, DigestKey};
use crate::foundation::id::{RequestId, SessionId};

fn event(number: u64, say: impl FnOnce(&mut Opening)) -> Event {
    let time = Timestamp::from_seconds(1_767_225_600 + i64::try_from(number).unwrap());
    let id = RequestId::new(time, &SeededEntropy::new(number));
    let mut opening = Opening {
        verdict: Verdict::Permit,
        rules_version: Some("0011223344556677".into()),
        ..Opening::begin(id, EventKind::Request, time)
    };
    say(&mut opening);
    let closing = Some(Closing::of(id, time, Outcome::Completed));
    Event { sequence: 2 * number + 1, opening: Box::new(opening), closing }
}

fn by(purpose: Purpose) -> impl FnOnce(&mut Opening) {
    move |opening| {
        opening.subject = Some(Arc::new(Kept::new(EventSubject {
            issuer: "https://id.clinic.example".into(),
            sub: "=cmd".into(),
            name: "Nadia".into(),
            roles: vec!["nurse".parse().unwrap()],
            purpose,
            session: SessionId::new(Timestamp::from_seconds(0), &SeededEntropy::new(9)),
            acr: None,
            amr: Vec::new(),
            auth_time: Timestamp::from_seconds(0),
            client: None,
            standing: None,
        })));
    }
}

fn gathered(exhibit: Exhibit, events: &[Event]) -> extract::Extract {
    let mut extracts = Extracts::of(&[exhibit]).unwrap();
    for event in events {
        extracts.take(event).unwrap();
    }
    extracts.finish().unwrap().pop().unwrap()
}

#[test]
fn each_extract_shows_what_it_is_about_and_nothing_else() {
    let usual = event(0, by(Purpose::Treatment));
    let cases: Vec<(Exhibit, Event)> = vec![
        (Exhibit::Refusals, event(1, |opening| opening.verdict = Verdict::Deny)),
        (Exhibit::Exports, event(2, |opening| opening.action = Some(Action::Export))),
        (Exhibit::Emergencies, event(3, by(Purpose::BreakGlass))),
        (Exhibit::SignIns, event(4, |opening| opening.kind = EventKind::Authentication)),
        (Exhibit::SessionsEnded, event(5, |opening| opening.kind = EventKind::Revocation)),
        (Exhibit::SessionsEnded, event(6, |opening| opening.reasons = vec![Reason::SessionExpired])),
        (Exhibit::ProtectedCategories, event(7, |opening| opening.reasons = vec![Reason::SudRecords])),
        (Exhibit::PatientRequests, event(8, by(Purpose::PatientRequest))),
        (Exhibit::Withheld, {
            let mut event = event(9, |_| {});
            event.closing.as_mut().unwrap().outcome = Outcome::Withheld;
            event
        }),
    ];
    for (exhibit, shown) in cases {
        let extract = gathered(exhibit, &[usual.clone(), shown.clone()]);
        assert_eq!((extract.rows, extract.left_out), (1, 0), "{exhibit}");
        let table = String::from_utf8(extract.table).unwrap();
        assert!(table.contains(&shown.opening.event.to_string()), "{exhibit}: {table}");
    }
}

#[test]
fn nobody_chooses_a_sample_and_the_same_comes_again_in_any_order() {
    let verdicts = [Verdict::Permit, Verdict::Deny].into_iter().cycle();
    let of = |(number, verdict)| event(number, |opening| opening.verdict = verdict);
    let events: Vec<Event> = (0..100).zip(verdicts).map(of).collect();
    let sample = gathered(Exhibit::Decisions, &events);
    assert_eq!((sample.rows, sample.left_out), (50, 50));
    let reversed: Vec<Event> = events.into_iter().rev().collect();
    assert_eq!(gathered(Exhibit::Decisions, &reversed).table, sample.table);
}

#[test]
fn an_extract_has_neither_formulas_nor_what_people_said_in_their_own_words() {
    let said = event(1, |opening| {
        by(Purpose::BreakGlass)(opening);
        opening.justification = Some(EventJustification {
            code: "emergency".to_owned(),
            text: "Mrs Smith of ward 7".to_owned(),
            number: Some("R-17".to_owned()),
            recipient: None,
        });
    });
    let table = String::from_utf8(gathered(Exhibit::Emergencies, &[said]).table).unwrap();
    assert!(table.contains("emergency") && table.contains("R-17") && table.contains("'=cmd"), "{table}");
    assert!(!table.contains("Smith"), "{table}");
}

#[test]
fn an_extract_tells_whose_record_was_asked_for_apart_from_whom_a_reply_listed() {
    let patient = |id: &str| {
        PatientRef::new("ehr".parse().unwrap(), id.to_owned()).digest(&DigestKey::from_bytes(&[7; 32]))
    };
    let mut several = None;
    for listed in ["2", "3"].map(patient) {
        Patients::put(&mut several, listed);
    }
    let of = |listed: Listed| {
        let mut event = event(1, |opening| {
            opening.action = Some(Action::Export);
            opening.taken = Some(Box::new(Taken { exports: 1, opened: vec![patient("1"), patient("4")] }));
        });
        event.closing.as_mut().unwrap().listed = Some(listed);
        let table = String::from_utf8(gathered(Exhibit::Exports, &[event]).table).unwrap();
        let cells = |line: usize| -> Vec<String> {
            table
                .lines()
                .nth(line)
                .unwrap()
                .split(',')
                .map(|cell| cell.trim_matches('"').to_owned())
                .collect()
        };
        let at = cells(0).iter().position(|column| column == "listed_digests").unwrap();
        (cells(1)[at - 1].clone(), cells(1)[at].clone())
    };
    let digests = |ids: [&str; 2]| {
        let mut digests = ids.map(|id| patient(id).digest().to_string());
        digests.sort();
        digests.join(" ")
    };
    let each = Listed::of(several.unwrap());
    assert_eq!(of(each), (digests(["1", "4"]), digests(["2", "3"])));
    let all = Digest::of(b"all of them");
    assert_eq!(of(Listed::Together(all)).1, format!("all:{all}"));
}

#[test]
fn versions_come_in_the_order_in_which_they_came_to_be() {
    let mut versions = Versions::default();
    for (number, name) in [(3, "bb"), (1, "aa"), (2, "aa"), (4, "bb")] {
        versions.take(&event(number, |opening| opening.rules_version = Some(name.into())));
    }
    let (versions, left_out) = versions.finish();
    let told: Vec<_> = versions.iter().map(|version| (&*version.name, version.events)).collect();
    assert_eq!((told.as_slice(), left_out), ([("aa", 2), ("bb", 2)].as_slice(), 0));
    assert!(versions[0].first < versions[0].last);
}
