//! Directories in the store: a row for each user, group and membership.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::account::{Group, Times, User};
use super::table::{Change, Table};
use crate::domain::application::ProviderName;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::ResourceId;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "directory",
    steps: &[
        "CREATE TABLE directory_user (
        id TEXT PRIMARY KEY,
        provider TEXT NOT NULL,
        body TEXT NOT NULL,
        is_gone BIGINT NOT NULL,
        created BIGINT NOT NULL,
        modified BIGINT NOT NULL
    )",
        "CREATE TABLE directory_group (
        id TEXT PRIMARY KEY,
        provider TEXT NOT NULL,
        body TEXT NOT NULL,
        created BIGINT NOT NULL,
        modified BIGINT NOT NULL
    )",
        "CREATE TABLE directory_member (
        group_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        PRIMARY KEY (group_id, user_id)
    )",
        "CREATE INDEX directory_member_user ON directory_member (user_id)",
        "CREATE TABLE directory_step (
        provider TEXT NOT NULL,
        step BIGINT NOT NULL,
        PRIMARY KEY (provider, step)
    )",
        "CREATE TABLE directory_heard (
        provider TEXT PRIMARY KEY,
        heard BIGINT NOT NULL
    )",
    ],
};

/// What makes a change last.
pub(super) fn statements(provider: &ProviderName, change: &Change, before: Option<&Group>) -> Vec<Statement> {
    match change {
        Change::User(user) => vec![save_user(provider, user, false)],
        Change::UserGone(user) => vec![
            Statement::new("DELETE FROM directory_member WHERE user_id = $1").with(user.id.to_string()),
            save_user(provider, user, true),
        ],
        Change::Group(group) => save_group(provider, group, before),
        Change::GroupGone(id) => vec![
            Statement::new("DELETE FROM directory_member WHERE group_id = $1").with(id.to_string()),
            Statement::new("DELETE FROM directory_group WHERE id = $1").with(id.to_string()),
        ],
    }
}

pub(super) fn forget_user(id: ResourceId) -> Statement {
    Statement::new("DELETE FROM directory_user WHERE id = $1").with(id.to_string())
}

fn save_user(provider: &ProviderName, user: &User, is_gone: bool) -> Statement {
    Statement::new(
        "INSERT INTO directory_user (id, provider, body, is_gone, created, modified)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET body = $3, is_gone = $4, modified = $6",
    )
    .with(user.id.to_string())
    .with(provider.as_str())
    .with(user.body.as_str())
    .with(i64::from(is_gone))
    .with(user.created.as_millis())
    .with(user.modified.as_millis())
}

fn save_group(provider: &ProviderName, group: &Group, before: Option<&Group>) -> Vec<Statement> {
    let none = BTreeSet::new();
    let were = before.map_or(&none, |before| &before.members);
    let mut statements = vec![
        Statement::new(
            "INSERT INTO directory_group (id, provider, body, created, modified) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET body = $3, modified = $5",
        )
        .with(group.id.to_string())
        .with(provider.as_str())
        .with(group.body.as_str())
        .with(group.created.as_millis())
        .with(group.modified.as_millis()),
    ];
    let member =
        |sql, user: &ResourceId| Statement::new(sql).with(group.id.to_string()).with(user.to_string());
    let left = were.difference(&group.members);
    statements.extend(left.map(|user| member(LEFT, user)));
    statements.extend(group.members.difference(were).map(|user| member(JOINED, user)));
    statements
}

/// Every provider's table as the store holds it, and up to which step that is. Blocks: for the start.
pub(super) fn load(store: &Store) -> Result<(HashMap<ProviderName, Table>, Steps), StoreError> {
    // First the steps: what is written meanwhile is told, and done again.
    let steps = read_steps(&store.read(&Statement::new(STEPS))?);
    let (users, members) = (store.read(&Statement::new(USERS))?, store.read(&Statement::new(MEMBERS))?);
    Ok((tables(&users, &members, &store.read(&Statement::new(GROUPS))?), steps))
}

/// The same, for background work.
pub(super) async fn find(store: &Store) -> Result<(HashMap<ProviderName, Table>, Steps), StoreError> {
    let steps = read_steps(&store.find_all(Statement::new(STEPS)).await?);
    let users = store.find_all(Statement::new(USERS)).await?;
    let members = store.find_all(Statement::new(MEMBERS)).await?;
    let groups = store.find_all(Statement::new(GROUPS)).await?;
    Ok((tables(&users, &members, &groups), steps))
}

/// How often each provider's directory was changed, by whichever node.
pub(super) type Steps = HashMap<ProviderName, i64>;

/// Takes the next step. It fails, and with it all that is written beside it, where another node has taken it.
pub(super) fn take_step(provider: &ProviderName, step: i64) -> [Statement; 2] {
    [
        Statement::new("INSERT INTO directory_step (provider, step) VALUES ($1, $2)")
            .with(provider.as_str())
            .with(step),
        Statement::new("DELETE FROM directory_step WHERE provider = $1 AND step < $2")
            .with(provider.as_str())
            .with(step),
    ]
}

/// How far a provider's directory has come.
pub(super) async fn step(store: &Store, provider: &ProviderName) -> Result<i64, StoreError> {
    let query = Statement::new("SELECT coalesce(max(step), 0) FROM directory_step WHERE provider = $1");
    let rows = store.find(query.with(provider.as_str())).await?;
    rows.first().ok_or(StoreError::Unexpected)?.integer(0)
}

/// What a user has become; none where there is no row of theirs any more.
pub(super) async fn user(store: &Store, id: ResourceId) -> Result<Option<Change>, StoreError> {
    let query = Statement::new(
        "SELECT id, provider, body, is_gone, created, modified FROM directory_user WHERE id = $1",
    );
    let rows = store.find(query.with(id.to_string())).await?;
    Ok(rows.first().and_then(read_user).map(|(_, change)| change))
}

