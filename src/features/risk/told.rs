//! What somebody else says of how much a person is at risk.

use serde::{Deserialize, Serialize};

use crate::domain::revocation::Why;
use crate::domain::risk::Level;
use crate::foundation::clock::Timestamp;

/// What somebody else says of how much a person is at risk: the last word counts. [`Level::Low`] takes back what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How much.
    pub level: Level,
    /// Why, in the words of whoever says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Why>,
    /// Since when it is known here. Whoever proves who they are afterwards has answered it, in the session in which they do.
    pub since: Timestamp,
    /// Until when it counts; none: until the next word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

impl Told {
    /// Whether it counts at `now` as a word of at least this level.
    pub(super) fn stands(&self, level: Level, now: Timestamp) -> bool {
        self.level >= level && self.level > Level::Low && self.until.is_none_or(|until| now < until)
    }
}
