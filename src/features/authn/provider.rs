//! One provider: its settings, and what it says about itself.
//!
//! Metadata and keys are fetched when they are first needed and kept for an hour; one fetch at a
//! time, however many wait for it. A token that was signed with an unknown key makes us look for new
//! keys, but not more often than every ten seconds, and not again for a key that was not there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, ClientId, ClientSecret, DiscoveryError, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, JsonWebKey as _, ProviderMetadata,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;

use super::client::{ClientCredential, Showing};
use super::error::{AuthnError, ProviderFault};
use super::settings::ProviderSettings;
use crate::foundation::clock::Timestamp;
use crate::platform::http::fetch::{AuthoritiesError, Detour, Fetch, FetchError, is_loopback_host};
use crate::platform::signed_token::{ALGORITHMS, may_check};

/// Provider metadata with the members that we need beyond the crate's.
pub(super) type Metadata = ProviderMetadata<
    FurtherMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The crate's client, which knows where to authorize and where to exchange a code.
pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointNotSet>;

/// Members of the metadata beyond OpenID Connect Discovery 1.0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct FurtherMetadata {
    /// RFC 8414.
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    /// RFC 9207.
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: Option<bool>,
    /// OpenID Connect RP-Initiated Logout 1.0.
    #[serde(default)]
    pub(super) end_session_endpoint: Option<String>,
    /// OpenID Connect Back-Channel Logout 1.0.
    #[serde(default)]
    backchannel_logout_supported: Option<bool>,
    /// RFC 8414.
    #[serde(default)]
    pub(super) introspection_endpoint: Option<String>,
    /// RFC 8414.
    #[serde(default)]
    introspection_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9126.
    #[serde(default)]
    pub(super) pushed_authorization_request_endpoint: Option<url::Url>,
    /// RFC 9126.
    #[serde(default)]
    pub(super) require_pushed_authorization_requests: Option<bool>,
}

impl AdditionalProviderMetadata for FurtherMetadata {}

impl FurtherMetadata {
    /// Whether our secret is shown in the form at the introspection endpoint, because the header is not taken there.
    pub(super) fn introspects_by_form(&self) -> bool {
        let takes = |methods: &Vec<String>, way: &str| methods.iter().any(|method| method == way);
        self.introspection_endpoint_auth_methods_supported
            .as_ref()
            .is_some_and(|it| !takes(it, "client_secret_basic") && takes(it, "client_secret_post"))
    }
}

/// What a provider said about itself, checked.
#[derive(Debug)]
pub(super) struct Discovered {
    pub(super) metadata: Metadata,
    pub(super) client: Client,
    pub(super) keys: CoreJsonWebKeySet,
    /// The ways of signing that it uses and we accept: by private keys only.
    pub(super) algorithms: Vec<CoreJwsSigningAlgorithm>,
    /// How we show it that we are its client.
    pub(super) showing: Showing,
    at: Timestamp,
}

impl Discovered {
    /// Whether there is a key by which a signature of its could be checked. Without one nobody signs in, whoever it is.
    fn has_key(&self) -> bool {
        self.keys.keys().iter().any(|key| may_check(key, &self.algorithms))
    }
}

#[derive(Debug)]
pub(super) struct Provider {
    pub(super) settings: ProviderSettings,
    pub(super) fetch: Fetch,
    discovered: RwLock<Option<Arc<Discovered>>>,
    /// By how many seconds its clock is ahead of ours, as its last token told; [`UNKNOWN`] before.
    clock_offset: AtomicI64,
    /// Since when it has not answered, in milliseconds; [`UNKNOWN`] where it has, or was not asked.
    silent_since: AtomicI64,
    /// Held while the provider is asked, so that one asks for all who wait.
    attempts: AsyncMutex<Attempts>,
}

#[derive(Debug, Default)]
struct Attempts {
    failed: Option<(Timestamp, AuthnError)>,
    for_sign_ins: KeySearch,
    for_strangers: KeySearch,
}

/// When keys were looked for, and which were not there.
#[derive(Debug, Default)]
struct KeySearch {
    last: Option<Timestamp>,
    missing: VecDeque<(Timestamp, Option<String>)>,
}

