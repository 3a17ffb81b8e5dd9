//! What nodes that share a store tell one another of what is kept: which entry, and no more. The row is the truth.

use std::collections::HashMap;

use super::shelf::Holds;
use super::store;
use crate::foundation::id::HoldId;
use crate::platform::store::{Change, StoreError};

/// What other nodes are told of: an entry, by its identifier.
pub const HOLD_PART: &str = "hold";

pub(super) fn changed(id: HoldId) -> Change {
    Change::new(HOLD_PART, id.to_string())
}

impl Holds {
    /// Reads an entry anew that another node has made, given to somebody, sent or taken away.
    pub async fn heed(&self, key: &str) -> Result<(), StoreError> {
        if let Ok(id) = key.parse() {
            return self.refresh(id).await;
        }
        tracing::error!("which entry another node has told of cannot be read: is it of another version?");
        Ok(())
    }

    pub(super) async fn refresh(&self, id: HoldId) -> Result<(), StoreError> {
        let rows = self.store.find(store::one(id)).await?;
        self.table.renew(id, rows.first().and_then(|row| store::read(row).ok()));
        Ok(())
    }

    /// Reads everything anew.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let here = self.table.ids();
        let rows = self.store.find(store::all()).await?;
        let mut there: HashMap<_, _> =
            rows.iter().filter_map(|row| store::read(row).ok()).map(|entry| (entry.id, entry)).collect();
        for id in here {
            self.table.renew(id, there.remove(&id));
        }
        for (id, entry) in there {
            self.table.renew(id, Some(entry));
        }
        Ok(())
    }
}
