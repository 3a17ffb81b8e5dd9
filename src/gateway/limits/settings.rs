//! How much one caller may take, as settled.

use std::time::Duration;

use crate::platform::http::pace::Pace;

/// How much one caller may take. `None` stands for no limit.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Connections at once from one address, but for those of people who are signed in. Default 2000, 1 to 1 000 000.
    pub connections_per_address: usize,
    /// Connections at once of one person who is signed in that do not count at their address. Default 100, 1 to
    /// 1 000 000.
    pub connections_per_person: usize,
    /// New connections from one address. Default 1000 in 10 s.
    pub new_connections_per_address: Option<Rate>,
    /// Requests from one address by callers who are not signed in. Default 2000 in 10 s.
    pub requests_per_address: Option<Rate>,
    /// Requests by one person who is signed in, from wherever. Default 2000 in 10 s.
    pub requests_per_person: Option<Rate>,
    /// Sign-ins that are begun or come back, and logout tokens that do not hold, from one address. Default 300 in 1 min.
    pub sign_ins_per_address: Option<Rate>,
    /// Events of their own for requests that were too many. Default 100 in 10 s.
    pub refused_events: Option<Rate>,
    /// The share of a worker's room that only people who are signed in may use, in hundredths.
    /// Default 25, 0 to 90.
    pub reserved_percent: usize,
    /// How long a connection may stand without a request. Default 75 s, 5 s to 1 h.
    pub idle: Duration,
    /// How long a caller may take nothing of a reply that is there for it. Default 60 s, 5 s to 1 h.
    pub unread: Duration,
    /// How fast a request's body has to come. Default 256 bytes a second, 1 to a MiB, after 20 s, 1 s to 10 min.
    pub body: Pace,
    /// HTTP/2: requests at once on one connection. Default 100, 1 to 1000.
    pub streams: u32,
    /// HTTP/2: requests that were reset before they were begun with. Default 20, 1 to 1000.
    pub resets: usize,
    /// HTTP/2: frames on one connection that carry nothing. Default 1000 in 10 s.
    pub control_frames: Option<Rate>,
}

/// So many at once, and as many again spread over the period: never more than twice as many in any one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    amount: u32,
    period: Duration,
}

impl Rate {
    /// `amount`, 1 to a million, in a period of a second to an hour.
    pub fn new(amount: u32, period: Duration) -> Option<Self> {
        let right = (1..=AMOUNT_MAX).contains(&amount) && (PERIOD_MIN..=PERIOD_MAX).contains(&period);
        right.then_some(Self { amount, period })
    }

    /// How long one takes to come back.
    pub fn every(self) -> Duration {
        self.period / self.amount
    }

    /// How long all take to come back.
    pub const fn period(self) -> Duration {
        self.period
    }
}

const AMOUNT_MAX: u32 = 1_000_000;
const PERIOD_MIN: Duration = Duration::from_secs(1);
const PERIOD_MAX: Duration = Duration::from_secs(60 * 60);