/// On whose word new keys are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker {
    /// The provider itself gave the token, for a sign-in that was begun here.
    SignIn,
    /// Anybody may have given it. Sign-ins never wait for what such tokens have used up.
    Stranger,
}

/// No token has told yet.
const UNKNOWN: i64 = i64::MIN;

/// How long metadata and keys are good for.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long they may serve when the provider does not answer any more.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a failure is the answer for all who ask.
const FAILURE_LIFETIME: Duration = Duration::from_secs(2);

/// How often new keys are looked for at the most.
const KEYS_INTERVAL: Duration = Duration::from_secs(10);

/// How long a key that was not there is not looked for again.
const MISSING_KEY_LIFETIME: Duration = Duration::from_secs(60);

/// Missing keys that are remembered.
const MISSING_KEYS_MAX: usize = 64;

impl Provider {
    pub(super) fn new(settings: ProviderSettings) -> Result<Self, AuthoritiesError> {
        let issuer = url::Url::parse(&settings.issuer).ok();
        let host = issuer.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
        let detour = settings.connect_to.clone().zip(host).map(|(to, host)| Detour { host, to });
        let fetch = Fetch::new(settings.authorities.as_deref(), settings.timeout, detour)?;
        Ok(Self {
            settings,
            fetch,
            discovered: RwLock::default(),
            clock_offset: AtomicI64::new(UNKNOWN),
            silent_since: AtomicI64::new(UNKNOWN),
            attempts: AsyncMutex::default(),
        })
    }

    /// Whether its metadata is known, and a key by which its signatures can be checked.
    pub(super) fn is_usable(&self) -> bool {
        self.known().is_some_and(|known| known.has_key())
    }

    /// Whether it says that it tells of sign-outs by the back channel; `None` where nothing is known of it.
    pub(super) fn tells_of_logout(&self) -> Option<bool> {
        let known = self.known()?;
        Some(known.metadata.additional_metadata().backchannel_logout_supported == Some(true))
    }

    /// Whether it says that it names itself in its answers (RFC 9207); `None` where nothing is known of it.
    pub(super) fn names_itself(&self) -> Option<bool> {
        let known = self.known()?;
        let further = known.metadata.additional_metadata();
        Some(further.authorization_response_iss_parameter_supported == Some(true))
    }

    /// Asks it for its metadata, whatever is known of it, to see whether it answers.
    pub(super) async fn look(&self, now: Timestamp) {
        let mut attempts = self.attempts.lock().await;
        match self.discover(now).await {
            Ok(_) => {
                attempts.failed = None;
                self.silent_since.store(UNKNOWN, Ordering::Relaxed);
            }
            Err(failure) => {
                // A provider that answers something else is a matter of settings, and no outage.
                let is_silent = matches!(
                    &failure,
                    AuthnError::Provider(ProviderFault::Silent(_) | ProviderFault::Unusable { .. })
                );
                let since = if is_silent { now.as_millis() } else { UNKNOWN };
                let before = self.silent_since.load(Ordering::Relaxed);
                if before == UNKNOWN || !is_silent {
                    self.silent_since.store(since, Ordering::Relaxed);
                }
                attempts.failed = Some((now, failure));
            }
        }
    }

    /// Since when it has not answered.
    pub(super) fn silent_since(&self) -> Option<Timestamp> {
        let since = self.silent_since.load(Ordering::Relaxed);
        (since != UNKNOWN).then(|| Timestamp::from_millis(since))
    }

    /// By how many seconds its clock was ahead of ours at the last sign-in.
    pub(super) fn clock_offset(&self) -> Option<i64> {
        let offset = self.clock_offset.load(Ordering::Relaxed);
        (offset != UNKNOWN).then_some(offset)
    }

    /// Notes when it says that it has issued the token that it just gave us. Says so when its clock has drifted by half of
    /// what is allowed: beyond that, nobody signs in any more.
    pub(super) fn note_clock(&self, issued: Timestamp, now: Timestamp) {
        let offset = issued.as_seconds() - now.as_seconds();
        let before = self.clock_offset.swap(offset, Ordering::Relaxed);
        let allowed = i64::try_from(self.settings.clock_skew.as_secs()).unwrap_or(i64::MAX);
        let is_far = |offset: i64| offset != UNKNOWN && offset.saturating_abs() > (allowed / 2).max(1);
        if is_far(offset) && !is_far(before) {
            tracing::warn!(
                provider = %self.settings.name,
                offset.seconds = offset,
                allowed.seconds = allowed,
                "the provider's clock and ours differ: check both against their time servers"
            );
        }
    }

