//! One provider's directory: who somebody who signs in is in it, and who is out by a change of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Mutex as AsyncMutex;

use super::account::{Group, User};
use super::nodes::Touched;
use super::realms::Served;
use super::scim::{Before, Plan, Reply};
use super::settings::{DirectoryBounds, DirectorySettings, GroupUse, MatchBy, Told};
use super::table::{Change, Found, Table};
use crate::domain::application::ProviderName;
use crate::domain::provisioning::{Provisioning, ProvisioningStep};
use crate::domain::reason::Reason;
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::ResourceId;
use crate::platform::store::Statement;

/// One provider's directory under its present settings.
#[derive(Debug)]
pub struct Realm {
    pub(super) settings: DirectorySettings,
    pub(super) shelf: Arc<Shelf>,
    pub(super) bounds: DirectoryBounds,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) table: RwLock<Table>,
    /// One change at a time: each is planned on what the last one has left. Whose turn it is has what the store did not
    /// take of endings that hold all the same; it goes before all else.
    pub(super) turn: AsyncMutex<Owed>,
    /// How often it was changed, by whichever node, up to what is here.
    pub(super) step: AtomicI64,
    /// Endings that hold here although the store has not taken them yet.
    unstored: Mutex<Vec<Change>>,
    /// When the provider was heard of last, by whichever node.
    pub(super) heard: Heard,
}

/// When a provider was heard of last.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// In milliseconds since 1970; zero: never.
    last: AtomicI64,
    /// Up to when that is in the store.
    pub(super) stored: AtomicI64,
}

impl Heard {
    pub(super) fn note(&self, at: Timestamp) {
        self.last.fetch_max(at.as_millis(), Ordering::AcqRel);
    }

    pub(super) fn last(&self) -> Option<Timestamp> {
        let last = self.last.load(Ordering::Acquire);
        (last > 0).then(|| Timestamp::from_millis(last))
    }

    /// When it was, where the store does not have that yet.
    pub(super) fn unstored(&self) -> Option<Timestamp> {
        let stored = self.stored.load(Ordering::Acquire);
        self.last().filter(|last| last.as_millis() > stored)
    }
}

/// What the store did not take yet.
#[derive(Debug, Default)]
pub(super) struct Owed {
    pub(super) statements: Vec<Statement>,
    /// What other nodes are to read anew then.
    pub(super) touched: Touched,
}

impl Shelf {
    pub(super) fn of(table: Table, step: i64) -> Self {
        Self { table: RwLock::new(table), step: AtomicI64::new(step), ..Self::default() }
    }

    pub(super) fn unstored(&self) -> MutexGuard<'_, Vec<Change>> {
        self.unstored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn step(&self) -> i64 {
        self.step.load(Ordering::Acquire)
    }
}

/// Who somebody is by the directory of their provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Why nothing is decided for them; none where they may sign in.
    pub barred: Option<Reason>,
    /// The groups that count; none where those of the token do, as they are.
    pub groups: Option<Vec<String>>,
    /// Whether they are all of the person's groups, whatever the provider left out of its token.
    pub are_all: bool,
    /// What else is told of them, by our words: it counts in place of what the token says.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// Nobody of whom anything is told.
    pub(super) const fn nobody(barred: Option<Reason>) -> Self {
        Self { barred, groups: None, are_all: false, attributes: BTreeMap::new() }
    }
}

/// An account whose person may not be signed in any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// What the person is found by: of the kind that the settings say.
    pub account: String,
    /// Why, for the event.
    pub why: &'static str,
    /// Whether the person is not expected back. One whose account only goes by another name is.
    pub has_left: bool,
}

impl Realm {
    /// Its settings.
    pub const fn settings(&self) -> &DirectorySettings {
        &self.settings
    }

    /// Whether this is the person of that account.
    pub fn is_account_of(&self, leaver: &Leaver, subject: &Subject) -> bool {
        let value = (*subject.issuer == *self.settings.issuer).then(|| self.value_of(subject)).flatten();
        value.is_some_and(|value| match self.settings.match_by {
            MatchBy::UserName => value.to_lowercase() == leaver.account.to_lowercase(),
            MatchBy::ExternalId | MatchBy::Id => *value == leaver.account,
        })
    }

    pub(super) fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.shelf.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn bounds(&self) -> DirectoryBounds {
        self.bounds
    }

    pub(super) const fn provider(&self) -> &ProviderName {
        &self.settings.provider
    }