/// What a group has become.
pub(super) async fn group(store: &Store, id: ResourceId) -> Result<Change, StoreError> {
    let members = Statement::new("SELECT group_id, user_id FROM directory_member WHERE group_id = $1");
    let members = store.find(members.with(id.to_string())).await?;
    let members = members.iter().filter_map(|row| self::id(row, 1)).collect();
    let query =
        Statement::new("SELECT id, provider, body, created, modified FROM directory_group WHERE id = $1");
    let rows = store.find(query.with(id.to_string())).await?;
    let mut members = BTreeMap::from([(id, members)]);
    let found = rows.first().and_then(|row| read_group(row, &mut members));
    Ok(found.map_or(Change::GroupGone(id), |(_, change)| change))
}

/// Notes when a provider was heard of; what another node has noted later stays.
pub(super) fn save_heard(provider: &ProviderName, heard: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO directory_heard (provider, heard) VALUES ($1, $2)
         ON CONFLICT (provider) DO UPDATE SET heard = $2 WHERE directory_heard.heard < $2",
    )
    .with(provider.as_str())
    .with(heard.as_millis())
}

/// When each provider was heard of, as far as any node has noted it.
pub(super) async fn heard(store: &Store) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
    Ok(read_heard(&store.find_all(Statement::new(HEARD)).await?))
}

/// The same, or when each has last changed something if nobody had noted more before. Blocks: for the start.
pub(super) fn heard_before(store: &Store) -> Result<Vec<(ProviderName, Timestamp)>, StoreError> {
    let mut all = Vec::new();
    for query in [HEARD, CHANGED_USERS, CHANGED_GROUPS] {
        all.extend(read_heard(&store.read(&Statement::new(query))?));
    }
    Ok(all)
}

fn read_heard(rows: &[Row]) -> Vec<(ProviderName, Timestamp)> {
    let read = |row: &Row| {
        let heard = Timestamp::from_millis(row.integer(1).ok()?);
        Some((row.text(0).ok()?.parse().ok()?, heard))
    };
    rows.iter().filter_map(read).collect()
}

fn read_steps(rows: &[Row]) -> Steps {
    rows.iter().filter_map(|row| Some((row.text(0).ok()?.parse().ok()?, row.integer(1).ok()?))).collect()
}

fn tables(users: &[Row], memberships: &[Row], groups: &[Row]) -> HashMap<ProviderName, Table> {
    let mut tables: HashMap<ProviderName, Table> = HashMap::new();
    let mut unreadable = 0_usize;
    for row in users {
        match read_user(row) {
            Some((provider, change)) => tables.entry(provider).or_default().apply(change),
            None => unreadable += 1,
        }
    }
    let mut members: BTreeMap<ResourceId, BTreeSet<ResourceId>> = BTreeMap::new();
    for row in memberships {
        match (id(row, 0), id(row, 1)) {
            (Some(group), Some(user)) => drop(members.entry(group).or_default().insert(user)),
            _ => unreadable += 1,
        }
    }
    for row in groups {
        match read_group(row, &mut members) {
            Some((provider, change)) => tables.entry(provider).or_default().apply(change),
            None => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::error!(
            directory.unreadable = unreadable,
            "stored users or groups that cannot be read are ignored"
        );
    }
    tables
}

fn read_user(row: &Row) -> Option<(ProviderName, Change)> {
    let (provider, body) = (row.text(1).ok()?.parse().ok()?, body(row, 2)?);
    let user = Arc::new(User::of(id(row, 0)?, &body, times(row, 4)?).ok()?);
    let is_gone = row.integer(3).ok()? != 0;
    Some((provider, if is_gone { Change::UserGone(user) } else { Change::User(user) }))
}

fn read_group(
    row: &Row,
    members: &mut BTreeMap<ResourceId, BTreeSet<ResourceId>>,
) -> Option<(ProviderName, Change)> {
    let (id, provider, body) = (id(row, 0)?, row.text(1).ok()?.parse().ok()?, body(row, 2)?);
    let members = members.remove(&id).unwrap_or_default();
    let group = Group::of(id, &body, members, times(row, 3)?).ok()?;
    Some((provider, Change::Group(Arc::new(group))))
}

fn id(row: &Row, column: usize) -> Option<ResourceId> {
    row.text(column).ok()?.parse().ok()
}

fn body(row: &Row, column: usize) -> Option<Map<String, Value>> {
    serde_json::from_str(row.text(column).ok()?).ok()
}

fn times(row: &Row, column: usize) -> Option<Times> {
    let moment = |column| row.integer(column).map(Timestamp::from_millis).ok();
    Some(Times { created: moment(column)?, modified: moment(column + 1)? })
}

const USERS: &str = "SELECT id, provider, body, is_gone, created, modified FROM directory_user";
const MEMBERS: &str = "SELECT group_id, user_id FROM directory_member";
const GROUPS: &str = "SELECT id, provider, body, created, modified FROM directory_group";
const STEPS: &str = "SELECT provider, max(step) FROM directory_step GROUP BY provider";
const HEARD: &str = "SELECT provider, heard FROM directory_heard";
const CHANGED_USERS: &str = "SELECT provider, max(modified) FROM directory_user GROUP BY provider";
const CHANGED_GROUPS: &str = "SELECT provider, max(modified) FROM directory_group GROUP BY provider";
const JOINED: &str =
    "INSERT INTO directory_member (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const LEFT: &str = "DELETE FROM directory_member WHERE group_id = $1 AND user_id = $2";
