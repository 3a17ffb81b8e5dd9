//! The schema: numbered steps per part, each run once, all inside one transaction.

/// The steps of one part of the schema. A step that has been released is never changed; what must
/// change is a further step.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// The part's name.
    pub part: &'static str,
    /// The steps, the first is number 1. Each may hold several statements.
    pub steps: &'static [&'static str],
}

impl Migrations {
    /// How many steps this version knows.
    pub(super) fn known(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }

    /// The steps that a store lacks which stands at `found`.
    pub(super) fn missing(&self, found: i64) -> impl Iterator<Item = &'static str> {
        self.steps.iter().skip(usize::try_from(found).unwrap_or(0)).copied()
    }
}

/// How a store stands against the schema that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As this version has it.
    UpToDate,
    /// Of an earlier version, or empty: the next start brings it up to date.
    Older,
}

/// Where each part stands.
pub(super) const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_part (
    part TEXT PRIMARY KEY,
    step BIGINT NOT NULL
)";
/// Where one part stands; 0 before its first step.
pub(super) const STANDS_AT: &str = "SELECT coalesce(max(step), 0) FROM schema_part WHERE part = $1";
/// Notes where a part stands.
pub(super) const NOTE_STEP: &str = "INSERT INTO schema_part (part, step) VALUES ($1, $2)
    ON CONFLICT (part) DO UPDATE SET step = excluded.step";
