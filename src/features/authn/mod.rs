//! Sign-in, step-up and sign-out by OpenID Connect: the relying party (RP), and sign-out that the provider asks for. And,
//! for programs, the access tokens that the same providers give: the resource server (RS).
//!
//! Authorization code flow with PKCE, state and nonce (OpenID Connect Core 3.1, RFC 9700). A step-up
//! is *proven* by what comes back in the same transaction, never by having been asked for: whatever
//! is in the URL can be edited by the person. A provider that comes back below the bar gives one
//! error, never another redirect.

pub mod access_token;
mod assurance;
mod callback;
pub mod claims;
pub mod client;
mod error;
mod id_token;
mod introspection;
pub mod logout_token;
mod past;
pub mod proof;
mod provider;
mod pushed;
pub mod response;
mod return_to;
pub mod settings;
mod sharing;
mod sign_in;
mod sign_out;
mod signed;
mod transaction;

#[cfg(test)]
mod fake_provider;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use logout_token::Logouts;
use proof::Proofs;
use provider::Provider;
use settings::ProviderSettings;
use sharing::Shared;
use transaction::Transactions;

pub use callback::{Finished, Previous};
pub use error::{
    AccessTokenFault, AuthnError, IdTokenFault, LogoutTokenFault, ProofFault, ProviderFault, RefusalCode,
};
pub use logout_token::Logout;
pub use return_to::ReturnTo;
pub use sharing::MIGRATIONS;
pub use sign_in::{Again, Begun, Current, SignIn};
pub use transaction::{BINDING_COOKIE, binding_cookie};

use crate::domain::application::ProviderName;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::platform::http::fetch::AuthoritiesError;
use crate::platform::store::Store;

/// The relying party: every provider, and the sign-ins under way.
#[derive(Debug)]
pub struct RelyingParty {
    providers: RwLock<Arc<Providers>>,
    transactions: Transactions,
    logouts: Logouts,
    proofs: Proofs,
    /// What it shares with other nodes, if there are any.
    shared: Option<Shared>,
    entropy: Arc<dyn Entropy>,
}

/// How a provider stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub provider: ProviderName,
    /// Its issuer URL.
    pub issuer: Arc<str>,
    /// Whether its metadata is known, and a key by which its signatures can be checked.
    pub is_usable: bool,
    /// By how many seconds its clock was ahead of ours at the last sign-in; unknown before the first.
    pub clock_offset: Option<i64>,
    /// Since when it has not answered, as far as it was asked.
    pub silent_since: Option<Timestamp>,
}

type Providers = BTreeMap<ProviderName, Arc<Provider>>;

impl RelyingParty {
    /// Knows these providers. Asks none of them yet: a provider that is down does not keep the
    /// gateway from starting.
    pub fn new(
        providers: Vec<ProviderSettings>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, AuthoritiesError> {
        Ok(Self {
            providers: RwLock::new(Arc::new(set_up(providers)?)),
            transactions: Transactions::default(),
            logouts: Logouts::default(),
            proofs: Proofs::default(),
            shared: None,
            entropy,
        })
    }

    /// With the store that nodes share, if they do: then a sign-in that was begun at one is finished at any.
    #[must_use]
    pub fn sharing(self, store: Store) -> Self {
        Self { shared: Shared::of(store), ..self }
    }

    /// Takes new settings, all or none. Sign-ins under way go on if their provider is still there.
    pub fn apply(&self, providers: Vec<ProviderSettings>) -> Result<(), AuthoritiesError> {
        let providers = Arc::new(set_up(providers)?);
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = providers;
        Ok(())
    }

    /// Asks every provider for its metadata and keys, and says which of them can be used.
    pub async fn warm_up(&self, now: Timestamp) -> Vec<(ProviderName, Result<(), AuthnError>)> {
        let mut readiness = Vec::new();
        for (name, provider) in self.providers().iter() {
            readiness.push((name.clone(), provider.discovered(now).await.map(drop)));
        }
        readiness
    }

    /// Asks every provider whether it answers, all at once.
    pub async fn look(&self, now: Timestamp) {
        let providers = self.providers();
        futures_util::future::join_all(providers.values().map(|provider| provider.look(now))).await;
    }

    /// How each provider stands, by what is known now. Asks nobody.
    pub fn standing(&self) -> Vec<Standing> {
        let of = |provider: &Arc<Provider>| Standing {
            provider: provider.settings.name.clone(),
            issuer: provider.settings.issuer.clone(),
            is_usable: provider.is_usable(),
            clock_offset: provider.clock_offset(),
            silent_since: provider.silent_since(),
        };
        self.providers().values().map(of).collect()
    }

    /// Whether each provider whose metadata is known tells of sign-outs there by Back-Channel Logout.
    pub fn back_channel(&self) -> Vec<(ProviderName, bool)> {
        let known = self.providers();
        let told =
            known.iter().filter_map(|(name, provider)| Some((name.clone(), provider.tells_of_logout()?)));
        told.collect()
    }

    /// Whether each provider whose metadata is known names itself in its answers (RFC 9207).
    pub fn names_itself(&self) -> Vec<(ProviderName, bool)> {
        let known = self.providers();
        known.iter().filter_map(|(name, provider)| Some((name.clone(), provider.names_itself()?))).collect()
    }

    fn providers(&self) -> Arc<Providers> {
        self.providers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn provider(&self, name: &ProviderName) -> Result<Arc<Provider>, AuthnError> {
        self.providers().get(name).cloned().ok_or(AuthnError::UnknownProvider)
    }
}

fn set_up(providers: Vec<ProviderSettings>) -> Result<Providers, AuthoritiesError> {
    providers
        .into_iter()
        .map(|settings| Ok((settings.name.clone(), Arc::new(Provider::new(settings)?))))
        .collect()
}
