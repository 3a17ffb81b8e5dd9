//! What a change comes to, before it is made: the resource as it will be, or why it cannot be.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::account::{Group, Nameless, STAYS_OUT, Times, User};
use super::super::realm::Realm;
use super::super::table::Change;
use super::error::{Kind, ScimError};
use super::filter::Subject;
use super::schema::{GROUP, USER};
use super::{Act, Asked, Write, filter, members, patch, value};
use crate::domain::provisioning::{Provisioning, ProvisioningStep};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::ResourceId;

/// A change that can be made.
#[derive(Debug)]
pub(in super::super) struct Plan {
    /// The change; none where everything is as it is asked to be.
    pub(in super::super) change: Option<Change>,
    /// What was there before.
    pub(in super::super) before: Before,
    /// A user who is out, by what named them before this.
    pub(in super::super) buried: Option<Arc<User>>,
    /// Users who are gone and are so no more.
    pub(in super::super) returned: Vec<ResourceId>,
    /// What events tell of it.
    pub(in super::super) told: Provisioning,
    /// The status of the reply.
    pub(in super::super) status: u16,
    /// Of what the reply shows how it has become.
    pub(in super::super) shows: Option<ResourceId>,
}

/// What was there before.
#[derive(Debug, Default)]
pub(in super::super) enum Before {
    /// Nothing.
    #[default]
    Nothing,
    /// This user.
    User(Arc<User>),
    /// This group.
    Group(Arc<Group>),
}

/// What is to be done to a provider's directory, `id` being what may be made.
pub(in super::super) fn plan(
    realm: &Realm,
    write: &Write,
    asked: &Asked,
    id: ResourceId,
    now: Timestamp,
) -> Result<Plan, ScimError> {
    let desk = Desk { realm, id, now };
    if write.kind.name == USER.name {
        return match &write.act {
            Act::Create => desk.create_user(&super::body(asked)?, id),
            Act::Replace(id) => desk.replace_user(id, &super::body(asked)?),
            Act::Patch(id) => desk.patch_user(id, &super::body(asked)?),
            Act::Delete(id) => desk.delete_user(id),
        };
    }
    match &write.act {
        Act::Create => desk.create_group(&super::body(asked)?, id),
        Act::Replace(id) => desk.replace_group(id, &super::body(asked)?),
        // A group may be large, and whoever has changed it knows it (RFC 7644 3.5.2: 204).
        Act::Patch(id) => desk.patch_group(id, &super::body(asked)?, write.selection.only.is_some()),
        Act::Delete(id) => desk.delete_group(id),
    }
}

struct Desk<'a> {
    realm: &'a Realm,
    /// Of what may be made.
    id: ResourceId,
    now: Timestamp,
}

