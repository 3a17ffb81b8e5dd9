//! What must not be skipped is a proof: it has a private field and one constructor, `assertion`,
//! which is called in one file each (`tests/architecture.rs` checks that).
//!
//! `upstream::send` asks for a [`Permit`] and a [`Journaled`]; releasing a reply asks for a
//! [`Durable`]. To see who may forward a request, search for `assertion`.

/// This request was decided, and the answer was yes. Made by `features/policy/decide.rs` only.
#[must_use]
#[derive(Debug)]
pub struct Permit(());

impl Permit {
    pub(crate) const fn assertion() -> Self {
        Self(())
    }
}

/// The opening entry of this request's event stands in the journal's order. Made by
/// `features/audit/journal.rs` only.
#[must_use]
#[derive(Debug)]
pub struct Journaled(());

impl Journaled {
    pub(crate) const fn assertion() -> Self {
        Self(())
    }
}

/// The opening entry of this request's event is on the disk. Made by `features/audit/journal.rs` only.
#[must_use]
#[derive(Debug)]
pub struct Durable(());

impl Durable {
    pub(crate) const fn assertion() -> Self {
        Self(())
    }
}
