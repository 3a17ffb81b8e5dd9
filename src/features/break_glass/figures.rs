//! What operators measure of break-glass.

use std::collections::BTreeMap;

use crate::domain::break_glass::{BreakEnd, BreakFinding, BreakStep};

/// What operators measure. Counts are since the start; how reviews stand is of now.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How often each step was taken.
    pub steps: BTreeMap<BreakStep, u64>,
    /// Why breaks were over.
    pub ends: BTreeMap<BreakEnd, u64>,
    /// Breaks that go on.
    pub active: u64,
    /// Of those that are kept, what was found.
    pub findings: BTreeMap<BreakFinding, u64>,
    /// Of those that are kept and settled, how many were in time, and how many not.
    pub closed_in_time: u64,
    /// Settled later than they were due.
    pub closed_late: u64,
    /// Reviews that wait.
    pub waiting: u64,
    /// Of these, those that are overdue: they are the privacy officer's.
    pub overdue: u64,
    /// Texts and sheets that people owe.
    pub owed: u64,
}
