//! Notes that people write into charts: kept in memory, a bounded number of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::foundation::clock::Timestamp;

/// A note in a chart.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// Who wrote it, as the application was told.
    pub(super) author: String,
    /// When.
    pub(super) written: Timestamp,
    /// What.
    pub(super) text: String,
}

/// All notes, by record number.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<BTreeMap<String, Vec<Note>>>);

const NOTES_PER_CHART: usize = 50;

/// How long a note may be, in characters.
pub(super) const NOTE_CHARACTERS: usize = 2_000;

impl Notes {
    /// Adds a note; the oldest of the chart goes when there are too many.
    pub(super) fn add(&self, mrn: &str, note: Note) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let chart = notes.entry(mrn.to_owned()).or_default();
        if chart.len() >= NOTES_PER_CHART {
            chart.remove(0);
        }
        chart.push(note);
    }

    /// The notes of one chart, the newest first.
    pub(super) fn of(&self, mrn: &str) -> Vec<Note> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.get(mrn).map(|chart| chart.iter().rev().cloned().collect()).unwrap_or_default()
    }
}
