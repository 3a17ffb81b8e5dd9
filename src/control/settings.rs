//! The control listener's settings.

use std::net::SocketAddr;

use crate::foundation::secret::Secret;

/// The control listener's settings.
#[derive(Clone, Debug)]
pub struct ControlSettings {
    /// Where operators are served. Plain HTTP is for loopback only; anything else is a problem.
    pub listen: SocketAddr,
    /// The bearer token that `/api/v1` asks for, and what the page of sessions does.
    pub token: Option<Secret>,
}
