//! All exports of a node: how they stand, and how far each has come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::settings::{ExportName, ExportSettings};
use super::standing::{ExportNow, Standing};
use super::store::{self, Place, Position};
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Store, StoreError};

/// All exports of a node.
#[derive(Debug)]
pub struct Exports {
    store: Store,
    /// Whose journal it is, among those that share the store; empty where nobody else has it.
    node: String,
    standing: Mutex<BTreeMap<ExportName, Arc<Standing>>>,
}

impl Exports {
    /// Those of a node: `node` tells it from others that share the store, and is empty where none do, so that a machine may be
    /// renamed.
    pub fn new(store: Store, node: String) -> Self {
        Self { store, node, standing: Mutex::default() }
    }

    /// The standing of an export that runs from now on. What it has counted goes on.
    pub fn begin(&self, settings: &ExportSettings) -> Arc<Standing> {
        let standing = self.standing().entry(settings.name.clone()).or_default().clone();
        standing.leads(settings.target.to_string(), settings.format.as_str());
        standing
    }

    /// Forgets how exports stand that are not among these any more. Their places are kept: whoever puts one back goes on there.
    pub fn retain(&self, is_there: impl Fn(&ExportName) -> bool) {
        self.standing().retain(|name, _| is_there(name));
    }

    /// Where an export has come to; none where it never was anywhere.
    pub async fn position(&self, name: &ExportName) -> Result<Option<Place>, StoreError> {
        store::position(&self.store, &self.node, name).await
    }

    /// Keeps where an export has come to in the journal of this name.
    pub async fn keep(
        &self,
        name: &ExportName,
        position: Position,
        journal: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.write(vec![store::put(&self.node, name, position, journal, now)]).await.map(drop)
    }

    /// How all stand, where the journal ends with entry `head`.
    pub fn now(&self, head: u64, now: Timestamp) -> Vec<ExportNow> {
        self.standing().iter().map(|(name, standing)| standing.now(name.clone(), head, now)).collect()
    }

    fn standing(&self) -> MutexGuard<'_, BTreeMap<ExportName, Arc<Standing>>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
