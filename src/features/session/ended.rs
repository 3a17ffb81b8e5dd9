//! What was ended of programs, so that it stays so: their tokens are good without us, and come back by themselves.
//!
//! A token that was ended is refused as long as it would be good; a program that was ended as a whole with every token
//! that was issued before. Both are in the store: a restart forgets neither.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::nodes;
use super::sessions::{SessionError, Sessions, lock};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of what was ended of programs.
pub const PROGRAM_MIGRATIONS: Migrations = Migrations {
    part: "program",
    steps: &[
        "CREATE TABLE ended_token (digest BLOB PRIMARY KEY, until BIGINT NOT NULL)",
        "CREATE TABLE ended_program (
            issuer TEXT NOT NULL,
            sub TEXT NOT NULL,
            moment BIGINT NOT NULL,
            PRIMARY KEY (issuer, sub)
        )",
    ],
};

/// What was ended of programs.
#[derive(Debug, Default)]
pub(super) struct EndedPrograms {
    /// Tokens, by their digests, until when they would be good.
    tokens: Mutex<HashMap<Digest, Timestamp>>,
    /// Who was ended as a whole, and when.
    subjects: Mutex<HashMap<SubjectId, Timestamp>>,
    /// What the store does not know yet.
    unwritten: Mutex<Vec<Ended>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    Token(Digest, Timestamp),
    Subject(SubjectId, Timestamp),
}

impl EndedPrograms {
    /// What the store holds. Blocks: for the start.
    pub(super) fn load(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let (mut tokens, mut subjects) = (HashMap::new(), HashMap::new());
        for row in store.read(&Statement::new("SELECT digest, until FROM ended_token"))? {
            let digest = <[u8; 32]>::try_from(row.bytes(0)?).ok().map(Digest::from_bytes);
            tokens.extend(digest.zip(Some(moment(&row, 1)?)));
        }
        for row in store.read(&Statement::new("SELECT issuer, sub, moment FROM ended_program"))? {
            let subject = SubjectId { issuer: row.text(0)?.into(), sub: row.text(1)?.into() };
            subjects.insert(subject, moment(&row, 2)?);
        }
        tokens.retain(|_, until| now < *until);
        Ok(Self { tokens: tokens.into(), subjects: subjects.into(), unwritten: Mutex::default() })
    }

    /// Notes tokens, for as long as any token may be good: a provider may prolong what it has said of one.
    pub(super) fn note_tokens(&self, noted: Vec<Digest>, now: Timestamp) {
        let until = now.plus(REMEMBERED);
        let mut tokens = lock(&self.tokens);
        tokens.retain(|_, until| now < *until);
        tokens.extend(noted.iter().map(|token| (*token, until)));
        lock(&self.unwritten).extend(noted.into_iter().map(|token| Ended::Token(token, until)));
    }

    pub(super) fn note_subject(&self, subject: &SubjectId, now: Timestamp) {
        let mut subjects = lock(&self.subjects);
        subjects.retain(|_, moment| now.since(*moment) < REMEMBERED);
        if subjects.len() >= SUBJECTS_MAX
            && let Some(oldest) = subjects.iter().min_by_key(|(_, moment)| **moment).map(|(id, _)| id.clone())
        {
            subjects.remove(&oldest);
        }
        subjects.insert(subject.clone(), now);
        lock(&self.unwritten).push(Ended::Subject(subject.clone(), now));
    }

    /// What another node has noted, and written down.
    pub(super) fn heard(&self, ended: Ended) {
        match ended {
            Ended::Token(digest, until) => drop(lock(&self.tokens).insert(digest, until)),
            Ended::Subject(subject, moment) => {
                let mut subjects = lock(&self.subjects);
                let known = subjects.entry(subject).or_insert(moment);
                *known = (*known).max(moment);
            }
        }
    }

    /// What the store holds beside what is known already.
    pub(super) async fn reload(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        for row in store.find(Statement::new("SELECT digest, until FROM ended_token")).await? {
            let digest = <[u8; 32]>::try_from(row.bytes(0)?).ok().map(Digest::from_bytes);
            let until = moment(&row, 1)?;
            if let Some(digest) = digest.filter(|_| now < until) {
                self.heard(Ended::Token(digest, until));
            }
        }
        for row in store.find(Statement::new("SELECT issuer, sub, moment FROM ended_program")).await? {
            let subject = SubjectId { issuer: row.text(0)?.into(), sub: row.text(1)?.into() };
            self.heard(Ended::Subject(subject, moment(&row, 2)?));
        }
        Ok(())
    }

    /// Whether a token was ended.
    pub(super) fn has_token(&self, token: &Digest) -> bool {
        lock(&self.tokens).contains_key(token)
    }

    /// Whether a program was ended when a token was issued, or since.
    pub(super) fn has_subject(&self, subject: &SubjectId, issued: Timestamp) -> bool {
        lock(&self.subjects).get(subject).is_some_and(|moment| *moment >= issued)
    }
}

impl Sessions {
    /// Writes down what was ended of programs. Nothing leaves the list before the store has it.
    pub(super) async fn write_ended(&self, now: Timestamp) -> Result<(), SessionError> {
        loop {
            let batch: Vec<_> = lock(&self.ended.unwritten).iter().take(BATCH).cloned().collect();
            if batch.is_empty() {
                return Ok(());
            }
            let mut statements: Vec<_> = batch.iter().map(insert).collect();
            statements.push(Statement::new("DELETE FROM ended_token WHERE until < $1").with(now.as_millis()));
            let old = now.minus(REMEMBERED).as_millis();
            statements.push(Statement::new("DELETE FROM ended_program WHERE moment < $1").with(old));
            let told = batch.iter().map(nodes::ended).collect();
            self.store.write_telling(statements, told).await?;
            let written: HashSet<_> = batch.into_iter().collect();
            lock(&self.ended.unwritten).retain(|ended| !written.contains(ended));
        }
    }
}

fn insert(ended: &Ended) -> Statement {
    match ended {
        Ended::Token(digest, until) => Statement::new(
            "INSERT INTO ended_token (digest, until) VALUES ($1, $2)
             ON CONFLICT (digest) DO UPDATE SET until = excluded.until",
        )
        .with(&digest.as_bytes()[..])
        .with(until.as_millis()),
        Ended::Subject(subject, moment) => Statement::new(
            "INSERT INTO ended_program (issuer, sub, moment) VALUES ($1, $2, $3)
             ON CONFLICT (issuer, sub) DO UPDATE SET moment = excluded.moment
             WHERE ended_program.moment < excluded.moment",
        )
        .with(&*subject.issuer)
        .with(&*subject.sub)
        .with(moment.as_millis()),
    }
}

fn moment(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    row.integer(column).map(Timestamp::from_millis)
}

/// As many as are written at once.
const BATCH: usize = 500;
/// More people than a house signs out in a day, beside its programs: each may be one.
const SUBJECTS_MAX: usize = 131_072;
/// As long as a token may be good, and clocks may be wrong by.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60 + 10 * 60);
