//! What an event holds under seal: to be read by somebody who says why, and no longer once its key is destroyed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::phi::Phi;

/// What an event tells only under seal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confidential {
    /// What the application calls the patient.
    pub patient: Option<Phi<String>>,
    /// The query as it came, without the values of what is secret in it.
    pub query: Option<Phi<String>>,
    /// Why, in the person's own words.
    pub justification: Option<Phi<String>>,
}

impl Confidential {
    /// Whether there is nothing to be sealed.
    pub const fn is_empty(&self) -> bool {
        let Self { patient, query, justification } = self;
        patient.is_none() && query.is_none() && justification.is_none()
    }
}

/// What was sealed, as the event keeps it: the period of its key, a dot, and base64url of the rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedText(Box<str>);

impl SealedText {
    /// As it stands in the event.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// As it stands in the event.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedText(..)")
    }
}
