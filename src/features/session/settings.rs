//! How long sessions live.

use std::time::Duration;

/// How long sessions live.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Without a request by the person. 1 min to 24 h, default 15 min (45 CFR 164.312(a)(2)(iii)).
    pub idle: Duration,
    /// In all. 5 min to 7 days, default 12 h; not below `idle`.
    pub absolute: Duration,
}
