//! The JSON of an entry: what it looks like, and that it is serde's.

use std::net::IpAddr;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::action::Action;
use crate::domain::asked::{Allowed, EventAsked, Lowered, Overreach};
use crate::domain::category::Sensitivity;
use crate::domain::confidential::SealedText;
use crate::domain::count::WhyUnknown;
use crate::domain::detection::{Detection, DetectionKind, Review, ReviewFinding, ReviewState, Severity};
use crate::domain::event::{
    EventHold, EventJustification, EventLock, EventObserved, EventPurpose, EventReading, EventShadow,
    EventStanding, HoldStep, LockStep, Taken,
};
use crate::domain::field::EventRedacted;
use crate::domain::given::{Brought, EventGiven, EventNeeded, PatientContext};
use crate::domain::law::Law;
use crate::domain::limit::{Exceeded, LimitName, OnExceed};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::provisioning::{ProvisionedResource, Provisioning, ProvisioningStep, ResourceKind};
use crate::domain::revocation::{Cause, Others, ProviderSession, Revocation, Revoked, Target, Why};
use crate::domain::risk::{EventRisk, RiskStep, Sign};
use crate::domain::signal::{EventSignal, SignalKind, SignalStep};
use crate::domain::subject::SubjectId;
use crate::domain::told::EventRelationship;
use crate::features::audit::entry::EntryRef;
use crate::foundation::digest::DigestKey;
use crate::foundation::id::{DetectionId, HoldId, ResourceId};