    pub(super) fn groups_of(&self, user: ResourceId) -> Vec<Arc<Group>> {
        self.table().groups_of(user).cloned().collect()
    }

    /// When the provider was heard of last; none if never.
    pub fn heard(&self) -> Option<Timestamp> {
        self.shelf.heard.last()
    }

    /// Whether that was too long ago. A provider that was never heard of has told nothing that could be too old.
    pub fn is_aged(&self, now: Timestamp) -> bool {
        self.heard().is_some_and(|heard| now.since(heard) > self.settings.max_age)
    }

    pub(super) fn look_up(&self, subject: &Subject) -> Known {
        let barred = |reason| Known::nobody(Some(reason));
        // Whoever cannot be looked up could be anybody, one who has left among them.
        let Some(value) = self.value_of(subject) else { return barred(Reason::AccountUnknown) };
        let table = self.table();
        let user = match table.find(self.settings.match_by, value) {
            Found::User(user) if user.is_active => Some(user),
            Found::User(_) | Found::Gone => return barred(Reason::AccountDisabled),
            Found::Nobody if self.settings.required => return barred(Reason::AccountUnknown),
            Found::Nobody => None,
        };
        let names = || {
            let of = |user: &Arc<User>| table.group_names(user.id, self.settings.group_name);
            user.as_ref().map(of).unwrap_or_default()
        };
        let (groups, are_all) = match self.settings.groups {
            GroupUse::Ignore => (None, false),
            GroupUse::Replace => (Some(names()), user.is_some()),
            GroupUse::Add => {
                let mut groups = subject.groups.clone();
                let more = names().into_iter().filter(|name| !subject.groups.contains(name));
                groups.extend(more);
                (Some(groups), user.is_some())
            }
        };
        let told = user.filter(|_| !self.settings.attributes.is_empty()).map(|user| user.told());
        let of =
            |(word, what): &(String, Told)| Some((word.clone(), vec![told.as_ref()?.get(what)?.clone()]));
        let attributes = self.settings.attributes.iter().filter_map(of).collect();
        Known { barred: None, groups, are_all, attributes }
    }

    /// What a person is looked up by; none where the provider did not send it, or more than one.
    fn value_of<'s>(&self, subject: &'s Subject) -> Option<&'s str> {
        let Some(word) = &self.settings.claim else { return Some(&subject.sub) };
        match subject.attributes.get(word).map(Vec::as_slice) {
            Some([only]) => Some(only),
            Some(_) | None => None,
        }
    }

    /// Who may not be signed in any more when this is done.
    pub(super) fn leaver(&self, plan: &Plan) -> Option<Leaver> {
        let after = plan.change.as_ref()?;
        let before = match &plan.before {
            Before::User(user) => Some(user),
            Before::Nothing | Before::Group(_) => None,
        };
        let account = before.and_then(|user| self.account_of(user));
        // Whoever is out by this account now, and was not before.
        if let Change::User(user) = after
            && !user.is_active
            && let Some(now) = self.account_of(user)
            && account.as_ref() != Some(&now)
            && before.is_none_or(|before| !before.is_active || account.is_none())
        {
            let why = "the account was disabled";
            return Some(Leaver { account: now, why, has_left: true });
        }
        let (before, account) = before.zip(account)?;
        let (why, has_left) = match after {
            Change::UserGone(_) => ("the account was deleted", true),
            Change::User(after) if before.is_active && !after.is_active => ("the account was disabled", true),
            Change::User(after) if self.account_of(after).as_deref() != Some(&account) => {
                ("the account goes by another name", false)
            }
            Change::User(_) | Change::Group(_) | Change::GroupGone(_) => return None,
        };
        Some(Leaver { account, why, has_left })
    }

    fn account_of(&self, user: &User) -> Option<String> {
        match self.settings.match_by {
            MatchBy::ExternalId => user.external_id.as_deref().map(str::to_owned),
            MatchBy::UserName => Some(user.name.to_lowercase()),
            MatchBy::Id => Some(user.id.to_string()),
        }
    }

    /// A reply that has changed nothing.
    pub(super) fn told(&self, reply: Reply) -> Served {
        let step = if reply.status < 400 { ProvisioningStep::Read } else { ProvisioningStep::Refused };
        Served { reply, told: Provisioning::of(self.settings.provider.clone(), step), leaver: None }
    }
}
