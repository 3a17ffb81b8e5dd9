//! Releases a reply: nothing leaves beyond the minimum necessary.
//!
//! Where no count could deny, the reply is counted while it streams and nothing waits. Where one could,
//! the reply is held back until it is known to be within its limit: what is beyond is withheld whole, and not one byte of it
//! leaves. Up to [`GuardSettings::hold_bytes`] are held in memory, the rest on the disk ([`spill`](super::spill)); what finds no
//! room there stays here, too.
//!
//! What is forwarded are the application's own bytes under its own headers, but for the fields that are withheld
//! ([`redact`](super::redact)): such a reply is held back alike, and what cannot be redacted stays here whole. It is counted
//! as it came. A reply that a role with a limit on
//! exports gets from a route where it may only look, and that is a file by its head or its first bytes, is
//! an export: held to their limit, and said to be one ([`GuardedBody::is_found_file`]), so that it takes its
//! place in their window.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, TRAILER};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;

use super::body::{BoxError, GuardedBody, Watch};
use super::count::Tally;
use super::ledger::Claim;
use super::limit::{Terms, Verdict};
use super::meter::Meter;
use super::redact::{Fault, Plans, Redaction, settle};
use super::settings::GuardSettings;
use super::spill::{Disk, Spilling};
use super::trailers::Trailers;
pub use super::withheld::{Cause, Withheld};
use crate::domain::proof::Durable;

/// A reply that may go out.
pub type Released<B> = Response<GuardedBody<B>>;

/// Releases `reply` under `terms`, without what `plans` take out of it, or withholds it. The opening entry of its
/// event is on the disk. What it holds is taken of the person's windows by `claim`, where these bound that. On `disk` waits
/// what is longer than memory may hold.
pub async fn release<B>(
    reply: Response<B>,
    mut meter: Meter,
    terms: &Terms,
    (claim, plans): (Option<Box<Claim>>, Plans),
    _durable: Durable,
    settings: &GuardSettings,
    disk: Disk<'_>,
) -> Result<Released<B>, Withheld>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (mut head, body) = reply.into_parts();
    let mut waiting = Held {
        pieces: VecDeque::new(),
        bytes: 0,
        spilling: None,
        upstream: Some(body),
        trailers: None,
        status: head.status,
    };

    let mut taken_away = terms.action.takes_away();
    let minds_files = terms.minds_files() || meter.is_other_data() && terms.may_deny(false);
    if !taken_away && minds_files {
        if terms.may_deny_file() {
            waiting.read_lead(&mut meter, &head.headers, settings).await?;
        }
        taken_away = meter.looks_like_file();
    }
    if taken_away && !meter.is_counting() {
        meter.take_away(&head, settings);
        waiting.pieces.iter().for_each(|piece| meter.push(piece));
    }
    if meter.is_counting() {
        head.headers.remove(ACCEPT_RANGES);
    }
    let may_deny = terms.may_deny(taken_away);
    let is_watched = meter.is_counting() || taken_away || plans.always.is_some();
    let trailers = Trailers::of(&head.headers, is_watched);
    if trailers != Trailers::Harmless {
        head.headers.remove(TRAILER);
    }

    let mut watch = Watch {
        trailers,
        meter,
        redaction: None,
        terms: Terms {
            redactable: terms.redactable && plans.beyond.is_some(),
            truncatable: terms.truncatable && plans.cut.is_some(),
            ..*terms
        },
        taken_away,
        may_deny,
        claim,
        window: Verdict::Within,
        came: 0,
        whole: None,
        cut_after: None,
    };
    watch.begin(waiting.bytes as u64);
    let weighs = (plans.beyond.is_some() || plans.cut.is_some()) && may_deny && watch.meter.is_counting();
    // Seldom asked for, so that it takes no room where it is not.
    let weighed = if weighs {
        Box::pin(waiting.weigh(&mut watch, settings.hold_bytes)).await?
    } else {
        Weighed::AsItIs
    };
    let keep = watch.terms.cut_at(taken_away).filter(|_| weighed == Weighed::Cut);
    // From here on nothing passes for being redacted or cut that is not.
    watch.terms.redactable = weighed == Weighed::Redacted || plans.always_is_beyond();
    // Where a window is full it stays blocked for that.
    watch.terms.truncatable &= weighed == Weighed::Cut || !watch.window.passes();
    let plan = match weighed {
        Weighed::AsItIs => plans.always,
        Weighed::Redacted => plans.beyond,
        Weighed::Cut => plans.cut,
    };
    if let Some(plan) = plan {
        let redaction = Redaction::new(plan.clone(), &head, settings);
        let redaction = match keep {
            Some(records) => redaction.keeping(records, watch.meter.names().cloned()),
            None => redaction,
        };
        watch.redaction = Some(Box::new(redaction));
        settle(&mut head.headers, &plan, keep);
    }
    let body = if watch.redaction.is_some() || may_deny && watch.meter.is_counting() {
        // Most replies are not held: it takes no room where it is not.
        Box::pin(waiting.release_held(watch, settings.hold_bytes, disk)).await?
    } else {
        waiting.release_watched(watch)
    };
    Ok(Response::from_parts(head, body))
}

