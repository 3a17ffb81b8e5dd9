//! Segments elsewhere: shipped and proven, removed and asked, fetched and retired; and changed by somebody meanwhile.

mod away;
mod rules;
mod shipped;

use std::fs;
use std::path::PathBuf;

use super::super::archive::{Archive, Receipt, receipts, told};
use super::super::index::{Hints, Look, make_missing};
use super::super::query::{Filter, Order, query_by};
use super::super::seal::Period;
use super::super::settings::{ArchivePlace, ArchiveSettings};
use super::*;
use crate::domain::note::SEGMENT_REMOVED;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A journal of several segments, all full ones indexed, and a folder for its archive.
struct House {
    journal: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
}

impl House {
    fn of(events: u64) -> Self {
        let house = Self { journal: tempfile::tempdir().unwrap(), elsewhere: tempfile::tempdir().unwrap() };
        write(&settings(house.path(), SEGMENT), 0..events);
        make_missing(house.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
        house
    }

    fn path(&self) -> &Path {
        self.journal.path()
    }

    fn archive(&self) -> Archive {
        self.archive_at(self.elsewhere.path())
    }

    fn archive_at(&self, place: &Path) -> Archive {
        let place = ArchivePlace::Directory(place.to_owned());
        let settings = ArchiveSettings { place, keep_local: KEPT, retain_years: 10 };
        Archive::new(self.path().to_owned(), settings).unwrap()
    }

    /// Ships all that is due.
    fn ship(&self) -> Vec<Receipt> {
        let archive = self.archive();
        run(async {
            for due in archive.due(MORNING).await.unwrap() {
                let receipt = archive.ship(&due, &[], MORNING).await.unwrap();
                archive.keep(receipt).await.unwrap();
            }
        });
        receipts(self.path()).unwrap().into_iter().map(|entry| entry.receipt).collect()
    }

    /// Removes all that may go once it is old, and tells it first.
    fn remove(&self) -> usize {
        let told = self.tell();
        self.take(&told);
        told.len()
    }

    /// Tells that all that may go is removed.
    fn tell(&self) -> Vec<Receipt> {
        let removable = run(self.archive().removable(later(), u64::MAX, &[])).unwrap();
        let journal = open(&settings(self.path(), SEGMENT));
        on_a_worker(async {
            for (number, receipt) in (1_000_000..).zip(&removable) {
                let opening = Opening {
                    kind: EventKind::Lifecycle,
                    note: Some(told(SEGMENT_REMOVED, receipt)),
                    ..opening(number)
                };
                journal.record_durably(&opening, Some(&closing(number))).await.unwrap();
            }
        });
        journal.close();
        removable
    }

    fn take(&self, receipts: &[Receipt]) {
        let archive = self.archive();
        for receipt in receipts {
            run(archive.remove(receipt, later())).unwrap();
        }
    }

    fn stored(&self, name: &str) -> PathBuf {
        self.elsewhere.path().join(name)
    }

    /// Writes over what is in the archive, which nobody may by its mode.
    fn overwrite(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.stored(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn later() -> Timestamp {
    MORNING.plus(KEPT).plus(DAY)
}

fn answered(directory: &Path, filter: &Filter, hints: Hints) -> Vec<u64> {
    let answer = query_by(directory, filter, Order::OldestFirst, 1000, hints).unwrap();
    assert!(answer.stopped.is_none(), "{:?}", answer.stopped);
    answer.events.iter().map(|event| event.sequence).collect()
}

/// Room for a few events.
const SEGMENT: u64 = 8192;
