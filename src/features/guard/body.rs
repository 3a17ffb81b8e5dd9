//! The body of a released reply: counts what passes, and breaks off where a limit says so.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::count::Tally;
use super::ledger::{Amounts, Claim};
use super::limit::{Terms, Verdict};
use super::meter::Meter;
use super::redact::{Fault, Redaction};
use super::spill::Spilled;
use super::trailers::Trailers;
use crate::domain::count::Count;
use crate::domain::field::EventRedacted;
use crate::domain::limit::Exceeded;
use crate::domain::listed::Listed;
use crate::domain::reply_shape::LargestArray;
use crate::platform::http::pace::TooSlow;
use crate::platform::spill::SpillError;

/// What a failing body says.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The application broke off.
    #[error("the application broke its reply off")]
    Upstream(#[source] BoxError),
    /// What follows would be beyond the minimum necessary.
    #[error("the reply was broken off at a limit")]
    Limit,
    /// What is withheld cannot be taken out of what follows.
    #[error("the reply was broken off, since nothing can be taken out of what follows")]
    Redaction(#[source] Fault),
    /// What waited on the disk does not come back.
    #[error("the reply was broken off, since what follows cannot be read back")]
    Spill(#[source] SpillError),
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedHow {
    /// Its last byte was handed on.
    Complete,
    /// The application broke off.
    UpstreamFailed,
    /// The application fell silent.
    UpstreamStalled,
    /// It was broken off at a limit.
    LimitReached,
    /// It was broken off where what is withheld could not be taken out.
    RedactionFailed,
    /// It was broken off where what waited on the disk did not come back.
    SpillFailed,
    /// The caller left.
    Dropped,
}

/// What was released, for the closing entry of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseRecord {
    /// Records that the reply carried; a lower bound if it did not come to its end. Of one that was cut, those that were handed
    /// on: how many came is in the verdict.
    pub records: Count,
    /// Distinct patients, alike.
    pub patients: Count,
    /// Bytes of the body that were released.
    pub bytes: u64,
    /// How it ended, or would have if it were dropped now.
    pub ended: EndedHow,
    /// What the count came to.
    pub verdict: Verdict,
    /// Whether it was a file although the action is only to look.
    pub found_file: bool,
}

impl ReleaseRecord {
    /// What was counted.
    pub const fn tally(&self) -> Tally {
        Tally { records: self.records, patients: self.patients }
    }

    /// The limit that was passed.
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.verdict.beyond().and_then(super::limit::Beyond::exceeded)
    }
}

/// The body of a released reply. Hands on the original bytes of the application, but for what is withheld, and such
/// trailers as may pass.
pub struct GuardedBody<B> {
    /// Counted and not yet handed on.
    queue: VecDeque<Bytes>,
    /// The same, behind the queue, on the disk. Seldom there.
    spilled: Option<Box<Spilled>>,
    /// What is still to come; none once the application has ended.
    upstream: Option<B>,
    /// To be handed on after the last piece.
    trailers: Option<HeaderMap>,
    watch: Watch,
    bytes: u64,
    ended: Option<EndedHow>,
    /// A piece has come, or the end, and was not judged.
    is_new: bool,
    /// What the whole body came to, once it has come, and what is left of it to hand on.
    finished: Option<(Tally, Bytes)>,
    /// The same, once it is known whether it may pass.
    settled: Option<(Tally, Verdict)>,
    on_end: Option<Box<dyn FnOnce(ReleaseRecord)>>,
}

/// How the body is watched.
pub(super) struct Watch {
    pub(super) trailers: Trailers,
    pub(super) meter: Meter,
    /// What is withheld is taken out after the counting. Seldom there.
    pub(super) redaction: Option<Box<Redaction>>,
    pub(super) terms: Terms,
    pub(super) taken_away: bool,
    /// A count may still break it off. The last piece is then held back until the whole is known to be
    /// within its limit, so that what is broken off never looks complete.
    pub(super) may_deny: bool,
    /// What it takes of the person's windows, where these bound what it holds.
    pub(super) claim: Option<Box<Claim>>,
    /// What being beyond a window has come to.
    pub(super) window: Verdict,
    /// Bytes that came.
    pub(super) came: u64,
    /// What the whole body came to, where that was known before anything of it was released.
    pub(super) whole: Option<Box<Tally>>,
    /// How many bytes had come when its records were beyond the number after which it is cut.
    pub(super) cut_after: Option<u64>,
}

impl Watch {
    /// So many bytes have come, and were counted, before it was known how they are watched.
    pub(super) fn begin(&mut self, came: u64) {
        self.came = came;
        if let Some(claim) = self.claim.as_mut().filter(|_| self.taken_away) {
            claim.take_away();
        }
        if self.claim.is_some() {
            self.take_room(&self.meter.so_far());
        }
    }

    /// Counts the next piece, and takes room for it.
    pub(super) fn count(&mut self, piece: &[u8]) {
        self.meter.push(piece);
        self.came += piece.len() as u64;
        if self.claim.is_some() {
            self.take_room(&self.meter.so_far());
        }
    }

    /// Counts the next piece, and takes room for it; what of it may pass.
    pub(super) fn take(&mut self, piece: Bytes) -> Result<Bytes, Fault> {
        self.count(&piece);
        match &mut self.redaction {
            Some(redaction) => {
                let passed = redaction.push(&piece)?;
                if redaction.is_misfit() { Err(Fault::Misfit) } else { Ok(passed) }
            }
            None => Ok(piece),
        }
    }

    /// The body is complete.
    pub(super) fn finish(&mut self) -> Tally {
        if let Some(whole) = &self.whole {
            return **whole;
        }
        let tally = self.meter.finish();
        self.take_room(&tally);
        tally
    }

    /// Whether what is still to come may keep all of it from passing.
    pub(super) const fn may_still_deny(&self) -> bool {
        self.may_deny && self.meter.is_counting()
    }

    /// What it comes to: by itself, and with what its person has had already.
    pub(super) fn judge(&self, tally: &Tally) -> Verdict {
        // A page that is too large to tell what went wrong holds what nobody counts, as a file would.
        let hides_data = self.may_deny
            && matches!(tally.records, Count::Unknown(_))
            && self.meter.is_large_page_for_data();
        let of_records = self.terms.judge(tally, self.taken_away || hides_data);
        // What is cut off is not handed on.
        let of_bytes = self.terms.judge_bytes(self.cut_after.unwrap_or(self.came), self.taken_away);
        graver(graver(of_records, of_bytes), self.window)
    }

    fn take_room(&mut self, tally: &Tally) {
        let Some(claim) = self.claim.as_mut().filter(|_| self.window.passes()) else { return };
        let terms = &self.terms;
        let (records, cut_at) = (tally.records.at_least(), terms.cut_at(self.taken_away));
        // Whom only what is cut off names is named to nobody.
        let named = Some(self.meter.take_named()).filter(|_| self.cut_after.is_none()).unwrap_or_default();
        let bytes = self.cut_after.unwrap_or(self.came);
        if cut_at.is_some_and(|most| records > most) {
            self.cut_after = Some(bytes);
        }
        let so_far = Amounts { records: cut_at.map_or(records, |most| records.min(most)), bytes };
        let passes = |exceeded| terms.exceeds(exceeded).passes();
        if let Err(exceeded) = claim.grow(so_far, &named, passes, terms.binds()) {
            self.window = terms.exceeds(exceeded);
        }
    }

    /// Whether the room for what has come is known: other nodes may take of the same windows.
    pub(super) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(claim) = &mut self.claim
            && let Err(refused) = ready!(claim.poll_asked(context))
        {
            self.window = self.terms.refused(refused);
            if self.window.passes() {
                claim.pass_anyway();
            }
        }
        Poll::Ready(())
    }

    /// The body has ended: what is left of it.
    pub(super) fn finish_redaction(&mut self) -> Result<Bytes, Fault> {
        self.redaction.as_mut().map_or_else(|| Ok(Bytes::new()), |redaction| redaction.finish())
    }
}

