//! Asks a feed's address: only for what is new (RFC 9110 section 13.1.2), never anywhere else than there.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, DATE, ETAG, HeaderValue, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, Request, StatusCode};

use super::fault::FeedFault;
use super::settings::{Credential, UrlSettings};
use crate::foundation::clock::Timestamp;
use crate::platform::http::fetch::{AuthoritiesError, Fetch};

/// A feed's address.
pub struct Fetching {
    settings: UrlSettings,
    client: Result<Fetch, AuthoritiesError>,
    /// The entity tag of what was last taken.
    tag: Mutex<Option<HeaderValue>>,
}

impl fmt::Debug for Fetching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetching").field("client", &self.client).finish_non_exhaustive()
    }
}

/// What came.
#[derive(Debug)]
pub struct Answer {
    /// The rows, as they are written there.
    pub body: Vec<u8>,
    /// When they were made.
    pub made: Timestamp,
    /// Their entity tag.
    pub tag: Option<HeaderValue>,
}

impl Fetching {
    /// For this address, and answers of so many bytes at the most.
    pub fn new(settings: UrlSettings, bytes_max: u64) -> Self {
        let client = Fetch::new(settings.authorities.as_deref(), settings.timeout, None)
            .map(|client| client.with_reply_bytes(usize::try_from(bytes_max).unwrap_or(usize::MAX)));
        Self { settings, client, tag: Mutex::default() }
    }

    /// Asks: none where nothing has changed.
    pub async fn ask(&self, now: Timestamp) -> Result<Option<Answer>, FeedFault> {
        let client = self.client.as_ref().map_err(unavailable)?;
        let reply = client.send(self.request().map_err(unavailable)?).await.map_err(unavailable)?;
        match reply.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(None),
            status => return Err(unavailable(format!("the answer was {status}"))),
        }
        let (head, body) = reply.into_parts();
        Ok(Some(Answer { made: made(&head.headers, now), tag: head.headers.get(ETAG).cloned(), body }))
    }

    /// Keeps the tag of what was taken: what was not is to come again.
    pub fn remember(&self, tag: Option<HeaderValue>) {
        *self.tag.lock().unwrap_or_else(PoisonError::into_inner) = tag;
    }

    fn request(&self) -> http::Result<Request<Vec<u8>>> {
        let mut request = Request::get(&self.settings.url).header(ACCEPT, "*/*");
        if let Some(tag) = self.tag.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let credential = self.settings.credential.as_ref().map(|credential| match credential {
            Credential::Bearer(token) => format!("Bearer {}", token.reveal()),
            Credential::Basic(name, password) => {
                format!("Basic {}", STANDARD.encode(format!("{name}:{}", password.reveal())))
            }
        });
        if let Some(credential) = credential {
            let mut value = HeaderValue::try_from(credential)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request.body(Vec::new())
    }
}

/// When it was made: as `Last-Modified` says, or else `Date`, or else now; never later than now, since another's clock would
/// keep it in time.
fn made(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    let said = [LAST_MODIFIED, DATE].iter().find_map(|name| {
        let text = headers.get(name)?.to_str().ok()?;
        let moment = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Timestamp::from_millis(moment.timestamp().as_millisecond()))
    });
    said.map_or(now, |said| said.min(now))
}

fn unavailable(cause: impl fmt::Display) -> FeedFault {
    FeedFault::Unavailable { cause: cause.to_string() }
}