    /// What the provider says about itself, asked for if that is not known or no longer good.
    pub(super) async fn discovered(&self, now: Timestamp) -> Result<Arc<Discovered>, AuthnError> {
        if let Some(known) = self.known_since(LIFETIME, now) {
            return Ok(known);
        }
        let mut attempts = self.attempts.lock().await;
        if let Some(known) = self.known_since(LIFETIME, now) {
            return Ok(known);
        }
        let failed_lately =
            attempts.failed.clone().filter(|(moment, _)| now.since(*moment) < FAILURE_LIFETIME);
        let failure = match failed_lately {
            Some((_, failure)) => failure,
            None => match self.discover(now).await {
                Ok(discovered) => {
                    attempts.failed = None;
                    return Ok(discovered);
                }
                Err(failure) => {
                    attempts.failed = Some((now, failure.clone()));
                    failure
                }
            },
        };
        // Better the keys of this morning than nobody signed in.
        self.known_since(LIFETIME_MAX, now).ok_or(failure)
    }

    /// The provider with its keys of now, if they may be other keys than the ones that were `seen`
    /// and did not verify a token signed by `key`.
    pub(super) async fn with_new_keys(
        &self,
        seen: &Arc<Discovered>,
        key: Option<String>,
        asker: Asker,
        now: Timestamp,
    ) -> Result<Option<Arc<Discovered>>, AuthnError> {
        let mut attempts = self.attempts.lock().await;
        if let Some(known) = self.known()
            && !Arc::ptr_eq(&known, seen)
        {
            return if known.has_key() { Ok(Some(known)) } else { Err(ProviderFault::NoKey.into()) };
        }
        let search = match asker {
            Asker::SignIn => &mut attempts.for_sign_ins,
            Asker::Stranger => &mut attempts.for_strangers,
        };
        search.missing.retain(|(moment, _)| now.since(*moment) < MISSING_KEY_LIFETIME);
        let is_too_soon = search.last.is_some_and(|moment| now.since(moment) < KEYS_INTERVAL);
        if is_too_soon || search.missing.iter().any(|(_, missing)| *missing == key) {
            return Ok(None);
        }
        search.last = Some(now);
        let http = self.http();
        let fetched = CoreJsonWebKeySet::fetch_async(seen.metadata.jwks_uri(), &http).await;
        let keys = fetched.map_err(|error| AuthnError::Provider(discovery_fault(error, "key set")))?;
        if !keys.keys().iter().any(|present| present.key_id().map(|id| id.as_str()) == key.as_deref()) {
            if search.missing.len() >= MISSING_KEYS_MAX {
                search.missing.pop_front();
            }
            search.missing.push_back((now, key));
        }
        let discovered = Discovered {
            metadata: seen.metadata.clone(),
            client: seen.client.clone(),
            algorithms: seen.algorithms.clone(),
            showing: seen.showing.clone(),
            keys,
            at: seen.at,
        };
        Ok(Some(self.learn(discovered)?))
    }

    /// The HTTP client in the shape that the crate takes: no redirects, bounded, timed.
    pub(super) fn http(
        &self,
    ) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, FetchError>> + Send + Sync + use<>
    {
        let fetch = self.fetch.clone();
        move |request| {
            let fetch = fetch.clone();
            Box::pin(async move { fetch.send(request).await })
        }
    }

    async fn discover(&self, now: Timestamp) -> Result<Arc<Discovered>, AuthnError> {
        let unusable = || ProviderFault::Unusable { what: "issuer URL" };
        let issuer = IssuerUrl::new(self.settings.issuer.to_string()).map_err(|_| unusable())?;
        let http = self.http();
        let metadata: Metadata = ProviderMetadata::discover_async(issuer, &http)
            .await
            .map_err(|error| discovery_fault(error, "metadata or key set"))?;
        Ok(self.learn(accept(&self.settings, metadata, now)?)?)
    }

