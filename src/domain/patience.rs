//! How long an application is waited for.

use std::time::Duration;

/// How long an application is waited for by one request. What is not said is as the application's settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// For the head of the reply. 1 s to 1 h.
    pub head: Option<Duration>,
    /// For each further piece of the reply. 1 s to 24 h.
    pub silence: Option<Duration>,
}
