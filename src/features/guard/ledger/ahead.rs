//! Room that another node has taken ahead and does not need: it is called in before somebody is refused for want of it.
//!
//! Each node says beside its mark whether it holds room ahead of a person. Where one does, and a window has no room left, the
//! nodes are told so, and give back at once what they have not used. Whoever holds nothing is not waited for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::demand::Demand;
use super::nodes::Common;
use super::{Ledger, lock, store};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Change, StoreError};

/// Room that was taken ahead of somebody is called in: who, as JSON.
pub const WINDOW_PART: &str = "window";

/// Of whom it is called in.
#[derive(Serialize, Deserialize)]
struct CalledIn {
    issuer: std::sync::Arc<str>,
    sub: std::sync::Arc<str>,
}

/// When it is looked whether it was given back: a node that hears of it takes one turn of its disk. One that does not within all
/// of these is gone, or as good as that.
const LOOKED_AFTER: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(120),
    Duration::from_millis(300),
];

impl Ledger {
    /// Calls in what other nodes have taken ahead of a person, for a demand that found no room, and waits a moment until it
    /// is there. Whether it is worth trying again.
    pub(super) async fn call_in(
        &self,
        common: &Common,
        person: &SubjectId,
        demand: &Demand,
    ) -> Result<bool, StoreError> {
        let was_in_vain = self.with(person, |account| account.was_called_in_vain());
        if !demand.asks_for_amounts() || was_in_vain || !is_held(common, person).await? {
            return Ok(false);
        }
        let told = CalledIn { issuer: person.issuer.clone(), sub: person.sub.clone() };
        let told = serde_json::to_string(&told).map_err(|_| StoreError::Unexpected)?;
        common.store.write_telling(Vec::new(), vec![Change::new(WINDOW_PART, told)]).await?;
        for pause in LOOKED_AFTER {
            tokio::time::sleep(pause).await;
            if !is_held(common, person).await? {
                break;
            }
        }
        Ok(true)
    }

    /// Another node calls in what was taken ahead of somebody. Where the store does not take it, it is given back when it does.
    pub fn heed(&self, key: &str, now: Timestamp) {
        let Ok(CalledIn { issuer, sub }) = serde_json::from_str(key) else {
            tracing::error!("of whom another node calls in room cannot be read: is it of another version?");
            return;
        };
        let person = SubjectId { issuer, sub };
        if !lock(self.shard(&person)).people.contains_key(&person) {
            return;
        }
        let ledger = self.clone();
        // Apart: whoever hears what others tell waits for nobody's turn here.
        tokio::spawn(async move {
            if let Err(error) = ledger.tidy(&person, now, true).await {
                tracing::warn!(%error, "room that another node needs is given back later");
            }
        });
    }
}

async fn is_held(common: &Common, person: &SubjectId) -> Result<bool, StoreError> {
    Ok(!common.store.find(store::held_elsewhere(person, common.node)).await?.is_empty())
}
