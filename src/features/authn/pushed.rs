//! Pushed authorization requests (RFC 9126): what is asked goes to the provider directly, as its client, and the
//! browser carries a reference to it. Nobody in between can read or change it, and no URL is too long for it.

use http::StatusCode;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{AuthType, HttpResponse, StandardErrorResponse};
use serde::Deserialize;
use url::Url;

use super::client::{Endpoint, Showing};
use super::error::{AuthnError, ProviderFault, RefusalCode, listed};
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
            return Err(refusal(&reply));
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

/// What an error means (RFC 9126 2.3): never the provider's own text. Nothing has been asked of the person yet, so that what is
/// out of order, or wrong with how we ask or are registered, is no matter of theirs; further codes may be the provider's
/// word about whoever would come.
fn refusal(reply: &HttpResponse) -> AuthnError {
    let status = reply.status();
    let is_told = matches!(status, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN);
    let answer = serde_json::from_slice::<StandardErrorResponse<CoreErrorResponseType>>(reply.body()).ok();
    let code = answer.as_ref().map(StandardErrorResponse::error);
    match (code, code.and_then(listed)) {
        (Some(CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient), _) => {
            ProviderFault::Credentials.into()
        }
        (Some(code), None) if is_told => AuthnError::Refused(RefusalCode::new(code.as_ref())),
        (_, error) => ProviderFault::Answered { what: WHAT, status: status.as_u16(), error }.into(),
    }
}

const fn unusable() -> ProviderFault {
    ProviderFault::Unusable { what: WHAT }
}

const WHAT: &str = "pushed authorization request endpoint";
/// Longer than any reference has to be.
const REFERENCE_BYTES_MAX: usize = 1024;
