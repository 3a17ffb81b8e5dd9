//! Tokens that a provider signs: by the keys that it has now, which are looked for anew where none fits.

use super::error::AuthnError;
use super::provider::{Asker, Provider};
use crate::foundation::clock::Timestamp;
use crate::platform::signed_token::{Signed, SignedFault, TokenFault};

impl Provider {
    /// Tries the keys that are known; if none fits, once more with the provider's keys of now. The outer error is of the
    /// provider, the inner one of the token.
    pub(super) async fn has_signed<C>(
        &self,
        token: &Signed<'_, C>,
        asker: Asker,
        now: Timestamp,
    ) -> Result<Result<(), SignedFault>, AuthnError> {
        let discovered = self.discovered(now).await?;
        let holds = token.is_signed_by_one_of(discovered.keys.keys(), &discovered.algorithms);
        match holds {
            Err(TokenFault::Signature) => {}
            held => return Ok(held.map_err(SignedFault::Token)),
        }
        let key = token.key_id().map(str::to_owned);
        let held = match self.with_new_keys(&discovered, key, asker, now).await? {
            Some(rotated) => token.is_signed_by_one_of(rotated.keys.keys(), &rotated.algorithms),
            None => Err(TokenFault::Signature),
        };
        Ok(held.map_err(SignedFault::Token))
    }
}
