//! Whether providers answer, and what has to be registered there, for `leastway doctor`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::doctor::{Finding, chain_of};
use crate::config::settings::Settings;
use crate::domain::application::ProviderName;
use crate::features::authn::RelyingParty;
use crate::features::route::settings::ApplicationSettings;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SystemEntropy;
use crate::gateway::back_channel::BACK_CHANNEL_PATH;

/// Asks each provider for its metadata and keys, as the gateway does.
pub(super) async fn providers(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let party = match RelyingParty::new(settings.providers.clone(), Arc::new(SystemEntropy)) {
        Ok(party) => party,
        Err(error) => return vec![Finding::fail("providers", chain_of(&error), "see their `authorities`")],
    };
    let answers = party.warm_up(now).await;
    let tells: BTreeMap<ProviderName, bool> = party.back_channel().into_iter().collect();
    let asked = answers.into_iter().map(|(name, answer)| {
        let what = format!("provider {name}");
        match answer {
            Ok(()) => {
                let told = sign_outs(tells.get(&name) == Some(&true), &name, &settings.applications);
                Finding::ok(what, format!("metadata and keys are there; {told}"))
            }
            Err(error) => {
                let to_do = "see its `issuer`, `connect_to` and `authorities`, and that it runs";
                Finding::fail(what, chain_of(&error), to_do)
            }
        }
    });
    asked.chain(mixed_up(settings, &party.names_itself())).collect()
}

/// The providers whose answers another could have sent to itself.
fn mixed_up(settings: &Settings, names_itself: &[(ProviderName, bool)]) -> Vec<Finding> {
    let has_choice = |name: &ProviderName| {
        let mut applications = settings.applications.iter();
        applications.any(|it| it.providers.len() > 1 && it.providers.contains(name))
    };
    let own = |name: &ProviderName| settings.providers.iter().any(|it| it.name == *name && it.own_callback);
    let found = names_itself.iter().filter(|(name, names)| !names && has_choice(name) && !own(name));
    let told = found.map(|(name, _)| {
        let found = "it says no `iss` in its answers, so that another provider could have them sent to itself (mix-up)";
        let to_do = format!(
            "`own_callback = true`, and register https://HOST/.leastway/callback/{name} there for each host, in place of \
             the other redirect URI"
        );
        Finding::warn(format!("provider {name}"), found, to_do)
    });
    told.collect()
}

/// Whether a sign-out at the provider is known here, and what to register for it.
fn sign_outs(tells: bool, provider: &ProviderName, applications: &[ApplicationSettings]) -> String {
    if !tells {
        return "it offers no back-channel logout (`backchannel_logout_supported`): who is signed out there stays signed \
                in here until the session ends, or `leastway session revoke` ends it"
            .to_owned();
    }
    let its = applications.iter().find(|application| application.providers.contains(provider));
    let host = its.and_then(|application| application.hosts.first()).map_or("HOST", String::as_str);
    format!(
        "it offers back-channel logout: register https://{host}{BACK_CHANNEL_PATH} (with :port if that is not 443) as \
         `backchannel_logout_uri` of our client, and have it send `sid`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_register_is_told_where_the_provider_offers_it() {
        let clinic = "clinic".parse().unwrap();
        let told = sign_outs(true, &clinic, &[]);
        assert!(told.contains("https://HOST/.leastway/back-channel-logout"), "{told}");
        assert!(sign_outs(false, &clinic, &[]).contains("leastway session revoke"));
    }
}
