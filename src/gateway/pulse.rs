//! Whether a connection is alive: since when nothing is asked on it, a head is on its way, or a reply is
//! there that the caller does not take. A caller that is too slow is cut, so that it holds nothing for long.
//!
//! One timer for each connection, whatever happens on it: times are kept to within a quarter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::limits::footing::Footing;

/// What goes on on a connection.
#[derive(Debug)]
pub struct Pulse {
    state: Mutex<State>,
    cut: AtomicBool,
    severed: Notify,
    first: Notify,
    footing: Footing,
}

#[derive(Debug)]
struct State {
    under_way: usize,
    /// Since when nothing is under way.
    rests: Instant,
    /// Since when the head of a request is awaited or on its way.
    head: Option<Instant>,
    /// Replies of which a piece was given and no other has been asked for since.
    given: Vec<(u64, Instant)>,
    next: u64,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The head of a request: of the first from when the connection is there, of others from their first
    /// byte. In HTTP/2, where heads are mixed with other frames, there is no such bound.
    pub head: Option<Duration>,
    /// Nothing is asked.
    pub idle: Duration,
    /// A reply is not taken.
    pub unread: Duration,
}

/// A request that is under way, until its reply has gone or its tunnel has ended.
#[derive(Debug)]
pub struct UnderWay {
    pulse: Arc<Pulse>,
    number: u64,
}

impl Pulse {
    /// A connection that has just begun, and what it takes until everything on it has ended, tunnels too.
    pub fn new(footing: Footing) -> Arc<Self> {
        let now = Instant::now();
        let state = State { under_way: 0, rests: now, head: Some(now), given: Vec::new(), next: 0 };
        let (state, cut) = (Mutex::new(state), AtomicBool::new(false));
        Arc::new(Self { state, cut, severed: Notify::new(), first: Notify::new(), footing })
    }

    /// What it takes.
    pub const fn footing(&self) -> &Footing {
        &self.footing
    }

