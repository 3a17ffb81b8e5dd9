//! Room for so many at once: of connections over all workers, of requests on one. Whoever finds none is
//! turned away at once, since waiting would only move the crowd.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many there may be at once, and how many there are.
#[derive(Debug)]
pub struct Room {
    taken: AtomicUsize,
    most: usize,
}

/// A place in a room, given back when dropped.
#[derive(Debug)]
pub struct Place(Arc<Room>);

impl Room {
    /// A room for `most`.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), most })
    }

    /// How many there are.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether more than so many hundredths are taken.
    pub fn is_fuller_than(&self, percent: usize) -> bool {
        self.taken().saturating_mul(100) > self.most.saturating_mul(percent)
    }

    /// A place, if there is one.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        let entered = self.taken.fetch_add(1, Ordering::Relaxed) < self.most;
        let place = Place(self.clone());
        entered.then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_knows_how_full_it_is() {
        let room = Room::new(4);
        let places: Vec<_> = (0..3).filter_map(|_| room.enter()).collect();
        assert!(room.is_fuller_than(74) && !room.is_fuller_than(75), "{places:?}");
    }

    #[test]
    fn a_place_is_given_back() {
        let room = Room::new(1);
        let place = room.enter();
        assert!(place.is_some() && room.enter().is_none());
        assert_eq!(room.taken(), 1, "who found no place has taken none");
        drop(place);
        assert!(room.enter().is_some());
    }
}
