//! Who sends the signals: its keys and its metadata (SSF 1.0 section 7), fetched when they are first needed.
//!
//! Kept for an hour, and for a day where it does not answer. A token that no known key has signed makes us look for new
//! keys, but not more often than every ten seconds.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::error::TransmitterFault;
use super::settings::SignalSettings;
use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;
use crate::platform::http::fetch::{AuthoritiesError, Detour, Fetch};
use crate::platform::signed_token::{ALGORITHMS, Signed, TokenFault};

/// Who sends the signals.
#[derive(Debug)]
pub(super) struct Transmitter {
    issuer: String,
    jwks_uri: Option<String>,
    token: Option<Secret>,
    fetch: Fetch,
    known: RwLock<Option<Arc<Known>>>,
    /// When it was last asked for keys. Held while it is, so that one asks for all who wait.
    asked: AsyncMutex<Option<Timestamp>>,
}

#[derive(Debug)]
struct Known {
    keys: Vec<CoreJsonWebKey>,
    at: Timestamp,
}

/// What it says about itself, as far as we need it.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
    verification_endpoint: Option<String>,
}

impl Transmitter {
    pub(super) fn new(settings: &SignalSettings) -> Result<Self, AuthoritiesError> {
        Ok(Self {
            issuer: settings.issuer.clone(),
            jwks_uri: settings.jwks_uri.clone(),
            token: settings.transmitter_token.clone(),
            fetch: fetch(settings, settings.timeout)?,
            known: RwLock::default(),
            asked: AsyncMutex::default(),
        })
    }

    /// Whether it has signed a token. The outer error is its own, the inner one the token's.
    pub(super) async fn has_signed<C>(
        &self,
        token: &Signed<'_, C>,
        now: Timestamp,
    ) -> Result<Result<(), TokenFault>, TransmitterFault> {
        let known = self.keys(now).await?;
        match token.is_signed_by_one_of(&known.keys, &ALGORITHMS) {
            Err(TokenFault::Signature) => {}
            held => return Ok(held),
        }
        let newer = self.newer(&known, now).await?;
        Ok(newer.map_or(Err(TokenFault::Signature), |it| token.is_signed_by_one_of(&it.keys, &ALGORITHMS)))
    }

    /// Asks it to send a verification through a stream (SSF 1.0 section 8.1.4.2).
    pub(super) async fn verify(&self, stream: &str, state: &str) -> Result<(), TransmitterFault> {
        let unusable = TransmitterFault::Unusable { what: "verification endpoint" };
        let endpoint = self.metadata().await?.verification_endpoint.ok_or(unusable)?;
        let question = serde_json::json!({ "stream_id": stream, "state": state });
        let reply = ask(&self.fetch, &endpoint, self.token.as_ref(), Some(&question)).await?;
        drop(reply);
        Ok(())
    }

    async fn keys(&self, now: Timestamp) -> Result<Arc<Known>, TransmitterFault> {
        if let Some(known) = self.known_since(LIFETIME, now) {
            return Ok(known);
        }
        let mut asked = self.asked.lock().await;
        if let Some(known) = self.known_since(LIFETIME, now) {
            return Ok(known);
        }
        // Whoever has waited for a question in vain does not ask the same.
        if asked.is_some_and(|moment| now.since(moment) < KEYS_INTERVAL)
            && let Some(known) = self.known_since(LIFETIME_MAX, now)
        {
            return Ok(known);
        }
        let learned = self.learn(&mut asked, now).await;
        // Better the keys of this morning than signals that are not heard.
        learned.or_else(|fault| self.known_since(LIFETIME_MAX, now).ok_or(fault))
    }

    /// Its keys of now, if they may be others than the ones that were `seen`.
    async fn newer(&self, seen: &Arc<Known>, now: Timestamp) -> Result<Option<Arc<Known>>, TransmitterFault> {
        let mut asked = self.asked.lock().await;
        let known = self.known_since(LIFETIME_MAX, now);
        if let Some(newer) = known.filter(|known| !Arc::ptr_eq(known, seen)) {
            return Ok(Some(newer));
        }
        if asked.is_some_and(|moment| now.since(moment) < NEWER_INTERVAL) {
            return Ok(None);
        }
        self.learn(&mut asked, now).await.map(Some)
    }

