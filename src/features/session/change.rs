//! Changes of one session: one after the other, whichever nodes make them, or one of two would be lost.

use std::sync::Arc;

use super::device_key::DeviceKey;
use super::nodes;
use super::session::{Session, State};
use super::sessions::{SessionError, Sessions};
use super::standing::Found;
use super::store;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Justification, SubjectId};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

impl Sessions {
    /// Notes the reason that the person gave for an application; it replaces an earlier one.
    pub async fn justify(
        &self,
        id: SessionId,
        justification: Justification,
        now: Timestamp,
    ) -> Result<Arc<Session>, SessionError> {
        self.change(id, now, |before| {
            let mut after = before.successor(before.digest, self.next_version());
            after.justifications.retain(|given| given.application != justification.application);
            after.justifications.push(justification.clone());
            Ok(after)
        })
        .await
    }

    /// Notes why the person works from now on, and that they have said so; the next time it is taken for likely. What was
    /// decided for them before does not count any more, as the session has another version.
    pub async fn set_purpose(
        &self,
        id: SessionId,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Arc<Session>, SessionError> {
        let changed = self
            .change(id, now, |before| {
                let mut after = before.successor(before.digest, self.next_version());
                if after.purpose != purpose {
                    // A reason, or a number, that was given for one purpose says nothing for another.
                    after.justifications.clear();
                }
                after.purpose = purpose;
                after.purpose_chosen = true;
                Ok(after)
            })
            .await?;
        self.usual.keep(&self.store, &changed.subject.id(), purpose, now).await;
        Ok(changed)
    }

    /// For what a person said last that they work.
    pub fn usual_purpose(&self, person: &SubjectId) -> Option<Purpose> {
        self.usual.of(person)
    }

    /// Binds a session to the key of the device at which its person has just signed in, once and for all.
    pub async fn bind(
        &self,
        id: SessionId,
        key: DeviceKey,
        now: Timestamp,
    ) -> Result<Arc<Session>, SessionError> {
        let key = Arc::new(key);
        self.change(id, now, |before| {
            if before.bond.key().is_some() {
                return Err(SessionError::Bound);
            }
            let mut after = before.successor(before.digest, self.next_version());
            after.bond.key = Some(key.clone());
            Ok(after)
        })
        .await
    }

    async fn change(
        &self,
        id: SessionId,
        now: Timestamp,
        make: impl Fn(&Session) -> Result<Session, SessionError>,
    ) -> Result<Arc<Session>, SessionError> {
        let _turn = self.turn(id).lock().await;
        for _ in 0..CHANGE_ATTEMPTS {
            let before = match self.table.by_id(id).map(|session| self.at_rest(session, now)) {
                Some(Found::Session(session)) if session.program.is_none() => session,
                Some(
                    Found::Session(_)
                    | Found::Locked(_)
                    | Found::Expired
                    | Found::Ended
                    | Found::Elsewhere
                    | Found::None,
                )
                | None => {
                    return Err(SessionError::Gone);
                }
            };
            let after = make(&before)?;
            if let Some(after) = self.put(&before, State::Live, after, now).await? {
                return Ok(after);
            }
        }
        Err(SessionError::Gone)
    }

    /// Puts `after` in the place of `before`, which was found in state `from`; it is in the store when this answers. None
    /// where another node has changed the session meanwhile, or ended it: it has been read anew then.
    pub(super) async fn put(
        &self,
        before: &Arc<Session>,
        from: State,
        after: Session,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, SessionError> {
        let after = Arc::new(after);
        let statements = vec![store::update(&after, before.revision())?, store::save_seen(&after)];
        let written = self.store.write_telling(statements, vec![nodes::changed(after.id)]).await?;
        if written.first() != Some(&1) {
            self.refresh(after.id, now).await?;
            return Ok(None);
        }
        if self.table.replace(before, from, &after, now) { Ok(Some(after)) } else { Err(SessionError::Gone) }
    }
}

/// How often a change is tried of a session that other nodes change at the same time.
pub(super) const CHANGE_ATTEMPTS: usize = 4;
