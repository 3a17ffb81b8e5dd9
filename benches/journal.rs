//! How many durable entries a second the journal takes, and how long each waits: alone, with 64 and with
//! 1,000 requests waiting on one worker. Closed loop: each waits for its own entry before the next.
//!
//! `cargo bench --bench journal [directory]`; the directory decides which disk is measured.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use leastway::domain::action::Action;
use leastway::domain::count::Count;
use leastway::domain::event::{Closing, EventKind, EventSubject, Opening, Outcome, Verdict};
use leastway::domain::kept::Kept;
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::features::audit::journal::{Desk, Journal};
use leastway::features::audit::settings::{JournalSettings, Sync};
use leastway::features::audit::verify::{Expectations, verify};
use leastway::foundation::clock::{Clock as _, SystemClock};
use leastway::foundation::entropy::SystemEntropy;
use leastway::foundation::id::{RequestId, SessionId};

const RUN: Duration = Duration::from_secs(3);

#[expect(clippy::print_stdout, reason = "a bench prints what it measures")]
fn main() -> anyhow::Result<()> {
    let place = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let parent = place.map_or_else(std::env::temp_dir, PathBuf::from);
    println!(
        "{:>8} {:>12} {:>10} {:>10} {:>12} {:>12}",
        "waiting", "durable/s", "p50 µs", "p99 µs", "entries/sync", "sync p50 µs"
    );
    for waiting in [1, 64, 1000] {
        let directory = tempfile::tempdir_in(&parent)?;
        let settings = JournalSettings::usual(directory.path().to_owned(), 64 << 20, Sync::BeforeRelease);
        let journal = Journal::open(&settings, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
        let mut waits = run(&journal, waiting)?;
        waits.sort_unstable();
        let quantile = |part: f64| {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index into the samples"
            )]
            let place = (waits.len() as f64 * part) as usize;
            waits.get(place).map_or(0, Duration::as_micros)
        };
        let counters = journal.counters();
        let mut half = counters.syncs / 2;
        let median = counters.sync_buckets.iter().find(|(_, count)| {
            let is_here = half < *count;
            half = half.saturating_sub(*count);
            is_here
        });
        println!(
            "{waiting:>8} {:>12} {:>10} {:>10} {:>12} {:>12}",
            waits.len() as u64 / RUN.as_secs(),
            quantile(0.5),
            quantile(0.99),
            counters.entries / counters.syncs.max(1),
            median.map_or_else(|| "more".to_owned(), |(most, _)| format!("≤ {}", most.as_micros())),
        );
        journal.close();
        let report = verify(directory.path(), &Expectations::default())?;
        anyhow::ensure!(report.misfit.is_none(), "the journal does not verify: {report:?}");
    }
    Ok(())
}

/// Lets so many tasks submit and wait; gives how long each entry waited.
fn run(journal: &Arc<Journal>, waiting: usize) -> anyhow::Result<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let desk = journal.desk();
        let begin = Instant::now();
        let tasks: Vec<_> = (0..waiting)
            .map(|_| tokio::task::spawn_local(one_after_the_other(desk.clone(), begin)))
            .collect();
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await??);
        }
        Ok(waits)
    })
}

async fn one_after_the_other(desk: Desk, begin: Instant) -> anyhow::Result<Vec<Duration>> {
    let (mut opening, mut closing) = event();
    let mut waits = Vec::new();
    while begin.elapsed() < RUN {
        opening.event = RequestId::new(SystemClock.now(), &SystemEntropy);
        closing.event = opening.event;
        let submitted = Instant::now();
        let (_journaled, pending) = desk.submit(&opening)?;
        let _durable = pending.durable().await?;
        waits.push(submitted.elapsed());
        desk.close(&closing);
    }
    Ok(waits)
}

fn event() -> (Opening, Closing) {
    let now = SystemClock.now();
    let event = RequestId::new(now, &SystemEntropy);
    let opening = Opening {
        client_ip: Some([192, 0, 2, 7].into()),
        application: "ehr".parse().ok(),
        route: "patient.open".parse().ok(),
        action: Some(Action::View),
        categories: "clinical".parse().into_iter().collect(),
        method: Some("GET".into()),
        host: Some("ehr.clinic.example".into()),
        path: Some("/patients/{patient}".into()),
        query_keys: vec!["tab".to_owned()],
        subject: Some(Arc::new(Kept::new(EventSubject {
            issuer: "https://id.clinic.example".into(),
            sub: "9f1c7a52-registrar".into(),
            name: "Rosa Ruiz".into(),
            roles: "registrar".parse().into_iter().collect(),
            purpose: Purpose::Operations,
            session: SessionId::new(now, &SystemEntropy),
            acr: Some("urn:clinic:mfa".to_owned()),
            amr: vec!["pwd".to_owned(), "otp".to_owned()],
            auth_time: now,
            client: None,
            standing: None,
        }))),
        verdict: Verdict::Permit,
        reasons: vec![Reason::RuleMatched],
        rules: ["registrar/1".into()].into(),
        rules_version: Some("0011223344556677".into()),
        ..Opening::begin(event, EventKind::Request, now)
    };
    let closing = Closing {
        status: Some(200),
        records: Count::Exactly(1),
        patients: Count::Exactly(1),
        bytes_out: 1024,
        duration_us: 1200,
        upstream_us: Some(800),
        ..Closing::of(event, now, Outcome::Completed)
    };
    (opening, closing)
}
