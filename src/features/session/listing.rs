//! Who is signed in, for whoever may ask: never a token.

use super::session::{Session, SessionSummary};
use super::sessions::Sessions;
use super::table::SHARDS;
use crate::domain::subject::{Subject, SubjectId};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

impl Sessions {
    /// The sessions that stand, the latest first, at most `limit`.
    pub fn list(&self, limit: usize, now: Timestamp) -> Vec<SessionSummary> {
        self.summaries(limit, now, |_| true)
    }

    /// Of these, the sessions of whom the provider calls `person`, or who has that in their name, in any case.
    pub fn list_of(&self, person: &str, limit: usize, now: Timestamp) -> Vec<SessionSummary> {
        let part = person.to_lowercase();
        let is_theirs = |session: &Session| {
            *session.subject.sub == *person || session.subject.name.to_lowercase().contains(&part)
        };
        self.summaries(limit, now, is_theirs)
    }

    /// One session, if it stands.
    pub fn listed(&self, id: SessionId, now: Timestamp) -> Option<SessionSummary> {
        let session = self.table.by_id(id).filter(|session| self.stands(session, now))?;
        Some(self.summary(&session))
    }

    /// The sessions of one person that stand, the latest first.
    pub fn list_theirs(&self, person: &SubjectId, now: Timestamp) -> Vec<SessionSummary> {
        let mut theirs = self.table.of_subject(person);
        theirs.retain(|session| self.stands(session, now));
        theirs.iter().rev().map(|session| self.summary(session)).collect()
    }

    /// The people who are signed in and of whom this holds.
    pub fn people(&self, is_meant: impl Fn(&Subject) -> bool) -> Vec<SubjectId> {
        let all = (0..SHARDS).flat_map(|shard| self.table.in_shard(shard));
        let mut people: Vec<_> = all
            .filter(|session| session.stands() && is_meant(&session.subject))
            .map(|session| session.subject.id())
            .collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    fn summaries(
        &self,
        limit: usize,
        now: Timestamp,
        is_meant: impl Fn(&Session) -> bool,
    ) -> Vec<SessionSummary> {
        // Shard by shard: whoever lists all of them keeps nobody waiting.
        let all = (0..SHARDS).flat_map(|shard| self.table.in_shard(shard));
        let mut standing: Vec<_> = all.filter(|it| self.stands(it, now) && is_meant(it)).collect();
        standing.sort_by_key(|session| std::cmp::Reverse((session.created, session.id)));
        standing.iter().take(limit).map(|session| self.summary(session)).collect()
    }

    fn summary(&self, session: &Session) -> SessionSummary {
        let ends = self.ends(session, session.device.as_ref());
        SessionSummary {
            id: session.id,
            host: session.host.clone(),
            provider: session.provider.clone(),
            sub: session.subject.sub.clone(),
            name: session.subject.name.clone(),
            groups: session.subject.groups.clone(),
            purpose: session.purpose,
            assurance: session.assurance.proven.keys().cloned().collect(),
            created: session.created,
            client: session.program.as_ref().map(|program| program.client.clone()),
            last_seen: session.last_seen(),
            idle_end: ends.idle,
            absolute_end: ends.absolute,
            locked: !session.is_live(),
            device: session.device.clone(),
            bound_to: session.bond.holds(),
        }
    }
}