    /// Takes what it says about itself in place of what was known: keys that it has withdrawn count no more, even where
    /// none is left.
    fn learn(&self, discovered: Discovered) -> Result<Arc<Discovered>, ProviderFault> {
        let discovered = Arc::new(discovered);
        *self.discovered.write().unwrap_or_else(PoisonError::into_inner) = Some(discovered.clone());
        if discovered.has_key() { Ok(discovered) } else { Err(ProviderFault::NoKey) }
    }

    fn known(&self) -> Option<Arc<Discovered>> {
        self.discovered.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known_since(&self, lifetime: Duration, now: Timestamp) -> Option<Arc<Discovered>> {
        self.known().filter(|known| known.has_key() && now.since(known.at) < lifetime)
    }
}

/// Checks that the metadata says what we need, and settles how we talk to the provider.
fn accept(
    settings: &ProviderSettings,
    metadata: Metadata,
    now: Timestamp,
) -> Result<Discovered, ProviderFault> {
    check_pkce(metadata.additional_metadata())?;
    let token_endpoint =
        metadata.token_endpoint().cloned().ok_or(ProviderFault::Lacks { what: "a token endpoint" })?;
    check_endpoint(metadata.authorization_endpoint().url(), "authorization endpoint")?;
    check_endpoint(token_endpoint.url(), "token endpoint")?;
    check_endpoint(metadata.jwks_uri().url(), "key set")?;
    let advertised = metadata.id_token_signing_alg_values_supported();
    let algorithms: Vec<_> = ALGORITHMS.into_iter().filter(|known| advertised.contains(known)).collect();
    if algorithms.is_empty() {
        return Err(ProviderFault::Lacks { what: "a signature algorithm with private keys" });
    }
    if let Some(endpoint) = &metadata.additional_metadata().pushed_authorization_request_endpoint {
        check_endpoint(endpoint, "pushed authorization request endpoint")?;
    }
    let showing = Showing::agreed(settings, &metadata)?;
    let client = CoreClient::new(
        ClientId::new(settings.client_id.clone()),
        metadata.issuer().clone(),
        CoreJsonWebKeySet::default(),
    );
    let client = match (&settings.credential, &showing) {
        (ClientCredential::Secret(secret), Showing::Secret(part)) => client
            .set_client_secret(ClientSecret::new(secret.reveal().to_owned()))
            .set_auth_type(part.clone()),
        // The assertion comes with each request; without a secret, the body names us.
        (ClientCredential::Key(_), _) | (_, Showing::Assertion(_)) => {
            client.set_auth_type(AuthType::RequestBody)
        }
    };
    let client = client
        .disable_openid_scope()
        .set_auth_uri(metadata.authorization_endpoint().clone())
        .set_token_uri(token_endpoint);
    let keys = metadata.jwks().clone();
    Ok(Discovered { metadata, client, keys, algorithms, showing, at: now })
}

/// A provider that lists its challenge methods has to list S256. One that lists none is taken all the same: by RFC 8414
/// section 2 it does not support PKCE, but discovery of OpenID Connect is older than that member, and
/// many providers check challenges without listing them. The challenge is sent to all; whoever does not know it
/// ignores it (RFC 6749 section 3.1), and a code that was slipped in is then still caught by `nonce`
/// (RFC 9700 section 2.1.1).
fn check_pkce(further: &FurtherMetadata) -> Result<(), ProviderFault> {
    let is_without = |methods: &Vec<String>| !methods.iter().any(|method| method == "S256");
    if further.code_challenge_methods_supported.as_ref().is_some_and(is_without) {
        return Err(ProviderFault::Lacks { what: "PKCE with S256" });
    }
    Ok(())
}

/// TLS everywhere; plain HTTP for a provider on this very machine only.
pub(super) fn check_endpoint(url: &url::Url, what: &'static str) -> Result<(), ProviderFault> {
    let is_local = url.scheme() == "http" && url.host_str().is_some_and(is_loopback_host);
    if url.scheme() == "https" || is_local { Ok(()) } else { Err(ProviderFault::Endpoint { what }) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the crate may add errors; each of them is a no")]
fn discovery_fault(error: DiscoveryError<FetchError>, what: &'static str) -> ProviderFault {
    match error {
        DiscoveryError::Request(error) => ProviderFault::Silent(error),
        DiscoveryError::Validation(_) => ProviderFault::Issuer,
        _ => ProviderFault::Unusable { what },
    }
}
