//! A bounded place for things with an end: sign-ins, codes, tokens, sessions.

use std::collections::HashMap;
use std::time::Duration;

use crate::foundation::clock::Timestamp;

/// How many things one shelf holds.
const CAPACITY: usize = 1_000;

/// Things by ticket, each until its end.
#[derive(Debug)]
pub(super) struct Shelf<T>(HashMap<String, (Timestamp, T)>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Shelf<T> {
    /// Keeps `thing` under `ticket` for as long as `lasts`. What has ended goes; if that is not enough, so
    /// does what would end first.
    pub(super) fn keep(&mut self, ticket: String, thing: T, lasts: Duration, now: Timestamp) {
        if self.0.len() >= CAPACITY {
            self.0.retain(|_, (end, _)| *end > now);
        }
        if self.0.len() >= CAPACITY
            && let Some(first) =
                self.0.iter().min_by_key(|(_, (end, _))| *end).map(|(ticket, _)| ticket.clone())
        {
            self.0.remove(&first);
        }
        self.0.insert(ticket, (now.plus(lasts), thing));
    }

    /// What lies under `ticket`, if its end has not come.
    pub(super) fn look_up(&self, ticket: &str, now: Timestamp) -> Option<&T> {
        self.0.get(ticket).filter(|(end, _)| *end > now).map(|(_, thing)| thing)
    }

    /// The same, to be changed.
    pub(super) fn look_up_mut(&mut self, ticket: &str, now: Timestamp) -> Option<&mut T> {
        self.0.get_mut(ticket).filter(|(end, _)| *end > now).map(|(_, thing)| thing)
    }

    /// Takes away what lies under `ticket`.
    pub(super) fn take(&mut self, ticket: &str, now: Timestamp) -> Option<T> {
        self.0.remove(ticket).filter(|(end, _)| *end > now).map(|(_, thing)| thing)
    }

    /// Throws away everything that `ended` says has ended.
    pub(super) fn remove_where(&mut self, ended: impl Fn(&T) -> bool) {
        self.0.retain(|_, (_, thing)| !ended(thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_gone_at_its_end_and_after_it_was_taken() {
        let begin = Timestamp::from_seconds(1_000);
        let minute = Duration::from_secs(60);
        let mut shelf = Shelf::default();
        shelf.keep("a".to_owned(), 1, minute, begin);
        assert!(shelf.look_up("a", begin.plus(minute)).is_none());
        assert_eq!(shelf.take("a", begin), Some(1));
        assert_eq!(shelf.take("a", begin), None);
    }

    #[test]
    fn a_full_shelf_loses_what_would_end_first() {
        let begin = Timestamp::from_seconds(1_000);
        let mut shelf = Shelf::default();
        for number in 0..=CAPACITY {
            let lasts = Duration::from_secs(60 + number as u64);
            shelf.keep(number.to_string(), number, lasts, begin);
        }
        assert!(shelf.look_up("0", begin).is_none());
        assert_eq!(shelf.look_up("1", begin), Some(&1));
        assert_eq!(shelf.look_up(&CAPACITY.to_string(), begin), Some(&CAPACITY));
    }
}
