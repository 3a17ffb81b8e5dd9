//! Identifiers that may be printed: of requests, sessions, held entries and a directory's resources.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::digest::Digest;
use super::entropy::{Entropy, random};

/// An identifier made from the time and chance (UUID version 7, RFC 9562): sorts by time.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new identifier.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random(entropy)).into_uuid())
            }

            /// Its 128 bits.
            pub const fn as_u128(self) -> u128 {
                self.0.as_u128()
            }

            /// When it was made, by its own word.
            pub fn time(self) -> Timestamp {
                let millis = self.0.as_u128() >> 80;
                Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
            }

            /// Its text, in this place.
            pub fn encode(self, place: &mut [u8; uuid::fmt::Hyphenated::LENGTH]) -> &str {
                self.0.hyphenated().encode_lower(place)
            }

            /// Its 32 hexadecimal digits, in this place.
            pub fn digits(self, place: &mut [u8; uuid::fmt::Simple::LENGTH]) -> &str {
                self.0.simple().encode_lower(place)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdentifierError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::try_parse(text).map(Self).map_err(|_| IdentifierError)
            }
        }
    };
}

/// A text that is not an identifier.
#[derive(Debug, thiserror::Error)]
#[error("an identifier looks like `01980000-0000-7000-8000-000000000000`")]
pub struct IdentifierError;

identifier! {
    /// One request, and so one event: sent to the application as `X-Request-Id`.
    RequestId
}
identifier! {
    /// What one person has typed and is kept for them. Names it in pages and events; opens nothing.
    HoldId
}
identifier! {
    /// One user or group of a directory, as it is known to whoever provisions it (`id` of SCIM).
    ResourceId
}
identifier! {
    /// Something that was found in the stream of events.
    DetectionId
}
identifier! {
    /// One browser session, as events and operators name it. Not the cookie's value.
    SessionId
}

impl DetectionId {
    /// The identifier of what was found at `time` and is told by `parts`: the same whenever the same is found.
    pub fn derived(time: Timestamp, parts: &[&[u8]]) -> Self {
        let mut digest = Vec::with_capacity(parts.len() * 32);
        for part in parts {
            // Each by its digest, so that no two lists of parts run together into the same bytes.
            digest.extend_from_slice(Digest::of(part).as_bytes());
        }
        let mut random = [0; 10];
        for (place, byte) in random.iter_mut().zip(Digest::of(&digest).as_bytes()) {
            *place = *byte;
        }
        let millis = u64::try_from(time.as_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}
