//! Any event that may be: for tests of whoever writes, reads or tells events.

mod told;

use std::net::IpAddr;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use self::told::{
    break_glass, detection, device_feed, event_asked, hold, lock, provisioning, reading, relationship,
    review, revocation, revoked, risk, shadow, signal,
};
use crate::domain::action::Action;
use crate::domain::application::ClientName;
use crate::domain::category::Sensitivity;
use crate::domain::confidential::SealedText;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::event::{
    Closing, Event, EventClient, EventJustification, EventKind, EventObserved, EventPurpose, EventStanding,
    EventSubject, Opening, Outcome, Taken, Verdict,
};
use crate::domain::field::EventRedacted;
use crate::domain::gap::{Gap, GapShare};
use crate::domain::given::{Brought, EventGiven, EventNeeded, PatientContext};
use crate::domain::kept::Kept;
use crate::domain::law::Law;
use crate::domain::limit::{Exceeded, LimitName, OnExceed};
use crate::domain::listed::{Listed, Patients};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::{Digest, DigestKey};
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{RequestId, SessionId};

/// 2026-03-01T08:00:00Z.
const MORNING: Timestamp = Timestamp::from_seconds(1_772_352_000);

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
    let proven = (option::of(text()), vec(text(), 0..3), moment());
    (who, proven, option::weighted(0.2, client()), standing()).prop_map(
        |((issuer, sub, name, roles, purpose, seed), (acr, amr, auth_time), client, standing)| {
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
                client,
                standing: Some(standing),
            }))
        },
    )
}

