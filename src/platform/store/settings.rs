//! Where the store is.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::foundation::secret::Secret;
use crate::platform::tls::client::Trust;

/// Where state is kept.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Which store.
    pub place: Place,
    /// The folder of what belongs to this node alone: the key that it signs assertions with.
    pub directory: PathBuf,
}

/// A store's place.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file of SQLite, for one node.
    File(PathBuf),
    /// A database of PostgreSQL, for any number of nodes.
    Server(Box<ServerSettings>),
}

/// A database of PostgreSQL, and how a node uses it.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where it listens.
    pub host: Host,
    /// The port; of a socket the number in its name.
    pub port: u16,
    /// The role that we sign in as.
    pub user: String,
    /// The database.
    pub database: String,
    /// The role's password; `None` where the server asks for none.
    pub password: Option<Secret>,
    /// Whom TLS believes; `None`: no TLS, on this machine only.
    pub tls: Option<Trust>,
    /// What other nodes and operators know this node by.
    pub node: String,
    /// For how long after the last proof of touch a node relies on what it knows: 1 s to 1 min.
    pub lease: Duration,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Network(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for ServerSettings {
    /// As a URL, without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, user, database, .. } = self;
        match host {
            Host::Network(host) if host.contains(':') => {
                write!(f, "postgres://{user}@[{host}]:{port}/{database}")
            }
            Host::Network(host) => write!(f, "postgres://{user}@{host}:{port}/{database}"),
            Host::Socket(folder) => {
                write!(f, "postgres:///{database}?host={}&port={port}&user={user}", folder.display())
            }
        }
    }
}
