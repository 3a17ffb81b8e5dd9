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

/// A copy of what takes data away where its reply may ask for a step first; none where it would not be kept. What only changes
/// something is never sent twice.
pub async fn copy(
    passage: &Passage<'_>,
    terms: &Terms,
    parts: &Parts,
    body: RequestBody,
) -> Result<(RequestBody, Option<Copy>), Refusal> {
    let Some(settings) = settings(passage, parts).filter(|_| terms.action.takes_away() && terms.may_ask())
    else {
        return Ok((body, None));
    };
    let bytes = match body {
        RequestBody::Held(full) => full.bytes(),
        // What may be larger than what is kept goes as it comes.
        RequestBody::Streaming(ref incoming, _)
            if incoming.size_hint().exact().is_none_or(|bytes| bytes > settings.body_bytes as u64) =>
        {
            return Ok((body, None));
        }
        RequestBody::Streaming(incoming, _) => {
            read_bounded(incoming, settings.body_bytes).await.map_err(|error| unread(&error))?
        }
    };
    let held = || RequestBody::Held(Full::new(bytes.clone()));
    Ok((held(), Some(Copy { parts: parts.clone(), body: held() })))
}
