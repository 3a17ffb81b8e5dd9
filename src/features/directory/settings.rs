//! Which directory a provider keeps here, settled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::application::ProviderName;
use crate::domain::closed_list;
use crate::foundation::secret::Secret;

closed_list! {
    /// By which of a user's attributes they are found who sign in.
    MatchBy {
        /// What the provider calls the user: `externalId`, exactly.
        ExternalId = "external_id",
        /// The name that the user signs in under: `userName`, in any case.
        UserName = "user_name",
        /// What we call the user: `id`.
        Id = "id",
    }
}

closed_list! {
    /// What the groups of the directory are for.
    GroupUse {
        /// Nothing: those of the ID token count.
        Ignore = "ignore",
        /// They count beside those of the ID token.
        Add = "add",
        /// They count in place of those of the ID token.
        Replace = "replace",
    }
}

closed_list! {
    /// What roles know a group by.
    GroupName {
        /// The name that people know it by: `displayName`.
        DisplayName = "display_name",
        /// What the provider calls it: `externalId`.
        ExternalId = "external_id",
    }
}

closed_list! {
    /// What the directory may tell of a person beside their groups (RFC 7643 sections 4.1.1 and 4.3).
    Told {
        /// The title.
        Title = "title",
        /// How they belong to the house.
        UserType = "userType",
        /// The number by which the house knows them.
        EmployeeNumber = "employeeNumber",
        /// The cost centre.
        CostCenter = "costCenter",
        /// The organization.
        Organization = "organization",
        /// The division.
        Division = "division",
        /// The department.
        Department = "department",
    }
}

/// The directory that a provider keeps here by SCIM.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// Whose people they are.
    pub provider: ProviderName,
    /// The provider's issuer URL.
    pub issuer: Arc<str>,
    /// What the provider brings to be believed: at least 32 characters.
    pub token: Secret,
    /// From where it may come; none: from anywhere.
    pub networks: Vec<IpNet>,
    /// By what a user is found who signs in. Default: `externalId`.
    pub match_by: MatchBy,
    /// The attribute of the person, by our word, that has to be it; none: `sub`.
    pub claim: Option<String>,
    /// Whether only those whom the directory knows may sign in. Default: no.
    pub required: bool,
    /// What its groups are for. Default: nothing.
    pub groups: GroupUse,
    /// What roles know a group by. Default: its name.
    pub group_name: GroupName,
    /// Our words for what it tells of a person, in place of what the token says under the same word. Default: nothing.
    pub attributes: Vec<(String, Told)>,
    /// How long the provider may not be heard of before what it tells of people by `attributes` is too old: 1 h to ten years.
    /// Default: 30 days.
    pub max_age: Duration,
}

/// Our words for what directories tell of people.
pub fn kept_attributes(directories: &[DirectorySettings]) -> Vec<String> {
    let words = directories.iter().flat_map(|directory| &directory.attributes).map(|(word, _)| word.clone());
    words.collect::<BTreeSet<_>>().into_iter().collect()
}

impl DirectorySettings {
    /// Whether a request from `address` may be the provider's.
    pub fn may_come_from(&self, address: std::net::IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// How much a directory holds at most. What would be beyond it is refused.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryBounds {
    /// Users of one provider.
    pub users: usize,
    /// Groups of one provider.
    pub groups: usize,
    /// Members of one group.
    pub members: usize,
    /// Memberships of one provider, over all groups.
    pub memberships: usize,
    /// Users who are gone and known to be so, of one provider; beyond it the one that went first is forgotten.
    pub gone: usize,
}

impl Default for DirectoryBounds {
    fn default() -> Self {
        Self { users: 100_000, groups: 10_000, members: 50_000, memberships: 2_000_000, gone: 100_000 }
    }
}
