//! A form whose reply may turn out to be too much is copied before it is sent, so that it can be kept then.

use http::request::Parts;
use http_body::Body as _;

use super::super::passage::Passage;
use super::super::refusal::Refusal;
use super::super::sought::unread;
use super::keep::settings;
use crate::features::guard::limit::Terms;
use crate::features::upstream::send::RequestBody;
use crate::platform::http::body::{Full, read_bounded};

/// A form, as it came.
#[derive(Debug)]
pub struct Copy {
    /// Its head.
    pub parts: Parts,
    /// What it says.
    pub body: RequestBody,
}

/// Up to how many bytes what takes data away is copied where its reply may ask for a step first; none where it would not be kept.
/// What only changes something is never sent twice.
pub fn copies(passage: &Passage<'_>, terms: &Terms, parts: &Parts) -> Option<usize> {
    if !terms.action.takes_away() || !terms.may_ask() {
        return None;
    }
    Some(settings(passage, parts)?.body_bytes)
}

/// Such a copy. What may be larger goes as it comes, without one.
pub async fn copy(
    parts: &Parts,
    body: RequestBody,
    bytes_max: usize,
) -> Result<(RequestBody, Option<Box<Copy>>), Refusal> {
    let bytes = match body {
        RequestBody::Held(full) => full.bytes(),
        RequestBody::Streaming(ref incoming, _)
            if incoming.size_hint().exact().is_none_or(|bytes| bytes > bytes_max as u64) =>
        {
            return Ok((body, None));
        }
        RequestBody::Streaming(incoming, _) => {
            read_bounded(incoming, bytes_max).await.map_err(|error| unread(&error))?
        }
    };
    let held = || RequestBody::Held(Full::new(bytes.clone()));
    Ok((held(), Some(Box::new(Copy { parts: parts.clone(), body: held() }))))
}