/// What a reply comes to by two of its numbers. Of a window that is full, or of a file that is too large, not even the first records
/// pass.
const fn graver(first: Verdict, second: Verdict) -> Verdict {
    let is_second_light = matches!(second, Verdict::Within | Verdict::Advise(_));
    let gives_way = match first {
        Verdict::Within => true,
        Verdict::Advise(_) | Verdict::Truncate(_) => !is_second_light,
        Verdict::Needs(..) | Verdict::Redact(_) | Verdict::Block(_) => false,
    };
    if gives_way { second } else { first }
}

/// How a body is broken off, and what it says then.
type Stop = (EndedHow, GuardError);

const LIMIT: Stop = (EndedHow::LimitReached, GuardError::Limit);

const fn unredactable(fault: Fault) -> Stop {
    (EndedHow::RedactionFailed, GuardError::Redaction(fault))
}

impl<B> GuardedBody<B> {
    /// A body of which `queue` was counted already and `upstream` is to come.
    pub(super) const fn streaming(queue: VecDeque<Bytes>, upstream: B, watch: Watch) -> Self {
        Self::new(queue, Some(upstream), watch)
    }

    /// A body that is all there and was judged.
    pub(super) fn complete(
        queue: VecDeque<Bytes>,
        trailers: Option<HeaderMap>,
        watch: Watch,
        tally: Tally,
        verdict: Verdict,
    ) -> Self {
        let trailers = trailers.and_then(|trailers| watch.trailers.admit(&trailers));
        let mut body = Self::new(queue, None, watch);
        body.trailers = trailers;
        body.settled = Some((tally, verdict));
        body
    }

