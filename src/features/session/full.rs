//! How many sessions one person may have at once.

use std::sync::Arc;

use super::session::Session;
use super::sessions::Sessions;
use crate::domain::device::WhenFull;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

impl Sessions {
    /// The person's other sessions, beyond as many as they may have with this one: first one that waits for its person, then
    /// the one that was not used for longest.
    pub fn surplus(&self, session: &Session, now: Timestamp) -> Vec<SessionId> {
        let (settings, theirs) = (self.settings.load(), self.theirs(session, now));
        let concurrent = &settings.concurrent;
        let here: Vec<_> = theirs.iter().filter(|other| other.host == session.host).cloned().collect();
        let alike: Vec<_> = here.iter().filter(|other| other.device == session.device).cloned().collect();
        let of_class = session.device.as_ref().and_then(|class| concurrent.devices.get(class).copied());
        let mut surplus = beyond(&theirs, Some(self.limits.per_person));
        surplus.extend(beyond(&here, concurrent.most));
        surplus.extend(beyond(&alike, of_class));
        surplus.sort_unstable();
        surplus.dedup();
        surplus
    }

    /// Whether its person has as many already as they may, and none of them is to end for it.
    pub(super) fn is_full(&self, new: &Session, now: Timestamp) -> bool {
        let settings = self.settings.load();
        let concurrent = &settings.concurrent;
        if concurrent.when_full == WhenFull::EndOldest {
            return false;
        }
        let mut here = self.theirs(new, now);
        here.retain(|other| other.host == new.host && other.is_live());
        let alike = here.iter().filter(|other| other.device == new.device).count();
        let of_class = new.device.as_ref().and_then(|class| concurrent.devices.get(class).copied());
        concurrent.most.is_some_and(|most| here.len() >= most) || of_class.is_some_and(|most| alike >= most)
    }

    /// The person's other sessions that stand, the one in use last.
    fn theirs(&self, session: &Session, now: Timestamp) -> Vec<Arc<Session>> {
        let mut theirs = self.table.of_subject(&session.subject.id());
        theirs.retain(|other| other.id != session.id && other.program.is_none() && self.stands(other, now));
        theirs.sort_by_key(|other| (other.is_live(), other.last_seen()));
        theirs
    }
}

/// Those for which there is no room beside one more.
fn beyond(others: &[Arc<Session>], most: Option<usize>) -> Vec<SessionId> {
    let surplus = most.map_or(0, |most| (others.len() + 1).saturating_sub(most));
    others.iter().take(surplus).map(|session| session.id).collect()
}
