//! What is kept of an application's forms, and how much of all.

use std::time::Duration;

/// What is kept where a form of an application could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldSettings {
    /// Whether anything is.
    pub enabled: bool,
    /// The largest body that is kept: 1 KiB to 8 MiB. Default: 2 MiB.
    pub body_bytes: usize,
    /// For how long: 1 minute to 1 hour. Default: 15 minutes.
    pub lifetime: Duration,
}

impl Default for HoldSettings {
    fn default() -> Self {
        Self { enabled: true, body_bytes: 2 * 1024 * 1024, lifetime: Duration::from_secs(15 * 60) }
    }
}

/// How much is kept at once, of everybody's. What would be beyond it is not kept, and its person is told so.
#[derive(Clone, Copy, Debug)]
pub struct HoldBounds {
    /// Of all people together.
    pub all: Bound,
    /// Of those whom nobody knows, together.
    pub strangers: Bound,
    /// Of those whom nobody knows, from one address (IPv6: one /64).
    pub address: Bound,
    /// Of one person.
    pub person: Bound,
    /// From one browser.
    pub browser: Bound,
}

/// A number of entries and of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Entries.
    pub entries: usize,
    /// Bytes of their bodies.
    pub bytes: usize,
}

impl Default for HoldBounds {
    fn default() -> Self {
        let bound = |entries, mebibytes: usize| Bound { entries, bytes: mebibytes * 1024 * 1024 };
        Self {
            all: bound(4096, 256),
            strangers: bound(512, 32),
            address: bound(32, 8),
            person: bound(16, 16),
            browser: bound(8, 16),
        }
    }
}
