//! A WebSocket (RFC 6455) between caller and application: frames pass both ways until one side ends, or
//! the access that opened it does.
//!
//! It is a lease: each second, and when it is summoned, it is asked whether it may go on. Where it may not, both sides are told by
//! a close frame, as far as one can be put between two frames; a frame that has begun is cut.

use std::cell::Cell;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::frames::{FrameFault, Frames, Side, close};
use crate::domain::reason::Reason;
use crate::domain::websocket::WebSocketBounds;

/// How a tunnel ended, and what passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Bytes from the caller.
    pub bytes_in: u64,
    /// Bytes to the caller.
    pub bytes_out: u64,
    /// How it ended.
    pub ended: Ended,
}

/// How a tunnel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// One of both sides has ended it.
    Parted,
    /// The access that opened it has ended, for this reason.
    Revoked(Reason),
    /// Nothing but pings and pongs passed for as long as there may be nothing.
    Idle,
    /// It has lasted as long as it may.
    Expired,
    /// One side sent a frame that may not be.
    Broken(Side, FrameFault),
}

/// What a tunnel is run with.
#[derive(Debug)]
pub struct Terms {
    /// Its bounds.
    pub bounds: WebSocketBounds,
    /// Whether both sides agreed on an extension.
    pub is_extended: bool,
    /// Masks a close frame of ours toward the application.
    pub mask: [u8; 4],
}

/// The connection to one side.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for S {}

type Reading = ReadHalf<Box<dyn Socket>>;
type Writing = WriteHalf<Box<dyn Socket>>;

/// One direction.
struct Way {
    from: Reading,
    to: Writing,
    frames: Frames,
    /// Whether what was written ends with a frame, so that one of ours can follow.
    is_between: bool,
    bytes: u64,
}

/// When data passed last, and whether the caller sent some since that was asked.
#[derive(Debug)]
struct Activity {
    last: Cell<Instant>,
    by_caller: Cell<bool>,
}

/// Passes frames both ways. `revoked` is asked each second, and told whether the caller has sent data since;
/// when it says why, both sides are closed. It is asked at once when `summons` returns, too.
pub async fn run(
    caller: Box<dyn Socket>,
    application: Box<dyn Socket>,
    terms: &Terms,
    mut revoked: impl FnMut(bool) -> Option<Reason>,
    summons: impl Future<Output = ()>,
) -> Passed {
    let (from_caller, to_caller) = tokio::io::split(caller);
    let (from_application, to_application) = tokio::io::split(application);
    let way = |from, to, side| Way {
        from,
        to,
        frames: Frames::new(side, terms.is_extended, terms.bounds.frame_bytes),
        is_between: true,
        bytes: 0,
    };
    let mut inward = way(from_caller, to_application, Side::Caller);
    let mut outward = way(from_application, to_caller, Side::Application);
    let activity = Activity { last: Cell::new(Instant::now()), by_caller: Cell::new(false) };
    let ended = tokio::select! {
        ended = both(&mut inward, &mut outward, &activity) => ended,
        ended = lease(terms, &activity, &mut revoked, summons) => ended,
    };
    let (to_caller, to_application) = codes(ended);
    let (caller_is_between, application_is_between) = (outward.is_between, inward.is_between);
    tokio::join!(
        part(
            (&mut inward.from, &mut outward.to),
            to_caller.filter(|_| caller_is_between).map(|code| close(Side::Caller, code, terms.mask)),
        ),
        part(
            (&mut outward.from, &mut inward.to),
            to_application.filter(|_| application_is_between).map(|code| close(
                Side::Application,
                code,
                terms.mask
            )),
        ),
    );
    Passed { bytes_in: inward.bytes, bytes_out: outward.bytes, ended }
}

/// Which codes tell caller and application (RFC 6455 7.4.1); none where they have told each other.
const fn codes(ended: Ended) -> (Option<u16>, Option<u16>) {
    match ended {
        Ended::Parted => (None, None),
        Ended::Revoked(_) => (Some(POLICY_VIOLATION), Some(POLICY_VIOLATION)),
        Ended::Idle | Ended::Expired => (Some(GOING_AWAY), Some(GOING_AWAY)),
        Ended::Broken(Side::Caller, fault) => (Some(fault.code()), Some(GOING_AWAY)),
        Ended::Broken(Side::Application, fault) => (Some(GOING_AWAY), Some(fault.code())),
    }
}

