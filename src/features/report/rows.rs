//! Rows in the order of the events that they tell of, bounded: beyond it the oldest go, and are counted.

use std::collections::BTreeMap;

use super::ROWS_MAX;
use super::table::{Cell, Column, Section, SectionName};

/// Rows by the numbers of their events.
#[derive(Debug, Default)]
pub(super) struct Rows {
    kept: BTreeMap<u64, Vec<Cell>>,
    left_out: u64,
}

impl Rows {
    /// The row of an event.
    pub(super) fn put(&mut self, sequence: u64, row: Vec<Cell>) {
        self.kept.insert(sequence, row);
        if self.kept.len() > ROWS_MAX {
            self.kept.pop_first();
            self.left_out += 1;
        }
    }

    /// The table of them.
    pub(super) fn section(self, name: SectionName, columns: &'static [Column]) -> Section {
        Section { name, columns, rows: self.kept.into_values().collect(), left_out: self.left_out }
    }
}

/// A table of rows that are in order already: what is beyond the bound is counted.
pub(super) fn bounded(name: SectionName, columns: &'static [Column], mut rows: Vec<Vec<Cell>>) -> Section {
    let left_out = rows.len().saturating_sub(ROWS_MAX) as u64;
    rows.truncate(ROWS_MAX);
    Section { name, columns, rows, left_out }
}
