//! The journal, made by the product's own writer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use leastway::domain::event::{Closing, Entry};
use leastway::features::audit::journal::{Desk, Journal, Pending};
use leastway::features::audit::read::Reader;
use leastway::features::audit::settings::{JournalSettings, Sync};
use leastway::foundation::clock::SystemClock;
use leastway::foundation::entropy::SystemEntropy;

use crate::hospital::{Happened, Hospital};

/// Writes all that happens: several batches are under way, and each event is durable before the journal is closed.
#[expect(clippy::print_stderr, reason = "a bench says how far it is")]
pub(crate) fn make(directory: &Path, hospital: &Hospital) -> anyhow::Result<()> {
    let settings = JournalSettings::usual(directory.to_owned(), SEGMENT_BYTES, Sync::BeforeRelease);
    let journal = Journal::open(&settings, Arc::new(SystemClock), Arc::new(SystemEntropy))?;
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, write(&journal, hospital))?;
    journal.close();
    let seconds = begin.elapsed().as_secs_f64();
    eprintln!("{} events were written in {seconds:.1} s", hospital.events);
    Ok(())
}

async fn write(journal: &Arc<Journal>, hospital: &Hospital) -> anyhow::Result<()> {
    let desk = journal.desk();
    let mut under_way = UnderWay::default();
    let mut before: Option<Pending> = None;
    for (number, happened) in (0_u64..).zip(hospital.days(journal.patient_key())) {
        let Happened { opening, closing, lasts } = happened;
        let (_journaled, pending) = desk.submit(&opening)?;
        under_way.begin(number + lasts, closing);
        under_way.end(number, &desk);
        if number % BATCH == 0 {
            // One batch is made while the one before goes to the disk.
            if let Some(before) = before.replace(pending) {
                let _durable = before.durable().await?;
            }
        }
    }
    under_way.end(u64::MAX, &desk);
    if let Some(last) = before {
        let _durable = last.durable().await?;
    }
    Ok(())
}

/// Events that have not ended, by when they will.
#[derive(Default)]
struct UnderWay(BTreeMap<u64, Vec<Closing>>);

impl UnderWay {
    fn begin(&mut self, ends: u64, closing: Closing) {
        self.0.entry(ends).or_default().push(closing);
    }

    fn end(&mut self, now: u64, desk: &Desk) {
        while let Some(first) = self.0.first_entry().filter(|first| *first.key() <= now) {
            first.remove().iter().for_each(|closing| desk.close(closing));
        }
    }
}

/// The reference of an event in the middle of the journal.
pub(crate) fn an_event(directory: &Path) -> anyhow::Result<String> {
    let segments = files(directory, "segment")?;
    let middle = segments.get(segments.len() / 2).context("there is no segment")?;
    let first = middle.file_stem().and_then(|name| name.to_str()).context("a segment has a name")?.parse()?;
    let mut openings = Reader::from_entry(directory, first)?.filter_map(|stored| match stored.ok()?.entry {
        Entry::Opening(opening) => Some(opening.event.to_string()),
        Entry::Closing(_) => None,
    });
    openings.nth(100).context("there is no event")
}

/// What files with such an ending take in a folder.
pub(crate) fn bytes(directory: &Path, ending: &str) -> anyhow::Result<u64> {
    let files = files(directory, ending)?;
    files.iter().map(|path| Ok(path.metadata()?.len())).sum()
}

fn files(directory: &Path, ending: &str) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(directory)? {
        files.push(file?.path());
    }
    files.retain(|path| path.extension().is_some_and(|it| it == ending));
    files.sort();
    Ok(files)
}

/// The default of `journal.segment_bytes`.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Events that go to the disk together: as many as fill a worker's buffer by a half.
const BATCH: u64 = 2500;
