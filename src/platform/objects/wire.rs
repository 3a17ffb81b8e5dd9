//! The way to a bucket: our own client, and the signature of each request (AWS Signature Version 4).
//!
//! Signed here and not by `object_store`, since what locks an object stands in header fields that it does not know, and S3 takes
//! no `x-amz-` field that is not signed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};

use super::{BucketSettings, Keep, LockMode, ObjectsError};
use crate::foundation::digest::Digest;
use crate::platform::http::fetch::{Fetch, FetchError};

/// The way to a bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fetch: Fetch,
    /// Its own `Debug` does not print the secret.
    credential: AwsCredential,
    region: String,
}

/// Rides on a request that makes an object: how it is to be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Locked {
    pub(super) mode: LockMode,
    pub(super) keep: Keep,
}

impl Wire {
    pub(super) fn new(settings: &BucketSettings) -> Result<Self, ObjectsError> {
        let fetch = Fetch::new(settings.authorities.as_deref(), ANSWERED_WITHIN, None)
            .map_err(|error| ObjectsError::Settings(error.to_string()))?
            .with_reply_bytes(REPLY_BYTES_MAX);
        let credential = AwsCredential {
            key_id: settings.access_key.reveal().to_owned(),
            secret_key: settings.secret_key.reveal().to_owned(),
            token: None,
        };
        Ok(Self(Arc::new(Inner { fetch, credential, region: settings.region.clone() })))
    }

    /// Signs a request and sends it.
    pub(super) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, WireError> {
        let Inner { fetch, credential, region } = &*self.0;
        let (head, body) = request.into_parts();
        let digest = Digest::of(&body);
        let mut signed = HttpRequest::from_parts(head, HttpRequestBody::empty());
        AwsAuthorizer::new(credential, "s3", region)
            .try_authorize(&mut signed, Some(digest.as_bytes()))
            .map_err(|_| WireError::Unsigned)?;
        let (head, _) = signed.into_parts();
        Ok(fetch.send(Request::from_parts(head, body)).await?)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("a request could not be signed")]
    Unsigned,
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut head, body) = request.into_parts();
        // At most a part of an upload.
        let body = body.collect().await?.to_bytes().to_vec();
        if let Some(locked) = head.extensions.remove::<Locked>() {
            locked.write(&mut head.headers).map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        }
        let reply = self.send(Request::from_parts(head, body)).await.map_err(|error| {
            let kind = match &error {
                WireError::Fetch(FetchError::Unreachable { .. }) => HttpErrorKind::Connect,
                WireError::Fetch(FetchError::TimedOut { .. }) => HttpErrorKind::Timeout,
                WireError::Fetch(FetchError::Malformed { .. }) => HttpErrorKind::Interrupted,
                WireError::Fetch(
                    FetchError::Url { .. }
                    | FetchError::Untrusted { .. }
                    | FetchError::Redirected { .. }
                    | FetchError::TooLarge { .. },
                )
                | WireError::Unsigned => HttpErrorKind::Unknown,
            };
            HttpError::new(kind, error)
        })?;
        let (head, body) = reply.into_parts();
        Ok(Response::from_parts(head, HttpResponseBody::from(body)))
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl Locked {
    /// The fields of `PutObject` and `CreateMultipartUpload` that lock what they make.
    fn write(self, headers: &mut HeaderMap) -> Result<(), http::header::InvalidHeaderValue> {
        let Keep { until, is_held } = self.keep;
        headers.insert(LOCK_MODE, HeaderValue::from_static(self.mode.as_str()));
        headers.insert(LOCK_UNTIL, HeaderValue::from_str(&until.to_string())?);
        // S3 takes an object with a lock only where it is told how to tell that it arrived whole.
        headers.insert(ALGORITHM, HeaderValue::from_static("SHA256"));
        if is_held {
            headers.insert(LOCK_HOLD, HeaderValue::from_static("ON"));
        }
        Ok(())
    }
}

/// The checksum that S3 asks for where an object's lock is changed.
pub(super) fn checksum(body: &[u8]) -> String {
    STANDARD.encode(Digest::of(body).as_bytes())
}

pub(super) const ALGORITHM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const LOCK_MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const LOCK_UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");
const LOCK_HOLD: HeaderName = HeaderName::from_static("x-amz-object-lock-legal-hold");
/// Of one request: a part of an upload, or of what is read.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// More than a part, and more than a page of a listing.
const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;
