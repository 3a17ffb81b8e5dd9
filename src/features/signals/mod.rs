//! What providers signal of their people while these are signed in: the receiver of Shared Signals (SSF 1.0 with CAEP 1.0
//! and RISC 1.0), pushed (RFC 8935) or asked for (RFC 8936).
//!
//! A signal is a signed token, taken once, and acknowledged when it was carried out and not before: what could not be
//! completed comes again. What is not understood is never taken for a command, and never for an error either. Whose
//! account may not be used is remembered until the contrary is signalled.
//!
//! This room says what a signal calls for, and keeps who is barred. Ending sessions is the gateway's, by the one
//! revocation.

mod error;
mod nodes;
mod poll;
mod receiver;
pub mod settings;
mod signal;
mod standing;
mod store;
mod stream;
mod subject;
mod taken;
pub mod token;
mod transmitter;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{MutexGuard, watch};

use receiver::Shelf;
use settings::SignalSettings;
use standing::{AccountName, Standing};
use taken::Taken;
use token::{GOOD_FOR, Set};

pub use error::{SetFault, TransmitterFault};
pub use nodes::{Claimed, SIGNAL_ACCOUNT_PART};
pub use poll::{Answered, Due, Refused};
pub use receiver::Receiver;
pub use signal::{Call, StreamStatus};
pub use store::MIGRATIONS;
pub use stream::{Counts, StreamNow};
pub use subject::{Name, Whom};

use crate::domain::application::ProviderName;
use crate::domain::event::{EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::domain::signal::EventSignal;
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::platform::http::fetch::AuthoritiesError;
use crate::platform::store::{Store, StoreError};

/// The receivers of all providers' signals.
#[derive(Debug)]
pub struct Signals {
    receivers: RwLock<Vec<Arc<Receiver>>>,
    /// Of providers that signal nothing now, too: they may again.
    shelves: Mutex<HashMap<ProviderName, Arc<Shelf>>>,
    taken: Taken,
    store: Store,
    revision: AtomicU64,
    changed: watch::Sender<()>,
}

/// What has come of a signal.
#[derive(Clone, Debug)]
pub struct Signalled {
    /// What events tell of it.
    pub told: EventSignal,
    /// Whether it was taken.
    pub taken: Result<(), SetFault>,
}

/// What has come of a change of an account's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stood {
    /// It stands so now.
    Changed,
    /// Something that was signed later holds.
    Overtaken,
}

/// Why the standing of an account could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are as many as are kept.
    #[error("there are as many accounts as are kept")]
    Full,
}

impl Signalled {
    /// How its event counts.
    pub const fn outcome(&self) -> Outcome {
        match &self.taken {
            Ok(()) => Outcome::Completed,
            Err(fault) if fault.code().is_some() => Outcome::Refused,
            Err(_) => Outcome::Failed,
        }
    }

    /// What its event says of it, and why.
    pub const fn verdict(&self) -> (Verdict, Reason) {
        match &self.taken {
            Ok(()) => (Verdict::Permit, Reason::OwnPath),
            Err(fault) => (Verdict::Deny, fault.reason()),
        }
    }

    /// Says in an event what was signalled.
    pub fn note(self, opening: &mut Opening) {
        opening.kind = EventKind::Administration;
        opening.signal = Some(Box::new(self.told));
        if let Err(fault) = &self.taken {
            let not_taken = format!("the signal was not taken: {fault}");
            opening.note = Some(match opening.note.take() {
                Some(note) => format!("{note}; {not_taken}"),
                None => not_taken,
            });
        }
    }
}

impl Signals {
    /// What the store holds. Blocks: for the start.
    pub fn load(store: Store, now: Timestamp) -> Result<Self, StoreError> {
        let mut shelves: HashMap<ProviderName, Arc<Shelf>> = HashMap::new();
        for (provider, name, standing) in store::accounts(&store)? {
            let shelf = shelves.entry(provider).or_insert_with(|| Arc::new(Shelf::new(now)));
            shelf.accounts.put(name, standing);
        }
        let taken = Taken::new();
        for (token, until) in store::taken(&store)? {
            taken.put(token, until);
        }
        Ok(Self {
            receivers: RwLock::default(),
            shelves: Mutex::new(shelves),
            taken,
            store,
            revision: AtomicU64::new(0),
            changed: watch::Sender::new(()),
        })
    }

    /// Takes new settings, all or none.
    pub fn apply(&self, settings: Vec<SignalSettings>, now: Timestamp) -> Result<(), AuthoritiesError> {
        self.put(self.prepare(settings, now)?);
        Ok(())
    }

