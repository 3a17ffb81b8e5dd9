//! A receiver, whatever kind it is.

use std::time::Duration;

use super::answer::{Answer, Later};
use super::document::Document;
use super::file;
use super::http::HttpSink;
use super::otlp;
use super::settings::{ExportSettings, FileTarget, Target};
use super::shape::Shape;
use super::syslog::{Sender, SyslogSink};
use crate::foundation::clock::Timestamp;
use crate::platform::syslog::SETTLES_IN;
use crate::platform::tls::client::TlsClientError;

/// A receiver.
#[derive(Debug)]
pub(super) enum Sink {
    File { target: FileTarget, shape: Shape, node: String },
    Syslog(Box<SyslogSink>),
    Http(Box<HttpSink>),
}

impl Sink {
    /// The receiver of an export; nothing is opened yet.
    pub(super) fn new(settings: &ExportSettings, node: &str) -> Result<Self, TlsClientError> {
        let shape = Shape::of(settings.format);
        Ok(match &settings.target {
            Target::File(target) => Self::File { target: target.clone(), shape, node: node.to_owned() },
            Target::Syslog(target) => {
                let sender = Sender::new(node, shape);
                Self::Syslog(Box::new(SyslogSink::new(target.clone(), sender, settings.timeout)?))
            }
            Target::Http(target) => {
                let (target, name, node) = (target.as_ref().clone(), settings.name.clone(), node.to_owned());
                Self::Http(Box::new(HttpSink::new(target, name, node, settings.timeout)?))
            }
        })
    }

    /// Hands these over.
    pub(super) async fn hand_over(&mut self, documents: &[Document], now: Timestamp) -> Answer {
        match self {
            Self::File { target, shape, node } => {
                append(target.clone(), lines(documents, *shape, node), now).await
            }
            Self::Syslog(sink) => sink.hand_over(documents).await,
            Self::Http(sink) => sink.hand_over(documents, now).await,
        }
    }

    /// How long what was handed over may still turn out to be lost; none where its receiver has said that it took it.
    pub(super) const fn settles_in(&self) -> Option<Duration> {
        match self {
            Self::File { .. } | Self::Http(_) => None,
            Self::Syslog(_) => Some(SETTLES_IN),
        }
    }

    /// Whether what is being handed over may be left in the middle: what is being written into a file may not, since somebody
    /// else would write into it at the same time.
    pub(super) const fn may_be_left(&self) -> bool {
        match self {
            Self::File { .. } => false,
            Self::Syslog(_) | Self::Http(_) => true,
        }
    }

    /// Whether nothing that was handed over is known to be lost; or why it may be.
    pub(super) fn look(&mut self) -> Result<(), String> {
        match self {
            Self::File { .. } | Self::Http(_) => Ok(()),
            Self::Syslog(sink) => sink.look().map_err(|error| error.to_string()),
        }
    }

    /// Ends what is open: whether all that was handed over was taken for sure.
    pub(super) async fn close(&mut self) -> bool {
        match self {
            Self::File { .. } | Self::Http(_) => true,
            Self::Syslog(sink) => sink.close().await,
        }
    }
}

/// One line for each document; of log records one line for each envelope, as OpenTelemetry writes files.
fn lines(documents: &[Document], shape: Shape, node: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    match shape {
        Shape::LogRecord => file::line(&otlp::envelope(documents, node), &mut lines),
        Shape::Object | Shape::Resource | Shape::Text | Shape::AuditMessage => {
            for document in documents {
                file::line(&document.bytes, &mut lines);
            }
        }
    }
    lines
}

async fn append(target: FileTarget, lines: Vec<u8>, now: Timestamp) -> Answer {
    match tokio::task::spawn_blocking(move || file::append(&target, &lines, now)).await {
        Ok(Ok(())) => Answer::Taken,
        Ok(Err(error)) => Answer::Later(Later::because(error.to_string())),
        Err(error) => Answer::Later(Later::because(error.to_string())),
    }
}
