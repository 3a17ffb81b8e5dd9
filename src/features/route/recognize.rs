//! What a request is: its route, or why it has none. What is asked is the table; what is read of the
//! body is what the routes there depend on.
//!
//! A request that calls several things by name is recognized once for each of them, and has to be the
//! same route every time.

use std::sync::Arc;

use http::Method;

use super::body::{Body, BodyFault, BodyLimits, BodyNeeds, Content};
use super::fields::{Fields, is_key};
use super::media_type::may_be_form;
use super::quirks::Quirks;
use super::settings::{Quirk, Unmatched};
use super::table::{Application, OVERRIDE_FIELD, Route, RouteTable};
use super::tree::{Choice, Question};
use super::view::{PathView, RequestView};
use crate::domain::patient::PatientRef;

/// What a request was recognized as.
#[must_use]
#[derive(Debug)]
pub enum Recognized<'t> {
    /// A thing to do.
    Route(Matched<'t>),
    /// No route matches, and the application is being observed.
    Unmatched,
    /// No route matches: 404 `route-not-found`.
    NoRoute,
    /// The body has to be read first: [`RouteTable::recognize_whole`].
    NeedsBody(BodyNeeds),
    /// The body cannot be what tells the routes apart: `body-unreadable`.
    BodyUnreadable(BodyFault),
    /// Several routes match and none is the most specific, as when a parameter is given twice:
    /// `request-malformed`.
    Ambiguous,
    /// It calls several things by name, and they are not the same route: `request-malformed`.
    Mixed,
    /// A `_method` parameter would make it another request, and no route asks about it:
    /// `method-rejected`.
    MethodOverride,
}

/// The route of a request.
#[derive(Clone, Debug)]
pub struct Matched<'t> {
    /// What is done.
    pub route: &'t Arc<Route>,
    /// The patient whom the path names by `{patient}`.
    pub patient: Option<PatientRef>,
}

impl RouteTable {
    /// What a request to an application is. `body` is [`Body::none`] if the request has none, and
    /// `None` as long as it has not been read.
    pub fn recognize(
        &self,
        application: &Application,
        view: &RequestView<'_>,
        body: Option<&Body>,
    ) -> Recognized<'_> {
        if let Some(needs) = form_first(application, view, body) {
            return Recognized::NeedsBody(needs);
        }
        if is_search(application.quirks, view) {
            return self.recognize_search(application, view, body);
        }
        self.recognize_as_it_is(application, view, body)
    }

    /// What a request to an application is, whose body is there: reads of it what the routes ask about.
    pub fn recognize_whole(
        &self,
        application: &Application,
        view: &RequestView<'_>,
        bytes: &[u8],
        limits: BodyLimits,
    ) -> (Recognized<'_>, Body) {
        let (mut recognized, mut body) = (self.recognize(application, view, None), Body::none());
        let mut asked = BodyNeeds::default();
        while let Recognized::NeedsBody(needs) = recognized {
            // Each time round the body is read for one thing more than before. What is asked for again is
            // what such a request cannot have.
            if asked.covers(needs) {
                return (Recognized::BodyUnreadable(BodyFault::MediaType), body);
            }
            asked = asked.and(needs);
            match Body::read(view.headers, view.query, bytes, asked, limits) {
                Ok(read) => body = read,
                Err(fault) => return (Recognized::BodyUnreadable(fault), body),
            }
            recognized = self.recognize(application, view, Some(&body));
        }
        (recognized, body)
    }

    /// A search by POST: the search that a GET of the same parameters would be.
    fn recognize_search(
        &self,
        application: &Application,
        view: &RequestView<'_>,
        body: Option<&Body>,
    ) -> Recognized<'_> {
        let Some(body) = body else { return Recognized::NeedsBody(FORM) };
        let form = match body.content() {
            Content::Form(fields) => fields,
            Content::Empty => &Fields::none(),
            Content::Json(_) | Content::Calls => return Recognized::BodyUnreadable(BodyFault::MediaType),
        };
        let mut query = view.query.clone();
        if let Err(fault) = form.iter().try_for_each(|(key, value)| query.push(key, value)) {
            return Recognized::BodyUnreadable(fault.into());
        }
        let path =
            PathView { matched: view.path.matched.without_last(), decoded: view.path.decoded.without_last() };
        let search = RequestView { path, method: &Method::GET, query: &query, headers: view.headers };
        self.recognize_as_it_is(application, &search, Some(&Body::none()))
    }

    fn recognize_as_it_is(
        &self,
        application: &Application,
        view: &RequestView<'_>,
        body: Option<&Body>,
    ) -> Recognized<'_> {
        match self.choose(application, view, body) {
            Some(Choice::Route(index)) => match self.routes().get(index) {
                Some(route) => matched(application, route, view, body),
                None => Recognized::NoRoute,
            },
            Some(Choice::NeedsBody(needs)) => Recognized::NeedsBody(needs),
            Some(Choice::BodyUnreadable(fault)) => Recognized::BodyUnreadable(fault),
            Some(Choice::Ambiguous) => Recognized::Ambiguous,
            Some(Choice::Mixed) => Recognized::Mixed,
            None if overrides_method(view, body) => Recognized::MethodOverride,
            None => match application.unmatched {
                Unmatched::Deny => Recognized::NoRoute,
                Unmatched::Observe => Recognized::Unmatched,
            },
        }
    }

    /// The one choice for all that the request calls by name.
    fn choose(
        &self,
        application: &Application,
        view: &RequestView<'_>,
        body: Option<&Body>,
    ) -> Option<Choice> {
        let tree = self.trees.get(application.index)?;
        let ask = |call| tree.choose(&Question { view, body, call, quirks: application.quirks });
        let Some((first, others)) = body.and_then(|body| body.calls().split_first()) else {
            return ask(None);
        };
        let choice = ask(Some(first));
        if others.iter().all(|call| ask(Some(call)) == choice) { choice } else { Some(Choice::Mixed) }
    }
}

