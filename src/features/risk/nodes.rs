//! What nodes that share a store tell one another of what is known of people: of whom, and no more. The row is the truth;
//! what is counted of denials stays at the node at which they happen.

use super::book::{Book, make_room};
use super::judge::Person;
use super::store;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Change, Row, StoreError};

/// What other nodes are told of: a person, as JSON.
pub const RISK_PART: &str = "risk";

pub(super) fn changed(id: &SubjectId) -> Option<Change> {
    Some(Change::new(RISK_PART, serde_json::to_string(id).ok()?))
}

impl Book {
    /// Reads anew what is known of a person of whom another node has learned.
    pub async fn heed(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        match serde_json::from_str(key) {
            Ok(id) => {
                // What is just being written here counts as saved already.
                let _turn = self.writing.lock().await;
                self.hear(&id, now).await
            }
            Err(error) => {
                tracing::error!(%error, "of whom another node has learned cannot be read: is it of another version?");
                Ok(())
            }
        }
    }

    /// Reads everything anew.
    pub async fn reload(&self, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        for row in self.store.find(store::all()).await? {
            self.take_over(&row, now);
        }
        self.rise();
        Ok(())
    }

    pub(super) async fn hear(&self, id: &SubjectId, now: Timestamp) -> Result<(), StoreError> {
        let rows = self.store.find(store::one(id)).await?;
        match rows.first() {
            Some(row) => self.take_over(row, now),
            None => self.lose(id),
        }
        self.rise();
        Ok(())
    }

    fn take_over(&self, row: &Row, now: Timestamp) {
        let Some((id, there)) = store::read(row, now) else { return };
        let mut people = self.shard(&id);
        if !people.contains_key(&id) {
            make_room(&mut people, now);
        }
        people.entry(id).or_default().take_over(there);
    }

    /// There is no row any more: they have had it forgotten, or nothing was left to remember.
    fn lose(&self, id: &SubjectId) {
        let mut people = self.shard(id);
        let Some(person) = people.get_mut(id) else { return };
        person.revision = 0;
        if !person.unsaved {
            let bursts = std::mem::take(&mut person.bursts);
            *person = Person { bursts, ..Person::default() };
        }
    }
}
