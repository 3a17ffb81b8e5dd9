//! The JSON of an entry: what it looks like, and that it is serde's.

use proptest::prelude::*;

use super::*;
use crate::domain::any_event::{any_closing, any_opening};
use crate::domain::revocation::{Cause, Revocation, Revoked, Target};
use crate::domain::subject::SubjectId;
use crate::features::audit::entry::{EntryRef, read};

proptest! {
    #[test]
    fn an_opening_entry_is_written_as_serde_writes_it(opening in any_opening()) {
        let written = written(&EntryRef::Opening(&opening));
        let entry = Entry::Opening(Box::new(opening));
        prop_assert_eq!(&written, &serde_json::to_string(&entry).unwrap());
        // A time beyond all years is written and not read.
        prop_assert_eq!(read(written.as_bytes()).ok(), serde_json::from_str(&written).ok());
    }

    #[test]
    fn a_closing_entry_is_written_as_serde_writes_it(closing in any_closing()) {
        let written = written(&EntryRef::Closing(&closing));
        let entry = Entry::Closing(closing);
        prop_assert_eq!(&written, &serde_json::to_string(&entry).unwrap());
        // A time beyond all years is written and not read.
        prop_assert_eq!(read(written.as_bytes()).ok(), serde_json::from_str(&written).ok());
    }
}

#[test]
fn whatever_has_to_be_escaped_is() {
    for byte in 0..=0x7f_u8 {
        let opening = Opening { note: Some(format!("a{}b", char::from(byte))), ..opening(1) };
        let written = written(&EntryRef::Opening(&opening));
        assert_eq!(written, serde_json::to_string(&Entry::Opening(Box::new(opening))).unwrap());
    }
}

