//! Events as a day brings them.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::action::Action;
use crate::domain::application::Category;
use crate::domain::category::Sensitivity;
use crate::domain::count::Count;
use crate::domain::event::{
    Closing, Event, EventClient, EventKind, EventPurpose, EventStanding, EventSubject, Opening, Outcome,
    Taken, Verdict,
};
use crate::domain::gap::Gap;
use crate::domain::kept::Kept;
use crate::domain::limit::{Exceeded, LimitName, OnExceed};
use crate::domain::listed::{Listed, Patients};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::{Digest, DigestKey};
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{RequestId, SessionId};

/// 2026-03-01T08:00:00Z.
const MORNING: Timestamp = Timestamp::from_seconds(1_772_352_000);

/// An event of this kind that was completed a fifth of a second later.
pub(super) fn completed(number: u64, kind: EventKind) -> Event {
    let time = MORNING.plus(Duration::from_secs(number));
    let id = RequestId::new(time, &SeededEntropy::new(number));
    let opening = Opening {
        verdict: Verdict::Permit,
        reasons: vec![Reason::OwnPath],
        ..Opening::begin(id, kind, time)
    };
    let closing = Closing {
        duration_us: 200_000,
        ..Closing::of(id, time.plus(Duration::from_millis(200)), Outcome::Completed)
    };
    Event { sequence: number, opening: Box::new(opening), closing: Some(closing) }
}

/// Somebody asks an application for something, and gets it.
pub(super) fn request(number: u64, action: Action, route: &str) -> Event {
    let mut event = completed(number, EventKind::Request);
    let opening = &mut *event.opening;
    opening.client_ip = Some("192.0.2.7".parse().unwrap());
    opening.device = Some("ward".parse().unwrap());
    opening.application = Some("ehr".parse().unwrap());
    opening.route = Some(route.parse().unwrap());
    opening.action = Some(action);
    opening.categories = Arc::new(["clinical", "hiv"].map(|name| name.parse::<Category>().unwrap()));
    opening.sensitivity = Arc::new([Sensitivity::Hiv]);
    opening.method = Some("GET".into());
    opening.host = Some("ehr.clinic.example".into());
    opening.path = Some("/patients/{patient}".into());
    opening.subject = Some(nurse());
    opening.reasons = vec![Reason::RuleMatched];
    opening.rules = Arc::new([Arc::<str>::from("nurse/1")]);
    opening.rules_version = Some("0011223344556677".into());
    let closing = event.closing.as_mut().unwrap();
    closing.status = Some(200);
    closing.records = Count::Exactly(1);
    closing.bytes_out = 5120;
    closing.upstream_us = Some(18_000);
    event
}

/// A chart is opened.
pub(super) fn view() -> Event {
    let mut event = request(1, Action::View, "patient.chart");
    event.opening.patient = Some(patient("4711"));
    event
}

/// A program searches, and opens two charts by it.
pub(super) fn search_by_program() -> Event {
    let mut event = request(2, Action::Search, "patient.search");
    let opening = &mut *event.opening;
    opening.client_ip = Some("2001:db8::7".parse().unwrap());
    opening.device = None;
    opening.path = Some("/patients".into());
    opening.query_keys = vec!["name".to_owned(), "birthdate".to_owned()];
    opening.taken = Some(Box::new(Taken { exports: 0, opened: vec![patient("4711"), patient("4712")] }));
    opening.subject = Some(Arc::new(Kept::new(EventSubject {
        client: Some(EventClient {
            name: "interfaces".parse().unwrap(),
            client_id: "interfaces-1".into(),
            owner: "integration team".into(),
            token: Digest::of(b"token"),
        }),
        ..EventSubject::clone(&nurse())
    })));
    event
}

/// A search that lists patients; of the first the chart is asked for, too.
pub(super) fn search_of_many(listed: usize) -> Event {
    let mut event = request(6, Action::Search, "patient.search");
    event.opening.patient = Some(patient("0"));
    let mut patients = None;
    (0..listed).for_each(|number| Patients::put(&mut patients, patient(&number.to_string())));
    let closing = event.closing.as_mut().unwrap();
    closing.patients = Count::Exactly(listed as u64);
    closing.listed = patients.map(Listed::of);
    event
}

