//! What nodes that share a store tell one another of what they have changed.
//!
//! A change is committed with the write that it is of, or not at all. Each has a number, rising in the order of the
//! commits; a node hears those of the others, in this order, each once.

use super::postgres::Feed;

/// What a write tells other nodes of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    part: &'static str,
    key: String,
}

impl Change {
    /// A change of what `part` of the store holds under `key`, which says what to read anew: an identifier, or a few
    /// words in JSON. Never a secret.
    pub fn new(part: &'static str, key: impl Into<String>) -> Self {
        Self { part, key: key.into() }
    }

    pub(super) const fn part(&self) -> &'static str {
        self.part
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// What another node has told.
///
/// Where changes have passed that this node could not hear (it was away for longer than they are kept, or the server
/// was put back to an earlier state), it is told `part` `"*"` with an empty key instead: [everything](Self::EVERYTHING)
/// is to be read anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which part of the store is meant.
    pub part: String,
    /// What is to be read anew.
    pub key: String,
}

impl Told {
    /// The part that stands for all parts.
    pub const EVERYTHING: &'static str = "*";

    /// That everything is to be read anew.
    pub(super) fn everything() -> Self {
        Self { part: Self::EVERYTHING.to_owned(), key: String::new() }
    }
}

/// What other nodes tell. Of a store that belongs to one process it stays silent.
#[derive(Debug)]
pub struct Changes(Source);

#[derive(Debug)]
enum Source {
    Silent,
    Feed(Feed),
    #[cfg(test)]
    Pair(tokio::sync::mpsc::UnboundedReceiver<Told>),
}

impl Changes {
    /// Those of a store that is not shared.
    pub(super) const fn none() -> Self {
        Self(Source::Silent)
    }

    /// Those of a server.
    pub(super) const fn of(feed: Feed) -> Self {
        Self(Source::Feed(feed))
    }

    /// The next change of another node. Never returns where there is none. To ask for the next one says that the one
    /// before has been acted on: only then does the node count as in touch with it.
    pub async fn next(&mut self) -> Told {
        let next = match &mut self.0 {
            Source::Silent => None,
            Source::Feed(feed) => feed.next().await,
            #[cfg(test)]
            Source::Pair(told) => told.recv().await,
        };
        match next {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
pub(super) mod pair {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::{Change, Changes, Source, Told};

    /// Tells one of two nodes in the same process what the other has changed.
    #[derive(Debug)]
    pub(in crate::platform::store) struct Line {
        other: UnboundedSender<Told>,
        own: Mutex<Option<Changes>>,
        is_in_touch: AtomicBool,
        loses_answers: AtomicBool,
    }

    impl Line {
        pub(in crate::platform::store) fn both() -> [Self; 2] {
            let ((to_a, at_a), (to_b, at_b)) = (unbounded_channel(), unbounded_channel());
            let line = |other, own| Self {
                other,
                own: Mutex::new(Some(Changes(Source::Pair(own)))),
                is_in_touch: AtomicBool::new(true),
                loses_answers: AtomicBool::new(false),
            };
            [line(to_b, at_a), line(to_a, at_b)]
        }

        pub(in crate::platform::store) fn tell(&self, changes: Vec<Change>) {
            for Change { part, key } in changes {
                // The other node may have gone.
                drop(self.other.send(Told { part: part.to_owned(), key }));
            }
        }

        pub(in crate::platform::store) fn is_in_touch(&self) -> bool {
            self.is_in_touch.load(Ordering::Acquire)
        }

        pub(in crate::platform::store) fn set_in_touch(&self, is_in_touch: bool) {
            self.is_in_touch.store(is_in_touch, Ordering::Release);
        }

        pub(in crate::platform::store) fn loses_answers(&self) -> bool {
            self.loses_answers.load(Ordering::Acquire)
        }

        pub(in crate::platform::store) fn lose_answers(&self, loses_answers: bool) {
            self.loses_answers.store(loses_answers, Ordering::Release);
        }

        pub(in crate::platform::store) fn changes(&self) -> Changes {
            self.own.lock().ok().and_then(|mut own| own.take()).unwrap_or_else(Changes::none)
        }
    }
}
