//! Syslog: messages of RFC 5424 in frames of RFC 5425 (octet counting), over TLS.
//!
//! Syslog has no acknowledgement. What was written has arrived when its connection has stood for [`SETTLES_IN`], by when the
//! receiver's machine has acknowledged it, or when the receiver has read to the end of a connection that we close. What a receiver
//! loses that it has taken from the network and never read, nobody can know.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio_rustls::TlsConnector;

use super::tls::client::{TlsClientError, Trust};
use super::tls::dial::{Dialled, UNACKNOWLEDGED_MAX, dial};
use crate::foundation::clock::Timestamp;

/// A receiver of syslog.
#[derive(Clone, Debug)]
pub struct SyslogTarget {
    /// Its name or address, which its certificate has to be for.
    pub host: String,
    /// Its port; 6514 by default (RFC 5425, 4.1).
    pub port: u16,
    /// Whom TLS believes; none: no TLS.
    pub trust: Option<Trust>,
}

/// What becomes of a message: its facility, as RFC 5424, 6.2.1 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// Security and authorization messages.
    Authorization = 10,
    /// Log audit.
    LogAudit = 13,
}

/// A message, but for who sends it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// For whom it is.
    pub facility: Facility,
    /// How much it matters: the numerical code of RFC 5424, 6.2.1, from 0 to 7.
    pub severity: u8,
    /// When what it tells was.
    pub time: Timestamp,
    /// What kind of message it is.
    pub id: &'a str,
    /// Its number, from 1.
    pub sequence: u64,
    /// What it says, in UTF-8.
    pub text: &'a [u8],
}

/// What every message says of us.
#[derive(Clone, Debug)]
pub struct Sender {
    hostname: String,
}

impl Sender {
    /// We, on the node of that name.
    pub fn new(node: &str) -> Self {
        Self { hostname: printable(node, HOSTNAME_MAX) }
    }

    /// A message as a frame: the length in octets, a space, the message.
    pub fn frame(&self, message: &Message<'_>) -> Vec<u8> {
        let Message { facility, severity, time, id, sequence, text } = *message;
        let priority = facility as u8 * 8 + severity.min(7);
        // RFC 5424, 7.3.1: from 1 to 2147483647, and again from 1.
        let sequence = sequence.saturating_sub(1) % SEQUENCE_MAX + 1;
        let head = format!(
            "<{priority}>1 {time} {} leastway - {id} [meta sequenceId=\"{sequence}\"]\
             [origin software=\"leastway\" swVersion=\"{}\"] \u{feff}",
            self.hostname,
            env!("CARGO_PKG_VERSION"),
        );
        let length = head.len().saturating_add(text.len());
        [format!("{length} ").as_bytes(), head.as_bytes(), text].concat()
    }
}

/// A connection to a receiver, opened when something is written and there is none.
pub struct Line {
    target: SyslogTarget,
    tls: Option<TlsConnector>,
    timeout: Duration,
    connection: Option<Dialled>,
}

impl Line {
    /// To that receiver; `timeout` is for a connection, and for what is written at once.
    pub fn new(target: SyslogTarget, timeout: Duration) -> Result<Self, TlsClientError> {
        let tls = target.trust.as_ref().map(|trust| trust.client(&[])).transpose()?.map(TlsConnector::from);
        Ok(Self { target, tls, timeout, connection: None })
    }

    /// Writes frames, whole; without a connection afterwards where that fails.
    pub async fn write(&mut self, frames: &[u8]) -> io::Result<()> {
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
    pub fn look(&mut self) -> io::Result<()> {
        let looked = self.connection.as_mut().map_or(Ok(()), Dialled::look);
        if looked.is_err() {
            self.connection = None;
        }
        looked
    }

    /// Ends the connection: whether all that was written was read.
    pub async fn close(&mut self) -> bool {
        match self.connection.take() {
            Some(connection) => connection.close(CLOSED_WITHIN).await,
            None => false,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("target", &self.target).finish_non_exhaustive()
    }
}

/// As a field of the header takes it: printable ASCII without spaces, or nothing (`-`).
fn printable(text: &str, most: usize) -> String {
    let printable: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if printable.is_empty() { "-".to_owned() } else { printable }
}

/// How long after it was written a message counts as taken, where its connection stands.
pub const SETTLES_IN: Duration = UNACKNOWLEDGED_MAX.saturating_mul(2);
const SEQUENCE_MAX: u64 = 2_147_483_647;
const HOSTNAME_MAX: usize = 255;
const CLOSED_WITHIN: Duration = Duration::from_secs(2);
