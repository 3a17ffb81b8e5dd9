//! What nodes that share a store tell one another of what they have changed.
//!
//! A change is committed with the write that it is of, or not at all. Each has a number, rising in the order of the
//! commits; a node hears those of the others, in this order, each once.

use tokio::sync::mpsc::UnboundedReceiver;

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
}

/// What another node has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which part of the store is meant.
    pub part: String,
    /// What is to be read anew.
    pub key: String,
}

/// What other nodes tell. Of a store that belongs to one process it stays silent.
#[derive(Debug)]
pub struct Changes(Option<UnboundedReceiver<Told>>);

impl Changes {
    /// Those of a store that is not shared.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// The next change of another node. Never returns where there is none.
    pub async fn next(&mut self) -> Told {
        if let Some(told) = &mut self.0
            && let Some(told) = told.recv().await
        {
            return told;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
pub(super) mod pair {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::{Change, Changes, Told};

    /// Tells one of two nodes in the same process what the other has changed.
    #[derive(Debug)]
    pub(in crate::platform::store) struct Line {
        other: UnboundedSender<Told>,
        own: Mutex<Option<Changes>>,
        is_in_touch: AtomicBool,
    }

    impl Line {
        pub(in crate::platform::store) fn both() -> [Self; 2] {
            let ((to_a, at_a), (to_b, at_b)) = (unbounded_channel(), unbounded_channel());
            let line = |other, own| Self {
                other,
                own: Mutex::new(Some(Changes(Some(own)))),
                is_in_touch: AtomicBool::new(true),
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

        pub(in crate::platform::store) fn changes(&self) -> Changes {
            self.own.lock().ok().and_then(|mut own| own.take()).unwrap_or_else(Changes::none)
        }
    }
}
