//! What is asked for, brought within what the routes and the role allow, before it is journaled and sent.
//!
//! What is sent after a number was lowered is read once more from the beginning: it has to be the same
//! routes, for it is them that were decided about.

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderName;
use http::request::Parts;
use http::uri::PathAndQuery;
use jiff::civil::Date;

use super::draft::Draft;
use super::normalize::query::Query;
use super::normalize::{Normalized, locate};
use super::passage::Passage;
use super::refusal::Refusal;
use super::sought::{Part, seek_whole, unreadable};
use crate::domain::asked::EventAsked;
use crate::domain::limit::OnExceed;
use crate::features::guard::limit::Terms;
use crate::features::route::ask::settings::Asks;
use crate::features::route::ask::{self, Asking, Bounds, NotAsked, Rewritten};
use crate::features::route::body::{Body, BodyFault, BodyNeeds};
use crate::features::route::bundle::{self, Entry};
use crate::features::route::table::Route;
use crate::features::route::view::RequestView;
use crate::features::upstream::send::RequestBody;
use crate::platform::http::body::Full;

impl Passage<'_> {
    /// The target and body that are sent: those that came, or what they became.
    pub(super) fn asking(
        &self,
        terms: &Terms,
        parts: &mut Parts,
        body: RequestBody,
        draft: &mut Option<Draft>,
    ) -> Result<(PathAndQuery, RequestBody), Refusal> {
        let target = self.normalized.target();
        if !self.parts().any(|part| asked_route(part).is_some()) {
            return Ok((target.clone(), body));
        }
        let bytes = match &body {
            RequestBody::Held(full) => full.bytes(),
            RequestBody::Streaming(..) => Bytes::new(),
        };
        let mut asked = EventAsked::default();
        let rewritten = self.bring_within(&self.bounds(terms), parts, &bytes, &mut asked);
        if let Some(draft) = draft.as_mut().filter(|_| !asked.is_empty()) {
            draft.open(|opening| opening.asked = Some(Box::new(asked)));
        }
        let Some(rewritten) = rewritten? else { return Ok((target.clone(), body)) };
        let target = match rewritten.query {
            Some(query) => at_query(target, &query)?,
            None => target.clone(),
        };
        let Some(bytes) = rewritten.body else {
            self.check_same(parts, &target, bytes)?;
            return Ok((target, body));
        };
        // They are about the bytes that came.
        for digest in DIGESTS {
            parts.headers.remove(digest);
        }
        let bytes = Bytes::from(bytes);
        self.check_same(parts, &target, bytes.clone())?;
        Ok((target, RequestBody::Held(Full::new(bytes))))
    }

    fn bounds(&self, terms: &Terms) -> Bounds {
        let rules = &self.moment.current.rules;
        Bounds {
            page_size: terms.limits.page_size,
            days_back: terms.limits.days_back,
            formats: terms.limits.formats,
            may_deny: terms.basis.volume_may_deny(),
            advises: terms.limits.on_exceed == OnExceed::Advise,
            today: self.today(),
            limits: rules.body_limits(),
        }
    }

    /// The day where the gateway is.
    fn today(&self) -> Date {
        let now = self.moment.now.as_millis();
        let moment = jiff::Timestamp::from_millisecond(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.moment.current.rules.policy.zone().to_datetime(moment).date()
    }

    /// The request itself, then each of those that its body holds. `None`: it is sent as it came.
    fn bring_within(
        &self,
        bounds: &Bounds,
        parts: &Parts,
        bytes: &Bytes,
        asked: &mut EventAsked,
    ) -> Result<Option<Rewritten>, Refusal> {
        let mut rewritten = Rewritten::default();
        if let Some(route) = asked_route(&self.part) {
            let view = self.normalized.view(&parts.method, &parts.headers);
            rewritten = self.admit_asked(route, (self.normalized.target(), &view), (bytes, bounds), asked)?;
        }
        if self.entries.iter().any(|entry| asked_route(entry).is_some()) {
            let body = rewritten.body.as_deref().unwrap_or(bytes);
            let written = self.entries_within(bounds, &parts.headers, body, asked)?;
            rewritten.body = written.or(rewritten.body);
        }
        Ok((rewritten.query.is_some() || rewritten.body.is_some()).then_some(rewritten))
    }

    fn admit_asked(
        &self,
        (route, asks): (&Route, &Asks),
        (target, view): (&PathAndQuery, &RequestView<'_>),
        (bytes, bounds): (&[u8], &Bounds),
        asked: &mut EventAsked,
    ) -> Result<Rewritten, Refusal> {
        let quirks = self.application.quirks;
        let asking = Asking { target, view, bytes, quirks, captures: &route.captures };
        match asks.admit(&asking, bounds) {
            Ok((rewritten, more)) => {
                asked.and(more);
                Ok(rewritten)
            }
            Err(NotAsked::Beyond(overreach)) => {
                // Nothing was sent, so that nothing was lowered.
                *asked = EventAsked { beyond: vec![overreach.clone()], ..EventAsked::default() };
                Err(Refusal::Asked(overreach))
            }
            Err(NotAsked::Unreadable(fault)) => Err(unreadable(fault)),
        }
    }

    /// The body with the addresses of its entries as they are sent, if any of them changed.
    fn entries_within(
        &self,
        bounds: &Bounds,
        headers: &HeaderMap,
        bytes: &[u8],
        asked: &mut EventAsked,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let query = self.normalized.query.fields();
        let limits = self.moment.current.rules.body_limits();
        let body = Body::read(headers, query, bytes, JSON, limits).map_err(unreadable)?;
        let entries = bundle::entries(&body, self.normalized.path.as_str()).map_err(unreadable)?;
        let mut changes = Vec::new();
        for (number, (entry, part)) in (1..).zip(entries.iter().zip(&self.entries)) {
            let Some(route) = asked_route(part) else { continue };
            let rewritten = self
                .entry_within(entry, route, headers, bounds, asked)
                .map_err(|refusal| refusal.of_entry(number))?;
            changes.extend(rewritten.query.map(|query| (number, query)));
        }
        if changes.is_empty() {
            return Ok(None);
        }
        with_queries(bytes, &changes).map(Some).ok_or_else(|| unreadable(BodyFault::Bundle))
    }

    fn entry_within(
        &self,
        entry: &Entry,
        route: (&Route, &Asks),
        headers: &HeaderMap,
        bounds: &Bounds,
        asked: &mut EventAsked,
    ) -> Result<Rewritten, Refusal> {
        let host = &self.normalized.head.authority.host;
        let (_, path) = locate(&self.moment.current.rules.routes, host, &entry.target)?;
        let query = Query::read(&entry.target)?;
        let view = RequestView { path: path.view(), method: &entry.method, query: query.fields(), headers };
        self.admit_asked(route, (&entry.target, &view), (&[], bounds), asked)
    }

    /// Whether what is sent is what was decided about.
    fn check_same(&self, parts: &Parts, target: &PathAndQuery, bytes: Bytes) -> Result<(), Refusal> {
        let head = self.normalized.head.clone().at(target.clone());
        let sent = Normalized { head, query: Query::read(target)?, ..self.normalized.clone() };
        let sought = seek_whole(&self.moment.current.rules, &sent, parts, bytes)?;
        let route = |part: &Part| part.route.as_ref().map(|route| route.index);
        // What it brings was looked at, and is not what a cap may change.
        let brings = |part: &Part| part.brings.clone();
        let same = route(&sought.part) == route(&self.part)
            && sought.entries.iter().map(route).eq(self.entries.iter().map(route))
            && brings(&sought.part) == brings(&self.part)
            && sought.entries.iter().map(brings).eq(self.entries.iter().map(brings));
        // The configuration refuses caps that would tell routes apart, but not for routes beside.
        if same { Ok(()) } else { Err(Refusal::Internal) }
    }
}

/// The route of a part and what it may be asked for, if not anything.
fn asked_route(part: &Part) -> Option<(&Route, &Asks)> {
    let route = part.route.as_deref()?;
    route.asks.as_deref().map(|asks| (route, asks))
}

fn at_query(target: &PathAndQuery, query: &[u8]) -> Result<PathAndQuery, Refusal> {
    let written = [target.path().as_bytes(), query].join(&b'?');
    PathAndQuery::try_from(written).map_err(|_| Refusal::Internal)
}

/// A bundle in which these entries, by their numbers from 1, have other queries.
fn with_queries(bundle: &[u8], changes: &[(u32, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut text = std::str::from_utf8(bundle).ok()?.to_owned();
    let places: Vec<Range<usize>> = ask::entry_addresses(&text)?;
    // From the end, so that the places before stay where they are.
    for (number, query) in changes.iter().rev() {
        let place = places.get(usize::try_from(*number).ok()?.checked_sub(1)?)?.clone();
        let address: String = serde_json::from_str(text.get(place.clone())?).ok()?;
        let path = address.split('?').next().unwrap_or_default();
        let address = format!("{path}?{}", std::str::from_utf8(query).ok()?);
        text.replace_range(place, &serde_json::Value::from(address).to_string());
    }
    Some(text.into_bytes())
}

const JSON: BodyNeeds = BodyNeeds { form: false, json: true, rpc: false, graphql: false };

/// Fields of digests over a body (RFC 9530, RFC 3230, RFC 1864).
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];
