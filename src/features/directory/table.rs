//! One provider's users and groups in memory, found in every way in which somebody looks for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::account::{Group, User, folded};
use super::settings::{GroupName, MatchBy};
use crate::foundation::id::ResourceId;

/// Users and groups, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Table {
    users: People,
    /// Who was deleted: they are kept out until they are made anew.
    gone: People,
    groups: BTreeMap<ResourceId, Arc<Group>>,
    group_externals: HashMap<Box<str>, ResourceId>,
    of_user: HashMap<ResourceId, BTreeSet<ResourceId>>,
    memberships: usize,
}

#[derive(Debug, Default)]
struct People {
    all: BTreeMap<ResourceId, Arc<User>>,
    names: HashMap<Box<str>, ResourceId>,
    externals: HashMap<Box<str>, ResourceId>,
}

/// Who somebody is to the directory.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// This user.
    User(Arc<User>),
    /// A user who was deleted.
    Gone,
    /// Nobody.
    Nobody,
}

/// What is to become of a table.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A user is there, or is there in place of how they were.
    User(Arc<User>),
    /// A user is gone; what is kept of them.
    UserGone(Arc<User>),
    /// A group is there, or is there in place of how it was.
    Group(Arc<Group>),
    /// A group is gone.
    GroupGone(ResourceId),
}

impl Table {
    pub(super) fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.all.values()
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    pub(super) fn user_count(&self) -> usize {
        self.users.all.len()
    }

    pub(super) fn group_count(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn gone_count(&self) -> usize {
        self.gone.all.len()
    }

    pub(super) const fn membership_count(&self) -> usize {
        self.memberships
    }

    pub(super) fn user(&self, id: ResourceId) -> Option<&Arc<User>> {
        self.users.all.get(&id)
    }

    pub(super) fn user_named(&self, name: &str) -> Option<&Arc<User>> {
        self.users.by_name(name)
    }

    pub(super) fn user_called(&self, external_id: &str) -> Option<&Arc<User>> {
        self.users.by_external(external_id)
    }

    pub(super) fn group(&self, id: ResourceId) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    pub(super) fn group_called(&self, external_id: &str) -> Option<&Arc<Group>> {
        self.group_externals.get(external_id).and_then(|id| self.groups.get(id))
    }

    /// The groups that a user is in.
    pub(super) fn groups_of(&self, user: ResourceId) -> impl Iterator<Item = &Arc<Group>> {
        self.of_user.get(&user).into_iter().flatten().filter_map(|group| self.groups.get(group))
    }

    /// What roles know of a user's groups, sorted.
    pub(super) fn group_names(&self, user: ResourceId, by: GroupName) -> Vec<String> {
        let name = |group: &Arc<Group>| match by {
            GroupName::DisplayName => Some(group.name.to_string()),
            GroupName::ExternalId => group.external_id.as_deref().map(str::to_owned),
        };
        let mut names: Vec<_> = self.groups_of(user).filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Who goes by `value`.
    pub(super) fn find(&self, by: MatchBy, value: &str) -> Found {
        let find = |people: &People| {
            match by {
                MatchBy::ExternalId => people.by_external(value),
                MatchBy::UserName => people.by_name(value),
                MatchBy::Id => value.parse().ok().and_then(|id| people.all.get(&id)),
            }
            .cloned()
        };
        // Who was made anew is not gone.
        match (find(&self.users), find(&self.gone)) {
            (Some(user), _) => Found::User(user),
            (None, Some(_)) => Found::Gone,
            (None, None) => Found::Nobody,
        }
    }

    /// Who is gone and would be forgotten, for `user` is there again: the same by all that names them. Whoever only has
    /// the name of somebody who has left is somebody else.
    pub(super) fn returned(&self, user: &User) -> Vec<ResourceId> {
        let is_same = |gone: &&Arc<User>| {
            folded(&gone.name) == folded(&user.name) && gone.external_id == user.external_id
        };
        let named = self.gone.by_name(&user.name);
        let called = user.external_id.as_deref().and_then(|id| self.gone.by_external(id));
        let mut ids: Vec<_> = named.into_iter().chain(called).filter(is_same).map(|gone| gone.id).collect();
        ids.dedup();
        ids
    }

    /// Who went first of those who are gone.
    pub(super) fn first_gone(&self) -> Option<ResourceId> {
        self.gone.all.values().min_by_key(|user| user.modified).map(|user| user.id)
    }

    pub(super) fn forget_gone(&mut self, id: ResourceId) {
        self.gone.remove(id);
    }

    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::User(user) => self.users.put(user),
            Change::UserGone(user) => self.leave(user),
            Change::Group(group) => self.put_group(group),
            Change::GroupGone(id) => self.take_group(id),
        }
    }

    fn leave(&mut self, user: Arc<User>) {
        self.users.remove(user.id);
        for group in self.of_user.remove(&user.id).unwrap_or_default() {
            if let Some(group) = self.groups.get_mut(&group) {
                let group = Arc::make_mut(group);
                self.memberships -= usize::from(group.members.remove(&user.id));
            }
        }
        self.gone.put(user);
    }

    fn put_group(&mut self, group: Arc<Group>) {
        self.take_group(group.id);
        for member in &group.members {
            self.of_user.entry(*member).or_default().insert(group.id);
        }
        self.memberships += group.members.len();
        if let Some(external_id) = &group.external_id {
            self.group_externals.insert(external_id.clone(), group.id);
        }
        self.groups.insert(group.id, group);
    }

    fn take_group(&mut self, id: ResourceId) {
        let Some(group) = self.groups.remove(&id) else { return };
        self.memberships -= group.members.len();
        for member in &group.members {
            if let Some(groups) = self.of_user.get_mut(member) {
                groups.remove(&id);
                if groups.is_empty() {
                    self.of_user.remove(member);
                }
            }
        }
        if let Some(external_id) = &group.external_id {
            unlist(&mut self.group_externals, external_id, id);
        }
    }
}

impl People {
    fn by_name(&self, name: &str) -> Option<&Arc<User>> {
        self.names.get(&folded(name)).and_then(|id| self.all.get(id))
    }

    fn by_external(&self, external_id: &str) -> Option<&Arc<User>> {
        self.externals.get(external_id).and_then(|id| self.all.get(id))
    }

    fn put(&mut self, user: Arc<User>) {
        self.remove(user.id);
        self.names.insert(folded(&user.name), user.id);
        if let Some(external_id) = &user.external_id {
            self.externals.insert(external_id.clone(), user.id);
        }
        self.all.insert(user.id, user);
    }

    fn remove(&mut self, id: ResourceId) {
        let Some(user) = self.all.remove(&id) else { return };
        unlist(&mut self.names, &folded(&user.name), id);
        if let Some(external_id) = &user.external_id {
            unlist(&mut self.externals, external_id, id);
        }
    }
}

/// Of two who are gone by one name, the later one has it.
fn unlist(names: &mut HashMap<Box<str>, ResourceId>, name: &str, id: ResourceId) {
    if names.get(name) == Some(&id) {
        names.remove(name);
    }
}
