//! Asks providers now and then whether they answer. While one does not, nobody signs in there, and sessions that began there go
//! on beyond their end for as long as the settings say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::domain::application::ProviderName;
use crate::features::authn::Standing;
use crate::foundation::clock::Timestamp;
use crate::gateway::rules::Shared;

/// Goes on until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = interval(LOOKED_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = BTreeSet::new();
    loop {
        tick.tick().await;
        shared.authn.look(shared.clock.now()).await;
        let down = down(&shared.authn.standing(), shared.clock.now());
        for provider in down.difference(&told) {
            tracing::error!(%provider, "the provider does not answer: nobody signs in there, and sessions are extended");
        }
        for provider in told.difference(&down) {
            tracing::info!(%provider, "the provider answers again");
        }
        shared.sessions.note_down(down.clone());
        told = down;
    }
}

/// Who has not answered for a while.
fn down(standing: &[Standing], now: Timestamp) -> BTreeSet<ProviderName> {
    let is_down = |it: &&Standing| it.silent_since.is_some_and(|since| now.since(since) >= DOWN_AFTER);
    standing.iter().filter(is_down).map(|it| it.provider.clone()).collect()
}

const LOOKED_EVERY: Duration = Duration::from_secs(15);
/// One question that goes unanswered is no outage.
const DOWN_AFTER: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_down_that_has_not_answered_for_half_a_minute() {
        let now = Timestamp::from_seconds(1_000);
        let standing = |name: &str, silent_since: Option<i64>| Standing {
            provider: name.parse().unwrap(),
            issuer: "https://id.example".into(),
            is_usable: true,
            clock_offset: None,
            silent_since: silent_since.map(Timestamp::from_seconds),
        };
        let all = [standing("well", None), standing("hiccup", Some(971)), standing("gone", Some(970))];
        assert_eq!(down(&all, now), BTreeSet::from(["gone".parse().unwrap()]));
    }
}
