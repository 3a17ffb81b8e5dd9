//! A connection that is made anew when it was lost.

use std::time::Duration;

use tokio::time::Instant;

use super::super::StoreError;
use super::connect::{Connector, Link, Purpose};

/// How long after a failure the next attempt is made: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// A connection for one purpose. While the server cannot be reached, whoever asks is told so at once: between two
/// attempts nobody waits.
pub(super) struct Line {
    connector: Connector,
    purpose: Purpose,
    link: Option<Link>,
    failed: Option<(StoreError, Instant)>,
    pause: Duration,
}

impl Line {
    pub(super) const fn new(connector: Connector, purpose: Purpose) -> Self {
        let [pause, _] = PAUSES;
        Self { connector, purpose, link: None, failed: None, pause }
    }

    pub(super) fn node(&self) -> &str {
        self.connector.node()
    }

    /// The connection, made where there is none.
    pub(super) async fn link(&mut self) -> Result<&mut Link, StoreError> {
        if self.link.as_ref().is_some_and(|link| link.client.is_closed()) {
            self.link = None;
        }
        let link = match self.link.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        Ok(self.link.insert(link))
    }

    /// Gives a connection up that is of no more use.
    pub(super) fn hang_up(&mut self) {
        self.link = None;
    }

    async fn connect(&mut self) -> Result<Link, StoreError> {
        if let Some((error, at)) = &self.failed
            && at.elapsed() < self.pause
        {
            return Err(error.clone());
        }
        let [first, longest] = PAUSES;
        match self.connector.connect(self.purpose).await {
            Ok(link) => {
                (self.failed, self.pause) = (None, first);
                Ok(link)
            }
            Err(error) => {
                self.pause = if self.failed.is_some() { (self.pause * 2).min(longest) } else { first };
                self.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }
}