/// Until both directions have ended; when one has, the other has a moment left.
async fn both(inward: &mut Way, outward: &mut Way, activity: &Activity) -> Ended {
    let (from_caller, from_application) =
        (pass(inward, Side::Caller, activity), pass(outward, Side::Application, activity));
    tokio::pin!(from_caller, from_application);
    let (first, is_inward) = tokio::select! {
        ended = &mut from_caller => (ended, true),
        ended = &mut from_application => (ended, false),
    };
    if first != Ended::Parted {
        return first;
    }
    let other = async { if is_inward { from_application.await } else { from_caller.await } };
    tokio::time::timeout(LINGERS_FOR, other).await.unwrap_or(Ended::Parted)
}

/// Passes the frames of one side on until it ends; a side that breaks off is a side that has ended.
async fn pass(way: &mut Way, side: Side, activity: &Activity) -> Ended {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut kept = 0;
    let ended = loop {
        let Some(space) = buffer.get_mut(kept..) else { break Ended::Parted };
        let Ok(length @ 1..) = way.from.read(space).await else { break Ended::Parted };
        let filled = kept + length;
        let seen = way.frames.read(buffer.get(..filled).unwrap_or_default());
        if seen.data {
            activity.last.set(Instant::now());
            activity.by_caller.set(activity.by_caller.get() || side == Side::Caller);
        }
        let cleared = buffer.get(..seen.cleared).unwrap_or_default();
        // Nobody knows how much of it was written when this is given up in the middle.
        way.is_between = false;
        if way.to.write_all(cleared).await.is_err() || way.to.flush().await.is_err() {
            break Ended::Parted;
        }
        way.is_between = way.frames.is_between();
        way.bytes += seen.cleared as u64;
        if let Some(fault) = seen.fault {
            return Ended::Broken(side, fault);
        }
        buffer.copy_within(seen.cleared..filled, 0);
        kept = filled - seen.cleared;
    };
    shut(&mut way.to).await;
    ended
}

/// Until the tunnel may not go on.
async fn lease(
    terms: &Terms,
    activity: &Activity,
    revoked: &mut impl FnMut(bool) -> Option<Reason>,
    summons: impl Future<Output = ()>,
) -> Ended {
    let began = Instant::now();
    let mut tick = tokio::time::interval(CHECKED_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Once: what it was for has been looked at then.
    let summons = summons.fuse();
    tokio::pin!(summons);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = &mut summons => {}
        }
        if let Some(reason) = revoked(activity.by_caller.replace(false)) {
            return Ended::Revoked(reason);
        }
        if began.elapsed() >= terms.bounds.lifetime {
            return Ended::Expired;
        }
        if activity.last.get().elapsed() >= terms.bounds.idle {
            return Ended::Idle;
        }
    }
}

/// Says goodbye to one side, if it can be said, and closes. What that side still sends is read and dropped
/// until it closes too: a socket that is closed over unread bytes takes the goodbye away again.
async fn part((from, to): (&mut Reading, &mut Writing), goodbye: Option<Vec<u8>>) {
    let Some(goodbye) = goodbye else { return shut(to).await };
    let said = async {
        if to.write_all(&goodbye).await.is_err() {
            return;
        }
        shut(to).await;
        let mut dropped = vec![0; BUFFER_BYTES];
        while let Ok(1..) = from.read(&mut dropped).await {}
    };
    if tokio::time::timeout(SAID_WITHIN, said).await.is_err() {
        tracing::debug!("one side of a tunnel did not close when it was told to");
    }
}

async fn shut(to: &mut (impl AsyncWrite + Unpin)) {
    if let Err(error) = to.shutdown().await {
        tracing::debug!(error = %error, "one side of a tunnel was gone before it could be closed");
    }
}

const CHECKED_EVERY: Duration = Duration::from_secs(1);
const LINGERS_FOR: Duration = Duration::from_secs(5);
const SAID_WITHIN: Duration = Duration::from_secs(2);
const BUFFER_BYTES: usize = 8 * 1024;
const GOING_AWAY: u16 = 1001;
const POLICY_VIOLATION: u16 = 1008;
