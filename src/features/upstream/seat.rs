//! A request's place at one server, held until its reply has been read to the end: what is in flight
//! there is the number of seats that are taken.
//!
//! Where a server has a limit, whoever finds no seat waits: so many at once, for so long; more are turned
//! away with 503 `upstream-overloaded`. Who waits first is seated first.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::select_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::bond::Errand;
use super::choose::{ServerSet, order};
use super::error::UpstreamError;
use super::pool::Pool;

/// A request's place at one server.
pub(super) struct Seat {
    pool: Rc<Pool>,
    server: usize,
    _room: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Seat {
    /// The common case: there is one server, and room at it.
    pub(super) fn at_the_only(pool: &Rc<Pool>) -> Option<Self> {
        if pool.upstream.servers.len() != 1 {
            return None;
        }
        Self::at_once(pool, 0).ok()
    }

    /// A seat at a server that is not in `tried`; none, if all are.
    pub(super) async fn take(
        pool: &Rc<Pool>,
        errand: &Errand,
        tried: ServerSet,
    ) -> Result<Option<Self>, UpstreamError> {
        let upstream = &pool.upstream;
        let mut full = Vec::new();
        if upstream.servers.len() == 1 && !tried.has(0) {
            // The common case: there is nothing to choose.
            match Self::at_once(pool, 0) {
                Ok(seat) => return Ok(Some(seat)),
                Err(room) => full.push((0, room)),
            }
        } else {
            let bound = pool.bound_to(errand).or(errand.server);
            for server in order(upstream, &pool.turn, bound, tried, Instant::now()) {
                match Self::at_once(pool, server) {
                    Ok(seat) => return Ok(Some(seat)),
                    Err(room) => full.push((server, room)),
                }
            }
        }
        if full.is_empty() {
            return Ok(None);
        }
        let seated = Self::wait(pool, full).await;
        if seated.is_none() {
            upstream.together.overloaded.fetch_add(1, Ordering::Relaxed);
        }
        seated.map(Some).ok_or(UpstreamError::Overloaded)
    }

    /// A seat at a server, or the room to wait for.
    fn at_once(pool: &Rc<Pool>, server: usize) -> Result<Self, Arc<Semaphore>> {
        let Some(room) = pool.upstream.servers.get(server).and_then(|state| state.room.as_ref()) else {
            return Ok(Self::at(pool, server, None));
        };
        match room.clone().try_acquire_owned() {
            Ok(permit) => Ok(Self::at(pool, server, Some(permit))),
            Err(_) => Err(room.clone()),
        }
    }

    /// The first of the servers that has room, if one has it in time.
    async fn wait(pool: &Rc<Pool>, full: Vec<(usize, Arc<Semaphore>)>) -> Option<Self> {
        let balance = &pool.settings().balance;
        let _waiting = Waiting::begin(&pool.upstream.together.waiting, balance.waiting_max)?;
        let rooms = full.into_iter().map(|(server, room)| {
            Box::pin(async move { room.acquire_owned().await.ok().map(|permit| (server, permit)) })
        });
        let (first, _, _) = tokio::time::timeout(balance.wait_max, select_all(rooms)).await.ok()?;
        first.map(|(server, permit)| Self::at(pool, server, Some(permit)))
    }

    fn at(pool: &Rc<Pool>, server: usize, room: Option<OwnedSemaphorePermit>) -> Self {
        if let Some(state) = pool.upstream.servers.get(server) {
            state.standing.enter();
        }
        Self { pool: pool.clone(), server, _room: room }
    }

    /// The position of the server.
    pub(super) const fn server(&self) -> usize {
        self.server
    }

    pub(super) const fn pool(&self) -> &Rc<Pool> {
        &self.pool
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(state) = self.pool.upstream.servers.get(self.server) {
            state.standing.leave();
        }
    }
}

/// One of those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        // Counted before it is looked at, so that no two take the last place.
        let one = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(one)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
