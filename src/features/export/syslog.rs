//! Events as messages of syslog.
//!
//! A message counts as taken when its connection has stood for a while after it was written (`platform/syslog.rs`). Whatever ends
//! before is sent again from there.

use std::io;
use std::time::Duration;

use super::answer::{Answer, Later};
use super::document::{Document, Severity};
use super::shape::Shape;
use crate::platform::syslog::{self, Facility, Line, Message, SyslogTarget};
use crate::platform::tls::client::TlsClientError;

/// A receiver of syslog.
#[derive(Debug)]
pub(super) struct SyslogSink {
    sender: Sender,
    line: Line,
}

/// What every message says of us, and what messages hold.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    sender: syslog::Sender,
    shape: Shape,
}

impl SyslogSink {
    pub(super) fn new(
        target: SyslogTarget,
        sender: Sender,
        timeout: Duration,
    ) -> Result<Self, TlsClientError> {
        Ok(Self { sender, line: Line::new(target, timeout)? })
    }

    /// Writes all into the connection, which is opened where there is none.
    pub(super) async fn hand_over(&mut self, documents: &[Document]) -> Answer {
        match self.line.write(&self.sender.frames(documents)).await {
            Ok(()) => Answer::Taken,
            Err(error) => Answer::Later(Later::because(error.to_string())),
        }
    }

    /// Whether the connection stands; also where there is none.
    pub(super) fn look(&mut self) -> io::Result<()> {
        self.line.look()
    }

    /// Ends the connection: whether all that was written was read.
    pub(super) async fn close(&mut self) -> bool {
        self.line.close().await
    }
}

impl Sender {
    /// We, on the node of that name.
    pub(super) fn new(node: &str, shape: Shape) -> Self {
        Self { sender: syslog::Sender::new(node), shape }
    }

    /// All documents as frames.
    pub(super) fn frames(&self, documents: &[Document]) -> Vec<u8> {
        documents.iter().flat_map(|document| self.frame(document)).collect()
    }

    fn frame(&self, document: &Document) -> Vec<u8> {
        let (facility, severity, id) = match self.shape {
            // IHE ITI-20: authorization messages, normal but significant.
            Shape::AuditMessage => (Facility::Authorization, Severity::Notice, "IHE+RFC-3881"),
            Shape::Object | Shape::Resource | Shape::LogRecord | Shape::Text => {
                (Facility::LogAudit, document.severity, document.kind.as_str())
            }
        };
        self.sender.frame(&Message {
            facility,
            severity: severity as u8,
            time: document.time,
            id,
            sequence: document.sequence,
            text: &document.bytes,
        })
    }
}