    async fn learn(
        &self,
        asked: &mut Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Arc<Known>, TransmitterFault> {
        *asked = Some(now);
        let jwks_uri = if let Some(jwks_uri) = &self.jwks_uri {
            jwks_uri.clone()
        } else {
            let lacks = TransmitterFault::Unusable { what: "metadata, which names no `jwks_uri`," };
            self.metadata().await?.jwks_uri.ok_or(lacks)?
        };
        let set: CoreJsonWebKeySet = self.get(&jwks_uri, "key set").await?;
        let known = Arc::new(Known { keys: set.keys().clone(), at: now });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    async fn metadata(&self) -> Result<Metadata, TransmitterFault> {
        let unusable = || TransmitterFault::Unusable { what: "issuer URL" };
        let url = metadata_url(&self.issuer).ok_or_else(unusable)?;
        let metadata: Metadata = self.get(&url, "metadata").await?;
        if metadata.issuer == self.issuer {
            Ok(metadata)
        } else {
            Err(TransmitterFault::Unusable { what: "metadata, which names another issuer," })
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: &str, what: &'static str) -> Result<T, TransmitterFault> {
        let reply = ask(&self.fetch, url, None, None).await?;
        serde_json::from_slice(&reply).map_err(|_| TransmitterFault::Unusable { what })
    }

    fn known_since(&self, lifetime: Duration, now: Timestamp) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| now.since(known.at) < lifetime)
    }
}

/// A client that waits for `timeout`.
pub(super) fn fetch(settings: &SignalSettings, timeout: Duration) -> Result<Fetch, AuthoritiesError> {
    let host = Url::parse(&settings.people).ok().and_then(|url| url.host_str().map(str::to_owned));
    let detour = settings.connect_to.clone().zip(host).map(|(to, host)| Detour { host, to });
    Fetch::new(settings.authorities.as_deref(), timeout, detour)
}

/// One question and the body of its answer, which has to be a success. With a `question` it is posted as JSON.
pub(super) async fn ask(
    fetch: &Fetch,
    url: &str,
    token: Option<&Secret>,
    question: Option<&Value>,
) -> Result<Vec<u8>, TransmitterFault> {
    let method = if question.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
    if question.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
    }
    let body = question.map(|question| question.to_string().into_bytes()).unwrap_or_default();
    let unusable = |_| TransmitterFault::Unusable { what: "address" };
    let reply = fetch.send(request.body(body).map_err(unusable)?).await?;
    let status = reply.status();
    if status.is_success() {
        Ok(reply.into_body())
    } else {
        Err(TransmitterFault::Refused { status: status.as_u16() })
    }
}

/// Where an issuer's metadata are: between its host and its path, where it has one (SSF 1.0 section 7.2).
pub(super) fn metadata_url(issuer: &str) -> Option<String> {
    let mut url = Url::parse(issuer).ok()?;
    let path = format!("{WELL_KNOWN}{}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Some(url.into())
}

const WELL_KNOWN: &str = "/.well-known/ssf-configuration";
/// How long keys are good for.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// How long they may serve when the transmitter does not answer any more.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long nobody asks again after a question in vain.
const KEYS_INTERVAL: Duration = Duration::from_secs(10);
/// How often newer keys are looked for at the most: whoever signs by one that nobody knows brings the transmitter's token, too.
const NEWER_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;
    use crate::features::signals::tests::{NOW, settings};

    #[tokio::test]
    async fn whoever_waits_for_a_vain_question_takes_the_older_keys_and_asks_none_of_their_own() {
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let jwks_uri = Some(format!("http://{}/keys", silent.local_addr().unwrap()));
        let transmitter =
            Transmitter::new(&SignalSettings { jwks_uri, timeout: Duration::from_millis(200), ..settings() })
                .unwrap();
        let older = Known { keys: Vec::new(), at: NOW.minus(LIFETIME * 2) };
        *transmitter.known.write().unwrap() = Some(Arc::new(older));
        for known in futures_util::future::join_all((0..8).map(|_| transmitter.keys(NOW))).await {
            assert_eq!(known.unwrap().at, NOW.minus(LIFETIME * 2));
        }
        let mut asked = 0;
        while let Ok(Ok(_connection)) = timeout(Duration::from_millis(50), silent.accept()).await {
            asked += 1;
        }
        assert_eq!(asked, 1);
    }
}