proptest! {
    #[test]
    fn an_opening_entry_is_written_as_serde_writes_it(opening in any_opening()) {
        let written = written(&EntryRef::Opening(&opening));
        prop_assert_eq!(written, serde_json::to_string(&Entry::Opening(Box::new(opening))).unwrap());
    }

    #[test]
    fn a_closing_entry_is_written_as_serde_writes_it(closing in any_closing()) {
        let written = written(&EntryRef::Closing(&closing));
        prop_assert_eq!(written, serde_json::to_string(&Entry::Closing(closing)).unwrap());
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

fn written(entry: &EntryRef<'_>) -> String {
    let mut out = Vec::new();
    entry.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn pretty(entry: &EntryRef<'_>) -> String {
    let entry: serde_json::Value = serde_json::from_str(&written(entry)).unwrap();
    serde_json::to_string_pretty(&entry).unwrap()
}

/// A text with much in it that has to be escaped, or has not.
fn text() -> impl Strategy<Value = String> {
    let ascii = vec((0..0x80_u8).prop_map(char::from), 0..24);
    let plain = vec(select(vec!['a', '/', '{', '}', '~']), 0..48);
    prop_oneof![ascii, plain, vec(any::<char>(), 0..12)].prop_map(|chars| chars.into_iter().collect())
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    vec(select(vec!['a', 'Z', '0', '-', '_', '.']), 1..64)
        .prop_map(|chars| chars.into_iter().collect::<String>().parse().unwrap())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0..4_102_444_800_000_i64].prop_map(Timestamp::from_millis)
}

fn event() -> impl Strategy<Value = RequestId> {
    any::<u64>().prop_map(|seed| RequestId::new(MORNING, &SeededEntropy::new(seed)))
}

fn subject() -> impl Strategy<Value = Arc<Kept<EventSubject>>> {
    let who = (text(), text(), text(), vec(name(), 0..3), select(Purpose::ALL), any::<u64>());
    (who, option::of(text()), vec(text(), 0..3), moment(), standing()).prop_map(
        |((issuer, sub, name, roles, purpose, seed), acr, amr, auth_time, standing)| {
            Arc::new(Kept::new(EventSubject {
                issuer: issuer.into(),
                sub: sub.into(),
                name: name.into(),
                roles,
                purpose,
                session: SessionId::new(MORNING, &SeededEntropy::new(seed)),
                acr,
                amr,
                auth_time,
                client: None,
                standing: Some(standing),
            }))
        },
    )
}

fn standing() -> impl Strategy<Value = EventStanding> {
    let told = (option::of(vec(text(), 0..3)), option::of(btree_map(text(), vec(text(), 0..3), 0..3)));
    (name(), told, btree_map(name(), moment(), 0..3)).prop_map(|(provider, (groups, attributes), proven)| {
        EventStanding { provider, groups, attributes, proven }
    })
}

fn patient() -> impl Strategy<Value = PatientDigest> {
    text().prop_map(|patient| {
        PatientRef::new("ehr".parse().unwrap(), patient).digest(&DigestKey::from_bytes(&[7; 32]))
    })
}

fn reading() -> impl Strategy<Value = EventReading> {
    (vec(event(), 0..3), select(Purpose::ALL)).prop_map(|(events, purpose)| EventReading {
        events,
        purpose,
        why: "a complaint".parse().unwrap(),
    })
}

fn hold() -> impl Strategy<Value = EventHold> {
    (any::<u64>(), select(HoldStep::ALL), option::of((text(), text()))).prop_map(|(seed, step, person)| {
        EventHold {
            id: HoldId::new(MORNING, &SeededEntropy::new(seed)),
            step,
            person: person.map(|(issuer, sub)| SubjectId { issuer: issuer.into(), sub: sub.into() }),
        }
    })
}

fn purpose() -> impl Strategy<Value = EventPurpose> {
    (option::of(select(Purpose::ALL)), select(Purpose::ALL))
        .prop_map(|(before, now)| EventPurpose { before, now })
}

fn lock() -> impl Strategy<Value = EventLock> {
    (session(), select(LockStep::ALL), moment()).prop_map(|(session, step, since)| EventLock {
        session,
        step,
        since,
    })
}

fn taken() -> impl Strategy<Value = Taken> {
    (0..3_u32, vec(patient(), 0..3)).prop_map(|(exports, opened)| Taken { exports, opened })
}

fn protection() -> impl Strategy<Value = (Vec<Sensitivity>, Vec<Law>)> {
    (vec(select(Sensitivity::ALL), 0..3), vec(select(Law::ALL), 0..3))
}

fn any_opening() -> impl Strategy<Value = Opening> {
    // What is drawn from is kept apart in memory: all of it together is more than a test's stack holds.
    let came = (event(), select(EventKind::ALL), moment(), option::of(any::<IpAddr>())).boxed();
    let route = (
        option::of(name()),
        option::of(name()),
        option::of(select(Action::ALL)),
        vec(name(), 0..3),
        protection(),
    )
        .boxed();
    let asked =
        (option::of(text()), option::of(text()), option::of(text()), option::of(any::<u32>())).boxed();
    let who = (vec(text(), 0..3), option::of(patient()), option::of(taken()), option::of(subject())).boxed();
    let why =
        (select(Verdict::ALL), vec(select(Reason::ALL), 0..3), vec(text(), 0..3), option::of(text())).boxed();
    let more = (
        option::of(name()),
        option::of(((text(), text()), (option::of(text()), option::of(text())))),
        (option::of(hold()), any::<bool>(), option::of(purpose())).boxed(),
        (
            option::of(name()),
            option::of(lock()),
            option::of(text()),
            vec(risk(), 0..3),
            any::<bool>(),
            option::of(shadow()),
            option::of(event_asked()),
        )
            .boxed(),
        option::of(text()),
        option::of(revocation()).boxed(),
        (
            option::of(provisioning()),
            option::of(signal()),
            option::of(any::<u32>()),
            option::of(detection().boxed()),
            option::of(review().boxed()),
            option::of(text()),
            option::of(reading().boxed()),
        )
            .boxed(),
        (vec(relationship(), 0..3), option::of(select(PatientContext::ALL)), vec(needed(), 0..3)).boxed(),
    );
    (came, route, asked, who, why, more).prop_map(|(came, route, asked, who, why, more)| Opening {
        event: came.0,
        kind: came.1,
        time: came.2,
        client_ip: came.3,
        device: more.3.0,
        certificate: more.3.2.map(Into::into),
        application: route.0,
        route: route.1,
        action: route.2,
        categories: route.3.into(),
        sensitivity: route.4.0.into(),
        laws: route.4.1.into(),
        method: asked.0.map(Into::into),
        host: asked.1.map(Into::into),
        path: asked.2.map(Into::into),
        batch_entry: asked.3,
        query_keys: who.0,
        patient: who.1,
        patient_context: more.7.1,
        needed: more.7.2,
        taken: who.2.map(Box::new),
        subject: who.3,
        verdict: why.0,
        reasons: why.1,
        rules: why.2.into_iter().map(Into::into).collect(),
        rules_version: why.3.map(Into::into),
        credential: more.0,
        relationships: more.7.0,
        justification: more.1.map(|((code, text), (number, recipient))| EventJustification {
            code,
            text,
            number,
            recipient,
        }),
        accounted: more.2.1,
        purpose: more.2.2.map(Box::new),
        hold: more.2.0.map(Box::new),
        lock: more.3.1.map(Box::new),
        risks: more.3.3,
        keep_alive_ignored: more.3.4,
        shadow: more.3.5.map(Box::new),
        asked: more.3.6.map(Box::new),
        note: more.4,
        revocation: more.5.map(Box::new),
        provisioning: more.6.0.map(Box::new),
        signal: more.6.1.map(Box::new),
        patients_in_steps: more.6.2,
        sealed: more.6.5.map(SealedText::new),
        reading: more.6.6.map(Box::new),
        detection: more.6.3.map(Box::new),
        review: more.6.4.map(Box::new),
    })
}

fn shadow() -> impl Strategy<Value = EventShadow> {
    let answer = (select(Verdict::ALL), select(Reason::ALL), vec(text(), 0..3), any::<bool>());
    answer.prop_map(|(decision, reason, rules, differs)| EventShadow {
        decision,
        reason,
        rules: rules.into_iter().map(Into::into).collect(),
        differs,
    })
}

fn needed() -> impl Strategy<Value = EventNeeded> {
    (name(), select(Brought::ALL)).prop_map(|(name, brought)| EventNeeded { name, brought })
}

fn given() -> impl Strategy<Value = EventGiven> {
    (name(), any::<u32>()).prop_map(|(name, number)| EventGiven { name, number })
}

fn observed() -> impl Strategy<Value = EventObserved> {
    (option::of(text()), any::<bool>())
        .prop_map(|(media_type, attachment)| EventObserved { media_type, attachment })
}

fn redacted() -> impl Strategy<Value = EventRedacted> {
    let name = "[a-z_]{1,12}".prop_map(|name| name.parse().unwrap());
    (vec(name, 0..3), any::<u64>(), any::<bool>()).prop_map(|(fields, values, body_left_out)| EventRedacted {
        fields,
        values,
        body_left_out,
    })
}

fn event_asked() -> impl Strategy<Value = EventAsked> {
    let lowered = (text(), option::of(any::<i64>()), any::<u64>());
    let lowered = lowered.prop_map(|(parameter, from, to)| Lowered { parameter, from, to });
    let allowed = prop_oneof![
        any::<u64>().prop_map(Allowed::AtMost),
        any::<u64>().prop_map(Allowed::Days),
        vec(text(), 0..3).prop_map(Allowed::OneOf),
        Just(Allowed::Once),
    ];
    let beyond = (select(Reason::ALL), text(), allowed);
    let beyond = beyond.prop_map(|(reason, parameter, allowed)| Overreach { reason, parameter, allowed });
    (vec(lowered, 0..3), vec(text(), 0..3), vec(beyond, 0..3))
        .prop_map(|(lowered, added, beyond)| EventAsked { lowered, added, beyond })
}

fn relationship() -> impl Strategy<Value = EventRelationship> {
    let told = (text(), option::of(name()), option::of(any::<u64>()), any::<bool>());
    told.prop_map(|(relationship, feed, age_seconds, stale)| EventRelationship {
        relationship,
        feed,
        age_seconds,
        stale,
    })
}

fn risk() -> impl Strategy<Value = EventRisk> {
    let risk = (name(), select(Sign::ALL), select(RiskStep::ALL));
    risk.prop_map(|(rule, sign, step)| EventRisk { rule, sign, step })
}

fn resource() -> impl Strategy<Value = ResourceId> {
    any::<u64>().prop_map(|seed| ResourceId::new(MORNING, &SeededEntropy::new(seed)))
}

fn provisioning() -> impl Strategy<Value = Provisioning> {
    let about = (select(ResourceKind::ALL), resource(), option::of(text()), text());
    let about =
        about.prop_map(|(kind, id, external_id, name)| ProvisionedResource { kind, id, external_id, name });
    let members = (vec(resource(), 0..3), vec(resource(), 0..3), 0..3_usize);
    (name(), select(ProvisioningStep::ALL), option::of(about), members).prop_map(
        |(provider, step, resource, (joined, left, more))| Provisioning {
            provider,
            step,
            resource,
            joined,
            left,
            more,
        },
    )
}

fn found() -> impl Strategy<Value = DetectionId> {
    (moment(), any::<[u8; 4]>()).prop_map(|(time, about)| DetectionId::derived(time, &[&about]))
}

fn detection() -> impl Strategy<Value = Detection> {
    let what = (found(), name(), select(DetectionKind::ALL), select(Severity::ALL));
    let who = (text(), text(), text());
    let figures = (moment(), moment(), any::<u64>(), option::of(any::<u64>()), any::<bool>());
    (what, who, figures, text(), vec(event(), 0..3)).prop_map(|(what, who, figures, why, requests)| {
        Detection {
            id: what.0,
            rule: what.1,
            kind: what.2,
            severity: what.3,
            person: SubjectId { issuer: who.0.into(), sub: who.1.into() },
            name: who.2,
            since: figures.0,
            until: figures.1,
            count: figures.2,
            usual: figures.3,
            why,
            requests,
            raises: figures.4,
        }
    })
}

fn review() -> impl Strategy<Value = Review> {
    let said = (select(ReviewState::ALL), option::of(select(ReviewFinding::ALL)), any::<bool>());
    (found(), said, option::of(moment())).prop_map(|(detection, (state, finding, has_note), quiet_until)| {
        Review {
            detection,
            state,
            finding,
            note: has_note.then(|| "asked the desk".parse().unwrap()),
            quiet_until,
        }
    })
}

fn signal() -> impl Strategy<Value = EventSignal> {
    let what = (option::of(select(SignalKind::ALL)), select(SignalStep::ALL), option::of(text()));
    let times = (option::of(moment()), option::of(moment()));
    (name(), what, times, vec(person(), 0..3), 0..3_usize).prop_map(
        |(provider, (kind, step, id), (happened, issued), people, more)| EventSignal {
            provider,
            kind,
            step,
            id,
            happened,
            issued,
            people,
            more,
        },
    )
}

fn session() -> impl Strategy<Value = SessionId> {
    any::<u64>().prop_map(|seed| SessionId::new(MORNING, &SeededEntropy::new(seed)))
}

fn person() -> impl Strategy<Value = SubjectId> {
    (text(), text()).prop_map(|(issuer, sub)| SubjectId { issuer: issuer.into(), sub: sub.into() })
}

fn target() -> impl Strategy<Value = Target> {
    let provider_session = (text(), text(), option::of(text())).prop_map(|(issuer, sid, sub)| {
        ProviderSession { issuer: issuer.into(), sid: sid.into(), sub: sub.map(Into::into) }
    });
    prop_oneof![
        session().prop_map(Target::Session),
        session().prop_map(Target::SignIn),
        person().prop_map(Target::Person),
        (person(), session()).prop_map(|(person, but)| Target::Others(Others { person, but })),
        provider_session.prop_map(Target::ProviderSession),
    ]
}

fn revocation() -> impl Strategy<Value = Revocation> {
    let why = text().prop_map(|text| text.parse::<Why>().ok());
    let events = (option::of(event()), option::of(event()));
    (target(), select(Cause::ALL), why, events, moment(), moment()).prop_map(
        |(target, cause, why, (request, relayed), asked, received)| Revocation {
            target,
            cause,
            why,
            request,
            asked,
            received,
            relayed,
        },
    )
}

fn revoked() -> impl Strategy<Value = Revoked> {
    let whose = (any::<u64>(), vec(session(), 0..3), option::of(person()));
    (whose, option::of(moment()), any::<u64>(), option::of(moment()), 0..3_u64).prop_map(
        |((sessions, listed, person), stored, streams, cut, waiting)| Revoked {
            sessions,
            listed,
            person,
            stored,
            streams,
            cut,
            waiting,
        },
    )
}

fn count() -> impl Strategy<Value = Count> {
    prop_oneof![
        any::<u64>().prop_map(Count::Exactly),
        any::<u64>().prop_map(Count::AtLeast),
        select(vec![WhyUnknown::Opaque, WhyUnknown::Undecodable]).prop_map(Count::Unknown),
        Just(Count::NotCounted),
    ]
}

fn exceeded() -> impl Strategy<Value = Exceeded> {
    (select(LimitName::ALL), any::<u64>(), any::<u64>()).prop_map(|(limit, allowed, actual)| Exceeded {
        limit,
        allowed,
        actual,
    })
}

fn any_closing() -> impl Strategy<Value = Closing> {
    let how = (event(), moment(), select(Outcome::ALL), option::of(any::<u16>()));
    let why = (option::of(select(Reason::ALL)), option::of(exceeded()), option::of(select(OnExceed::ALL)));
    let number = || prop_oneof![any::<u64>(), 0..2000_u64];
    let what = (count(), count(), any::<bool>(), number(), number(), number(), option::of(number()));
    let more = (option::of(revoked()), option::of(observed()), vec(given(), 0..3), option::of(redacted()));
    (how, why, what, more).prop_map(|(how, why, what, (revoked, observed, given, redacted))| Closing {
        event: how.0,
        time: how.1,
        outcome: how.2,
        status: how.3,
        reason: why.0,
        records: what.0,
        patients: what.1,
        exceeded: why.1,
        on_exceed: why.2,
        found_file: what.2,
        redacted: redacted.map(Box::new),
        observed: observed.map(Box::new),
        given,
        bytes_in: what.3,
        bytes_out: what.4,
        duration_us: what.5,
        upstream_us: what.6,
        revoked: revoked.map(Box::new),
    })
}
