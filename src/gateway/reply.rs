//! Replies: the body that carries its event to the last byte, and the headers of what we make ourselves.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::access::Access;
use super::draft::Draft;
use super::observed;
use super::pulse::UnderWay;
use crate::domain::event::{Closing, Outcome};
use crate::domain::field::EventRedacted;
use crate::domain::listed::Listed;
use crate::domain::reason::Reason;
use crate::features::guard::body::{EndedHow, GuardedBody, ReleaseRecord};
use crate::features::guard::limit::Beyond;
use crate::features::rewrite::body::Rewritten;
use crate::features::upstream::headers::REQUEST_ID;
use crate::features::upstream::send;
use crate::foundation::id::RequestId;
use crate::platform::http::body::{BoxError, Full};
use crate::platform::http::replay::Replay;

/// The body of an application's reply, on its way to the guard.
pub type Carried = Replay<Rewritten<send::ReplyBody>>;

/// The body of a reply. Ends its event when the last byte has gone, or when it is dropped before.
#[derive(Debug, Default)]
pub struct ReplyBody {
    content: Content,
    draft: Option<Draft>,
    outcome: Option<Outcome>,
    bytes: u64,
    under_way: Option<UnderWay>,
    /// The access that a released reply leaves by; none where it has no body.
    access: Option<Box<Access>>,
    /// Why it breaks off, which is told once what came before has left: hyper lets go of what it has not written yet, be it
    /// the head, as soon as it hears of it.
    broken: Option<BoxError>,
}

/// Why a reply was broken off before its end.
#[derive(Debug, thiserror::Error)]
#[error("the access that opened the reply has ended")]
struct AccessEnded;

#[derive(Debug)]
enum Content {
    /// What we say ourselves.
    Own(Full),
    /// What the application says, as far as it may pass.
    Released(Box<GuardedBody<Carried>>),
}

impl Default for Content {
    fn default() -> Self {
        Self::Own(Full::default())
    }
}

impl ReplyBody {
    /// What we say ourselves; the event ends with `outcome`.
    pub fn own(bytes: Bytes, draft: Option<Draft>, outcome: Outcome) -> Self {
        Self {
            content: Content::Own(Full::new(bytes)),
            draft,
            outcome: Some(outcome),
            bytes: 0,
            under_way: None,
            access: None,
            broken: None,
        }
    }

    /// What the application says, released; the event ends as the release does, or with the access.
    pub fn released(body: Box<GuardedBody<Carried>>, access: Option<Box<Access>>, draft: Draft) -> Self {
        let content = Content::Released(body);
        Self { content, draft: Some(draft), outcome: None, bytes: 0, under_way: None, access, broken: None }
    }

    /// Its request is under way for as long as this is there.
    #[must_use]
    pub fn during(mut self, under_way: UnderWay) -> Self {
        self.under_way = Some(under_way);
        self
    }

    /// The access has ended: nothing that is still to come may leave.
    fn cut(&mut self, reason: Reason) {
        if let (Content::Released(body), Some(mut draft)) = (&mut self.content, self.draft.take()) {
            let (redacted, listed) = (body.redacted(), body.take_listed());
            draft.end(|closing| {
                note(closing, &body.record(), redacted, listed);
                observed::note(closing, body.largest());
                closing.reason = Some(reason);
            });
            draft.close(Outcome::Aborted);
        }
        self.content = Content::default();
        self.access = None;
    }

    /// Ends the event, as far as it has not ended.
    fn close(&mut self) {
        let Some(mut draft) = self.draft.take() else { return };
        let bytes = self.bytes;
        let outcome = match &mut self.content {
            Content::Own(_) => {
                draft.end(|closing| closing.bytes_out = bytes);
                self.outcome.unwrap_or(Outcome::Completed)
            }
            Content::Released(body) => {
                let mut outcome = Outcome::Completed;
                let mut released = body.record();
                // Nobody asks a body for its end that says that it is at its end.
                if released.ended == EndedHow::Dropped && body.is_end_stream() {
                    released.ended = EndedHow::Complete;
                }
                let (redacted, listed) = (body.redacted(), body.take_listed());
                draft.end(|closing| {
                    outcome = note(closing, &released, redacted, listed);
                    observed::note(closing, body.largest());
                });
                outcome
            }
        };
        if outcome == Outcome::Aborted && self.under_way.as_ref().is_some_and(UnderWay::is_cut) {
            draft.end(|closing| closing.reason = Some(Reason::RequestTimeout));
        }
        draft.close(outcome);
    }
}