impl Desk<'_> {
    fn create_user(&self, body: &Map<String, Value>, id: ResourceId) -> Result<Plan, ScimError> {
        let bounds = self.realm.bounds();
        if self.realm.table().user_count() >= bounds.users {
            return Err(full("users", bounds.users));
        }
        let mut attributes = value::resource(&USER, body)?;
        attributes.entry("active").or_insert(true.into());
        let user = User::of(id, &attributes, Times { created: self.now, modified: self.now })?;
        self.save_user(user, Before::Nothing, 201, ProvisioningStep::Created)
    }

    fn replace_user(&self, id: &str, body: &Map<String, Value>) -> Result<Plan, ScimError> {
        let before = self.user(id)?;
        let mut attributes = value::resource(&USER, body)?;
        // Who is disabled stays so until it is said otherwise.
        attributes.entry("active").or_insert(before.is_active.into());
        // By what they are found is kept until it is said otherwise, too (RFC 7644 3.5.1 leaves it to us).
        if let Some(external_id) = &before.external_id {
            attributes.entry("externalId").or_insert(external_id.to_string().into());
        }
        self.change_user(before, &attributes)
    }

    fn patch_user(&self, id: &str, body: &Map<String, Value>) -> Result<Plan, ScimError> {
        let before = self.user(id)?;
        let mut attributes = before.body.attributes();
        patch::apply(&USER, &mut attributes, patch::operations(body)?)?;
        if before.is_active || attributes.contains_key("active") {
            attributes.remove(STAYS_OUT);
        } else {
            attributes.insert(STAYS_OUT.to_owned(), true.into());
        }
        self.change_user(before, &attributes)
    }

    fn change_user(&self, before: Arc<User>, attributes: &Map<String, Value>) -> Result<Plan, ScimError> {
        let times = Times { created: before.created, modified: self.now };
        let after = User::of(before.id, attributes, times)?;
        if after.body == before.body {
            let told = self.told(ProvisioningStep::Read, before.named());
            return Ok(Plan::nothing(told, Some(before.id)));
        }
        let step = match (before.is_active, after.is_active) {
            (true, false) => ProvisioningStep::Disabled,
            (false, true) => ProvisioningStep::Enabled,
            (true, true) | (false, false) => ProvisioningStep::Changed,
        };
        // Whoever is out is out by their old name as well.
        let is_renamed = after.name != before.name || after.external_id != before.external_id;
        let old = (!after.is_active && is_renamed).then(|| User { id: self.id, ..before.gone(self.now) });
        let plan = self.save_user(after, Before::User(before), 200, step)?;
        Ok(Plan { buried: old.map(Arc::new), ..plan })
    }

    fn save_user(
        &self,
        user: User,
        before: Before,
        status: u16,
        step: ProvisioningStep,
    ) -> Result<Plan, ScimError> {
        let table = self.realm.table();
        let is_other = |found: Option<&Arc<User>>| found.is_some_and(|found| found.id != user.id);
        if is_other(table.user_named(&user.name)) {
            return Err(ScimError::new(Kind::Uniqueness, "another user has this `userName`"));
        }
        // A person is found by it.
        if is_other(user.external_id.as_deref().and_then(|id| table.user_called(id))) {
            return Err(ScimError::new(Kind::Uniqueness, "another user has this `externalId`"));
        }
        let returned = table.returned(&user);
        drop(table);
        let told = self.told(step, user.named());
        let shows = Some(user.id);
        Ok(Plan {
            change: Some(Change::User(Arc::new(user))),
            before,
            buried: None,
            returned,
            told,
            status,
            shows,
        })
    }

    fn delete_user(&self, id: &str) -> Result<Plan, ScimError> {
        let before = self.user(id)?;
        let told = self.told(ProvisioningStep::Deleted, before.named());
        let change = Some(Change::UserGone(Arc::new(before.gone(self.now))));
        Ok(Plan {
            change,
            before: Before::User(before),
            buried: None,
            returned: Vec::new(),
            told,
            status: 204,
            shows: None,
        })
    }

    fn create_group(&self, body: &Map<String, Value>, id: ResourceId) -> Result<Plan, ScimError> {
        let bounds = self.realm.bounds();
        if self.realm.table().group_count() >= bounds.groups {
            return Err(full("groups", bounds.groups));
        }
        let attributes = value::resource(&GROUP, body)?;
        let members = members::sent(body, &|id| self.is_user(id))?;
        let group = Group::of(id, &attributes, members, Times { created: self.now, modified: self.now })?;
        self.save_group(group, None, 201)
    }

    fn replace_group(&self, id: &str, body: &Map<String, Value>) -> Result<Plan, ScimError> {
        let before = self.group(id)?;
        let attributes = value::resource(&GROUP, body)?;
        let members = members::sent(body, &|id| self.is_user(id))?;
        self.change_group(before, &attributes, members, 200)
    }

    fn patch_group(&self, id: &str, body: &Map<String, Value>, is_shown: bool) -> Result<Plan, ScimError> {
        let before = self.group(id)?;
        let (mut attributes, mut members) = (before.body.attributes(), before.members.clone());
        let of_members = patch::apply(&GROUP, &mut attributes, patch::operations(body)?)?;
        members::apply(&mut members, of_members, &|id| self.is_user(id))?;
        self.change_group(before, &attributes, members, if is_shown { 200 } else { 204 })
    }

    fn change_group(
        &self,
        before: Arc<Group>,
        attributes: &Map<String, Value>,
        members: BTreeSet<ResourceId>,
        status: u16,
    ) -> Result<Plan, ScimError> {
        let times = Times { created: before.created, modified: self.now };
        let after = Group::of(before.id, attributes, members, times)?;
        if after.body == before.body && after.members == before.members {
            let shows = (status == 200).then_some(before.id);
            let told = self.told(ProvisioningStep::Read, before.named());
            return Ok(Plan { status, ..Plan::nothing(told, shows) });
        }
        self.save_group(after, Some(before), status)
    }

    fn save_group(&self, group: Group, before: Option<Arc<Group>>, status: u16) -> Result<Plan, ScimError> {
        let bounds = self.realm.bounds();
        let none = BTreeSet::new();
        let were = before.as_ref().map_or(&none, |before| &before.members);
        if group.members.len() > bounds.members {
            return Err(full("members of a group", bounds.members));
        }
        let table = self.realm.table();
        if table.membership_count() - were.len() + group.members.len() > bounds.memberships {
            return Err(full("memberships", bounds.memberships));
        }
        let called = group.external_id.as_deref().and_then(|id| table.group_called(id));
        if called.is_some_and(|found| found.id != group.id) {
            return Err(ScimError::new(Kind::Uniqueness, "another group has this `externalId`"));
        }
        drop(table);
        let step = if before.is_some() { ProvisioningStep::Changed } else { ProvisioningStep::Created };
        let mut told = self.told(step, group.named());
        (told.joined, told.left) = (
            group.members.difference(were).copied().collect(),
            were.difference(&group.members).copied().collect(),
        );
        shorten(&mut told);
        let shows = (status != 204).then_some(group.id);
        let before = before.map_or(Before::Nothing, Before::Group);
        Ok(Plan {
            change: Some(Change::Group(Arc::new(group))),
            before,
            buried: None,
            returned: Vec::new(),
            told,
            status,
            shows,
        })
    }

    fn delete_group(&self, id: &str) -> Result<Plan, ScimError> {
        let before = self.group(id)?;
        let mut told = self.told(ProvisioningStep::Deleted, before.named());
        told.left = before.members.iter().copied().collect();
        shorten(&mut told);
        let (change, before) = (Some(Change::GroupGone(before.id)), Before::Group(before));
        Ok(Plan { change, before, buried: None, returned: Vec::new(), told, status: 204, shows: None })
    }

    fn user(&self, id: &str) -> Result<Arc<User>, ScimError> {
        let found = id.parse().ok().and_then(|id| self.realm.table().user(id).cloned());
        found.ok_or_else(ScimError::not_found)
    }

    fn group(&self, id: &str) -> Result<Arc<Group>, ScimError> {
        let found = id.parse().ok().and_then(|id| self.realm.table().group(id).cloned());
        found.ok_or_else(ScimError::not_found)
    }

    fn is_user(&self, id: ResourceId) -> bool {
        self.realm.table().user(id).is_some()
    }

    fn told(
        &self,
        step: ProvisioningStep,
        resource: crate::domain::provisioning::ProvisionedResource,
    ) -> Provisioning {
        Provisioning { resource: Some(resource), ..Provisioning::of(self.realm.provider().clone(), step) }
    }
}

