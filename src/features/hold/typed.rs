//! What a person has typed: where it goes, and what is in it.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What a person has typed. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed {
    /// Path and query that it was posted to, byte for byte.
    pub target: String,
    /// The media type of the body, with its parameters.
    pub content_type: String,
    /// `Origin`, as the browser sent it.
    pub origin: Option<String>,
    /// `Referer`, as the browser sent it: the page that the form was on.
    pub referer: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// All but the body.
#[derive(Serialize, Deserialize)]
struct Head {
    target: String,
    content_type: String,
    origin: Option<String>,
    referer: Option<String>,
}

impl Typed {
    /// One text: the head's length, the head, the body.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let head = Head {
            target: self.target.clone(),
            content_type: self.content_type.clone(),
            origin: self.origin.clone(),
            referer: self.referer.clone(),
        };
        let head = serde_json::to_vec(&head).ok()?;
        let length = u32::try_from(head.len()).ok()?.to_be_bytes();
        // With room for the tag that sealing adds, so that no copy of the text is left behind.
        let mut bytes = Vec::with_capacity(length.len() + head.len() + self.body.len() + TAG_BYTES);
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.body);
        Some(bytes)
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Bytes::from(bytes);
        let (length, _) = bytes.split_first_chunk::<4>()?;
        let end = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_add(4)?;
        let Head { target, content_type, origin, referer } =
            serde_json::from_slice(bytes.get(4..end)?).ok()?;
        Some(Self { target, content_type, origin, referer, body: bytes.slice(end..) })
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(..)")
    }
}

const TAG_BYTES: usize = 16;
