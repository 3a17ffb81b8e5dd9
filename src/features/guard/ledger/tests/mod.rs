//! Windows that several nodes share, and what a restart leaves of them.

mod nodes;
mod rest;
mod unsure;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tempfile::TempDir;

use super::claim::Amounts;
use super::demand::{Demand, Usage};
use super::nodes::Grant;
use super::*;
use crate::domain::limit::LimitName;
use crate::foundation::entropy::SeededEntropy;
use crate::platform::store::Change;

const HOUR: Duration = Window::Hour.lasts();
/// A word that asks for nothing.
const MARK: &str = "mark";
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn nurse() -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: "nurse".into() }
}

async fn load(store: Store, seed: u64, now: Timestamp) -> Ledger {
    let own = DigestKey::from_bytes(&[1; 32]);
    Ledger::load(store, &own, Arc::new(SeededEntropy::new(seed)), now).await.unwrap()
}

/// What one node hears of the other.
#[derive(Default)]
struct Ear {
    /// How often it was asked to give back.
    asked: AtomicUsize,
    /// How often it has heard of nothing but that all before was heard.
    marks: AtomicUsize,
    /// It does nothing about it any more.
    is_dead: AtomicBool,
}

impl Ear {
    fn die(&self) {
        self.is_dead.store(true, Ordering::SeqCst);
    }
}

/// Two nodes.
struct Pair {
    ledgers: [Ledger; 2],
    stores: [Store; 2],
    ears: [Arc<Ear>; 2],
    _folder: TempDir,
}

impl Pair {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = tokio::task::block_in_place(|| {
            Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap()
        });
        let ledgers = [load(stores[0].clone(), 1, NOW).await, load(stores[1].clone(), 2, NOW).await];
        let ears = [0, 1].map(|node: usize| {
            let (ledger, mut changes) = (ledgers[node].clone(), stores[node].changes());
            let ear = Arc::new(Ear::default());
            let hears = ear.clone();
            // Whoever does not hear is out of touch.
            tokio::spawn(async move {
                loop {
                    let told = changes.next().await;
                    if told.part == MARK {
                        hears.marks.fetch_add(1, Ordering::SeqCst);
                        continue;
                    }
                    hears.asked.fetch_add(1, Ordering::SeqCst);
                    if !hears.is_dead.load(Ordering::SeqCst) {
                        ledger.heed(&told.key, NOW);
                    }
                }
            });
            ear
        });
        Self { ledgers, stores, ears, _folder: folder }
    }

    /// How often each was asked to give back, once all that was told has been heard.
    async fn asked(&self) -> [usize; 2] {
        let marked = |ear: &Arc<Ear>| ear.marks.load(Ordering::SeqCst);
        let before = self.ears.each_ref().map(marked);
        for store in &self.stores {
            store.write_telling(Vec::new(), vec![Change::new(MARK, "")]).await.unwrap();
        }
        while self.ears.iter().zip(before).any(|(ear, before)| marked(ear) == before) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.ears.each_ref().map(|ear| ear.asked.load(Ordering::SeqCst))
    }

    /// Each tells the store what it knows, and what it has not used.
    async fn tidy(&self, now: Timestamp) {
        for _ in 0..2 {
            for ledger in &self.ledgers {
                ledger.maintain(now, false).await.unwrap();
            }
        }
    }
}

/// A node that is alone, on a file of its own; none where tests have servers instead of files.
async fn alone(folder: &Path, now: Timestamp) -> Option<Ledger> {
    let store = tokio::task::block_in_place(|| Store::open(&folder.join("alone.db"), &[MIGRATIONS])).unwrap();
    if store.is_shared() { None } else { Some(load(store, 3, now).await) }
}

fn looked(records: u64) -> Demand {
    Demand { amounts: Amounts { records, bytes: 0 }, ..Demand::default() }
}

fn listed(patients: std::ops::Range<u64>) -> Demand {
    Demand { listed: patients.collect(), ..Demand::default() }
}

fn opens(patients: impl IntoIterator<Item = u64>) -> Demand {
    Demand { opened: patients.into_iter().collect(), ..Demand::default() }
}

async fn ask(ledger: &Ledger, demand: Demand, limits: &Limits, now: Timestamp) -> Result<Grant, Refused> {
    ledger.clone().ask(nurse(), demand, Box::new(*limits), now).await
}

/// As a piece of a reply does: lives on what was taken ahead, or asks. Nothing is given back.
async fn take(ledger: &Ledger, demand: Demand, limits: &Limits, now: Timestamp) -> Result<(), Refused> {
    if ledger.with(&nurse(), |account| account.spend(&demand, limits, now)).is_some() {
        return Ok(());
    }
    ask(ledger, demand, limits, now).await.map(|grant| drop(grant.absorb()))
}

fn beyond(limit: LimitName, allowed: u64, actual: u64) -> Refused {
    Refused::Beyond(Exceeded { limit, allowed, actual })
}