/// What was released, as the closing entry tells it.
fn note(
    closing: &mut Closing,
    released: &ReleaseRecord,
    redacted: Option<EventRedacted>,
    listed: Option<Listed>,
) -> Outcome {
    closing.bytes_out = released.bytes;
    closing.records = released.records;
    closing.patients = released.patients;
    closing.listed = listed;
    closing.exceeded = released.exceeded().or(closing.exceeded);
    closing.on_exceed = released.verdict.on_exceed().or(closing.on_exceed);
    closing.found_file = released.found_file;
    closing.redacted = redacted.map(Box::new);
    match released.ended {
        EndedHow::Complete => Outcome::Completed,
        EndedHow::UpstreamFailed => {
            closing.reason = Some(Reason::UpstreamAborted);
            Outcome::Aborted
        }
        EndedHow::UpstreamStalled => {
            closing.reason = Some(Reason::UpstreamTimeout);
            Outcome::Aborted
        }
        EndedHow::LimitReached => {
            let beyond = released.verdict.beyond().map(Beyond::reason);
            closing.reason = Some(beyond.unwrap_or(Reason::ExportOverRequestLimit));
            Outcome::Aborted
        }
        EndedHow::RedactionFailed => {
            closing.reason = Some(Reason::RedactionImpossible);
            Outcome::Aborted
        }
        EndedHow::SpillFailed => {
            closing.reason = Some(Reason::InternalError);
            Outcome::Aborted
        }
        EndedHow::Dropped => {
            closing.reason = Some(Reason::CallerLeft);
            Outcome::Aborted
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(under_way) = &this.under_way {
            under_way.asked();
        }
        if let Some(reason) = this.access.as_mut().and_then(|access| access.ended_by_now()) {
            this.cut(reason);
            return Poll::Ready(Some(Err(AccessEnded.into())));
        }
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = match &mut this.content {
            Content::Own(full) => ready!(Pin::new(full).poll_frame(context)),
            Content::Released(body) => match Pin::new(&mut **body).poll_frame(context) {
                Poll::Ready(frame) => frame.map(|frame| frame.map_err(Into::into)),
                Poll::Pending => {
                    if let Some(access) = &mut this.access {
                        access.remind(context);
                    }
                    return Poll::Pending;
                }
            },
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(under_way) = &this.under_way {
                    under_way.gave();
                }
                this.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                if this.is_end_stream() {
                    this.close();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.close();
                this.broken = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => {
                this.close();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none()
            && match &self.content {
                Content::Own(full) => full.is_end_stream(),
                Content::Released(body) => body.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(full) => full.size_hint(),
            Content::Released(body) => body.size_hint(),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        // hyper does not ask for the end of a body that says it is at its end, nor for any of a HEAD.
        // And what was cut is told of with what had gone.
        if self.is_end_stream() || self.under_way.as_ref().is_some_and(UnderWay::is_cut) {
            self.close();
        }
    }
}

/// Says on each reply that we make why it is as it is.
pub const REASON: HeaderName = HeaderName::from_static("x-leastway-reason");

/// What a page may load: our own stylesheet, and nothing else; forms go to us, and by redirect to providers.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The head of a reply that we make ourselves: never stored, never framed, never sniffed.
pub fn own_head(status: StatusCode, reason: Option<Reason>, event: RequestId) -> Response<()> {
    let mut reply = Response::new(());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    if let Some(reason) = reason {
        headers.insert(REASON, HeaderValue::from_static(reason.as_str()));
    }
    name_request(headers, event);
    reply
}

/// Writes the request's identifier into a reply's head.
pub fn name_request(headers: &mut HeaderMap, event: RequestId) {
    if let Ok(value) = HeaderValue::from_str(event.encode(&mut [0; 36])) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Adds a text of the given media type to a head.
pub fn with_text(head: Response<()>, media_type: &'static str, text: String) -> Response<Bytes> {
    let mut reply = head.map(|()| Bytes::from(text));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

/// The media type of our pages.
pub const HTML: &str = "text/html; charset=utf-8";
/// The media type of problems (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";
/// The media type of what programs are told that know no problems.
pub const JSON: &str = "application/json";
/// The media type of SCIM (RFC 7644 8.1).
pub const SCIM: &str = "application/scim+json";
/// The media type of FHIR.
pub const FHIR: &str = "application/fhir+json";
