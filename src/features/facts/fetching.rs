//! Asks a feed's address: only for what is new (RFC 9110 section 13.1.2), never anywhere else than there.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use http::header::{
    ACCEPT, AUTHORIZATION, DATE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, LAST_MODIFIED,
};
use http::request::Builder;
use http::{HeaderMap, Request, Response, StatusCode};
use url::Url;

use super::authorization::Authorization;
use super::fault::FeedFault;
use super::settings::UrlSettings;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::platform::http::fetch::{AuthoritiesError, Fetch};

/// A feed's address.
pub struct Fetching {
    settings: UrlSettings,
    client: Result<Fetch, AuthoritiesError>,
    authorization: Authorization,
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
        let authorization = Authorization::new(settings.credential.clone());
        Self { settings, client, authorization, tag: Mutex::default() }
    }

    /// Asks: none where nothing has changed.
    pub async fn ask(&self, entropy: &dyn Entropy, now: Timestamp) -> Result<Option<Answer>, FeedFault> {
        let mut request = Request::get(&self.settings.url).header(ACCEPT, "*/*");
        if let Some(tag) = self.tag.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let reply = self.send(request, entropy, now).await?;
        if reply.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        answer(reply, &[LAST_MODIFIED, DATE], now).map(Some)
    }

    /// The address itself.
    pub fn url(&self) -> Result<Url, FeedFault> {
        Url::parse(&self.settings.url).map_err(unavailable)
    }

    /// Asks for a page of a search there.
    pub async fn page(&self, url: &Url, entropy: &dyn Entropy, now: Timestamp) -> Result<Answer, FeedFault> {
        let request = Request::get(url.as_str())
            .header(ACCEPT, "application/fhir+json")
            // A server that does not know a parameter is to say so, rather than to pass it over (FHIR, "Handling Errors").
            .header(PREFER, "handling=strict");
        answer(self.send(request, entropy, now).await?, &[DATE], now)
    }

    async fn send(
        &self,
        mut request: Builder,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Response<Vec<u8>>, FeedFault> {
        let client = self.client.as_ref().map_err(unavailable)?;
        if let Some(value) = self.authorization.value(client, entropy, now).await? {
            request = request.header(AUTHORIZATION, value);
        }
        let reply = client.send(request.body(Vec::new()).map_err(unavailable)?).await.map_err(unavailable)?;
        if reply.status() == StatusCode::UNAUTHORIZED {
            self.authorization.forget();
        }
        Ok(reply)
    }

    /// Keeps the tag of what was taken: what was not is to come again.
    pub fn remember(&self, tag: Option<HeaderValue>) {
        *self.tag.lock().unwrap_or_else(PoisonError::into_inner) = tag;
    }
}

fn answer(reply: Response<Vec<u8>>, says: &[HeaderName], now: Timestamp) -> Result<Answer, FeedFault> {
    if reply.status() != StatusCode::OK {
        return Err(unavailable(format!("the answer was {}", reply.status())));
    }
    let (head, body) = reply.into_parts();
    Ok(Answer { made: made(&head.headers, says, now), tag: head.headers.get(ETAG).cloned(), body })
}

/// When it was made: as the first of these fields says that is there, or else now; never later than now, since another's clock
/// would keep it in time. Of a search the newest of what it has found says nothing (`Last-Modified`): it is asked anew each time.
fn made(headers: &HeaderMap, says: &[HeaderName], now: Timestamp) -> Timestamp {
    let said = says.iter().find_map(|name| {
        let text = headers.get(name)?.to_str().ok()?;
        let moment = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Timestamp::from_millis(moment.timestamp().as_millisecond()))
    });
    said.map_or(now, |said| said.min(now))
}

pub(super) fn unavailable(cause: impl fmt::Display) -> FeedFault {
    FeedFault::Unavailable { cause: cause.to_string() }
}

/// RFC 7240.
const PREFER: HeaderName = HeaderName::from_static("prefer");
