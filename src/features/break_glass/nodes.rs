//! What nodes that share a store tell one another of breaks: which, and no more. The row is the truth.

use super::breaks::Breaks;
use super::store;
use crate::foundation::id::RequestId;
use crate::platform::store::{Change, StoreError};

/// What other nodes are told of: a break, by its identifier.
pub const BREAK_PART: &str = "break_glass";

pub(super) fn changed(id: RequestId) -> Change {
    Change::new(BREAK_PART, id.to_string())
}

impl Breaks {
    /// Reads a break anew that another node has begun, ended or changed.
    pub async fn heed(&self, key: &str) -> Result<(), StoreError> {
        let Ok(id) = key.parse() else {
            tracing::error!(
                "which emergency access another node has told of cannot be read: is it of another version?"
            );
            return Ok(());
        };
        let rows = self.store.find(store::one(id)).await?;
        self.take_over(id, rows.first().and_then(store::read));
        Ok(())
    }

    /// Reads everything anew.
    pub async fn reload(&self) -> Result<(), StoreError> {
        self.read_anew().await
    }

    /// Reads everything anew where other nodes may have begun a break that is not known here yet.
    pub async fn look_up(&self) -> Result<(), StoreError> {
        if self.store.is_shared() { self.reload().await } else { Ok(()) }
    }
}
