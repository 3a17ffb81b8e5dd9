//! How many durable entries a second the journal takes, with its chain, its tree and a sync before each is released, and how long
//! each waits: alone, with 64 and with 1,000 requests waiting on one worker. Closed loop: each waits for its own entry before
//! the next. Beside it, on the same disk and in the same loop, what nginx does for its access log: one `write` of a line for
//! each request, which nobody syncs; `added` is what proof and durability cost a request over that. Then what chain and tree
//! cost an entry, alone.
//!
//! `cargo bench --bench journal [directory]`; the directory decides which disk is measured. `benches/load/run` has the whole
//! gateway beside nginx.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use leastway::domain::action::Action;
use leastway::domain::count::Count;
use leastway::domain::event::{Closing, EventKind, EventSubject, Opening, Outcome, Verdict};
use leastway::domain::kept::Kept;
use leastway::domain::purpose::Purpose;
use leastway::domain::reason::Reason;
use leastway::features::audit::Counters;
use leastway::features::audit::journal::{Desk, Journal};
use leastway::features::audit::settings::{JournalSettings, Sync};
use leastway::features::audit::tree::hash;
use leastway::features::audit::verify::{Expectations, verify};
use leastway::foundation::clock::{Clock as _, SystemClock};
use leastway::foundation::digest::Digest;
use leastway::foundation::entropy::SystemEntropy;
use leastway::foundation::id::{RequestId, SessionId};

const RUN: Duration = Duration::from_secs(3);
const PROOFS: u32 = 200_000;
/// As nginx writes it (`combined`).
const LINE: &[u8] = b"192.0.2.7 - rosa [01/Mar/2026:08:00:00 +0000] \"GET /patients/4711?tab=labs HTTP/1.1\" 200 1024 \"https://ehr.clinic.example/patients\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"\n";

#[expect(clippy::print_stdout, reason = "a bench prints what it measures")]
fn main() -> anyhow::Result<()> {
    let place = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let parent = place.map_or_else(std::env::temp_dir, PathBuf::from);
    println!(
        "{:>8} {:>12} {:>10} {:>10} {:>12} {:>12} {:>12} {:>10} {:>10}",
        "waiting",
        "durable/s",
        "p50 µs",
        "p99 µs",
        "entries/sync",
        "sync p50 µs",
        "log lines/s",
        "p50 µs",
        "added µs"
    );
    for waiting in [1, 64, 1000] {
        let line = Waits::of(logged(&parent, waiting)?);
        let (durable, counters) = journaled(&parent, waiting)?;
        let mut half = counters.syncs / 2;
        let median = counters.sync_buckets.iter().find(|(_, count)| {
            let is_here = half < *count;
            half = half.saturating_sub(*count);
            is_here
        });
        println!(
            "{waiting:>8} {:>12} {:>10} {:>10} {:>12} {:>12} {:>12} {:>10} {:>10}",
            durable.each_second(),
            durable.micros(50),
            durable.micros(99),
            counters.entries / counters.syncs.max(1),
            median.map_or_else(|| "more".to_owned(), |(most, _)| format!("≤ {}", most.as_micros())),
            line.each_second(),
            line.micros(50),
            durable.micros(50).saturating_sub(line.micros(50)),
        );
    }
    println!("chain and tree: {:.2} µs an entry", proof_micros()?);
    Ok(())
}

/// A journal with so many waiting, proven afterwards.
fn journaled(parent: &Path, waiting: usize) -> anyhow::Result<(Waits, Counters)> {
    let directory = tempfile::tempdir_in(parent)?;
    let settings = JournalSettings::usual(directory.path().to_owned(), 64 << 20, Sync::BeforeRelease);
    let journal = Journal::open(&settings, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
    let waits = Waits::of(run(&journal, waiting)?);
    let counters = journal.counters();
    journal.close();
    let report = verify(directory.path(), &Expectations::default())?;
    anyhow::ensure!(report.is_sound(), "the journal does not verify: {report:?}");
    Ok((waits, counters))
}

/// An access log with so many who write a line each, one after the other as in one worker of nginx.
fn logged(parent: &Path, waiting: usize) -> anyhow::Result<Vec<Duration>> {
    let directory = tempfile::tempdir_in(parent)?;
    let mut log = File::options().append(true).create(true).open(directory.path().join("access.log"))?;
    let (begin, mut waits) = (Instant::now(), Vec::new());
    while begin.elapsed() < RUN {
        let submitted = Instant::now();
        for _ in 0..waiting {
            log.write_all(LINE)?;
            waits.push(submitted.elapsed());
        }
    }
    Ok(waits)
}

/// What an entry costs beyond its text: its link in the chain and its checksum, its leaf, and the one node of the tree that comes
/// with each leaf on average.
fn proof_micros() -> anyhow::Result<f64> {
    let payload = serde_json::to_vec(&event().0)?;
    let mut link = Digest::ZERO;
    let begin = Instant::now();
    for sequence in 0..PROOFS {
        link = Digest::of_parts(&[link.as_bytes(), &u64::from(sequence).to_be_bytes(), &payload]);
        black_box(crc32c::crc32c(black_box(&payload)));
        let leaf = hash::leaf(black_box(&payload));
        black_box(hash::node(leaf, leaf));
    }
    black_box(link);
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(PROOFS))
}

/// How long each has waited, the shortest first.
struct Waits(Vec<Duration>);

impl Waits {
    fn of(mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        Self(waits)
    }

    fn each_second(&self) -> u64 {
        self.0.len() as u64 / RUN.as_secs()
    }

    /// So many of a hundred waited no longer.
    fn micros(&self, percent: usize) -> u128 {
        self.0.get(self.0.len() * percent / 100).map_or(0, Duration::as_micros)
    }
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
