//! An address that takes events by HTTP: one request for a batch.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Response};

use super::answer::{Answer, Fate, Later, Refusal, by_status};
use super::document::Document;
use super::settings::{ExportName, HttpTarget, Protocol};
use super::{fhir, file, otlp, webhook};
use crate::foundation::clock::Timestamp;
use crate::platform::http::fetch::{Fetch, FetchError};
use crate::platform::tls::client::TlsClientError;

/// An address that takes events by HTTP.
#[derive(Debug)]
pub(super) struct HttpSink {
    fetch: Fetch,
    target: HttpTarget,
    export: ExportName,
    node: String,
}

/// What an answer may be: a server of FHIR may send back all that it was sent, and more.
const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;

impl HttpSink {
    pub(super) fn new(
        target: HttpTarget,
        export: ExportName,
        node: String,
        timeout: Duration,
    ) -> Result<Self, TlsClientError> {
        let fetch = Fetch::trusting(&target.trust, timeout)?.with_reply_bytes(REPLY_BYTES_MAX);
        Ok(Self { fetch, target, export, node })
    }

    /// Sends all in one request, and reads what became of them.
    pub(super) async fn hand_over(&self, documents: &[Document], now: Timestamp) -> Answer {
        let Some(body) = self.body(documents) else {
            let why = "a document of ours is not what its protocol carries";
            return Answer::Refused(Refusal::because(why, b""));
        };
        let request = match self.request(body, now) {
            Ok(request) => request,
            Err(error) => return Answer::Later(Later::because(error.to_string())),
        };
        match self.fetch.send(request).await {
            Ok(reply) => self.answer(&reply, documents.len(), now),
            Err(error) => {
                let later = Later::because(error.to_string());
                // Fewer may be answered in time, or by less.
                if matches!(error, FetchError::TimedOut { .. } | FetchError::TooLarge { .. }) {
                    Answer::Fewer(later)
                } else {
                    Answer::Later(later)
                }
            }
        }
    }

    fn body(&self, documents: &[Document]) -> Option<Vec<u8>> {
        match self.target.protocol {
            Protocol::Webhook => Some(webhook::array(documents)),
            Protocol::Json => {
                let mut lines = Vec::new();
                for document in documents {
                    file::line(&document.bytes, &mut lines);
                }
                Some(lines)
            }
            Protocol::Fhir => fhir::batch(documents),
            Protocol::Otlp => Some(otlp::envelope(documents, &self.node)),
        }
    }

    fn request(&self, body: Vec<u8>, now: Timestamp) -> Result<Request<Vec<u8>>, http::Error> {
        let media_type = match self.target.protocol {
            Protocol::Webhook | Protocol::Otlp => "application/json",
            Protocol::Json => "application/x-ndjson",
            Protocol::Fhir => fhir::MEDIA_TYPE,
        };
        let mut request = Request::post(&self.target.url)
            .header(CONTENT_TYPE, media_type)
            .header(USER_AGENT, concat!("leastway/", env!("CARGO_PKG_VERSION")));
        if self.target.protocol == Protocol::Fhir {
            // Nobody reads the resources that come back.
            request = request.header("prefer", "return=minimal");
        }
        for (name, value) in &self.target.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.target.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if self.target.protocol == Protocol::Webhook {
            let (id, seconds) = (webhook::id(&self.export, &self.node, &body), now.as_seconds());
            if let Some(signing) = &self.target.signing {
                request = request.header("webhook-signature", signing.sign(&id, seconds, &body));
            }
            request = request.header("webhook-id", id).header("webhook-timestamp", seconds);
        }
        request.body(body)
    }

    fn answer(&self, reply: &Response<Vec<u8>>, documents: usize, now: Timestamp) -> Answer {
        match by_status(reply, now) {
            Fate::Taken => match self.target.protocol {
                Protocol::Webhook | Protocol::Json => Answer::Taken,
                Protocol::Fhir => fhir::answered(reply.body(), documents),
                Protocol::Otlp => otlp::answered(reply.body()),
            },
            Fate::Refused(refusal) => Answer::Refused(refusal),
            Fate::Later(later) => Answer::Later(later),
        }
    }
}
