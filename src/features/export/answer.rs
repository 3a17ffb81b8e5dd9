//! What a receiver makes of documents, and what an HTTP status means for them.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};

use crate::foundation::clock::Timestamp;

/// What a receiver made of the documents that it was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All are taken.
    Taken,
    /// Each for itself, in their order.
    Each(Vec<Fate>),
    /// All are taken but so many, of which it is not said which: they are not to be sent again (OTLP, partial success).
    AllBut(u64, Refusal),
    /// None is taken, and the same never will be.
    Refused(Refusal),
    /// None is taken now; the same may be later.
    Later(Later),
    /// The same; and fewer at once may be taken where so many were not.
    Fewer(Later),
}

/// What a receiver made of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken.
    Taken,
    /// It never will be.
    Refused(Refusal),
    /// It may be later.
    Later(Later),
}

/// Why something will never be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// In our words: for the log.
    pub(super) why: String,
    /// The beginning of what the receiver said: for the file of what was refused alone, since it may quote the document.
    pub(super) said: String,
}

/// Why something is not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Later {
    /// In our words.
    pub(super) why: String,
    /// How long the receiver asks us to wait.
    pub(super) after: Option<Duration>,
}

impl Later {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), after: None }
    }
}

impl Refusal {
    pub(super) fn because(why: impl Into<String>, said: &[u8]) -> Self {
        let said = said.get(..SAID_BYTES_MAX).unwrap_or(said);
        Self { why: why.into(), said: String::from_utf8_lossy(said).into_owned() }
    }
}

/// Whether the receiver has taken what it was sent, by its status.
///
/// Only what is said of the document itself (400, 413, 422) is final. A wrong token, a wrong address or a redirect is said of our
/// settings, and somebody will set them right: what was refused meanwhile would be lost to the receiver for nothing.
pub(super) fn by_status(reply: &Response<Vec<u8>>, now: Timestamp) -> Fate {
    let status = reply.status();
    if status.is_success() {
        return Fate::Taken;
    }
    let why = format!("it answered {}", status.as_u16());
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Fate::Refused(Refusal::because(why, reply.body()))
        }
        _ => Fate::Later(Later { why, after: retry_after(reply.headers(), now) }),
    }
}

/// How long a receiver asks us to wait (RFC 9110, 10.2.3): seconds, or until a date. Never longer than an hour.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let after = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Timestamp::from_millis(moment.as_millisecond()).since(now)
    };
    Some(after.min(WAITED_MAX))
}

/// Bytes of what a receiver said that are kept.
const SAID_BYTES_MAX: usize = 1024;
/// The longest that we wait because a receiver asks us to.
const WAITED_MAX: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

    fn answer(status: u16, retry_after: &str) -> Fate {
        let mut reply = Response::builder().status(status);
        if !retry_after.is_empty() {
            reply = reply.header(RETRY_AFTER, retry_after);
        }
        by_status(&reply.body(b"no such field".to_vec()).unwrap(), NOW)
    }

    #[test]
    fn only_what_is_said_of_the_document_is_final() {
        for status in [200, 201, 202, 204] {
            assert_eq!(answer(status, ""), Fate::Taken, "{status}");
        }
        for status in [400, 413, 422] {
            let why = Refusal { why: format!("it answered {status}"), said: "no such field".to_owned() };
            assert_eq!(answer(status, "5"), Fate::Refused(why), "{status}");
        }
        for status in [401, 403, 404, 405, 408, 410, 415, 429, 500, 502, 503, 504, 301] {
            assert!(matches!(answer(status, ""), Fate::Later(Later { after: None, .. })), "{status}");
        }
    }

    #[test]
    fn a_receiver_is_given_the_time_that_it_asks_for_but_no_more_than_an_hour() {
        let after = |text: &str| match answer(503, text) {
            Fate::Later(Later { after, .. }) => after,
            other @ (Fate::Taken | Fate::Refused(_)) => panic!("{other:?}"),
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 01 Mar 2026 08:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(after("Sun, 01 Mar 2020 08:01:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("86400"), Some(Duration::from_secs(3600)));
        assert_eq!(after("soon"), None);
    }
}
