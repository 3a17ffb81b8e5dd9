//! Where the journal is read for one export.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::domain::event::Event;
use crate::features::audit::events::Follow;
use crate::features::export::Position;

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
    /// Reads on from `position`. Gives also how many entries after it are gone.
    pub(super) async fn open(journal: PathBuf, position: Position) -> anyhow::Result<(Self, u64)> {
        let open = move || {
            let follow = Follow::from_entry(&journal, position.resumes).context(UNREADABLE)?;
            let next = position.ended.saturating_add(1);
            let missed = follow.begins_at().map_or(0, |first| first.saturating_sub(next));
            // What is gone is behind us.
            let known = position.ended.saturating_add(missed);
            anyhow::Ok((Self { follow, known, read: 0 }, missed))
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
            self.read = self.follow.stretch_to(last, most, take).context(UNREADABLE)?;
            let position = Position { ended: self.read.max(known), resumes: self.follow.resumes_from() };
            anyhow::Ok((self, Stretch { events, position }))
        };
        tokio::task::spawn_blocking(read).await.context("a mistake of ours")?
    }
}

const UNREADABLE: &str = "the journal cannot be read";
