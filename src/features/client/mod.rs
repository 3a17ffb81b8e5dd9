//! Programs that come by themselves, with an access token: which are declared, and within which bounds.
//!
//! Pure: whether a token holds is for `authn` to say. A program that is not declared is nobody, whatever its token
//! says; one that is declared may come to its routes, from its networks, within its hours and until its end. What it
//! may do there is for the policy, which knows it by its groups, as it knows people.

pub mod bounds;
pub mod settings;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use settings::ClientSettings;

use crate::domain::application::{ApplicationName, ClientName, ProviderName};

/// The programs that are declared.
#[derive(Debug, Default)]
pub struct Clients(BTreeMap<ClientName, Arc<ClientSettings>>);

impl Clients {
    /// These.
    pub fn new(clients: impl IntoIterator<Item = ClientSettings>) -> Self {
        Self(clients.into_iter().map(|client| (client.name.clone(), Arc::new(client))).collect())
    }

    /// The one of that name.
    pub fn named(&self, name: &ClientName) -> Option<&Arc<ClientSettings>> {
        self.0.get(name)
    }

    /// The one that a provider knows by that identifier.
    pub fn of(&self, provider: &ProviderName, client_id: &str) -> Option<&Arc<ClientSettings>> {
        self.0.values().find(|client| client.provider == *provider && *client.client_id == *client_id)
    }

    /// Whether programs come to an application, so that its access tokens are for us.
    pub fn come_to(&self, application: &ApplicationName) -> bool {
        self.0.values().any(|client| client.comes_to(application))
    }

    /// The provider that is asked about the tokens that are brought to an application and say nothing themselves.
    pub fn asked_about(&self, application: &ApplicationName) -> Option<&ProviderName> {
        let asked =
            |client: &&Arc<ClientSettings>| client.proof.lasts().is_some() && client.comes_to(application);
        self.0.values().find(asked).map(|client| &client.provider)
    }
}
