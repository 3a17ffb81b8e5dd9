//! What ends a break without its person: its time, the end of its session, a relationship that a feed tells.

use super::super::rules::Shared;
use super::telling;
use crate::domain::break_glass::{BreakEnd, BreakRelation};
use crate::features::break_glass::{Break, Standing, WriteError};
use crate::features::session::Found;
use crate::foundation::clock::Timestamp;

/// Looks at each break that goes on, and at those of the last day that a relationship would explain.
pub async fn sweep(shared: &Shared) {
    let now = shared.clock.now();
    for it in shared.breaks.running() {
        if let Some(end) = why(shared, &it, now) {
            let ended = shared.breaks.change(it.id, |it| it.ended(now, end)).await;
            settle(shared, ended, now).await;
        }
    }
    let rules = shared.rules.load_full();
    for (it, whose) in shared.breaks.watched_now(now) {
        let told = rules.feeds.about(&whose.identity, Some(&whose.patient), now);
        // Who was related to begin with has overridden the mark of the patient, and no relationship explains that.
        if it.relation != BreakRelation::Marked
            && rules.policy.is_related(&whose.identity.roles, &it.application, &told)
        {
            let related = shared.breaks.change(it.id, |it| it.related(now)).await;
            let was_active = it.standing == Standing::Active;
            if let Ok(it) = &related {
                telling::explained(shared, it, now).await;
            }
            if was_active {
                settle(shared, related, now).await;
            }
        }
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

/// Tells of what has ended. Whoever was second to end it has nothing to tell.
async fn settle<E>(shared: &Shared, ended: Result<Break, WriteError<E>>, now: Timestamp) {
    match ended {
        Ok(it) => telling::ends(shared, &it, now).await,
        Err(WriteError::Refused(_)) => {}
        // It opens nothing any more all the same, and is ended with the next look.
        Err(WriteError::Store(error)) => {
            tracing::error!(%error, "the end of an emergency access could not be kept");
        }
    }
}
