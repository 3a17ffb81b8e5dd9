//! How we show a provider that it is us who asks: by a secret, or by a key that never leaves this machine
//! (OpenID Connect Core 9).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use jsonwebtoken::Algorithm;
use openidconnect::AuthType;
use openidconnect::core::CoreClientAuthMethod;

use super::error::{AuthnError, ProviderFault};
use super::provider::{Discovered, Metadata, Provider};
use super::settings::ProviderSettings;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::foundation::secret::Secret;
use crate::platform::client_assertion::{ASSERTION_TYPE, Assertion};
pub use crate::platform::client_assertion::{CertificateDigests, SigningKey, SigningKeyError};

/// What shows a provider that it is us.
#[derive(Clone, Debug)]
pub enum ClientCredential {
    /// A secret that both sides know: `client_secret_basic`, or `client_secret_post` where that is all it takes.
    Secret(Secret),
    /// A private key of ours, of which the provider knows the public half: `private_key_jwt` (RFC 7523).
    Key(ClientKey),
}

/// A private key, and how the provider finds its public half.
#[derive(Clone, Debug)]
pub struct ClientKey {
    /// The key itself.
    pub key: SigningKey,
    /// Sent as `kid`.
    pub id: Option<String>,
    /// Sent as `x5t` and `x5t#S256`: digests of a certificate under which the provider knows the key.
    pub certificate: Option<CertificateDigests>,
    /// Whom the assertion names as its audience.
    pub audience: AssertionAudience,
}

/// Whom an assertion names as its audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer: no other server can be led to present our assertion as its own.
    #[default]
    Issuer,
    /// The token endpoint, for providers that want it so, as OpenID Connect Core 9 did.
    TokenEndpoint,
}

impl ClientKey {
    /// By which algorithm we sign for a provider that says this of itself.
    fn algorithm(&self, metadata: &Metadata) -> Option<Algorithm> {
        let algorithms = self.key.algorithms();
        match metadata.token_endpoint_auth_signing_alg_values_supported() {
            // Of RSA's two the one that everybody knows.
            None => algorithms.last(),
            Some(listed) => algorithms.iter().find(|(_, name)| listed.contains(name)),
        }
        .map(|(algorithm, _)| *algorithm)
    }

    /// A statement that it is us.
    fn assertion(
        &self,
        algorithm: Algorithm,
        (client_id, audience): (&str, &str),
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<String, ProviderFault> {
        let (key_id, certificate) = (self.id.as_deref(), self.certificate.as_ref());
        let assertion = Assertion { client_id, audience, key_id, certificate };
        self.key.sign(algorithm, assertion, entropy, now).map_err(|_| ProviderFault::Credentials)
    }
}

/// What is settled, once a provider's metadata is known, about how we show ourselves.
#[derive(Clone, Debug)]
pub(super) enum Showing {
    /// By the secret, in this part of a request.
    Secret(AuthType),
    /// By an assertion that is signed like this.
    Assertion(Algorithm),
}

impl Showing {
    /// The way that both sides know.
    pub(super) fn agreed(settings: &ProviderSettings, metadata: &Metadata) -> Result<Self, ProviderFault> {
        let listed = metadata.token_endpoint_auth_methods_supported();
        let takes = |method| listed.is_some_and(|methods| methods.contains(&method));
        match &settings.credential {
            // What is not listed means `client_secret_basic` (RFC 8414 2).
            ClientCredential::Secret(_)
                if listed.is_none() || takes(CoreClientAuthMethod::ClientSecretBasic) =>
            {
                Ok(Self::Secret(AuthType::BasicAuth))
            }
            ClientCredential::Secret(_) if takes(CoreClientAuthMethod::ClientSecretPost) => {
                Ok(Self::Secret(AuthType::RequestBody))
            }
            ClientCredential::Secret(_) => {
                Err(ProviderFault::Lacks { what: "client authentication by a secret" })
            }
            ClientCredential::Key(key) if takes(CoreClientAuthMethod::PrivateKeyJwt) => key
                .algorithm(metadata)
                .map(Self::Assertion)
                .ok_or(ProviderFault::Lacks { what: "an algorithm by which our key can sign" }),
            ClientCredential::Key(_) => Err(ProviderFault::Lacks { what: "client authentication by a key" }),
        }
    }
}

/// One of the provider's endpoints, where we are to show who we are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) url: &'a url::Url,
    /// What it is called where it goes wrong.
    pub(super) what: &'static str,
    /// Whether it takes a secret in the header, which is better, or in the form only.
    pub(super) takes_header: bool,
}

impl Provider {
    /// What a request has to carry in its body for an assertion of ours; nothing where we have a secret.
    pub(super) fn assertion(
        &self,
        discovered: &Discovered,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, ProviderFault> {
        let (ClientCredential::Key(key), Showing::Assertion(algorithm)) =
            (&self.settings.credential, &discovered.showing)
        else {
            return Ok(Vec::new());
        };
        let token_endpoint = discovered.metadata.token_endpoint().map(|endpoint| endpoint.as_str());
        let audience = match key.audience {
            AssertionAudience::Issuer => &self.settings.issuer,
            AssertionAudience::TokenEndpoint => token_endpoint.unwrap_or_default(),
        };
        let assertion = key.assertion(*algorithm, (&self.settings.client_id, audience), entropy, now)?;
        Ok(vec![("client_assertion_type", ASSERTION_TYPE.to_owned()), ("client_assertion", assertion)])
    }

    /// Posts a form to one of the provider's endpoints, as its client.
    pub(super) async fn post_as_client(
        &self,
        discovered: &Discovered,
        endpoint: Endpoint<'_>,
        mut form: BTreeMap<String, String>,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Response<Vec<u8>>, AuthnError> {
        let client_id = &self.settings.client_id;
        let mut request = Request::post(endpoint.url.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &self.settings.credential {
            ClientCredential::Secret(secret) if endpoint.takes_header => {
                request = request.header(AUTHORIZATION, basic(client_id, secret)?);
            }
            ClientCredential::Secret(secret) => {
                form.insert("client_id".to_owned(), client_id.clone());
                form.insert("client_secret".to_owned(), secret.reveal().to_owned());
            }
            ClientCredential::Key(_) => {
                form.insert("client_id".to_owned(), client_id.clone());
                let assertion = self.assertion(discovered, entropy, now)?;
                form.extend(assertion.into_iter().map(|(name, value)| (name.to_owned(), value)));
            }
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request =
            request.body(body.into_bytes()).map_err(|_| ProviderFault::Unusable { what: endpoint.what })?;
        Ok(self.fetch.send(request).await.map_err(ProviderFault::Silent)?)
    }
}

/// Name and secret, each encoded as in a form first (RFC 6749 2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, ProviderFault> {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(client_id), encoded(secret.reveal()));
    let mut basic = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| ProviderFault::Credentials)?;
    basic.set_sensitive(true);
    Ok(basic)
}
