//! Where the journal is read for one export.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::domain::event::Event;
use crate::features::audit::archive::Gap;
use crate::features::audit::events::Follow;
use crate::features::export::{Anchor, Position};

/// Where the journal is read.
#[derive(Debug)]
pub(super) struct Desk {
    follow: Follow,
    /// What ended up to here was handed on before.
    known: u64,
    /// The last entry that was read.
    pub(super) read: u64,
}

/// What a stretch of the journal holds: events with the entry that ended each, and how far everything is read.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) events: Vec<(u64, Event)>,
    pub(super) position: Position,
}

impl Desk {
    /// Reads on from `position`. Gives also what is gone that has still to be read: events that begin there are missed, even if they
    /// end later.
    pub(super) async fn open(journal: PathBuf, position: Position) -> anyhow::Result<(Self, Option<Gap>)> {
        let open = move || {
            let follow = Follow::from_entry(&journal, position.resumes)?;
            let begins_at = follow.begins_at().unwrap_or(position.resumes);
            let gap = Gap::between(&journal, position.resumes, begins_at)?;
            // What is gone is behind us.
            let known = gap.map_or(position.ended, |gap| gap.last.max(position.ended));
            anyhow::Ok((Self { follow, known, read: 0 }, gap))
        };
        tokio::task::spawn_blocking(open).await.context("a mistake of ours")?
    }

    /// Reads on for about so many events, up to entry `last`.
    pub(super) async fn read(mut self, last: u64, most: usize) -> anyhow::Result<(Self, Stretch)> {
        let read = move || {
            let mut events = Vec::new();
            let known = self.known;
            let take = |sequence, event| {
                if sequence > known {
                    events.push((sequence, event));
                }
            };
            self.read = self.follow.stretch_to(last, most, take)?;
            let last = self.follow.read_through();
            let anchor = (last.sequence > 0).then_some(Anchor { sequence: last.sequence, hash: last.hash });
            let position =
                Position { ended: self.read.max(known), resumes: self.follow.resumes_from(), anchor };
            anyhow::Ok((self, Stretch { events, position }))
        };
        tokio::task::spawn_blocking(read).await.context("a mistake of ours")?
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::domain::event::{Closing, EventKind, Opening, Outcome};
    use crate::features::audit::archive::Elsewhere;
    use crate::features::audit::journal::Journal;
    use crate::features::audit::settings::{JournalSettings, Sync};
    use crate::foundation::clock::{Clock as _, TestClock};
    use crate::foundation::entropy::SystemEntropy;
    use crate::foundation::id::RequestId;

    /// Writes events into small segments, removes the first segment, and gives the first entry that is left.
    async fn cut(directory: &Path) -> u64 {
        let clock = Arc::new(TestClock::at("2026-03-01T08:00:00Z".parse().unwrap()));
        let settings = JournalSettings::usual(directory.to_owned(), 4096, Sync::BeforeRelease);
        let journal = Journal::open(&settings, clock.clone(), Arc::new(SystemEntropy)).unwrap();
        for _ in 0..40 {
            let event = RequestId::new(clock.now(), &SystemEntropy);
            let opening = Opening::begin(event, EventKind::Lifecycle, clock.now());
            let closing = Closing::of(event, clock.now(), Outcome::Completed);
            journal.record(&opening, Some(&closing)).await.unwrap();
        }
        std::fs::remove_file(directory.join("00000000000000000001.segment")).unwrap();
        Follow::from_entry(directory, 1).unwrap().begins_at().unwrap()
    }

    #[tokio::test]
    async fn what_is_gone_is_told_also_where_only_the_beginning_of_an_event_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = cut(folder.path()).await;
        let gap = async |ended, resumes| {
            let position = Position { ended, resumes, anchor: None };
            let (desk, gap) = Desk::open(folder.path().to_owned(), position).await.unwrap();
            (desk.known, gap)
        };
        let gone = |needed| Gap { first: needed, last: first - 1, elsewhere: Elsewhere::default() };
        assert_eq!(gap(0, 1).await, (first - 1, Some(gone(1))));
        assert_eq!(gap(3, 4).await, (first - 1, Some(gone(4))));
        // All was handed on up to an entry that is here; an event that began before it has not ended yet.
        assert_eq!(gap(first + 3, 2).await, (first + 3, Some(gone(2))));
        assert_eq!(gap(first - 1, first).await, (first - 1, None));
        assert_eq!(gap(first + 3, first + 2).await, (first + 3, None));
    }
}