impl Plan {
    const fn nothing(told: Provisioning, shows: Option<ResourceId>) -> Self {
        Self {
            change: None,
            before: Before::Nothing,
            buried: None,
            returned: Vec::new(),
            told,
            status: 200,
            shows,
        }
    }
}

impl From<Nameless> for ScimError {
    fn from(Nameless: Nameless) -> Self {
        Self::value("it has no name")
    }
}

fn full(what: &str, most: usize) -> ScimError {
    ScimError::new(Kind::TooMany, format!("there are as many {what} as there may be: {most}"))
}

/// An event names so many, and tells how many more there are.
fn shorten(told: &mut Provisioning) {
    let all = told.joined.len() + told.left.len();
    told.joined.truncate(Provisioning::LISTED_MAX);
    told.left.truncate(Provisioning::LISTED_MAX);
    told.more = all - told.joined.len() - told.left.len();
}

/// See [`super::try_out`].
pub(super) fn try_out(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let user = json!({
        "userName": "nadia", "externalId": "7", "active": true, "name": { "givenName": "Nadia" },
        "emails": [{ "value": "nadia@clinic.example", "type": "work", "primary": true }],
    });
    let Value::Object(user) = user else { return };
    if let Ok(found) = filter::read(&text) {
        let subject = Subject::Resource(&USER, &user);
        assert_ne!(
            found.holds(subject),
            filter::Filter::Not(Box::new(found)).holds(subject),
            "a filter or its contrary"
        );
    }
    let Ok(body) = super::json::read(bytes) else { return };
    let mut attributes = user;
    let done = patch::operations(&body).and_then(|all| patch::apply(&USER, &mut attributes, all));
    if done.is_ok() {
        let mut whole = attributes.clone();
        whole.insert("schemas".to_owned(), json!([USER.schema.id]));
        // What a PATCH leaves is what could have been sent whole.
        assert_eq!(value::resource(&USER, &whole).as_ref(), Ok(&attributes), "a PATCH keeps to the schema");
    }
}