    /// The receivers under new settings, which are not in force yet.
    pub fn prepare(
        &self,
        settings: Vec<SignalSettings>,
        now: Timestamp,
    ) -> Result<Vec<Arc<Receiver>>, AuthoritiesError> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.receivers();
        let receiver = |settings: SignalSettings| {
            // One whose settings have not changed goes on.
            if let Some(same) = known.iter().find(|receiver| *receiver.settings() == settings) {
                return Ok(same.clone());
            }
            let own = shelves.entry(settings.provider.clone()).or_insert_with(|| Arc::new(Shelf::new(now)));
            Receiver::new(settings, own.clone()).map(Arc::new)
        };
        settings.into_iter().map(receiver).collect()
    }

    /// Puts them in force.
    pub fn put(&self, receivers: Vec<Arc<Receiver>>) {
        *self.receivers.write().unwrap_or_else(PoisonError::into_inner) = receivers;
        self.rise();
        self.changed.send_replace(());
    }

    /// The receivers under the present settings.
    pub fn receivers(&self) -> Vec<Arc<Receiver>> {
        self.receivers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells of new settings.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Whether any transmitter pushes.
    pub fn are_pushed(&self) -> bool {
        self.receivers().iter().any(|receiver| receiver.settings().token.is_some())
    }

    /// The receiver for which this token is brought. Each is compared, so that the time tells nothing of which it is.
    pub fn receiver_of(&self, token: &str) -> Option<Arc<Receiver>> {
        let mut found = None;
        for receiver in self.receivers() {
            if receiver.settings().token.as_ref().is_some_and(|own| own.is(token)) {
                found = Some(receiver);
            }
        }
        found
    }

    /// Rises whenever somebody may have been barred or admitted.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Why nothing is decided for somebody whom `provider` vouches for; none where nothing was signalled against them.
    pub fn barred(&self, provider: &ProviderName, subject: &Subject) -> Option<Reason> {
        let receivers = self.receivers.read().unwrap_or_else(PoisonError::into_inner);
        let receiver = receivers.iter().find(|receiver| receiver.settings().provider == *provider)?;
        receiver.is_barred(subject).then_some(Reason::AccountDisabled)
    }

    /// Waits until nobody else is at this token.
    pub async fn turn(&self, set: &Set) -> MutexGuard<'_, ()> {
        self.taken.turn(&set.digest).await
    }

    /// Notes that a token was carried out. Where the store does not take it, it is to come again.
    pub async fn take(&self, set: &Set, now: Timestamp) -> Result<(), StoreError> {
        let until = set.issued.plus(GOOD_FOR);
        let mut statements = vec![store::put_taken(&set.digest, until), store::forget_taken(now)];
        if self.store.is_shared() {
            statements.extend([store::leave(&set.digest), store::forget_claims(now)]);
        }
        self.store.write(statements).await?;
        self.taken.put(set.digest, until);
        Ok(())
    }

    /// Bars the person of a signal, or admits them. Who is out is out even where the store does not answer; nobody is
    /// admitted before it has.
    pub async fn stand(
        &self,
        receiver: &Receiver,
        set: &Set,
        is_barred: bool,
        now: Timestamp,
    ) -> Result<Stood, KeepError> {
        let accounts = &receiver.shelf.accounts;
        let _turn = receiver.shelf.turn.lock().await;
        let named = receiver.accounts_of(&set.whom.people);
        let named = if is_barred { AccountName::barred_by(named) } else { named };
        let mut to_change = accounts.outdated(named, set.issued);
        if to_change.is_empty() {
            return Ok(Stood::Overtaken);
        }
        if !accounts.has_room(&to_change, now) {
            if is_barred {
                return Err(KeepError::Full);
            }
            to_change.retain(|name| accounts.knows(name));
        }
        let standing = Standing { is_barred, since: set.issued };
        let remember = || {
            for name in &to_change {
                accounts.put(name.clone(), standing);
            }
            self.rise();
        };
        if is_barred {
            remember();
        }
        let provider = &receiver.settings().provider;
        let mut statements: Vec<_> =
            to_change.iter().map(|name| store::put_account(provider, name, standing)).collect();
        statements.push(store::forget_accounts(now));
        let told = to_change.iter().map(|name| nodes::changed(provider, name)).collect();
        self.store.write_telling(statements, told).await?;
        if !is_barred {
            remember();
        }
        Ok(Stood::Changed)
    }

    fn rise(&self) {
        self.revision.fetch_add(1, Ordering::AcqRel);
    }
}