    /// A request begins.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        let mut state = self.state();
        state.under_way += 1;
        state.head = None;
        state.next += 1;
        if state.next == 1 {
            self.first.notify_one();
        }
        UnderWay { pulse: self.clone(), number: state.next }
    }

    /// Returns once anything was asked, or when whoever has just come has had a moment for it: the library
    /// closes a connection that is to end at once if nothing has come on it yet.
    pub async fn greeted(&self) {
        if self.state().next == 0 {
            // Either way it can end now.
            drop(tokio::time::timeout(FIRST_WORDS, self.first.notified()).await);
        }
    }

    /// Bytes came.
    pub fn came(&self) {
        let mut state = self.state();
        if state.under_way == 0 && state.head.is_none() {
            state.head = Some(Instant::now());
        }
    }

    /// The connection is to end: it rests from now on.
    pub fn rest(&self) {
        self.state().rests = Instant::now();
    }

    /// Its caller was too slow, said too much, or takes nothing of what they may not have any more: it is cut.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        self.severed.notify_one();
    }

    /// Whether it was cut.
    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Returns when it has stood idle for too long, or was cut; cuts it when its caller has been too slow.
    pub async fn overdue(&self, bounds: &Bounds) {
        let shortest = bounds.idle.min(bounds.unread).min(bounds.head.unwrap_or(bounds.idle));
        loop {
            let now = Instant::now();
            if self.is_cut() {
                return;
            }
            let (idle, slow) = self.state().due(bounds);
            if slow.is_some_and(|due| due <= now) {
                return self.cut();
            }
            if idle.is_some_and(|due| due <= now) {
                return;
            }
            // What begins meanwhile is seen at the next look.
            let look = now + shortest / 4;
            let look = idle.into_iter().chain(slow).fold(look, Instant::min);
            tokio::select! {
                () = sleep_until(look) => {}
                () = self.severed.notified() => {}
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// When it has been idle for too long, and when its caller has been too slow, if nothing more happens.
    fn due(&self, bounds: &Bounds) -> (Option<Instant>, Option<Instant>) {
        let idle = (self.under_way == 0).then(|| self.rests + bounds.idle);
        let head = self.head.zip(bounds.head).map(|(since, head)| since + head);
        let unread = self.given.iter().map(|(_, since)| *since + bounds.unread).min();
        (idle, head.into_iter().chain(unread).min())
    }
}

impl UnderWay {
    /// A piece of the reply was given.
    pub fn gave(&self) {
        self.pulse.state().given.push((self.number, Instant::now()));
    }

    /// The next piece is asked for: those before were taken.
    pub fn asked(&self) {
        self.pulse.state().given.retain(|(number, _)| *number != self.number);
    }

    /// Whether the connection was cut.
    pub fn is_cut(&self) -> bool {
        self.pulse.is_cut()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.given.retain(|(number, _)| *number != self.number);
        state.under_way = state.under_way.saturating_sub(1);
        if state.under_way == 0 {
            state.rests = Instant::now();
        }
    }
}

/// How long somebody who has just come may take to ask for something when the gateway stops.
const FIRST_WORDS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        head: Some(Duration::from_secs(4)),
        idle: Duration::from_secs(40),
        unread: Duration::from_secs(20),
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    async fn lasts(pulse: &Pulse, most: u64) -> Option<u64> {
        let since = Instant::now();
        let ended = tokio::time::timeout(seconds(most), pulse.overdue(&BOUNDS)).await;
        ended.ok().map(|()| since.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_sends_no_head_is_cut() {
        let pulse = Pulse::new(Footing::default());
        assert_eq!(lasts(&pulse, 100).await, Some(4));
        assert!(pulse.is_cut());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_cut_ends_at_once() {
        let pulse = Pulse::new(Footing::default());
        let _under_way = pulse.begin();
        let cut = async {
            tokio::time::sleep(seconds(1)).await;
            pulse.cut();
        };
        let (lasted, ()) = tokio::join!(lasts(&pulse, 100), cut);
        assert_eq!(lasted, Some(1));
        assert_eq!(lasts(&pulse, 100).await, Some(0), "and stays so");
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_a_connection_may_stand_idle_but_a_head_that_has_begun_may_not() {
        let pulse = Pulse::new(Footing::default());
        drop(pulse.begin());
        assert_eq!(lasts(&pulse, 100).await, Some(40));
        assert!(!pulse.is_cut(), "it is closed in good order");
        let pulse = Pulse::new(Footing::default());
        drop(pulse.begin());
        assert_eq!(lasts(&pulse, 10).await, None);
        pulse.came();
        assert_eq!(lasts(&pulse, 100).await, Some(4));
        assert!(pulse.is_cut());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_just_come_has_a_moment_to_ask() {
        let pulse = Pulse::new(Footing::default());
        let since = Instant::now();
        pulse.greeted().await;
        assert_eq!(since.elapsed(), FIRST_WORDS);
        let asking = async {
            tokio::time::sleep(FIRST_WORDS / 2).await;
            pulse.begin()
        };
        let ((), under_way) = tokio::join!(pulse.greeted(), asking);
        assert_eq!(since.elapsed(), FIRST_WORDS * 3 / 2);
        drop(under_way);
        pulse.greeted().await;
        assert_eq!(since.elapsed(), FIRST_WORDS * 3 / 2, "it has asked before");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_take_its_time_as_long_as_its_caller_takes_what_there_is() {
        let pulse = Pulse::new(Footing::default());
        let (slow, quick) = (pulse.begin(), pulse.begin());
        pulse.came();
        assert_eq!(lasts(&pulse, 1000).await, None, "the application is slow, not the caller");
        for _ in 0..10 {
            quick.gave();
            assert_eq!(lasts(&pulse, 15).await, None);
            quick.asked();
        }
        slow.gave();
        drop(quick);
        assert_eq!(lasts(&pulse, 100).await, Some(20));
        assert!(pulse.is_cut());
        drop(slow);
        assert!(pulse.state().given.is_empty(), "what was held is held no more");
    }
}
