//! Pushed authorization requests (RFC 9126): what is asked goes to the provider directly, as its client, and the
//! browser carries a reference to it. Nobody in between can read or change it, and no URL is too long for it.

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{AuthType, StandardErrorResponse};
use serde::Deserialize;
use url::Url;

use super::client::{Endpoint, Showing};
use super::error::{AuthnError, ProviderFault, RefusalCode};
use super::provider::{Discovered, Provider};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
}

impl Provider {
    /// Whether requests are pushed: always where the provider demands it, else where it can and the settings let it.
    pub(super) fn wants_pushed(&self, discovered: &Discovered) -> bool {
        let further = discovered.metadata.additional_metadata();
        further.require_pushed_authorization_requests == Some(true)
            || further.pushed_authorization_request_endpoint.is_some() && self.settings.pushed_requests
    }

    /// Leaves the request with the provider; gives the URL by which a browser refers to it.
    pub(super) async fn push(
        &self,
        discovered: &Discovered,
        request: &Url,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Url, AuthnError> {
        let further = discovered.metadata.additional_metadata();
        let endpoint = further
            .pushed_authorization_request_endpoint
            .as_ref()
            .ok_or(ProviderFault::Lacks { what: WHAT })?;
        let mut location = discovered.metadata.authorization_endpoint().url().clone();
        // What stands in the endpoint's own query stays there (RFC 6749 3.1).
        let own: Vec<_> = location.query_pairs().into_owned().collect();
        let form = request.query_pairs().into_owned().filter(|pair| !own.contains(pair)).collect();
        let takes_header = !matches!(discovered.showing, Showing::Secret(AuthType::RequestBody));
        let endpoint = Endpoint { url: endpoint, what: WHAT, takes_header };
        let reply = self.post_as_client(discovered, endpoint, form, entropy, now).await?;
        if !reply.status().is_success() {
            return Err(refusal(reply.body()));
        }
        let pushed: Pushed = serde_json::from_slice(reply.body()).map_err(|_| unusable())?;
        if !(1..=REFERENCE_BYTES_MAX).contains(&pushed.request_uri.len()) {
            return Err(unusable().into());
        }
        location
            .query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        Ok(location)
    }
}

/// What an error means (RFC 9126 2.3): never the provider's own text.
fn refusal(body: &[u8]) -> AuthnError {
    let Ok(answer) = serde_json::from_slice::<StandardErrorResponse<CoreErrorResponseType>>(body) else {
        return unusable().into();
    };
    match answer.error() {
        CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
            ProviderFault::Credentials.into()
        }
        code @ (CoreErrorResponseType::InvalidGrant
        | CoreErrorResponseType::InvalidRequest
        | CoreErrorResponseType::InvalidScope
        | CoreErrorResponseType::UnsupportedGrantType
        | CoreErrorResponseType::Extension(_)) => AuthnError::Refused(RefusalCode::new(code.as_ref())),
    }
}

const fn unusable() -> ProviderFault {
    ProviderFault::Unusable { what: WHAT }
}

const WHAT: &str = "pushed authorization request endpoint";
/// Longer than any reference has to be.
const REFERENCE_BYTES_MAX: usize = 1024;
