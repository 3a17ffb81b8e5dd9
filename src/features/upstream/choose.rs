//! Which server takes a request: the one with the fewest requests in flight, among those that are in.
//!
//! Whoever is bound to a server goes there as long as it is in. If all are out, all are tried: a check
//! that is wrong, or a fault that all share, must not take an application away that would answer.

use std::cell::Cell;

use tokio::time::Instant;

use super::servers::Upstream;
use super::settings::SERVERS_MAX;
use super::standing::{Standing, WHOLE};

/// A set of an application's servers, by their positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerSet(u64);

impl ServerSet {
    pub(super) const fn has(self, server: usize) -> bool {
        self.0 & Self::bit(server) != 0
    }

    pub(super) const fn add(&mut self, server: usize) {
        self.0 |= Self::bit(server);
    }

    const fn bit(server: usize) -> u64 {
        if server < SERVERS_MAX { 1 << server } else { 0 }
    }
}

/// One worker's memory of whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turn {
    next: Cell<usize>,
    /// What each server that warms up has saved of its share, in thousandths.
    saved: Vec<Cell<u32>>,
}

impl Turn {
    pub(super) fn new(servers: usize) -> Self {
        Self { next: Cell::new(0), saved: (0..servers).map(|_| Cell::new(0)).collect() }
    }

    /// Whether the turn has come for a server with that share, among so many. What it is given of each
    /// request is saved until it makes a whole one.
    fn is_due(&self, server: usize, share: u32, among: usize) -> bool {
        let Some(saved) = self.saved.get(server) else { return false };
        let whole = WHOLE.saturating_mul(u32::try_from(among).unwrap_or(u32::MAX));
        let sum = saved.get().saturating_add(share);
        saved.set(if sum >= whole { sum - whole } else { sum });
        sum >= whole
    }
}

/// The servers that may take a request, the best first; none that is in `tried`.
pub(super) fn order(
    upstream: &Upstream,
    turn: &Turn,
    bound: Option<usize>,
    tried: ServerSet,
    now: Instant,
) -> Vec<usize> {
    let servers = upstream.servers.len();
    if let Some(bound) = bound.filter(|bound| !tried.has(*bound) && is_in(upstream, *bound, now)) {
        return vec![bound];
    }
    let first = turn.next.get();
    turn.next.set((first + 1) % servers.max(1));
    let untried: Vec<usize> = (0..servers)
        .map(|step| (first + step) % servers.max(1))
        .filter(|server| !tried.has(*server))
        .collect();
    let in_order = |mut some: Vec<usize>| {
        // Stable: among equals whose turn it is.
        some.sort_by_key(|server| standing(upstream, *server).map_or(u32::MAX, Standing::in_flight));
        some
    };
    let is_in: Vec<usize> = untried.iter().copied().filter(|server| is_in(upstream, *server, now)).collect();
    if is_in.is_empty() {
        // Whoever is bound to one of those that are out has a session there, if anywhere.
        let (own, others): (Vec<usize>, Vec<usize>) =
            untried.into_iter().partition(|server| bound == Some(*server));
        return [own, in_order(others)].concat();
    }
    let slow_start = upstream.settings.balance.slow_start;
    let among = is_in.len();
    let share = |server: usize| standing(upstream, server).map_or(WHOLE, |it| it.share(slow_start, now));
    let (warm, cold): (Vec<usize>, Vec<usize>) = is_in.into_iter().partition(|it| share(*it) == WHOLE);
    if cold.is_empty() {
        return in_order(warm);
    }
    let (due, cold): (Vec<usize>, Vec<usize>) =
        cold.into_iter().partition(|it| turn.is_due(*it, share(*it), among));
    [in_order([due, warm].concat()), in_order(cold)].concat()
}

fn is_in(upstream: &Upstream, server: usize, now: Instant) -> bool {
    standing(upstream, server).is_some_and(|standing| standing.is_in(now))
}

fn standing(upstream: &Upstream, server: usize) -> Option<&Standing> {
    upstream.servers.get(server).map(|server| &*server.standing)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::features::upstream::tests::{balanced, settings_of};

    fn upstream(servers: usize, slow_start: Duration) -> Upstream {
        let mut settings = settings_of(&vec!["192.0.2.1:80".parse().unwrap(); servers]);
        settings.balance.slow_start = slow_start;
        settings.health.failures = 1;
        balanced(settings)
    }

    #[test]
    fn the_least_busy_takes_it_and_among_equals_each_in_turn() {
        let (upstream, turn, now) = (upstream(3, Duration::ZERO), Turn::new(3), Instant::now());
        let next = || order(&upstream, &turn, None, ServerSet::default(), now)[0];
        assert_eq!([next(), next(), next(), next()], [0, 1, 2, 0]);
        upstream.servers[0].standing.enter();
        upstream.servers[1].standing.enter();
        assert_eq!([next(), next(), next()], [2, 2, 2]);
    }

    #[test]
    fn who_is_bound_goes_where_they_are_bound_to_while_it_is_in() {
        let (upstream, turn, now) = (upstream(3, Duration::ZERO), Turn::new(3), Instant::now());
        upstream.servers[1].standing.enter();
        let next = |tried| order(&upstream, &turn, Some(1), tried, now);
        assert_eq!(next(ServerSet::default()), [1], "however busy it is");
        let mut tried = ServerSet::default();
        tried.add(1);
        assert_eq!(next(tried).len(), 2, "it could not be reached");
        let _out = upstream.servers[1].standing.fail(&upstream.settings.health, now);
        assert!(!next(ServerSet::default()).contains(&1), "it is out");
    }

    #[test]
    fn where_all_are_out_all_are_tried() {
        let (upstream, turn, now) = (upstream(2, Duration::ZERO), Turn::new(2), Instant::now());
        let next = || order(&upstream, &turn, None, ServerSet::default(), now);
        let _out = upstream.servers[0].standing.fail(&upstream.settings.health, now);
        assert_eq!(next(), [1]);
        let _out = upstream.servers[1].standing.fail(&upstream.settings.health, now);
        assert_eq!(next().len(), 2);
        for bound in [0, 1, 0] {
            assert_eq!(order(&upstream, &turn, Some(bound), ServerSet::default(), now)[0], bound);
        }
    }

    #[test]
    fn a_server_that_warms_up_takes_its_share_and_no_more() {
        let minute = Duration::from_secs(60);
        let (upstream, turn, now) = (upstream(2, minute), Turn::new(2), Instant::now());
        let _out = upstream.servers[0].standing.fail(&upstream.settings.health, now);
        let half_warm = now + upstream.settings.health.out + minute / 4;
        let taken = (0..100)
            .filter(|_| order(&upstream, &turn, None, ServerSet::default(), half_warm)[0] == 0)
            .count();
        // A quarter of its half.
        assert!((12..=13).contains(&taken), "{taken}");
    }
}