fn matched<'t>(
    application: &Application,
    route: &'t Arc<Route>,
    view: &RequestView<'_>,
    body: Option<&Body>,
) -> Recognized<'t> {
    if !route.settles_override && overrides_method(view, body) {
        return Recognized::MethodOverride;
    }
    let patient = route
        .patient_position
        .and_then(|position| view.path.decoded.get(position))
        .map(|id| PatientRef::new(application.name.clone(), id.to_owned()));
    Recognized::Route(Matched { route, patient })
}

fn overrides_method(view: &RequestView<'_>, body: Option<&Body>) -> bool {
    let overrides = |key: &str| is_key(key, OVERRIDE_FIELD, true);
    let in_body = match body.map(Body::content) {
        Some(Content::Form(fields)) => fields.iter().any(|(key, _)| overrides(key)),
        Some(Content::Json(document)) => {
            document.as_object().is_some_and(|members| members.keys().any(|key| overrides(key)))
        }
        Some(Content::Empty | Content::Calls) | None => false,
    };
    in_body || view.query.iter().any(|(key, _)| overrides(key))
}

/// Where a form can be another request than its method says, it is read before anything else.
fn form_first(application: &Application, view: &RequestView<'_>, body: Option<&Body>) -> Option<BodyNeeds> {
    let asks = application.quirks.has(Quirk::MethodOverride)
        && body.is_none()
        && *view.method == Method::POST
        && may_be_form(view.headers);
    asks.then_some(FORM)
}

const FORM: BodyNeeds = BodyNeeds { form: true, json: false, rpc: false, graphql: false };

/// Whether this is a search by POST, which the application reads as a GET.
pub(super) fn is_search(quirks: Quirks, view: &RequestView<'_>) -> bool {
    let path = view.path.decoded;
    quirks.has(Quirk::FhirSearch)
        && *view.method == Method::POST
        && path.len().checked_sub(1).and_then(|last| path.get(last)) == Some("_search")
}
