//! What a directory holds: users and groups, as they are at one moment. A change makes another one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::scim::ENTERPRISE_USER;
use super::settings::Told;
use crate::domain::provisioning::{ProvisionedResource, ResourceKind};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::ResourceId;

/// A user, as their provider has told of them.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: ResourceId,
    pub(super) name: Box<str>,
    pub(super) external_id: Option<Box<str>>,
    pub(super) is_active: bool,
    pub(super) body: Body,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
}

/// A group of users.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: ResourceId,
    pub(super) name: Box<str>,
    pub(super) external_id: Option<Box<str>>,
    pub(super) body: Body,
    pub(super) members: BTreeSet<ResourceId>,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
}

/// The attributes of a resource by the names of its schema, without what we know ourselves. Kept as text, which
/// takes a fifth of the room.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Body(Box<str>);

impl std::fmt::Debug for Body {
    /// What is known of people is nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body(..)")
    }
}

/// When something is made or changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
}

/// What is no user or group: it lacks the name.
#[derive(Debug, thiserror::Error)]
#[error("it has no name")]
pub(super) struct Nameless;

impl User {
    /// The user of whom this is said. Who was never said to be inactive is active (RFC 7643 4.1.1 leaves it to us).
    pub(super) fn of(id: ResourceId, body: &Map<String, Value>, times: Times) -> Result<Self, Nameless> {
        let Times { created, modified } = times;
        Ok(Self {
            id,
            name: text(body, "userName").ok_or(Nameless)?,
            external_id: text(body, "externalId"),
            is_active: body.get("active").and_then(Value::as_bool).unwrap_or(!body.contains_key(STAYS_OUT)),
            body: Body::of(body),
            created,
            modified,
        })
    }

    /// What is told of the user beside their groups. A text that is empty says nothing.
    pub(super) fn told(&self) -> BTreeMap<Told, String> {
        let attributes = self.body.attributes();
        let enterprise = attributes.get(ENTERPRISE_USER).and_then(Value::as_object);
        let of = |what: &Told| {
            let said = match what {
                Told::Title | Told::UserType => attributes.get(what.as_str()),
                Told::EmployeeNumber
                | Told::CostCenter
                | Told::Organization
                | Told::Division
                | Told::Department => enterprise.and_then(|enterprise| enterprise.get(what.as_str())),
            };
            let said = said.and_then(Value::as_str).map(str::trim).filter(|said| !said.is_empty());
            said.map(|said| (*what, said.to_owned()))
        };
        Told::ALL.iter().filter_map(of).collect()
    }

    /// What is kept of a user who is gone: whom to keep out.
    pub(super) fn gone(&self, now: Timestamp) -> Self {
        let mut body = Map::new();
        body.insert("userName".to_owned(), self.name.to_string().into());
        if let Some(external_id) = &self.external_id {
            body.insert("externalId".to_owned(), external_id.to_string().into());
        }
        Self { is_active: false, body: Body::of(&body), modified: now, ..self.clone() }
    }

    /// As events name them.
    pub(super) fn named(&self) -> ProvisionedResource {
        ProvisionedResource {
            kind: ResourceKind::User,
            id: self.id,
            external_id: self.external_id.as_deref().map(str::to_owned),
            name: self.name.to_string(),
        }
    }
}

impl Group {
    /// The group of which this is said.
    pub(super) fn of(
        id: ResourceId,
        body: &Map<String, Value>,
        members: BTreeSet<ResourceId>,
        times: Times,
    ) -> Result<Self, Nameless> {
        let Times { created, modified } = times;
        Ok(Self {
            id,
            name: text(body, "displayName").ok_or(Nameless)?,
            external_id: text(body, "externalId"),
            body: Body::of(body),
            members,
            created,
            modified,
        })
    }

    /// As events name it.
    pub(super) fn named(&self) -> ProvisionedResource {
        ProvisionedResource {
            kind: ResourceKind::Group,
            id: self.id,
            external_id: self.external_id.as_deref().map(str::to_owned),
            name: self.name.to_string(),
        }
    }
}

impl Body {
    /// These attributes.
    pub(super) fn of(attributes: &Map<String, Value>) -> Self {
        // A map of JSON values with texts as keys is always JSON.
        Self(serde_json::to_string(attributes).unwrap_or_default().into())
    }

    /// The attributes; none where the text is no object.
    pub(super) fn attributes(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Stands in the body of a user who was disabled and of whom it is not said any more whether they are active: they stay
/// out until it is. Never shown, and no name of an attribute.
pub(super) const STAYS_OUT: &str = "$stays_out";

/// A name as it is compared: `userName` is the same in any case (RFC 7643 4.1.1).
pub(super) fn folded(name: &str) -> Box<str> {
    name.to_lowercase().into()
}

fn text(body: &Map<String, Value>, name: &str) -> Option<Box<str>> {
    body.get(name).and_then(Value::as_str).map(Into::into)
}
