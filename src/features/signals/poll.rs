//! Asking a transmitter for signals (RFC 8936): what came before is acknowledged with the next question, once it was
//! carried out, and never before.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::TransmitterFault;
use super::settings::{PollSettings, SignalSettings};
use super::transmitter::{ask, fetch};
use crate::foundation::secret::Secret;
use crate::platform::http::fetch::{AuthoritiesError, Fetch};

/// How a transmitter is asked.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) settings: PollSettings,
    token: Option<Secret>,
    fetch: Fetch,
}

/// What the transmitter is told with the next question.
#[derive(Debug, Default, Serialize)]
pub struct Due {
    /// What was carried out.
    #[serde(rename = "ack", skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
    /// What is not taken, and why.
    #[serde(rename = "setErrs", skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, Refused>,
}

/// Why a token is not taken.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// The code.
    pub err: &'static str,
    /// In words.
    pub description: String,
}

/// What the transmitter answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// Tokens by what they are called.
    #[serde(default)]
    pub sets: BTreeMap<String, String>,
    /// Whether there are more.
    #[serde(default)]
    pub more_available: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'d> {
    max_events: usize,
    return_immediately: bool,
    #[serde(flatten)]
    due: &'d Due,
}

impl Poll {
    pub(super) fn new(settings: &SignalSettings) -> Result<Option<Self>, AuthoritiesError> {
        let Some(poll) = settings.poll.clone() else { return Ok(None) };
        let wait = if poll.is_long { LONG_POLL } else { Duration::ZERO };
        let fetch = fetch(settings, settings.timeout.saturating_add(wait))?;
        Ok(Some(Self { settings: poll, token: settings.transmitter_token.clone(), fetch }))
    }

    pub(super) async fn ask(&self, due: &Due, at_once: bool) -> Result<Answered, TransmitterFault> {
        let question = Question { max_events: EVENTS_MAX, return_immediately: at_once, due };
        let unusable = |_| TransmitterFault::Unusable { what: "answer" };
        let question = serde_json::to_value(question).map_err(unusable)?;
        let reply = ask(&self.fetch, &self.settings.endpoint, self.token.as_ref(), Some(&question)).await?;
        Answered::read(&reply).ok_or(TransmitterFault::Unusable { what: "answer" })
    }
}

impl Answered {
    /// Reads an answer; none where it is no such answer, or holds more than was asked for.
    pub(super) fn read(reply: &[u8]) -> Option<Self> {
        let answered: Self = serde_json::from_slice(reply).ok()?;
        (answered.sets.len() <= EVENTS_MAX).then_some(answered)
    }
}

impl Due {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.refused.is_empty()
    }
}

/// How long a transmitter may make us wait for signals. Whether it is still there is asked in between.
const LONG_POLL: Duration = Duration::from_secs(60);
/// Tokens in one answer: with 8 KiB each they are read.
pub(super) const EVENTS_MAX: usize = 64;