    /// The same, with what waits on the disk behind its pieces.
    pub(super) fn followed_by(mut self, spilled: Option<Box<Spilled>>) -> Self {
        self.spilled = spilled;
        self
    }

    const fn new(queue: VecDeque<Bytes>, upstream: Option<B>, watch: Watch) -> Self {
        Self {
            queue,
            spilled: None,
            upstream,
            trailers: None,
            watch,
            bytes: 0,
            ended: None,
            is_new: false,
            finished: None,
            settled: None,
            on_end: None,
        }
    }

    /// Has `tell` called once, when the last byte was handed on, the reply broke off or the caller left.
    pub fn on_end(&mut self, tell: impl FnOnce(ReleaseRecord) + 'static) {
        self.on_end = Some(Box::new(tell));
    }

    /// What was released so far.
    pub fn record(&self) -> ReleaseRecord {
        let (tally, verdict) = self.settled.unwrap_or_else(|| {
            let tally = self.watch.meter.so_far();
            (tally, self.watch.judge(&tally))
        });
        let handed_on = self.watch.redaction.as_ref().and_then(|redaction| redaction.handed_on());
        let Tally { records, patients } = handed_on.unwrap_or(tally);
        ReleaseRecord {
            records,
            patients,
            bytes: self.bytes,
            ended: self.ended.unwrap_or(self.ended_if_dropped()),
            verdict,
            found_file: self.is_found_file(),
        }
    }

    /// Whom the reply listed, as events call them: nobody where that is not to be kept, or where nobody can tell how many they
    /// were. To be asked once, when it is told how the reply ended.
    pub fn take_listed(&mut self) -> Option<Listed> {
        let is_known = match self.record().patients {
            Count::Exactly(_) | Count::AtLeast(_) => true,
            Count::Unknown(_) | Count::NotCounted => false,
        };
        let listed = match self.watch.redaction.as_mut().filter(|redaction| redaction.is_cut()) {
            Some(cut) => cut.take_listed(),
            None => self.watch.meter.take_listed(),
        };
        listed.filter(|_| is_known)
    }

    /// Where its largest array stands, where that was looked for.
    pub fn largest(&self) -> Option<LargestArray> {
        self.watch.meter.largest()
    }

    /// What was withheld so far; none where nothing is to be.
    pub fn redacted(&self) -> Option<EventRedacted> {
        let record = self.watch.redaction.as_ref().map(|redaction| redaction.record());
        // One that is only cut has no fields.
        record.filter(|record| !record.fields.is_empty() || record.body_left_out)
    }

    /// Whether the reply is a file to keep although the action is only to look: an export all the same.
    pub const fn is_found_file(&self) -> bool {
        self.watch.taken_away && !self.watch.terms.action.takes_away()
    }

    fn ended_if_dropped(&self) -> EndedHow {
        let is_all_told = self.queue.is_empty() && self.spilled_bytes() == 0 && self.trailers.is_none();
        if self.upstream.is_none() && is_all_told { EndedHow::Complete } else { EndedHow::Dropped }
    }

    /// What waits on the disk.
    fn spilled_bytes(&self) -> u64 {
        self.spilled.as_ref().map_or(0, |spilled| spilled.left())
    }

    fn end(&mut self, how: EndedHow) {
        if self.ended.is_none() {
            self.ended = Some(how);
            self.queue.clear();
            self.spilled = None;
            self.trailers = None;
            self.upstream = None;
            if let Some(tell) = self.on_end.take() {
                tell(self.record());
            }
        }
    }

    /// The application has ended.
    fn finish(&mut self) -> Result<(), Stop> {
        self.upstream = None;
        self.is_new = true;
        let tally = self.watch.finish();
        self.finished = Some((tally, self.watch.finish_redaction().map_err(unredactable)?));
        Ok(())
    }