fn client() -> impl Strategy<Value = EventClient> {
    (name::<ClientName>(), text(), text()).prop_map(|(name, client_id, owner)| EventClient {
        name,
        token: Digest::of(client_id.as_bytes()),
        client_id: client_id.into(),
        owner: owner.into(),
    })
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

fn purpose() -> impl Strategy<Value = EventPurpose> {
    (option::of(select(Purpose::ALL)), select(Purpose::ALL))
        .prop_map(|(before, now)| EventPurpose { before, now })
}

fn taken() -> impl Strategy<Value = Taken> {
    (0..3_u32, vec(patient(), 0..3)).prop_map(|(exports, opened)| Taken { exports, opened })
}

fn protection() -> impl Strategy<Value = (Vec<Sensitivity>, Vec<Law>)> {
    (vec(select(Sensitivity::ALL), 0..3), vec(select(Law::ALL), 0..3))
}

/// Any opening entry.
pub fn any_opening() -> impl Strategy<Value = Opening> {
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
    let degraded = (option::of(gap().boxed()), any::<bool>()).boxed();
    let more = (
        option::of(name()),
        option::of(((text(), text()), (option::of(text()), option::of(text())))),
        (option::of(hold()), any::<bool>(), option::of(purpose()), option::of(break_glass().boxed())).boxed(),
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
        (
            vec(relationship(), 0..3),
            option::of(select(PatientContext::ALL)),
            vec(needed(), 0..3),
            any::<bool>(),
            option::of(device_feed()),
        )
            .boxed(),
    );
    (came, route, asked, who, why, more, degraded).prop_map(
        |(came, route, asked, who, why, more, degraded)| Opening {
            event: came.0,
            kind: came.1,
            time: came.2,
            client_ip: came.3,
            device: more.3.0,
            device_feed: more.7.4.map(Box::new),
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
            may_list: more.7.3,
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
            break_glass: more.2.3.map(Box::new),
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
            gap: degraded.0.map(Box::new),
            outage_extension: degraded.1,
        },
    )
}

fn gap() -> impl Strategy<Value = Gap> {
    let person =
        (text(), text()).prop_map(|(issuer, sub)| SubjectId { issuer: issuer.into(), sub: sub.into() });
    let share = (person, option::of(name()), option::of(name()), any::<u64>());
    let share = share.prop_map(|(person, application, route, requests)| GapShare {
        person,
        application,
        route,
        requests,
    });
    let times = (moment(), moment(), moment());
    (text(), times, any::<u64>(), vec(share, 0..3), any::<u64>()).prop_map(
        |(why, (since, from, to), requests, shares, others)| Gap {
            why,
            since,
            requests,
            from,
            to,
            shares,
            others,
        },
    )
}

fn needed() -> impl Strategy<Value = EventNeeded> {
    (name(), select(Brought::ALL)).prop_map(|(name, brought)| EventNeeded { name, brought })
}

fn given() -> impl Strategy<Value = EventGiven> {
    (name(), any::<u32>()).prop_map(|(name, number)| EventGiven { name, number })
}

fn observed() -> impl Strategy<Value = EventObserved> {
    (option::of(text()), any::<bool>(), option::of(text()), any::<bool>()).prop_map(
        |(media_type, attachment, records_at, bundle)| EventObserved {
            media_type,
            attachment,
            records_at,
            bundle,
        },
    )
}

fn redacted() -> impl Strategy<Value = EventRedacted> {
    let name = "[a-z_]{1,12}".prop_map(|name| name.parse().unwrap());
    (vec(name, 0..3), any::<u64>(), any::<bool>()).prop_map(|(fields, values, body_left_out)| EventRedacted {
        fields,
        values,
        body_left_out,
    })
}

fn session() -> impl Strategy<Value = SessionId> {
    any::<u64>().prop_map(|seed| SessionId::new(MORNING, &SeededEntropy::new(seed)))
}

fn count() -> impl Strategy<Value = Count> {
    prop_oneof![
        any::<u64>().prop_map(Count::Exactly),
        any::<u64>().prop_map(Count::AtLeast),
        select(vec![WhyUnknown::Opaque, WhyUnknown::Undecodable]).prop_map(Count::Unknown),
        Just(Count::NotCounted),
    ]
}

fn listed() -> impl Strategy<Value = Option<Listed>> {
    let each = vec(patient(), 0..4).prop_map(|mut patients| {
        patients.sort_unstable();
        patients.dedup();
        let mut listed = None;
        for patient in patients {
            Patients::put(&mut listed, patient);
        }
        listed.map(Listed::of)
    });
    prop_oneof![each, patient().prop_map(|any| Some(Listed::Together(*any.digest())))]
}

fn exceeded() -> impl Strategy<Value = Exceeded> {
    (select(LimitName::ALL), any::<u64>(), any::<u64>()).prop_map(|(limit, allowed, actual)| Exceeded {
        limit,
        allowed,
        actual,
    })
}

/// Any closing entry.
pub fn any_closing() -> impl Strategy<Value = Closing> {
    let how = (event(), moment(), select(Outcome::ALL), option::of(any::<u16>()));
    let why = (option::of(select(Reason::ALL)), option::of(exceeded()), option::of(select(OnExceed::ALL)));
    let number = || prop_oneof![any::<u64>(), 0..2000_u64];
    let what =
        (count(), (count(), listed()), any::<bool>(), number(), number(), number(), option::of(number()));
    let more = (
        option::of(revoked()),
        option::of(observed()),
        vec(given(), 0..3),
        (option::of(redacted()), option::of(hold())),
    );
    (how, why, what, more).prop_map(|(how, why, what, (revoked, observed, given, (redacted, hold)))| {
        Closing {
            event: how.0,
            time: how.1,
            outcome: how.2,
            status: how.3,
            reason: why.0,
            records: what.0,
            patients: what.1.0,
            listed: what.1.1,
            exceeded: why.1,
            on_exceed: why.2,
            found_file: what.2,
            redacted: redacted.map(Box::new),
            observed: observed.map(Box::new),
            given,
            hold: hold.map(Box::new),
            bytes_in: what.3,
            bytes_out: what.4,
            duration_us: what.5,
            upstream_us: what.6,
            revoked: revoked.map(Box::new),
        }
    })
}

/// Any event, complete or not.
pub fn any_event() -> impl Strategy<Value = Event> {
    let closing = option::weighted(0.9, any_closing());
    (any::<u64>(), any_opening().boxed(), closing.boxed()).prop_map(|(sequence, opening, closing)| Event {
        sequence,
        opening: Box::new(opening),
        closing,
    })
}
