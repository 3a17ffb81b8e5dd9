//! Which versions of the rules were in force during a period, and what changed from one to the next.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use similar::TextDiff;

use crate::domain::event::Event;
use crate::domain::rulebook::RuleText;
use crate::foundation::clock::Timestamp;
use crate::foundation::text::plain;

/// Gathers the versions that events name. Bounded memory: [`VERSIONS_MAX`] of them.
#[derive(Debug, Default)]
pub struct Versions {
    seen: BTreeMap<Arc<str>, Version>,
    left_out: u64,
}

/// A version of the rules, as events name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its name: the first digits of a digest.
    pub name: Arc<str>,
    /// The entry of the first event under it.
    pub sequence: u64,
    /// When that began.
    pub first: Timestamp,
    /// When the last began.
    pub last: Timestamp,
    /// How many events.
    pub events: u64,
}

impl Versions {
    /// Takes the next event of the period.
    pub fn take(&mut self, event: &Event) {
        let Some(name) = &event.opening.rules_version else { return };
        let time = event.opening.time;
        if let Some(seen) = self.seen.get_mut(name) {
            seen.sequence = seen.sequence.min(event.sequence);
            seen.first = seen.first.min(time);
            seen.last = seen.last.max(time);
            seen.events += 1;
        } else if self.seen.len() < VERSIONS_MAX {
            let seen =
                Version { name: name.clone(), sequence: event.sequence, first: time, last: time, events: 1 };
            self.seen.insert(name.clone(), seen);
        } else {
            self.left_out += 1;
        }
    }

    /// The versions in the order in which they came to be, and how many events name others.
    pub fn finish(self) -> (Vec<Version>, u64) {
        let mut versions: Vec<Version> = self.seen.into_values().collect();
        versions.sort_by_key(|version| version.sequence);
        (versions, self.left_out)
    }
}

/// What differs between two configurations, file by file, as a unified diff.
pub fn changes(old: &[RuleText], new: &[RuleText]) -> String {
    let text_of = |texts: &[RuleText], path: &str| {
        texts.iter().find(|text| text.path == path).map(|text| text.text.clone())
    };
    let mut paths: Vec<&str> = old.iter().chain(new).map(|text| text.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut out = String::new();
    for path in paths {
        let (before, after) = (text_of(old, path), text_of(new, path));
        if before == after {
            continue;
        }
        let name = |text: &Option<String>| if text.is_some() { plain(path) } else { NOWHERE.to_owned() };
        let (from, to) = (name(&before), name(&after));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        if before.lines().count().max(after.lines().count()) > LINES_MAX {
            // Writing to a string does not fail.
            let _whole = write!(out, "--- {from}\n+++ {to}\n@@ too long to be compared line by line @@\n");
            continue;
        }
        let diff = TextDiff::from_lines(&before, &after);
        out.push_str(&diff.unified_diff().header(&from, &to).to_string());
    }
    out
}

/// What a file that is not there is called.
const NOWHERE: &str = "/dev/null";
/// Lines that are compared; larger files are only told to differ.
const LINES_MAX: usize = 20_000;
/// The most versions of a pack.
pub const VERSIONS_MAX: usize = 1_000;
