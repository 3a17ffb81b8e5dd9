//! The sign-out at the provider (OpenID Connect RP-Initiated Logout 1.0).

use super::RelyingParty;
use super::provider::check_endpoint;
use crate::domain::application::ProviderName;
use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;

/// A longer ID token is not put into a URL: many servers refuse the request then. The provider asks
/// the person instead.
const HINT_BYTES_MAX: usize = 4_096;

impl RelyingParty {
    /// Where the browser goes to be signed out at the provider too; `None` if the provider offers
    /// nothing of the kind or cannot be reached. Our own session is to be ended before.
    pub async fn sign_out_url(
        &self,
        provider: &ProviderName,
        id_token: Option<&Secret>,
        return_uri: &str,
        now: Timestamp,
    ) -> Option<String> {
        let provider = self.provider(provider).ok()?;
        let discovered = provider.discovered(now).await.ok()?;
        let endpoint = discovered.metadata.additional_metadata().end_session_endpoint.as_deref()?;
        let mut url = url::Url::parse(endpoint).ok()?;
        check_endpoint(&url, "end session endpoint").ok()?;
        let hint = id_token.map(Secret::reveal).filter(|hint| hint.len() <= HINT_BYTES_MAX);
        {
            let mut query = url.query_pairs_mut();
            if let Some(hint) = hint {
                query.append_pair("id_token_hint", hint);
            }
            query
                .append_pair("client_id", &provider.settings.client_id)
                .append_pair("post_logout_redirect_uri", return_uri);
        }
        Some(url.into())
    }
}
