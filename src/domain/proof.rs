//! What must not be skipped is a proof: it has a private field and one constructor, `assertion`,
//! which is called in one file each (`tests/architecture.rs` checks that).
//!
//! `upstream::send` asks for a [`Permit`] and a [`Journaled`]; releasing a reply asks for a
//! [`Durable`]. To see who may forward a request, search for `assertion`; to see what may pass without an entry, for
//! `Durable::gap`.

/// This request was decided, and the answer was yes. Made by `features/policy/decide.rs` only.
#[must_use]
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    pub(crate) const fn assertion() -> Self {
        Self(())
    }
}

/// The opening entry of this request's event stands in the journal's order, or the request is counted in an open gap. Made by
/// `features/audit/journal.rs` only.
#[must_use]
#[derive(Debug)]
pub struct Journaled(());

impl Journaled {
    pub(crate) const fn assertion() -> Self {
        Self(())
    }
}

/// The opening entry of this request's event is on the disk; or no disk takes entries, the operator has said that such a
/// request goes on all the same, and it is counted. Made by `features/audit/journal.rs` only.
#[must_use]
#[derive(Debug)]
pub struct Durable {
    gap: Option<u64>,
}

impl Durable {
    pub(crate) const fn assertion() -> Self {
        Self { gap: None }
    }

    /// For the request of that number in an open gap.
    pub(crate) const fn gap(number: u64) -> Self {
        Self { gap: Some(number) }
    }

    /// The number of a request that goes on without an entry.
    pub const fn number_in_gap(&self) -> Option<u64> {
        self.gap
    }
}
