//! Directories that nodes share: each change is a step, which one node takes, planned on all steps before it. Whoever comes
//! second takes none of it, and its provider asks again. The others read anew what a step has touched.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::realm::{Realm, Shelf};
use super::realms::Directory;
use super::store;
use super::table::{Change as TableChange, Table};
use crate::domain::application::ProviderName;
use crate::foundation::id::ResourceId;
use crate::platform::store::{Change, Statement, StoreError};

/// What other nodes are told of: a step, and what it has touched, in JSON.
pub const DIRECTORY_PART: &str = "directory";

/// What is to be read anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Touched {
    pub(super) users: Vec<ResourceId>,
    groups: Vec<ResourceId>,
}

#[derive(Serialize, Deserialize)]
struct Step {
    provider: ProviderName,
    number: i64,
    #[serde(flatten)]
    touched: Touched,
}

impl Touched {
    pub(super) fn note(&mut self, change: &TableChange) {
        match change {
            TableChange::User(user) | TableChange::UserGone(user) => self.users.push(user.id),
            TableChange::Group(group) => self.groups.push(group.id),
            TableChange::GroupGone(id) => self.groups.push(*id),
        }
    }
}

impl Directory {
    /// Has what other nodes have changed before anything is planned here.
    pub(super) async fn catch_up(&self, realm: &Realm) -> Result<(), StoreError> {
        self.catch_up_with(&realm.settings.provider, &realm.shelf).await
    }

    pub(super) async fn catch_up_with(&self, provider: &ProviderName, own: &Shelf) -> Result<(), StoreError> {
        if !self.store.is_shared() {
            return Ok(());
        }
        let there = store::step(&self.store, provider).await?;
        // As a rule it is on its way, and that is faster than to read everything.
        for _ in 0..WAITED_TIMES {
            if own.step() >= there {
                return Ok(());
            }
            tokio::time::sleep(WAITED_FOR).await;
        }
        self.reload().await
    }

    /// Writes a change; where nodes share the store, as the next step.
    pub(super) async fn write(
        &self,
        provider: &ProviderName,
        own: &Shelf,
        mut statements: Vec<Statement>,
        touched: &Touched,
    ) -> Result<(), StoreError> {
        if !self.store.is_shared() {
            return self.store.write(statements).await.map(drop);
        }
        let step = own.step().saturating_add(1);
        statements.extend(store::take_step(provider, step));
        let told = Step { provider: provider.clone(), number: step, touched: touched.clone() };
        let told = serde_json::to_string(&told).map_err(|_| StoreError::Unexpected)?;
        self.store.write_telling(statements, vec![Change::new(DIRECTORY_PART, told)]).await?;
        own.step.fetch_max(step, Ordering::AcqRel);
        Ok(())
    }

    /// Reads anew what a step of another node has touched.
    pub async fn heed(&self, key: &str) -> Result<(), StoreError> {
        let Ok(Step { provider, number: step, touched }) = serde_json::from_str::<Step>(key) else {
            tracing::error!(
                "a step of the directory that another node has taken cannot be read: is it of another version?"
            );
            return Ok(());
        };
        let own = self.shelf(&provider);
        let here = own.step();
        if step <= here {
            return Ok(());
        }
        if step > here.saturating_add(1) {
            return self.reload().await;
        }
        let (mut changes, mut forgotten) = (Vec::new(), Vec::new());
        for id in touched.users {
            match store::user(&self.store, id).await? {
                Some(change) => changes.push(change),
                None => forgotten.push(id),
            }
        }
        for id in touched.groups {
            changes.push(store::group(&self.store, id).await?);
        }
        {
            let mut table = own.table.write().unwrap_or_else(PoisonError::into_inner);
            // All was read anew meanwhile, or a step of our own has come after that: this one is in it.
            if own.step() != here {
                return Ok(());
            }
            for change in changes {
                table.apply(change);
            }
            for id in forgotten {
                table.forget_gone(id);
            }
            own.step.fetch_max(step, Ordering::AcqRel);
        }
        self.rise();
        Ok(())
    }

    /// Reads everything anew.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let (mut tables, steps) = store::find(&self.store).await?;
        let known: Vec<_> =
            self.shelves.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        for provider in known {
            tables.entry(provider).or_insert_with(Table::default);
        }
        for (provider, table) in tables {
            let own = self.shelf(&provider);
            let step = steps.get(&provider).copied().unwrap_or(0);
            let mut there = own.table.write().unwrap_or_else(PoisonError::into_inner);
            // Our own next step may have been taken since that was read.
            if step >= own.step() {
                *there = table;
                // Who is out is out, also where the store has not taken that yet.
                own.unstored().iter().cloned().for_each(|change| there.apply(change));
                own.step.store(step, Ordering::Release);
            }
        }
        self.rise();
        Ok(())
    }

    pub(super) fn shelf(&self, provider: &ProviderName) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.entry(provider.clone()).or_default().clone()
    }
}

const WAITED_TIMES: u32 = 50;
const WAITED_FOR: Duration = Duration::from_millis(10);