/// An export that is beyond its limit.
pub(super) fn withheld() -> Event {
    let mut event = request(3, Action::Export, "patient.list.csv");
    let opening = &mut *event.opening;
    opening.method = Some("POST".into());
    opening.path = Some("/reports/patients".into());
    let closing = event.closing.as_mut().unwrap();
    closing.outcome = Outcome::Withheld;
    closing.status = Some(403);
    closing.reason = Some(Reason::ExportOverRequestLimit);
    closing.records = Count::AtLeast(501);
    closing.exceeded = Some(Exceeded { limit: LimitName::RecordsPerExport, allowed: 500, actual: 501 });
    closing.on_exceed = Some(OnExceed::Block);
    event
}

/// Somebody comes back from the provider.
pub(super) fn sign_in() -> Event {
    let mut event = completed(4, EventKind::Authentication);
    let opening = &mut *event.opening;
    opening.client_ip = Some("192.0.2.7".parse().unwrap());
    opening.method = Some("GET".into());
    opening.host = Some("ehr.clinic.example".into());
    opening.path = Some("/.leastway/callback".into());
    opening.subject = Some(nurse());
    event.closing.as_mut().unwrap().status = Some(303);
    event
}

/// Somebody says for what they work.
pub(super) fn purpose(before: Option<Purpose>, now: Purpose) -> Event {
    let mut event = completed(5, EventKind::OwnPath);
    event.opening.purpose = Some(Box::new(EventPurpose { before, now }));
    event.opening.subject = Some(nurse());
    event
}

/// The gateway tells something of itself.
pub(super) fn told(note: &str) -> Event {
    let mut event = completed(6, EventKind::Lifecycle);
    event.opening.note = Some(note.to_owned());
    event
}

/// Requests were let through while nothing could be written.
pub(super) fn gap() -> Event {
    let mut event = told("journal gap: 3 requests left no event");
    event.opening.reasons.clear();
    event.opening.gap = Some(Box::new(Gap {
        why: "no space left on the device".to_owned(),
        since: MORNING,
        requests: 3,
        from: MORNING.plus(Duration::from_secs(1)),
        to: MORNING.plus(Duration::from_secs(5)),
        shares: Vec::new(),
        others: 3,
    }));
    event
}

/// A nurse of the clinic.
pub(super) fn nurse() -> Arc<Kept<EventSubject>> {
    Arc::new(Kept::new(EventSubject {
        issuer: "https://id.clinic.example".into(),
        sub: "sub-1".into(),
        name: "Noor \"N|o=o\\r\" Nasser & <Söhne>".into(),
        roles: vec!["nurse".parse().unwrap()],
        purpose: Purpose::Treatment,
        session: SessionId::new(MORNING, &SeededEntropy::new(9)),
        acr: Some("urn:clinic:mfa".to_owned()),
        amr: vec!["pwd".to_owned(), "mfa".to_owned()],
        auth_time: MORNING,
        client: None,
        standing: Some(EventStanding {
            provider: "clinic".parse().unwrap(),
            groups: None,
            attributes: None,
            proven: std::collections::BTreeMap::new(),
        }),
    }))
}

/// A nurse of this department looks at something; of her the provider tells more than where she works.
pub(super) fn worker_of(department: &str) -> Event {
    let mut event = view();
    let mut told = EventSubject::clone(event.opening.subject.as_ref().unwrap());
    let attributes = [("department", department), ("badge", "seldom told")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
    told.standing.as_mut().unwrap().attributes = Some(attributes.into());
    event.opening.subject = Some(Arc::new(Kept::new(told)));
    event
}

/// A patient of the application.
pub(super) fn patient(id: &str) -> PatientDigest {
    PatientRef::new("ehr".parse().unwrap(), id.to_owned()).digest(&DigestKey::from_bytes(&[7; 32]))
}
