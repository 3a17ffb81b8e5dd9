//! What nodes that share a store do together about signals: each token is carried out by one of them, and all know whose
//! account may not be used.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::receiver::Shelf;
use super::standing::AccountName;
use super::token::Set;
use super::{Signals, store};
use crate::domain::application::ProviderName;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Change, Row, Statement, StoreError};

/// What other nodes are told of: how an account stands, by its provider and its name, in JSON.
pub const SIGNAL_ACCOUNT_PART: &str = "signal-account";

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It is for whoever asks to carry it out.
    Ours,
    /// It was taken before.
    TakenBefore,
    /// Another node is at it: it is to come again.
    Elsewhere,
}

#[derive(Serialize, Deserialize)]
struct Account {
    provider: ProviderName,
    kind: String,
    name: String,
}

pub(super) fn changed(provider: &ProviderName, name: &AccountName) -> Change {
    let (kind, name) = name.parts();
    let account = Account { provider: provider.clone(), kind: kind.to_owned(), name: name.to_owned() };
    Change::new(SIGNAL_ACCOUNT_PART, serde_json::to_string(&account).unwrap_or_default())
}

impl Signals {
    /// Whether a token is to be carried out here. Where nodes share a store, it is this node's until it is
    /// [taken](Self::take) or [left](Self::leave), or for half a minute.
    pub async fn claim(&self, set: &Set, now: Timestamp) -> Result<Claimed, StoreError> {
        if self.taken.has(&set.digest, now) {
            return Ok(Claimed::TakenBefore);
        }
        if !self.store.is_shared() {
            return Ok(Claimed::Ours);
        }
        let claim = store::claim(&set.digest, now, now.plus(CARRIED_OUT_WITHIN));
        if self.store.write(vec![claim]).await?.first() != Some(&1) {
            return Ok(Claimed::Elsewhere);
        }
        // Only now: whoever was at it before has taken it or not.
        let rows = self.store.find(store::until(&set.digest)).await?;
        let Some(until) = rows.first().and_then(|row| row.integer(0).ok()) else { return Ok(Claimed::Ours) };
        self.taken.put(set.digest, Timestamp::from_millis(until));
        self.leave(set).await?;
        Ok(Claimed::TakenBefore)
    }

    /// A token could not be carried out here: whichever node it comes to again may try.
    pub async fn leave(&self, set: &Set) -> Result<(), StoreError> {
        if self.store.is_shared() {
            self.store.write(vec![store::leave(&set.digest)]).await?;
        }
        Ok(())
    }

    /// Whether another node may have asked for what a transmitter answers here.
    pub fn may_answer_another(&self) -> bool {
        self.store.is_shared()
    }

    /// Reads anew how an account stands.
    pub async fn heed(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        let account = serde_json::from_str::<Account>(key).ok();
        let named = account.and_then(|account| {
            Some((AccountName::of_parts(&account.kind, &account.name)?, account.provider))
        });
        let Some((name, provider)) = named else {
            tracing::error!(
                "what another node has told of an account cannot be read: is it of another version?"
            );
            return Ok(());
        };
        for row in self.store.find(store::account(&provider, &name)).await? {
            self.hear(&row, now);
        }
        self.rise();
        Ok(())
    }

    /// Reads everything anew.
    pub async fn reload(&self, now: Timestamp) -> Result<(), StoreError> {
        for row in self.store.find(Statement::new(store::ACCOUNTS)).await? {
            self.hear(&row, now);
        }
        self.rise();
        Ok(())
    }

    fn hear(&self, row: &Row, now: Timestamp) {
        let Some((provider, name, standing)) = store::read_account(row) else { return };
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let own = shelves.entry(provider).or_insert_with(|| Arc::new(Shelf::new(now)));
        if own.accounts.outdated(vec![name.clone()], standing.since).is_empty() {
            return;
        }
        own.accounts.put(name, standing);
    }
}

/// As long as ending sessions may take, many times over. A node that is gone has left it then.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(30);
