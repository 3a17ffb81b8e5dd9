//! What is brought in `Authorization` to a feed's address: a token or password of its own, or a token that we are given as a client
//! (SMART Backend Services: RFC 6749 section 4.4, with a statement by our key in place of a secret, RFC 7523).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use serde::Deserialize;

use super::fault::FeedFault;
use super::fetching::unavailable;
use super::settings::{ClientSettings, Credential};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::foundation::secret::Secret;
use crate::platform::client_assertion::{ASSERTION_TYPE, Assertion};
use crate::platform::http::fetch::Fetch;

/// What shows a feed's address that it is us.
pub(super) struct Authorization {
    credential: Option<Credential>,
    /// What we were given, and until when it is brought.
    given: Mutex<Option<(HeaderValue, Timestamp)>>,
}

/// What a token endpoint answers.
#[derive(Deserialize)]
struct Given {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Authorization {
    pub(super) fn new(credential: Option<Credential>) -> Self {
        Self { credential, given: Mutex::default() }
    }

    /// The field's value, if one is brought. Asks for a token where the last one is over.
    pub(super) async fn value(
        &self,
        client: &Fetch,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, FeedFault> {
        match &self.credential {
            None => Ok(None),
            Some(Credential::Bearer(token)) => bearer(token).map(Some),
            Some(Credential::Basic(name, password)) => {
                let pair = STANDARD.encode(format!("{name}:{}", password.reveal()));
                sensitive(&format!("Basic {pair}")).map(Some)
            }
            Some(Credential::Client(settings)) => {
                if let Some(value) = self.held(now) {
                    return Ok(Some(value));
                }
                let (value, until) = ask(settings, client, entropy, now).await?;
                *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some((value.clone(), until));
                Ok(Some(value))
            }
        }
    }

    /// It was not taken: the next one is asked for anew.
    pub(super) fn forget(&self) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn held(&self, now: Timestamp) -> Option<HeaderValue> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.as_ref().filter(|(_, until)| now < *until).map(|(value, _)| value.clone())
    }
}

async fn ask(
    settings: &ClientSettings,
    client: &Fetch,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(HeaderValue, Timestamp), FeedFault> {
    let client = client.clone().with_reply_bytes(TOKEN_BYTES_MAX);
    let reply = client.send(request(settings, entropy, now)?).await.map_err(unavailable)?;
    if reply.status() != StatusCode::OK {
        return Err(unavailable(format!("a token was refused with {}", reply.status())));
    }
    // What stands there may be a secret: nothing of it is told.
    let given: Given = serde_json::from_slice(reply.body())
        .map_err(|_| unavailable("what the token endpoint has answered is no token"))?;
    if !given.token_type.eq_ignore_ascii_case("bearer") {
        return Err(unavailable("the token endpoint gives tokens that are not brought as they are"));
    }
    let lasts = Duration::from_secs(given.expires_in.unwrap_or(USUAL_SECONDS).min(LONGEST_SECONDS));
    Ok((bearer(&Secret::new(given.access_token))?, now.plus(lasts.saturating_sub(SPARE))))
}

fn request(
    settings: &ClientSettings,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Request<Vec<u8>>, FeedFault> {
    let algorithm =
        settings.key.backend_algorithm().ok_or_else(|| unavailable("our key signs by nothing"))?;
    let assertion = Assertion {
        client_id: &settings.id,
        audience: &settings.token_url,
        key_id: settings.key_id.as_deref(),
        certificate: None,
    };
    let assertion = settings.key.sign(algorithm, assertion, entropy, now).map_err(unavailable)?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_assertion_type", ASSERTION_TYPE)
        .append_pair("client_assertion", &assertion);
    if let Some(scope) = &settings.scope {
        form.append_pair("scope", scope);
    }
    Request::post(&settings.token_url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.finish().into_bytes())
        .map_err(unavailable)
}

fn bearer(token: &Secret) -> Result<HeaderValue, FeedFault> {
    sensitive(&format!("Bearer {}", token.reveal()))
}

fn sensitive(text: &str) -> Result<HeaderValue, FeedFault> {
    let mut value = HeaderValue::try_from(text).map_err(|_| unavailable("a credential fits in no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A token's answer is no larger than this.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// How long a token lasts that does not say it, in seconds; and the longest that is believed.
const USUAL_SECONDS: u64 = 60;
const LONGEST_SECONDS: u64 = 60 * 60;
/// A token is not brought so shortly before its end that it may be over when it arrives.
const SPARE: Duration = Duration::from_secs(15);
