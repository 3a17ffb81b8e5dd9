//! Connections to the server, each for one purpose.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_postgres::config::{ChannelBinding, SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Statement as Prepared};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::settings::{Host, ServerSettings};
use super::super::{Row, Statement, StoreError};
use super::failure::meaning;
use super::value;
use crate::foundation::entropy::{SystemEntropy, random_text};
use crate::platform::tls::client::TlsClientError;

/// The oldest major version of which all that is used here is known to work.
const OLDEST_VERSION: u32 = 13;
/// Within which a connection is made, signed in and ready.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    store: Arc<str>,
    node: Arc<str>,
}

/// What a connection is for: how long the server lets a statement on it run or wait for a lock. Also, a transaction
/// in which nothing is asked for 3 s is ended by the server, so that a node that hangs holds up nobody.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Writes: 5 s.
    Write,
    /// Queries: 1 min, for the tables that are read at start.
    Read,
    /// What other nodes have changed: 5 s.
    Hear,
    /// The schema: as long as it takes, after waiting up to 1 min for another node that does the same.
    Migrate,
}

impl Purpose {
    const fn options(self) -> &'static str {
        match self {
            Self::Write | Self::Hear => {
                "-c statement_timeout=5000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=3000"
            }
            Self::Read => {
                "-c statement_timeout=60000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=3000"
            }
            Self::Migrate => {
                "-c statement_timeout=0 -c lock_timeout=60000 -c idle_in_transaction_session_timeout=3000"
            }
        }
    }
}

impl Connector {
    pub(super) fn new(settings: &ServerSettings) -> Result<Self, TlsClientError> {
        let ServerSettings { host, port, user, database, password, tls, node, lease: _ } = settings;
        let mut config = Config::new();
        match host {
            Host::Network(host) => config.host(host),
            Host::Socket(folder) => config.host_path(folder),
        };
        config
            .port(*port)
            .user(user)
            .dbname(database)
            .application_name(format!("leastway {node}"))
            .connect_timeout(CONNECTED_WITHIN)
            // A peer that has vanished is noticed by whoever waits for it, and a connection that idles too.
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            // A standby refuses what we write; after a failover the name leads to the new primary.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .channel_binding(ChannelBinding::Prefer)
            .ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if let Some(password) = password {
            config.password(password.reveal());
        }
        let tls = tls.as_ref().map(|trust| trust.client(&[])).transpose()?;
        let tls = tls.map(|client| MakeRustlsConnect::new((*client).clone()));
        // Two starts of one node are two: what the one has told before it ended is news to the other.
        let node = format!("{node}/{}", random_text::<9>(&SystemEntropy)).into();
        Ok(Self { config, tls, store: settings.to_string().into(), node })
    }

    /// What this start of this node signs its changes with.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Link, StoreError> {
        let mut config = self.config.clone();
        config.options(purpose.options());
        let made = async {
            match &self.tls {
                Some(tls) => {
                    config.connect(tls.clone()).await.map(|(client, driven)| Link::new(client, driven))
                }
                None => config.connect(NoTls).await.map(|(client, driven)| Link::new(client, driven)),
            }
        };
        match tokio::time::timeout(CONNECTED_WITHIN, made).await {
            Ok(made) => made.map_err(|error| meaning(&error)),
            Err(_) => Err(StoreError::Away { cause: "the server did not answer in time".to_owned() }),
        }
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.store)
    }
}

impl fmt::Debug for Connector {
    /// Without the configuration: it holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("store", &self.store)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// A connection.
pub(super) struct Link {
    pub(super) client: Client,
    /// Rung by a notification, and at the connection's end.
    pub(super) bell: Arc<Notify>,
    prepared: HashMap<&'static str, Prepared>,
    version: String,
    encoding: String,
}

impl Link {
    fn new<S, T>(client: Client, connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let parameter = |name| connection.parameter(name).unwrap_or_default().to_owned();
        let (version, encoding) = (parameter("server_version"), parameter("server_encoding"));
        let bell = Arc::new(Notify::new());
        // It ends by itself when the client is dropped.
        tokio::spawn(drive(connection, bell.clone()));
        Self { client, bell, prepared: HashMap::new(), version, encoding }
    }

    /// The server's version, as it says it.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The statement on this connection. Statements are constants of ours, so that there is a bounded number of them.
    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<Prepared, StoreError> {
        if let Some(prepared) = self.prepared.get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(sql).await.map_err(|error| meaning(&error))?;
        self.prepared.insert(sql, prepared.clone());
        Ok(prepared)
    }

    /// The rows that a query finds.
    pub(super) async fn rows(&mut self, query: &Statement) -> Result<Vec<Row>, StoreError> {
        let prepared = self.prepare(query.sql()).await?;
        fits(&prepared, query)?;
        let found =
            self.client.query_raw(&prepared, query.values()).await.map_err(|error| meaning(&error))?;
        let found: Vec<_> =
            futures_util::TryStreamExt::try_collect(found).await.map_err(|error| meaning(&error))?;
        found.iter().map(value::row).collect()
    }

    /// Carries one statement out, outside of any batch.
    pub(super) async fn execute(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        let prepared = self.prepare(statement.sql()).await?;
        fits(&prepared, statement)?;
        self.client.execute_raw(&prepared, statement.values()).await.map_err(|error| meaning(&error))
    }

    /// Carries out statements that bring no values.
    pub(super) async fn command(&self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).await.map_err(|error| meaning(&error))
    }
}

/// Whether as many values came as the statement asks for.
pub(super) fn fits(prepared: &Prepared, statement: &Statement) -> Result<(), StoreError> {
    let (wanted, given) = (prepared.params().len(), statement.values().len());
    if wanted == given {
        return Ok(());
    }
    Err(StoreError::Failed { cause: format!("{given} values for a statement of {wanted}") })
}

/// Whether this server can hold the store.
pub(super) fn is_fit(link: &Link) -> Result<(), StoreError> {
    let major = link.version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST_VERSION) {
        let cause =
            format!("PostgreSQL {OLDEST_VERSION} is the oldest that will do, this is {}", link.version);
        return Err(StoreError::Failed { cause });
    }
    if link.encoding != "UTF8" {
        let cause = format!("the database is encoded as {}: make one with ENCODING 'UTF8'", link.encoding);
        return Err(StoreError::Failed { cause });
    }
    Ok(())
}

async fn drive<S, T>(mut connection: Connection<S, T>, bell: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            bell.notify_one();
        }
    }
    bell.notify_one();
}
