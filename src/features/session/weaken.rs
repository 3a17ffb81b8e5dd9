//! What a person has proven counts no more: their sessions go on, and whatever asks for proof asks anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use super::change::CHANGE_ATTEMPTS;
use super::nodes;
use super::session::{Session, State};
use super::sessions::{SessionError, Sessions};
use super::standing::Found;
use super::store;
use crate::domain::assurance::Assurance;
use crate::domain::revocation::Target;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

impl Sessions {
    /// Forgets what was proven in the sessions that are meant; in memory first. Gives whose they are that stand.
    ///
    /// Where the store does not answer it may be proven again with a restart: whoever asked is told, and asks again.
    pub async fn forget_proven(
        &self,
        target: &Target,
        now: Timestamp,
    ) -> Result<Vec<SubjectId>, SessionError> {
        let (mut weakened, mut failed) = (Vec::new(), None);
        for session in self.meant(target) {
            match self.weaken(session.id, now).await {
                Ok(true) => weakened.push(session.subject.id()),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(weakened), Err)
    }

    async fn weaken(&self, id: SessionId, now: Timestamp) -> Result<bool, SessionError> {
        let _turn = self.turn(id).lock().await;
        // Whoever looks at it meanwhile may lock it, and another node may change it, so it is looked at again.
        for _ in 0..CHANGE_ATTEMPTS {
            let (before, from) = match self.table.by_id(id).map(|session| self.at_rest(session, now)) {
                // A program proves nothing but its token.
                Some(Found::Session(session)) if session.program.is_some() => return Ok(false),
                Some(Found::Session(session)) => (session, State::Live),
                Some(Found::Locked(locked)) => (locked.session, State::Locked),
                Some(Found::Expired | Found::Ended | Found::Elsewhere | Found::None) | None => {
                    return Ok(false);
                }
            };
            let after = Arc::new(self.weaker(&before, from));
            let statements = vec![store::update(&after, before.revision())?, store::save_seen(&after)];
            if !self.table.replace(&before, from, &after, now) {
                continue;
            }
            // Until the store has it, the row is still as it was.
            after.revision.store(before.revision(), Ordering::Release);
            let written = self.store.write_telling(statements, vec![nodes::changed(id)]).await?;
            if written.first() == Some(&1) {
                after.revision.store(before.revision().saturating_add(1), Ordering::Release);
                return Ok(true);
            }
            self.refresh(id, now).await?;
        }
        Err(SessionError::Gone)
    }

    fn weaker(&self, before: &Session, state: State) -> Session {
        let mut after = before.successor(before.digest, self.next_version());
        after.assurance = Assurance { auth_time: before.assurance.auth_time, ..Assurance::default() };
        // One that is locked stays so, since then.
        after.state = AtomicU8::new(state as u8);
        after.gone = AtomicI64::new(before.gone().as_millis());
        after
    }
}
