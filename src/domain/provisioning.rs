//! What a provider tells of its people and groups, as events keep it: whom it is about, never what was said of them.

use serde::{Deserialize, Serialize};

use super::application::ProviderName;
use super::closed_list;
use crate::foundation::id::ResourceId;

closed_list! {
    /// What was done to a directory.
    ProvisioningStep {
        /// Something was looked up.
        Read = "read",
        /// A user or a group is there that was not.
        Created = "created",
        /// Something about it has changed.
        Changed = "changed",
        /// A user who was active is not any more.
        Disabled = "disabled",
        /// A user who was not active is so again.
        Enabled = "enabled",
        /// It is gone.
        Deleted = "deleted",
        /// What was asked for could not be done.
        Refused = "refused",
    }
}

closed_list! {
    /// Of what kind something in a directory is.
    ResourceKind {
        /// A person's account.
        User = "user",
        /// A group of them.
        Group = "group",
    }
}

/// What was done to a directory, as events tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioning {
    /// Whose people they are.
    pub provider: ProviderName,
    /// What was done.
    pub step: ProvisioningStep,
    /// To what; absent where it is about none or several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<ProvisionedResource>,
    /// Who has joined the group.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub joined: Vec<ResourceId>,
    /// Who has left it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left: Vec<ResourceId>,
    /// How many more have joined or left than are named.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more: usize,
}

/// A user or a group, by its identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedResource {
    /// What it is.
    pub kind: ResourceKind,
    /// What we call it.
    pub id: ResourceId,
    /// What the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub external_id: Option<String>,
    /// The name that a user signs in under, or the group's.
    pub name: String,
}

impl Provisioning {
    /// How many who have joined or left are named.
    pub const LISTED_MAX: usize = 64;

    /// Something that was done, about nothing in particular.
    pub const fn of(provider: ProviderName, step: ProvisioningStep) -> Self {
        Self { provider, step, resource: None, joined: Vec::new(), left: Vec::new(), more: 0 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}
