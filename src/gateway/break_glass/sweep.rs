//! What ends a break without its person: its time, the end of its session, a relationship that a feed tells.

use super::super::rules::Shared;
use super::telling;
use crate::domain::break_glass::{BreakEnd, BreakRelation};
use crate::features::break_glass::{Break, NotNow, WriteError};
use crate::features::session::Found;
use crate::foundation::clock::Timestamp;

/// Looks at each break that goes on, and at those of the last day that a relationship would explain.
pub async fn sweep(shared: &Shared) {
    let now = shared.clock.now();
    for it in shared.breaks.running() {
        if let Some(end) = why(shared, &it, now) {
            let ended = |it: Break| Ok(it.clone().ended(now, end)?.to_tell(&it, now));
            settle(shared, shared.breaks.change(it.id, ended).await, now).await;
        }
    }
    let rules = shared.rules.load_full();
    for (it, whose) in shared.breaks.watched_now(now) {
        let told = rules.feeds.about(&whose.identity, Some(&whose.patient), None, now);
        // Who was related to begin with has overridden the mark of the patient, and no relationship explains that.
        if it.relation != BreakRelation::Marked && rules.policy.is_related(&it.relationships, &told) {
            let related = |it: Break| Ok(it.clone().related(now)?.to_tell(&it, now));
            settle(shared, shared.breaks.change(it.id, related).await, now).await;
        }
    }
    // What whoever has changed it could not tell: rather twice than never.
    for it in shared.breaks.untold(now) {
        telling::became(shared, &it, now).await;
    }
}

/// Why a break is over; none as long as it is not.
fn why(shared: &Shared, it: &Break, now: Timestamp) -> Option<BreakEnd> {
    if now >= it.until {
        return Some(BreakEnd::Time);
    }
    match shared.sessions.current(it.session, None, now) {
        // Nothing is decided under a session that is locked; its person may come back.
        Found::Session(_) | Found::Locked(_) => None,
        Found::Expired | Found::Ended | Found::Elsewhere | Found::None => Some(BreakEnd::Session),
    }
}

/// Tells what became of a break. Whoever was second to change it has nothing to tell.
async fn settle(shared: &Shared, ended: Result<Break, WriteError<NotNow>>, now: Timestamp) {
    match ended {
        Ok(it) => telling::became(shared, &it, now).await,
        Err(WriteError::Refused(_)) => {}
        // It opens nothing any more all the same, and is ended with the next look.
        Err(WriteError::Store(error)) => {
            tracing::error!(%error, "the end of an emergency access could not be kept");
        }
    }
}
