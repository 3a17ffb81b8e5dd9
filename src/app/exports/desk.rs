//! Where the journal is read for one export.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::domain::event::Event;
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
    /// Events of which it is told that their beginning is gone.
    orphans: u64,
}

/// What a stretch of the journal holds: events with the entry that ended each, and how far everything is read.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) events: Vec<(u64, Event)>,
    /// Events that have ended in it and whose beginning is gone from the journal: they cannot be handed on.
    pub(super) beheaded: u64,
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
            anyhow::Ok((Self { follow: follow.beyond(known), known, read: 0, orphans: 0 }, missed))
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
            let last = self.follow.read_through();
            let anchor = (last.sequence > 0).then_some(Anchor { sequence: last.sequence, hash: last.hash });
            let position =
                Position { ended: self.read.max(known), resumes: self.follow.resumes_from(), anchor };
            let beheaded = self.follow.orphans().saturating_sub(self.orphans);
            self.orphans = self.follow.orphans();
            anyhow::Ok((self, Stretch { events, beheaded, position }))
        };
        tokio::task::spawn_blocking(read).await.context("a mistake of ours")?
    }
}

const UNREADABLE: &str = "the journal cannot be read";