/// What a reply was weighed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighed {
    /// Within its limits, or for the rest to judge.
    AsItIs,
    /// Beyond one, so that what tells whom it is about is taken out.
    Redacted,
    /// Beyond one, so that it is cut there.
    Cut,
}

/// What has come of a reply and was not released.
struct Held<B> {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// What came behind the pieces and waits on the disk. Seldom there.
    spilling: Option<Box<Spilling>>,
    /// None once it has ended.
    upstream: Option<B>,
    /// As they came.
    trailers: Option<HeaderMap>,
    status: StatusCode,
}

impl<B> Held<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Reads as much as shows how the body begins. Counts it, if it is counted.
    async fn read_lead(
        &mut self,
        meter: &mut Meter,
        headers: &HeaderMap,
        settings: &GuardSettings,
    ) -> Result<(), Withheld> {
        let mut peeker = meter.peeker(headers, settings);
        while meter.awaits_lead() && self.bytes < LEAD_BYTES_MAX && (peeker.is_some() || meter.is_counting())
        {
            let Some(piece) = self.next_of_lead(meter).await? else { break };
            match &mut peeker {
                Some(decoder) => {
                    if !meter.peek(decoder, &piece) {
                        peeker = None;
                    }
                }
                None => meter.push(&piece),
            }
            self.keep(piece);
        }
        Ok(())
    }

    /// The next piece of how it begins. Whoever looks at what comes slowly, as it happens, is not kept waiting for more: what
    /// has come by then has to show it.
    async fn next_of_lead(&mut self, meter: &mut Meter) -> Result<Option<Bytes>, Withheld> {
        // A mark or white space shows nothing yet.
        if !meter.has_lead() {
            return self.next().await;
        }
        let in_time = tokio::time::timeout(LEAD_WAITED_FOR, self.next()).await;
        in_time.unwrap_or_else(|_| {
            meter.settle_lead();
            Ok(None)
        })
    }

    /// Holds on, without taking anything out, until it is clear whether the reply is beyond a limit that asks for that. One
    /// that is longer than can be held is taken to be, where it would be redacted: nothing of it has left yet, and later nothing
    /// could be taken back. To be cut it is not: its head would say of a whole reply that it is none.
    async fn weigh(&mut self, watch: &mut Watch, hold_bytes: usize) -> Result<Weighed, Withheld> {
        let mut tally = watch.meter.so_far();
        loop {
            poll_fn(|context| watch.poll_room(context)).await;
            match watch.judge(&tally) {
                Verdict::Within | Verdict::Advise(_) if watch.whole.is_some() => return Ok(Weighed::AsItIs),
                Verdict::Within | Verdict::Advise(_) => {}
                Verdict::Redact(_) => return Ok(Weighed::Redacted),
                Verdict::Truncate(_) => return Ok(Weighed::Cut),
                Verdict::Needs(..) | Verdict::Block(_) => return Ok(Weighed::AsItIs),
            }
            if self.bytes > hold_bytes {
                return Ok(if watch.terms.redactable { Weighed::Redacted } else { Weighed::AsItIs });
            }
            let next = self.next().await.map_err(|withheld| counted(withheld, &watch.meter))?;
            tally = if let Some(piece) = next {
                watch.count(&piece);
                self.keep(piece);
                watch.meter.so_far()
            } else {
                let whole = watch.finish();
                watch.whole = Some(Box::new(whole));
                whole
            };
        }
    }

    /// Nothing can deny: what comes is handed on at once.
    fn release_watched(mut self, watch: Watch) -> GuardedBody<B> {
        let mut watch = Watch { may_deny: false, ..watch };
        if let Some(upstream) = self.upstream.take().filter(|upstream| !upstream.is_end_stream()) {
            return GuardedBody::streaming(self.pieces, upstream, watch);
        }
        let tally = watch.finish();
        let verdict = watch.judge(&tally);
        GuardedBody::complete(self.pieces, self.trailers, watch, tally, verdict)
    }

    /// Holds on until it is clear that the reply may pass. What no count could deny passes as soon as memory holds no more.
    async fn release_held(
        mut self,
        mut watch: Watch,
        hold_bytes: usize,
        disk: Disk<'_>,
    ) -> Result<GuardedBody<B>, Withheld> {
        if let Err(fault) = self.redact_kept(&mut watch) {
            return self.without_body(watch, fault);
        }
        loop {
            poll_fn(|context| watch.poll_room(context)).await;
            if let Err(withheld) = self.pass(&watch, &watch.meter.so_far()) {
                return Err(self.count_on(watch, withheld, hold_bytes).await);
            }
            // What the fields stand in may still turn out to be elsewhere: nothing leaves before it has come.
            let is_found = watch.redaction.as_ref().is_none_or(|redaction| redaction.is_found());
            if self.bytes > hold_bytes && !is_found {
                return self.without_body(watch, Fault::Misfit);
            }
            if self.bytes > hold_bytes
                && !watch.may_still_deny()
                && let Some(upstream) = self.upstream.take()
            {
                let spilled = self.spilling.map(|spilling| Box::new(spilling.finish()));
                return Ok(GuardedBody::streaming(self.pieces, upstream, watch).followed_by(spilled));
            }
            let Some(piece) = self.next().await.map_err(|withheld| counted(withheld, &watch.meter))? else {
                break;
            };
            match watch.take(piece) {
                Ok(piece) => self.hold(piece, &watch, hold_bytes, disk).await?,
                Err(fault) => return self.without_body(watch, fault),
            }
        }
        let tally = watch.finish();
        poll_fn(|context| watch.poll_room(context)).await;
        match watch.finish_redaction() {
            Ok(rest) => self.hold(rest, &watch, hold_bytes, disk).await?,
            Err(Fault::Beyond) => return Err(self.still_beyond(&watch, tally)),
            Err(fault) => return self.without_body(watch, fault),
        }
        let verdict = self.pass(&watch, &tally)?;
        let spilled = self.spilling.map(|spilling| Box::new(spilling.finish()));
        Ok(GuardedBody::complete(self.pieces, self.trailers, watch, tally, verdict).followed_by(spilled))
    }

    /// Holds a piece back: in memory, or behind what memory may hold on the disk.
    async fn hold(
        &mut self,
        piece: Bytes,
        watch: &Watch,
        hold_bytes: usize,
        disk: Disk<'_>,
    ) -> Result<(), Withheld> {
        // Once something is on the disk, all that follows stands behind it.
        let fits = self.bytes <= hold_bytes || !watch.may_still_deny();
        if self.spilling.is_none() && fits {
            self.keep(piece);
            return Ok(());
        }
        self.bytes += piece.len();
        let spilling = self.spilling.get_or_insert_with(|| Box::new(disk.begin()));
        spilling.push(piece).await.map_err(|unheld| Withheld {
            status: self.status,
            tally: watch.meter.so_far(),
            cause: Cause::Unheld(unheld),
        })
    }

    /// Takes what is withheld out of what came before it was known whether anything may deny.
    fn redact_kept(&mut self, watch: &mut Watch) -> Result<(), Fault> {
        let Some(redaction) = &mut watch.redaction else { return Ok(()) };
        self.bytes = 0;
        for piece in std::mem::take(&mut self.pieces) {
            let piece = redaction.push(&piece)?;
            self.keep(piece);
        }
        Ok(())
    }

    /// Nothing can be taken out of it. An application's message that something went wrong passes without its body;
    /// anything else stays here.
    fn without_body(self, mut watch: Watch, fault: Fault) -> Result<GuardedBody<B>, Withheld> {
        let tally = watch.meter.so_far();
        if watch.redaction.as_mut().is_some_and(|redaction| redaction.leave_out()) {
            let verdict = watch.judge(&tally);
            return Ok(GuardedBody::complete(VecDeque::new(), None, watch, tally, verdict));
        }
        Err(Withheld { status: self.status, tally, cause: Cause::Redaction(fault) })
    }

    /// It stays here. What is still to come is read for one thing only: to say how many it would have
    /// been, as far as that takes no longer than a person waits and no more than would have been held.
    async fn count_on(mut self, mut watch: Watch, withheld: Withheld, hold_bytes: usize) -> Withheld {
        if withheld.verdict().and_then(|verdict| verdict.beyond()?.exceeded()).is_none() {
            return withheld;
        }
        self.pieces.clear();
        self.spilling = None;
        let meter = &mut watch.meter;
        let to_the_end = async {
            while self.bytes <= hold_bytes {
                match self.next().await {
                    Ok(Some(piece)) => {
                        self.bytes += piece.len();
                        meter.push(&piece);
                    }
                    Ok(None) => return true,
                    Err(_) => return false,
                }
            }
            false
        };
        let is_whole = tokio::time::timeout(COUNTED_ON_FOR, to_the_end).await.unwrap_or(false);
        let tally = if is_whole { watch.finish() } else { watch.meter.so_far() };
        // Whatever comes after it, it was beyond the limit already.
        self.pass(&watch, &tally).err().filter(|now| now.verdict().is_some()).unwrap_or(withheld)
    }

    /// What is left of it is beyond the limit, too: none of it passes.
    fn still_beyond(&self, watch: &Watch, tally: Tally) -> Withheld {
        let beyond = watch.judge(&tally).beyond();
        let cause = beyond.map_or(Cause::Redaction(Fault::Beyond), Cause::Block);
        Withheld { status: self.status, tally, cause }
    }

    fn pass(&self, watch: &Watch, tally: &Tally) -> Result<Verdict, Withheld> {
        let cause = match watch.judge(tally) {
            verdict @ (Verdict::Within | Verdict::Advise(_) | Verdict::Redact(_) | Verdict::Truncate(_)) => {
                return Ok(verdict);
            }
            Verdict::Needs(step, beyond) => Cause::Needs(step, beyond),
            Verdict::Block(beyond) => Cause::Block(beyond),
        };
        Err(Withheld { status: self.status, tally: *tally, cause })
    }

    /// The next piece of the body; none at its end. Trailers are put aside.
    async fn next(&mut self) -> Result<Option<Bytes>, Withheld> {
        loop {
            let Some(upstream) = self.upstream.as_mut().filter(|upstream| !upstream.is_end_stream()) else {
                self.upstream = None;
                return Ok(None);
            };
            match poll_fn(|context| Pin::new(&mut *upstream).poll_frame(context)).await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => return Ok(Some(piece)),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Some(Err(error)) => {
                    let cause = Cause::Upstream(error.into());
                    return Err(Withheld { status: self.status, tally: Tally::NOT_COUNTED, cause });
                }
                None => self.upstream = None,
            }
        }
    }

    fn keep(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }
}

fn counted(withheld: Withheld, meter: &Meter) -> Withheld {
    Withheld { tally: meter.so_far(), ..withheld }
}

/// So long at most a reply that stays here is counted on.
const COUNTED_ON_FOR: Duration = Duration::from_secs(2);
/// So long at most more is waited for that shows how a body begins, once it has.
const LEAD_WAITED_FOR: Duration = Duration::from_secs(1);
/// So much white space at most is waited for before a reply counts as one that begins like no file.
const LEAD_BYTES_MAX: usize = 8 * 1024;
