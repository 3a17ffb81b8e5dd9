//! What is sought: the route of a request. Where the body tells routes apart it is read, and what was
//! read is what is forwarded.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use http::request::Parts;
use http_body::Body as _;
use hyper::body::Incoming;

use super::normalize::Normalized;
use super::normalize::fault::Fault;
use super::refusal::Refusal;
use super::rules::Rules;
use crate::domain::patient::PatientRef;
use crate::features::route::body::{Body, BodyNeeds};
use crate::features::route::table::{Recognized, Route};
use crate::features::upstream::send::RequestBody;
use crate::platform::http::body::{Full, ReadBodyError, read_bounded};
use crate::platform::http::pace::{Paced, TooSlow};

/// The route of a request, and its body to be forwarded.
#[derive(Debug)]
pub struct Sought {
    /// The route; `None` where an application is being observed and no route matches.
    pub route: Option<Arc<Route>>,
    /// The patient whom the request names.
    pub patient: Option<PatientRef>,
    /// The body.
    pub body: RequestBody,
}

/// Finds the route.
pub async fn seek(
    rules: &Rules,
    normalized: &Normalized,
    parts: &Parts,
    incoming: Paced<Incoming>,
) -> Result<Sought, Refusal> {
    let view = normalized.view(&parts.method, &parts.headers);
    let recognize = |body: Option<&Body>| rules.routes.recognize(&normalized.application, &view, body);
    if incoming.is_end_stream() {
        return settled(&recognize(Some(&Body::Empty)), RequestBody::default());
    }
    let recognized = recognize(None);
    let Recognized::NeedsBody(needs) = recognized else {
        return settled(&recognized, RequestBody::Streaming(incoming, Rc::new(Cell::new(0))));
    };
    let bytes =
        read_bounded(incoming, rules.guard.request_body_bytes).await.map_err(|error| unread(&error))?;
    let body = read(parts, &bytes, needs)?;
    settled(&recognize(Some(&body)), RequestBody::Held(Full::new(bytes)))
}

fn read(parts: &Parts, bytes: &[u8], needs: BodyNeeds) -> Result<Body, Refusal> {
    Body::read(&parts.headers, bytes, needs).map_err(Refusal::BodyUnreadable)
}

fn settled(recognized: &Recognized<'_>, body: RequestBody) -> Result<Sought, Refusal> {
    match recognized {
        Recognized::Route(matched) => {
            Ok(Sought { route: Some(matched.route.clone()), patient: matched.patient.clone(), body })
        }
        Recognized::Unmatched => Ok(Sought { route: None, patient: None, body }),
        Recognized::NoRoute => Err(Refusal::RouteNotFound),
        Recognized::BodyUnreadable(fault) => Err(Refusal::BodyUnreadable(*fault)),
        Recognized::Ambiguous => {
            Err(Fault::malformed("routes: several match, none is the most specific").into())
        }
        Recognized::MethodOverride => {
            Err(Fault::method(http::StatusCode::BAD_REQUEST, "method: overridden by a parameter").into())
        }
        // It was read, and a table that still asks for it cannot be answered.
        Recognized::NeedsBody(_) => Err(Refusal::Internal),
    }
}

/// A body that is needed and could not be read, as a refusal.
pub fn unread(error: &ReadBodyError) -> Refusal {
    match error {
        ReadBodyError::TooLarge { .. } => Refusal::BodyTooLarge,
        ReadBodyError::Broken(error) if error.is::<TooSlow>() => Refusal::TooSlow,
        ReadBodyError::Broken(_) => Refusal::CallerLeft,
    }
}
