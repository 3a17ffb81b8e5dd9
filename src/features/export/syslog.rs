//! Syslog: messages of RFC 5424 in frames of RFC 5425 (octet counting), over TLS.
//!
//! Syslog has no acknowledgement. A message counts as taken when its connection has stood for [`SETTLES_IN`] after it was
//! written: by then the receiver's machine has acknowledged it, or the connection would have ended. Whatever ends before is sent
//! again from there. What a receiver loses that it has taken from the network and never read, nobody can know.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio_rustls::TlsConnector;

use super::answer::{Answer, Later};
use super::document::{Document, Severity};
use super::settings::SyslogTarget;
use super::shape::Shape;
use crate::platform::tls::client::TlsClientError;
use crate::platform::tls::dial::{Dialled, UNACKNOWLEDGED_MAX, dial};

/// A receiver of syslog.
pub(super) struct SyslogSink {
    target: SyslogTarget,
    tls: Option<TlsConnector>,
    sender: Sender,
    timeout: Duration,
    connection: Option<Dialled>,
}

/// What every message says of us.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    hostname: String,
    shape: Shape,
}

impl SyslogSink {
    pub(super) fn new(
        target: SyslogTarget,
        sender: Sender,
        timeout: Duration,
    ) -> Result<Self, TlsClientError> {
        let tls = target.trust.as_ref().map(|trust| trust.client(&[])).transpose()?.map(TlsConnector::from);
        Ok(Self { target, tls, sender, timeout, connection: None })
    }

    /// Writes all into the connection, which is opened where there is none.
    pub(super) async fn hand_over(&mut self, documents: &[Document]) -> Answer {
        let frames = self.sender.frames(documents);
        match self.write(&frames).await {
            Ok(()) => Answer::Taken,
            Err(error) => {
                self.connection = None;
                Answer::Later(Later::because(error.to_string()))
            }
        }
    }

    async fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        let SyslogTarget { host, port, .. } = &self.target;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => dial(host, *port, self.tls.as_ref(), self.timeout).await?,
        };
        connection.look()?;
        tokio::time::timeout(self.timeout, connection.send(frames))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Whether the connection stands; also where there is none.
    pub(super) fn look(&mut self) -> io::Result<()> {
        let looked = self.connection.as_mut().map_or(Ok(()), Dialled::look);
        if looked.is_err() {
            self.connection = None;
        }
        looked
    }

    /// Ends the connection: whether all that was written was read.
    pub(super) async fn close(&mut self) -> bool {
        match self.connection.take() {
            Some(connection) => connection.close(CLOSED_WITHIN).await,
            None => false,
        }
    }
}

impl Sender {
    /// We, on the node of that name.
    pub(super) fn new(node: &str, shape: Shape) -> Self {
        Self { hostname: printable(node, HOSTNAME_MAX), shape }
    }

    /// All documents as frames: the length in octets, a space, the message.
    pub(super) fn frames(&self, documents: &[Document]) -> Vec<u8> {
        let mut frames = Vec::new();
        for document in documents {
            let message = self.message(document);
            frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
            frames.extend_from_slice(&message);
        }
        frames
    }

    fn message(&self, document: &Document) -> Vec<u8> {
        let (facility, severity, message_id) = match self.shape {
            // IHE ITI-20: authorization messages, normal but significant.
            Shape::AuditMessage => (AUTHORIZATION, Severity::Notice, "IHE+RFC-3881"),
            Shape::Object | Shape::Resource | Shape::LogRecord | Shape::Text => {
                (LOG_AUDIT, document.severity, document.kind.as_str())
            }
        };
        let priority = facility * 8 + severity as u8;
        // RFC 5424, 7.3.1: from 1 to 2147483647, and again from 1.
        let sequence = document.sequence.saturating_sub(1) % SEQUENCE_MAX + 1;
        let head = format!(
            "<{priority}>1 {} {} leastway - {message_id} [meta sequenceId=\"{sequence}\"]\
             [origin software=\"leastway\" swVersion=\"{}\"] \u{feff}",
            document.time,
            self.hostname,
            env!("CARGO_PKG_VERSION"),
        );
        let mut message = head.into_bytes();
        message.extend_from_slice(&document.bytes);
        message
    }
}

impl fmt::Debug for SyslogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyslogSink").field("target", &self.target).finish_non_exhaustive()
    }
}

/// As a field of the header takes it: printable ASCII without spaces, or nothing (`-`).
fn printable(text: &str, most: usize) -> String {
    let printable: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if printable.is_empty() { "-".to_owned() } else { printable }
}

/// How long after it was written a message counts as taken, where its connection stands.
pub(super) const SETTLES_IN: Duration = UNACKNOWLEDGED_MAX.saturating_mul(2);
/// Facility 13: log audit.
const LOG_AUDIT: u8 = 13;
/// Facility 10: security and authorization messages.
const AUTHORIZATION: u8 = 10;
const SEQUENCE_MAX: u64 = 2_147_483_647;
const HOSTNAME_MAX: usize = 255;
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
