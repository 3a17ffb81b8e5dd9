//! What is sought: the route of a request. Where the body tells routes apart it is read, and what was
//! read is what is forwarded. Where it holds requests of their own (a batch), each is sought by itself,
//! as if it had come alone.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use http::uri::PathAndQuery;
use http_body::Body as _;
use hyper::body::Incoming;

use super::normalize::fault::Fault;
use super::normalize::framing::check_method;
use super::normalize::query::Query;
use super::normalize::{Normalized, locate};
use super::refusal::Refusal;
use super::rules::Rules;
use crate::domain::patient::PatientRef;
use crate::features::route::ask::Asking;
use crate::features::route::body::BodyFault;
use crate::features::route::bundle::{self, Entry};
use crate::features::route::given::request::{Brings, NamedPatient};
use crate::features::route::recognize::Recognized;
use crate::features::route::settings::Entries;
use crate::features::route::table::{Application, Route};
use crate::features::route::view::RequestView;
use crate::features::upstream::send::RequestBody;
use crate::platform::http::body::{Full, ReadBodyError, is_misframed, read_bounded};
use crate::platform::http::pace::{Paced, TooSlow};

/// The route of a request, and its body to be forwarded.
#[derive(Debug)]
pub struct Sought {
    /// What the request itself is.
    pub part: Part,
    /// What the requests are that its body holds, in their order.
    pub entries: Vec<Part>,
    /// The body.
    pub body: RequestBody,
}

/// What one request is.
#[derive(Clone, Debug)]
pub struct Part {
    /// The route; `None` where an application is being observed and no route matches.
    pub route: Option<Arc<Route>>,
    /// The patient whom the request names; or, where its route says so, whose record its session has open.
    pub patient: Option<PatientRef>,
    /// What it brings that has to have been given, where its route needs anything.
    pub brings: Option<Rc<Brings>>,
}

/// Finds the route.
pub async fn seek(
    rules: &Rules,
    normalized: &Normalized,
    parts: &Parts,
    incoming: Paced<Incoming>,
) -> Result<Sought, Refusal> {
    let view = normalized.view(&parts.method, &parts.headers);
    let (table, application) = (&rules.routes, &normalized.application);
    let bytes = if incoming.is_end_stream() {
        Bytes::new()
    } else {
        let recognized = table.recognize(application, &view, None);
        if !matches!(recognized, Recognized::NeedsBody(_)) && !minds_body(&recognized, &parts.headers) {
            let body = RequestBody::Streaming(incoming, Rc::new(Cell::new(0)));
            let part = read(rules, application, part(&recognized)?, (normalized.target(), &view), &[])?;
            return Ok(Sought { part, entries: Vec::new(), body });
        }
        read_bounded(incoming, rules.guard.request_body_bytes).await.map_err(|error| unread(&error))?
    };
    seek_whole(rules, normalized, parts, bytes)
}

/// Finds the route where the whole body is at hand.
pub fn seek_whole(
    rules: &Rules,
    normalized: &Normalized,
    parts: &Parts,
    bytes: Bytes,
) -> Result<Sought, Refusal> {
    let view = normalized.view(&parts.method, &parts.headers);
    let (table, application) = (&rules.routes, &normalized.application);
    let (recognized, body) = table.recognize_whole(application, &view, &bytes, rules.body_limits());
    let part = read(rules, application, part(&recognized)?, (normalized.target(), &view), &bytes)?;
    let entries = match part.route.as_ref().and_then(|route| route.entries) {
        None => Vec::new(),
        Some(Entries::Fhir) => {
            let entries = bundle::entries(&body, normalized.path.as_str()).map_err(unreadable)?;
            let entry = |(number, entry): (u32, &Entry)| {
                seek_entry(rules, normalized, &parts.headers, entry).map_err(|why| why.of_entry(number))
            };
            (1..).zip(&entries).map(entry).collect::<Result<_, _>>()?
        }
    };
    Ok(Sought { part, entries, body: RequestBody::Held(Full::new(bytes)) })
}