    /// Whether what has come may pass. The room for it is known.
    fn judge(&mut self) -> Result<(), Stop> {
        if !std::mem::take(&mut self.is_new) {
            return Ok(());
        }
        let finished = self.finished.take();
        let tally = finished.as_ref().map_or_else(|| self.watch.meter.so_far(), |(tally, _)| *tally);
        let verdict = self.watch.judge(&tally);
        self.settled = finished.as_ref().map(|_| (tally, verdict));
        if self.watch.may_deny && !verdict.passes() {
            return Err(LIMIT);
        }
        self.queue.extend(finished.map(|(_, rest)| rest).filter(|rest| !rest.is_empty()));
        Ok(())
    }

    /// The next piece that may be handed on.
    fn next_cleared(&mut self) -> Option<Bytes> {
        let held_back = self.watch.may_deny && self.upstream.is_some();
        if held_back && self.queue.len() <= 1 {
            return None;
        }
        self.queue.pop_front()
    }

    /// Counts a piece, and queues what of it may be handed on.
    fn admit(&mut self, piece: Bytes) -> Result<(), Stop> {
        self.is_new = true;
        let piece = self.watch.take(piece).map_err(unredactable)?;
        self.queue.extend(Some(piece).filter(|piece| !piece.is_empty()));
        Ok(())
    }

    fn hand_on(&mut self, piece: Bytes) -> Poll<Option<Result<Frame<Bytes>, GuardError>>> {
        self.bytes += piece.len() as u64;
        if let Some(claim) = &mut self.watch.claim {
            claim.keep();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn break_off(&mut self, (how, error): Stop) -> Poll<Option<Result<Frame<Bytes>, GuardError>>> {
        self.end(how);
        Poll::Ready(Some(Err(error)))
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = GuardError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GuardError>>> {
        let this = self.get_mut();
        loop {
            ready!(this.watch.poll_room(context));
            if let Err(stop) = this.judge() {
                return this.break_off(stop);
            }
            if let Some(piece) = this.next_cleared() {
                return this.hand_on(piece);
            }
            if let Some(spilled) = &mut this.spilled {
                match ready!(spilled.poll_next(context)) {
                    Ok(Some(piece)) => return this.hand_on(piece),
                    Ok(None) => this.spilled = None,
                    Err(error) => {
                        tracing::error!(%error, "what was held of a reply cannot be read back");
                        return this.break_off((EndedHow::SpillFailed, GuardError::Spill(error)));
                    }
                }
            }
            let Some(upstream) = &mut this.upstream else {
                if let Some(trailers) = this.trailers.take() {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                this.end(EndedHow::Complete);
                return Poll::Ready(None);
            };
            match ready!(Pin::new(&mut *upstream).poll_frame(context)) {
                Some(Ok(frame)) => {
                    // Whoever writes the body may leave once it has all that was announced, without asking for
                    // the end: the end is taken with the last piece.
                    let is_last = upstream.is_end_stream();
                    let piece = match frame.into_data() {
                        Ok(piece) => piece,
                        Err(frame) => {
                            this.trailers =
                                frame.into_trailers().ok().and_then(|came| this.watch.trailers.admit(&came));
                            continue;
                        }
                    };
                    let ended = this.admit(piece).and_then(|()| if is_last { this.finish() } else { Ok(()) });
                    if let Err(stop) = ended {
                        return this.break_off(stop);
                    }
                }
                Some(Err(error)) => {
                    let error: BoxError = error.into();
                    let stalled = error.is::<TooSlow>();
                    let how = if stalled { EndedHow::UpstreamStalled } else { EndedHow::UpstreamFailed };
                    return this.break_off((how, GuardError::Upstream(error)));
                }
                None => {
                    if let Err(stop) = this.finish() {
                        return this.break_off(stop);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.queue.is_empty()
            && self.spilled_bytes() == 0
            && self.trailers.is_none()
            && match &self.upstream {
                None => true,
                Some(upstream) => {
                    let is_withheld = self.watch.may_deny || self.watch.redaction.is_some();
                    !is_withheld && upstream.is_end_stream()
                }
            }
    }

    fn size_hint(&self) -> SizeHint {
        let queued = self.queue.iter().map(|piece| piece.len() as u64).sum::<u64>() + self.spilled_bytes();
        let Some(upstream) = &self.upstream else { return SizeHint::with_exact(queued) };
        let mut hint = SizeHint::new();
        // What is taken out has no length that is known before.
        if self.watch.redaction.is_some() {
            hint.set_lower(queued);
            return hint;
        }
        let rest = upstream.size_hint();
        hint.set_lower(queued + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(queued + upper);
        }
        hint
    }
}

impl<B> Drop for GuardedBody<B> {
    fn drop(&mut self) {
        self.end(self.ended_if_dropped());
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("bytes", &self.bytes)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
