//! What is counted of requests and events: pure data that can be added up. No people in it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::application::{ApplicationName, ClientName};
use super::event::{Outcome, Verdict};
use super::reason::Reason;
use super::risk::{RiskName, RiskStep};

/// The counts; those of several workers can be added up.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Requests that reached HTTP, by application, verdict and the most telling reason.
    pub requests: BTreeMap<(Option<ApplicationName>, Verdict, Reason), u64>,
    /// Of these, the requests of declared programs, by program, verdict and the most telling reason.
    pub clients: BTreeMap<(ClientName, Verdict, Reason), u64>,
    /// Events that were closed, by outcome. With `events_lost` and `events_forgone` it equals the requests that
    /// ended.
    pub events: BTreeMap<Outcome, u64>,
    /// Events whose opening entry could not be written: their requests were refused.
    pub events_lost: u64,
    /// Requests refused for their number alone that left no event of their own, but a count in a summary.
    pub events_forgone: u64,
    /// From the first byte of the request to the last of the reply.
    pub duration: Histogram,
    /// Waiting for the head of the application's reply.
    pub upstream: Histogram,
    /// Deciding.
    pub decision: Histogram,
    /// Decisions that were remembered.
    pub decisions_cached: u64,
    /// Decisions that were made.
    pub decisions_made: u64,
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that were turned away: too many at once, or no TLS in time.
    pub connections_refused: u64,
    /// Connections that were turned away because their address had or made too many.
    pub connections_limited: u64,
    /// Connections that were cut because their caller was too slow or sent too many frames that carry nothing.
    pub connections_cut: u64,
    /// Replies withheld because of their number of records.
    pub withheld: u64,
    /// Replies that passed without fields that are withheld.
    pub redacted: u64,
    /// Risks, by what came of them in how many events.
    pub risks: BTreeMap<(RiskName, RiskStep), u64>,
    /// What rules in the shadow answered, by application, their verdict and whether those in force decided otherwise.
    pub shadow: BTreeMap<(ApplicationName, Verdict, bool), u64>,
    /// Requests that came like a metronome's beats, and kept no session alive.
    pub keep_alives_ignored: u64,
    /// From when it was here that sessions are to end until what goes on by them was cut (or 1 s, for callers that take
    /// nothing), and store and journal had it.
    pub revocation: Histogram,
    /// The same of what another node was asked, from when it was there.
    pub relayed_revocation: Histogram,
}

/// How often something took how long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Histogram {
    /// How many took at most the bound of the same position, and not the one before.
    pub buckets: [u64; BOUNDS.len()],
    /// How many in all, the longer ones too.
    pub count: u64,
    /// The sum of all, in seconds.
    pub sum: f64,
}

/// The bounds of a histogram's buckets, in seconds.
pub const BOUNDS: [f64; 14] =
    [0.000_001, 0.000_01, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];

impl Histogram {
    /// Counts one.
    pub fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        if let Some((bucket, _)) = self.buckets.iter_mut().zip(BOUNDS).find(|(_, bound)| seconds <= *bound) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
    }
}

impl Counted {
    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        for (key, number) in &other.requests {
            *self.requests.entry(key.clone()).or_default() += number;
        }
        for (key, number) in &other.clients {
            *self.clients.entry(key.clone()).or_default() += number;
        }
        for (key, number) in &other.events {
            *self.events.entry(*key).or_default() += number;
        }
        for (key, number) in &other.risks {
            *self.risks.entry(key.clone()).or_default() += number;
        }
        for (key, number) in &other.shadow {
            *self.shadow.entry(key.clone()).or_default() += number;
        }
        self.keep_alives_ignored += other.keep_alives_ignored;
        self.duration.add(&other.duration);
        self.upstream.add(&other.upstream);
        self.decision.add(&other.decision);
        self.events_lost += other.events_lost;
        self.events_forgone += other.events_forgone;
        self.connections_limited += other.connections_limited;
        self.connections_cut += other.connections_cut;
        self.decisions_cached += other.decisions_cached;
        self.decisions_made += other.decisions_made;
        self.connections += other.connections;
        self.connections_refused += other.connections_refused;
        self.withheld += other.withheld;
        self.redacted += other.redacted;
        self.revocation.add(&other.revocation);
        self.relayed_revocation.add(&other.relayed_revocation);
    }
}
