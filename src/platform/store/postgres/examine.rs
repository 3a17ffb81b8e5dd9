//! Looks at a database without changing it.

use std::time::Duration;

use super::super::schema::Condition;
use super::super::settings::ServerSettings;
use super::super::{Migrations, Statement, StoreError};
use super::connect::{Connector, Link, Purpose, is_fit};
use super::{feed, migration};
use crate::foundation::clock::Clock;

/// What was found of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// How its schema stands.
    pub condition: Condition,
    /// The server's version, as it says it.
    pub version: String,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// Whether our role may do what the gateway does there, a change of the schema included where one is due.
    pub may_write: bool,
    /// Whether what is committed survives a crash of the server (`fsync`, `synchronous_commit`).
    pub is_durable: bool,
    /// By how many milliseconds the server's clock is ahead of ours; below zero: behind.
    pub clock_ahead: i64,
}

/// Within which a database is looked at.
const EXAMINED_WITHIN: Duration = Duration::from_secs(10);

/// Looks at a database: that it can be reached, as the configuration says, and holds a schema that this version knows.
pub async fn examine(
    settings: &ServerSettings,
    parts: &[Migrations],
    clock: &dyn Clock,
) -> Result<Examined, StoreError> {
    match tokio::time::timeout(EXAMINED_WITHIN, look(settings, parts, clock)).await {
        Ok(examined) => examined,
        Err(_) => Err(StoreError::Away { cause: "the server did not answer in time".to_owned() }),
    }
}

async fn look(
    settings: &ServerSettings,
    parts: &[Migrations],
    clock: &dyn Clock,
) -> Result<Examined, StoreError> {
    let unopened = |cause: String| StoreError::Unopened { store: settings.to_string(), cause };
    let connector = Connector::new(settings).map_err(|error| unopened(error.to_string()))?;
    let mut link = connector.connect(Purpose::Read).await?;
    is_fit(&link)?;
    let condition = condition(&mut link, parts, settings).await?;
    let may_write = match condition {
        Condition::UpToDate => MAY_WRITE,
        Condition::Older => MAY_MAKE,
    };
    let asked = clock.now().as_millis();
    let theirs = number(&mut link, CLOCK).await?;
    let ours = i64::midpoint(asked, clock.now().as_millis());
    Ok(Examined {
        condition,
        version: link.version().to_owned(),
        is_encrypted: settings.tls.is_some(),
        may_write: number(&mut link, may_write).await? == 0,
        is_durable: number(&mut link, NOT_DURABLE).await? == 0,
        clock_ahead: theirs - ours,
    })
}

async fn condition(
    link: &mut Link,
    parts: &[Migrations],
    settings: &ServerSettings,
) -> Result<Condition, StoreError> {
    if number(link, HAS_LEDGER).await? == 0 {
        return Ok(Condition::Older);
    }
    let mut condition = Condition::UpToDate;
    for part in parts.iter().chain([&feed::MIGRATIONS]) {
        let (found, known) = (migration::stands_at(link, part.part).await?, part.known());
        if found > known {
            let (store, part) = (settings.to_string(), part.part.to_owned());
            return Err(StoreError::Newer { store, part, found, known });
        }
        if found < known {
            condition = Condition::Older;
        }
    }
    Ok(condition)
}

async fn number(link: &mut Link, sql: &'static str) -> Result<i64, StoreError> {
    let rows = link.rows(&Statement::new(sql)).await?;
    rows.first().ok_or(StoreError::Unexpected)?.integer(0)
}

const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
const HAS_LEDGER: &str = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('schema_part')";
/// How many tables beside the ledger, itself included, we may not use.
const MAY_WRITE: &str = "SELECT count(*) FROM pg_class
    WHERE relkind = 'r'
      AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('schema_part'))
      AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
               AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))";
/// 1 where we may make no table.
const MAY_MAKE: &str =
    "SELECT CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN 0 ELSE 1 END::bigint";
const NOT_DURABLE: &str = "SELECT count(*) FROM pg_settings
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off'";