#[test]
fn entries_look_as_auditors_know_them() {
    let entry = pretty(&EntryRef::Opening(&opening(1)));
    insta::assert_snapshot!(entry, @r#"
    {
      "entry": "opening",
      "event": "019ca869-53e8-71be-b871-71c3e08549cb",
      "kind": "request",
      "time": "2026-03-01T08:00:01.000Z",
      "client_ip": "192.0.2.7",
      "application": "ehr",
      "route": "patient.list.csv",
      "action": "export",
      "categories": [
        "demographics"
      ],
      "method": "POST",
      "host": "ehr.clinic.example",
      "path": "/reports/patients",
      "subject": {
        "issuer": "https://id.clinic.example",
        "sub": "sub-1",
        "name": "Noor Nasser",
        "roles": [
          "registrar"
        ],
        "purpose": "operations",
        "session": "019ca869-5000-779a-b487-6f2aa5d0aee2",
        "auth_time": "2026-03-01T08:00:00.000Z"
      },
      "verdict": "permit",
      "reasons": [
        "rule-matched"
      ],
      "rules": [
        "registrar/2"
      ],
      "rules_version": "0011223344556677"
    }
    "#);
    let entry = pretty(&EntryRef::Closing(&closing(1)));
    insta::assert_snapshot!(entry, @r#"
    {
      "entry": "closing",
      "event": "019ca869-53e8-71be-b871-71c3e08549cb",
      "time": "2026-03-01T08:00:01.020Z",
      "outcome": "withheld",
      "status": 403,
      "reason": "export-over-request-limit",
      "records": {
        "at_least": 501
      },
      "bytes_in": 0,
      "bytes_out": 5120,
      "duration_us": 20000,
      "upstream_us": 18000
    }
    "#);
}

#[test]
fn a_revocation_says_who_asked_when_and_what_came_of_it() {
    let session = SessionId::new(MORNING, &SeededEntropy::new(1));
    let person = SubjectId { issuer: "https://id.clinic.example".into(), sub: "sub-1".into() };
    let opening = Opening {
        verdict: Verdict::Permit,
        reasons: vec![Reason::SessionRevoked],
        revocation: Some(Box::new(Revocation {
            target: Target::Person(person.clone()),
            cause: Cause::Administrator,
            why: Some("has left the house".parse().unwrap()),
            request: None,
            asked: MORNING,
            received: MORNING,
            relayed: None,
        })),
        ..Opening::begin(opening(1).event, EventKind::Revocation, MORNING)
    };
    insta::assert_snapshot!(written(&EntryRef::Opening(&opening)), @r#"{"entry":"opening","event":"019ca869-53e8-71be-b871-71c3e08549cb","kind":"revocation","time":"2026-03-01T08:00:00.000Z","verdict":"permit","reasons":["session-revoked"],"revocation":{"target":{"person":{"issuer":"https://id.clinic.example","sub":"sub-1"}},"cause":"administrator","why":"has left the house","asked":"2026-03-01T08:00:00.000Z","received":"2026-03-01T08:00:00.000Z"}}"#);
    let revoked = Revoked {
        sessions: 1,
        listed: vec![session],
        person: Some(person),
        stored: Some(MORNING.plus(Duration::from_millis(4))),
        streams: 2,
        cut: Some(MORNING.plus(Duration::from_millis(3))),
        waiting: 0,
    };
    let closing = Closing {
        revoked: Some(Box::new(revoked)),
        ..Closing::of(opening.event, MORNING.plus(Duration::from_millis(5)), Outcome::Completed)
    };
    insta::assert_snapshot!(written(&EntryRef::Closing(&closing)), @r#"{"entry":"closing","event":"019ca869-53e8-71be-b871-71c3e08549cb","time":"2026-03-01T08:00:00.005Z","outcome":"completed","bytes_in":0,"bytes_out":0,"duration_us":0,"revoked":{"sessions":1,"listed":["019ca869-5000-71be-b871-71c3e08549cb"],"person":{"issuer":"https://id.clinic.example","sub":"sub-1"},"stored":"2026-03-01T08:00:00.004Z","streams":2,"cut":"2026-03-01T08:00:00.003Z"}}"#);
}

#[test]
fn entries_of_before_there_were_revocations_still_read() {
    let text = r#"{"entry":"opening","event":"019ca869-53e8-71be-b871-71c3e08549cb","kind":"request","time":"2026-03-01T08:00:01.000Z","verdict":"permit","reasons":["rule-matched"]}"#;
    let Entry::Opening(opening) = serde_json::from_str(text).unwrap() else { panic!("an opening entry") };
    assert_eq!(opening.revocation, None);
    let text = r#"{"entry":"closing","event":"019ca869-53e8-71be-b871-71c3e08549cb","time":"2026-03-01T08:00:01.020Z","outcome":"completed","bytes_in":0,"bytes_out":5120,"duration_us":20000}"#;
    let Entry::Closing(closing) = serde_json::from_str(text).unwrap() else { panic!("a closing entry") };
    assert_eq!(closing.revoked, None);
}

#[test]
fn an_entry_whose_members_stand_otherwise_is_read_too_and_half_a_one_is_not() {
    let written = written(&EntryRef::Closing(&closing(1)));
    let turned =
        written.replacen(r#"{"entry":"closing","#, "{ ", 1).replacen('}', r#"},"entry":"closing""#, 1);
    assert_eq!(read(turned.as_bytes()).unwrap(), read(written.as_bytes()).unwrap(), "{turned}");
    for torn in
        [written.strip_suffix('}').unwrap(), r#"{"entry":"closing","#, r#"{"entry":"other","event":1}"#, ""]
    {
        assert!(read(torn.as_bytes()).is_err(), "{torn}");
    }
}

fn written(entry: &EntryRef<'_>) -> String {
    let mut out = Vec::new();
    entry.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn pretty(entry: &EntryRef<'_>) -> String {
    let entry: serde_json::Value = serde_json::from_str(&written(entry)).unwrap();
    serde_json::to_string_pretty(&entry).unwrap()
}
