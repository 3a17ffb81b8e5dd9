//! The journal under test: in order, under load, on a bad disk, killed, and changed by somebody.

mod archives;
mod commit;
mod crash;
mod cut;
mod entries;
mod faults;
mod following;
mod indexes;
mod outage;
mod patients;
mod power;
mod proofs;
mod questions;
mod rulebooks;
mod scanning;
mod signed;
mod takings;
mod tampering;
mod witnesses;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::disk::{Disk, LocalDisk};
use super::events::fold;
use super::journal::Journal;
use super::read::{Reader, Stored};
use super::settings::{JournalSettings, Sync};
use super::verify::{Expectations, Report, verify};
use crate::domain::count::Count;
use crate::domain::event::{Closing, Entry, Event, EventKind, EventSubject, Opening, Outcome, Verdict};
use crate::domain::kept::Kept;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::clock::{TestClock, Timestamp};
use crate::foundation::entropy::{SeededEntropy, SystemEntropy};
use crate::foundation::id::{RequestId, SessionId};

/// 2026-03-01T08:00:00Z.
const MORNING: Timestamp = Timestamp::from_seconds(1_772_352_000);

fn settings(directory: &Path, segment_bytes: u64) -> JournalSettings {
    JournalSettings::usual(directory.to_owned(), segment_bytes, Sync::BeforeRelease)
}

fn open(settings: &JournalSettings) -> Arc<Journal> {
    open_on(Arc::new(LocalDisk), settings)
}

fn open_on(disk: Arc<dyn Disk>, settings: &JournalSettings) -> Arc<Journal> {
    let clock = Arc::new(TestClock::at(MORNING));
    Journal::open_on(disk, settings, clock, Arc::new(SystemEntropy)).unwrap()
}

/// Runs `work` as a worker does: on one thread, with tasks of its own.
fn on_a_worker<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// The opening entry of event `number`; the same number gives the same entry.
fn opening(number: u64) -> Opening {
    let time = MORNING.plus(Duration::from_secs(number));
    let chance = SeededEntropy::new(number);
    Opening {
        event: RequestId::new(time, &chance),
        kind: EventKind::Request,
        time,
        client_ip: Some("192.0.2.7".parse().unwrap()),
        device: None,
        device_feed: None,
        certificate: None,
        lock: None,
        risks: Vec::new(),
        patients_in_steps: None,
        may_list: false,
        sealed: None,
        reading: None,
        detection: None,
        review: None,
        gap: None,
        break_glass: None,
        keep_alive_ignored: false,
        outage_extension: false,
        shadow: None,
        asked: None,
        application: Some("ehr".parse().unwrap()),
        route: Some("patient.list.csv".parse().unwrap()),
        action: Some(crate::domain::action::Action::Export),
        categories: ["demographics".parse().unwrap()].into(),
        sensitivity: [].into(),
        laws: [].into(),
        method: Some("POST".into()),
        host: Some("ehr.clinic.example".into()),
        path: Some("/reports/patients".into()),
        batch_entry: None,
        query_keys: Vec::new(),
        patient: None,
        patient_context: None,
        needed: Vec::new(),
        taken: None,
        subject: Some(Arc::new(Kept::new(EventSubject {
            issuer: "https://id.clinic.example".into(),
            sub: format!("sub-{}", number % 3).into(),
            name: ["Rosa Ruiz", "Noor Nasser", "Quinn O\u{202e}Hara"][usize::try_from(number % 3).unwrap()]
                .into(),
            roles: vec!["registrar".parse().unwrap()],
            purpose: Purpose::Operations,
            session: SessionId::new(MORNING, &chance),
            acr: None,
            amr: Vec::new(),
            auth_time: MORNING,
            client: None,
            standing: None,
        }))),
        verdict: Verdict::Permit,
        reasons: vec![Reason::RuleMatched],
        rules: ["registrar/2".into()].into(),
        rules_version: Some("0011223344556677".into()),
        credential: None,
        relationships: Vec::new(),
        justification: None,
        accounted: false,
        purpose: None,
        hold: None,
        note: None,
        revocation: None,
        provisioning: None,
        signal: None,
    }
}

/// The closing entry of event `number`.
fn closing(number: u64) -> Closing {
    let opening = opening(number);
    Closing {
        event: opening.event,
        time: opening.time.plus(Duration::from_millis(20)),
        outcome: Outcome::Withheld,
        status: Some(403),
        reason: Some(Reason::ExportOverRequestLimit),
        records: Count::AtLeast(501),
        patients: Count::NotCounted,
        listed: None,
        exceeded: None,
        on_exceed: None,
        found_file: false,
        redacted: None,
        observed: None,
        given: Vec::new(),
        hold: None,
        bytes_in: 0,
        bytes_out: 5120,
        duration_us: 20_000,
        upstream_us: Some(18_000),
        revoked: None,
    }
}

/// Writes events `numbers` one after the other and closes the journal.
fn write(settings: &JournalSettings, numbers: std::ops::Range<u64>) {
    let journal = open(settings);
    on_a_worker(async {
        let desk = journal.desk();
        for number in numbers {
            let (_journaled, pending) = desk.submit(&opening(number)).unwrap();
            let _durable = pending.durable().await.unwrap();
            desk.close(&closing(number));
        }
    });
    journal.close();
}

fn entries(directory: &Path) -> Vec<Stored> {
    Reader::open(directory).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The events, without the journal's own.
fn events(directory: &Path) -> Vec<Event> {
    let events = fold(Reader::open(directory).unwrap()).map(Result::unwrap);
    events.filter(|event| event.opening.kind == EventKind::Request).collect()
}

fn report(directory: &Path) -> Report {
    verify(directory, &Expectations::default()).unwrap()
}

/// The requests' opening and closing entries, in order: the numbers, closing ones negative.
fn numbers(directory: &Path, most: u64) -> Vec<i64> {
    let known: Vec<_> =
        (0..most).map(|number| (opening(number).event, i64::try_from(number).unwrap())).collect();
    let number = |event| known.iter().find(|(known, _)| *known == event).map(|(_, number)| *number);
    entries(directory)
        .iter()
        .filter_map(|stored| match &stored.entry {
            Entry::Opening(opening) => number(opening.event),
            Entry::Closing(closing) => number(closing.event).map(|number| -number),
        })
        .collect()
}
