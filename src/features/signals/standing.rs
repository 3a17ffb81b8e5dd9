//! Whose account may not be used, by what the transmitter signalled: until it signals the contrary, over every restart.
//!
//! What was signed later holds, in whatever order signals arrive: an old *enabled* that comes again, or late, lets nobody
//! in who was disabled since. Where two were signed in the same second, the one that comes later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::subject::{Name, folded};
use super::token::GOOD_FOR;
use crate::foundation::clock::Timestamp;

/// The accounts of one provider.
#[derive(Debug, Default)]
pub(super) struct Accounts(Mutex<HashMap<AccountName, Standing>>);

/// What an account goes by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum AccountName {
    Sub(Arc<str>),
    Email(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) is_barred: bool,
    /// When that was signed.
    pub(super) since: Timestamp,
}

impl AccountName {
    /// The name under which the store keeps it: its kind, and it.
    pub(super) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Sub(sub) => ("sub", sub),
            Self::Email(email) => ("email", email),
        }
    }

    pub(super) fn of_parts(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "sub" => Some(Self::Sub(name.into())),
            "email" => Some(Self::Email(name.into())),
            _ => None,
        }
    }

    /// The names of a person whom the provider with this issuer, or its transmitter, calls so.
    pub(super) fn of(names: &[Name], is_issuer: impl Fn(&str) -> bool) -> Vec<Self> {
        let name = |name: &Name| match name {
            Name::Sub { issuer, sub } => is_issuer(issuer).then(|| Self::Sub(sub.clone())),
            Name::Opaque(sub) => Some(Self::Sub(sub.clone())),
            Name::Email(email) => Some(Self::Email(email.clone())),
        };
        names.iter().filter_map(name).collect()
    }

    /// Of one person's names, those that are barred with them: their `sub` if that is known, since whoever admits them
    /// again may name no more.
    pub(super) fn barred_by(mut names: Vec<Self>) -> Vec<Self> {
        if names.iter().any(|name| matches!(name, Self::Sub(_))) {
            names.retain(|name| matches!(name, Self::Sub(_)));
        }
        names
    }
}

impl Accounts {
    pub(super) fn put(&self, name: AccountName, standing: Standing) {
        self.all().insert(name, standing);
    }

    /// Of these names, those of which nothing later is known.
    pub(super) fn outdated(&self, names: Vec<AccountName>, signed: Timestamp) -> Vec<AccountName> {
        let all = self.all();
        names.into_iter().filter(|name| all.get(name).is_none_or(|known| known.since <= signed)).collect()
    }

    /// Whether there is room for these names. Rather than that somebody is not barred, whoever was admitted is forgotten.
    pub(super) fn has_room(&self, names: &[AccountName], now: Timestamp) -> bool {
        let mut all = self.all();
        let lacks_room = |all: &HashMap<AccountName, Standing>| {
            let more = names.iter().filter(|name| !all.contains_key(name)).count();
            more > 0 && all.len() + more > ACCOUNTS_MAX
        };
        if lacks_room(&all) {
            all.retain(|_, standing| standing.matters(now));
        }
        if lacks_room(&all) {
            all.retain(|_, standing| standing.is_barred);
        }
        !lacks_room(&all)
    }

    pub(super) fn knows(&self, name: &AccountName) -> bool {
        self.all().contains_key(name)
    }

    pub(super) fn is_barred(&self, sub: &Arc<str>, emails: &[String]) -> bool {
        let all = self.all();
        let is_barred = |name: &AccountName| all.get(name).is_some_and(|standing| standing.is_barred);
        is_barred(&AccountName::Sub(sub.clone()))
            || emails.iter().any(|email| is_barred(&AccountName::Email(folded(email))))
    }

    pub(super) fn barred(&self) -> usize {
        self.all().values().filter(|standing| standing.is_barred).count()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<AccountName, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Whether it changes what a signal does that may still come.
    fn matters(self, now: Timestamp) -> bool {
        self.is_barred || now.since(self.since) <= GOOD_FOR
    }
}

/// More than a large house has people.
pub(super) const ACCOUNTS_MAX: usize = 200_000;