/// Finds the route of a request that another's body holds: by the same reading and the same table.
fn seek_entry(
    rules: &Rules,
    normalized: &Normalized,
    headers: &HeaderMap,
    entry: &Entry,
) -> Result<Part, Refusal> {
    check_method(&entry.method)?;
    let (application, path) = locate(&rules.routes, &normalized.head.authority.host, &entry.target)?;
    if application.index != normalized.application.index {
        return Err(Fault::misdirected("entry: another application's").into());
    }
    let query = Query::read(&entry.target)?;
    let view = RequestView { path: path.view(), method: &entry.method, query: query.fields(), headers };
    let recognized = rules.routes.recognize(application, &view, Some(&entry.body));
    // What only another kind of body would tell is nothing that an entry can hold.
    if matches!(recognized, Recognized::NeedsBody(_)) {
        return Err(unreadable(BodyFault::Bundle));
    }
    let part = part(&recognized)?;
    // A batch in a batch.
    if part.route.as_ref().is_some_and(|route| route.entries.is_some()) {
        return Err(unreadable(BodyFault::Bundle));
    }
    // What would be looked for in its body cannot be found there, and what is missing is nobody's.
    read(rules, application, part, (&entry.target, &view), &[])
}

/// A part with what it brings, and the patient whom it names where its route says.
pub fn read(
    rules: &Rules,
    application: &Application,
    mut part: Part,
    (target, view): (&PathAndQuery, &RequestView<'_>),
    bytes: &[u8],
) -> Result<Part, Refusal> {
    let Some(route) = &part.route else { return Ok(part) };
    let Some(given) = &route.given else { return Ok(part) };
    let asking = Asking { target, view, bytes, quirks: application.quirks, captures: &route.captures };
    let brings = given.read(&asking, rules.body_limits()).map_err(unreadable)?;
    match &brings.patient {
        NamedPatient::Nobody => {}
        NamedPatient::One(id) => {
            part.patient = Some(PatientRef::new(application.name.clone(), id.clone()));
        }
        NamedPatient::Unclear => {
            return Err(Fault::malformed("patient: named in two ways").into());
        }
    }
    part.brings = Some(Rc::new(brings));
    Ok(part)
}

/// Whether what may be asked for, or what is brought, is told by the body.
fn minds_body(recognized: &Recognized<'_>, headers: &HeaderMap) -> bool {
    let Recognized::Route(matched) = recognized else { return false };
    matched.route.asks.as_ref().is_some_and(|asks| asks.minds_body(headers))
        || matched.route.given.as_ref().is_some_and(|given| given.minds_body(headers))
}

fn part(recognized: &Recognized<'_>) -> Result<Part, Refusal> {
    match recognized {
        Recognized::Route(matched) => {
            Ok(Part { route: Some(matched.route.clone()), patient: matched.patient.clone(), brings: None })
        }
        Recognized::Unmatched => Ok(Part { route: None, patient: None, brings: None }),
        Recognized::NoRoute => Err(Refusal::RouteNotFound),
        Recognized::BodyUnreadable(fault) => Err(unreadable(*fault)),
        Recognized::Ambiguous => {
            Err(Fault::malformed("routes: several match, none is the most specific").into())
        }
        Recognized::Mixed => Err(Fault::malformed("routes: several calls that are not the same one").into()),
        Recognized::MethodOverride => {
            Err(Fault::method(http::StatusCode::BAD_REQUEST, "method: overridden by a parameter").into())
        }
        // It was read, and a table that still asks for it cannot be answered.
        Recognized::NeedsBody(_) => Err(Refusal::Internal),
    }
}

/// A body that cannot be what it has to be, as a refusal.
pub fn unreadable(fault: BodyFault) -> Refusal {
    if fault == BodyFault::TooLarge { Refusal::BodyTooLarge } else { Refusal::BodyUnreadable(fault) }
}

/// A body that is needed and could not be read, as a refusal.
pub fn unread(error: &ReadBodyError) -> Refusal {
    match error {
        ReadBodyError::TooLarge { .. } => Refusal::BodyTooLarge,
        ReadBodyError::Broken(error) if error.is::<TooSlow>() => Refusal::TooSlow,
        ReadBodyError::Broken(error) if is_misframed(&**error) => Fault::MISFRAMED.into(),
        ReadBodyError::Broken(_) => Refusal::CallerLeft,
    }
}
