//! Who may ask now: before anything is read of a request but its head, and before anybody else is asked.
//!
//! People who are signed in come first. They are measured by who they are, and a part of the room is
//! kept for them; all others are measured by where they come from.

use std::time::Instant;

use http::Version;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use hyper::body::Incoming;

use super::handle::Moment;
use super::limits::NotNow;
use super::refusal::Refusal;
use crate::features::session::Found;
use crate::platform::http::pace::{Pace, Paced};

/// Lets a request go on, or says that it is one too many.
pub fn pass(moment: &Moment, found: &Found) -> Result<(), Refusal> {
    match found {
        Found::Session(session) => {
            let rules = &moment.current.rules;
            let limits = &moment.worker.shared.limits;
            limits.request_by(&session.subject.id(), &rules.limits, Instant::now())?;
            moment.pulse.footing().of(limits, &rules.limits, || session.subject.id());
            Ok(())
        }
        Found::Locked(_) | Found::Expired | Found::Ended | Found::Elsewhere | Found::None => stranger(moment),
    }
}

/// The same for a request of which nobody knows who sent it, one that cannot be read among them.
pub fn stranger(moment: &Moment) -> Result<(), Refusal> {
    let settings = &moment.current.rules.limits;
    moment.worker.shared.limits.request_from(moment.client, settings, Instant::now())?;
    let for_all = 100_usize.saturating_sub(settings.reserved_percent);
    if moment.worker.room.is_fuller_than(for_all) {
        return Err(Refusal::Overloaded);
    }
    Ok(())
}

/// Lets a sign-in begin or come back. Each asks something of the provider, and is kept in memory for a while.
pub fn sign_in(moment: &Moment) -> Result<(), Refusal> {
    let settings = &moment.current.rules.limits;
    moment.worker.shared.limits.sign_in_from(moment.client, settings, Instant::now())?;
    Ok(())
}

/// What was let in as a sign-in was none, and does not count as one.
pub fn no_sign_in(moment: &Moment) {
    let settings = &moment.current.rules.limits;
    moment.worker.shared.limits.no_sign_in_from(moment.client, settings, Instant::now());
}

/// A request's body, which has to come at some rate; but for calls of gRPC in HTTP/2, whose body is a
/// conversation and may pause.
pub fn paced(moment: &Moment, parts: &Parts, incoming: Incoming) -> Paced<Incoming> {
    let kind = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let talks =
        parts.version == Version::HTTP_2 && kind.is_some_and(|kind| kind.starts_with(b"application/grpc"));
    Paced::new(incoming, if talks { Pace::Any } else { moment.current.rules.limits.body })
}

impl From<NotNow> for Refusal {
    fn from(NotNow(wait): NotNow) -> Self {
        Self::TooManyRequests(wait)
    }
}
