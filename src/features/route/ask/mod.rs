//! What a route may be asked for: the request's side of the minimum necessary.
//!
//! A number that is too large is lowered before anything is sent, a page size that is not there is added;
//! formats, columns, time, searches, joins, destinations and numbers of ids are refused beyond what is
//! declared. What is judged is what is sent: a parameter that readers would find twice, in two places or
//! under another spelling is refused, never chosen from. What a volume may not deny (under treatment, say)
//! is told and passes.

mod bounds;
mod cap;
mod dates;
mod document;
mod fhir;
pub(super) mod parameters;
pub(super) mod reading;
pub mod settings;
#[cfg(test)]
mod tests;

use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use jiff::civil::Date;

pub use self::dates::is_format as is_date_format;
pub use self::document::entry_addresses;
use self::reading::Reading;
pub use self::reading::Rewritten;
use self::settings::{Asks, Place};
use super::body::{Body, BodyFault, BodyLimits, BodyNeeds};
use super::media_type::may_be_form;
use super::quirks::Quirks;
use super::recognize::is_search;
use super::settings::Quirk;
use super::view::RequestView;
use crate::domain::asked::{EventAsked, Formats, Overreach};
use crate::domain::reason::Reason;

/// A request that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Path and query.
    pub target: &'a PathAndQuery,
    /// What the routes see of it.
    pub view: &'a RequestView<'a>,
    /// Its whole body, where [`Asks::minds_body`].
    pub bytes: &'a [u8],
    /// How the application reads requests.
    pub quirks: Quirks,
    /// The captures of the route's path: names, and which segment each takes.
    pub captures: &'a [(Box<str>, usize)],
}

/// What the person may ask for, whatever the route says; and how it is now.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The largest page.
    pub page_size: Option<u64>,
    /// How many days one may look back.
    pub days_back: Option<u64>,
    /// The formats.
    pub formats: Option<Formats>,
    /// Whether a volume may deny, under the legal basis of the purpose.
    pub may_deny: bool,
    /// Whether what is beyond the role's own numbers is only noted.
    pub advises: bool,
    /// The day where the gateway is.
    pub today: Date,
    /// How much of a body is read.
    pub limits: BodyLimits,
}

/// Why a request is not sent.
#[derive(Debug)]
pub enum NotAsked {
    /// It asks for too much.
    Beyond(Overreach),
    /// Its body cannot be read.
    Unreadable(BodyFault),
}

impl From<Overreach> for NotAsked {
    fn from(overreach: Overreach) -> Self {
        Self::Beyond(overreach)
    }
}

impl From<BodyFault> for NotAsked {
    fn from(fault: BodyFault) -> Self {
        Self::Unreadable(fault)
    }
}

impl Asks {
    /// Whether the body has to be there: it tells what is asked for, or could tell it once more.
    pub fn minds_body(&self, headers: &HeaderMap) -> bool {
        self.has_json() || may_be_form(headers)
    }

    /// Brings a request within the bounds: what it became, and what was done; or why it is not sent.
    pub fn admit(&self, asking: &Asking<'_>, bounds: &Bounds) -> Result<(Rewritten, EventAsked), NotAsked> {
        let body = read_body(asking, self.has_json(), bounds.limits)?;
        // A search of FHIR by POST has its parameters in both (R4, 3.1.1.1.1).
        let is_joined = self.fhir.is_some() || is_search(asking.quirks, asking.view);
        let mut asked = EventAsked::default();
        let mut reading = Reading::of(
            asking.target,
            asking.view,
            (&body, asking.bytes),
            asking.captures,
            (asking.quirks, is_joined),
        )?;
        self.check(&reading, bounds, &mut asked)?;
        for cap in &self.caps {
            cap.apply(&mut reading, bounds.page_size, &mut asked)?;
        }
        if let Some(fhir) = &self.fhir {
            fhir.apply(&mut reading, bounds.page_size, &mut asked)?;
        }
        if bounds.may_deny
            && let Some(first) = asked.beyond.first()
        {
            return Err(first.clone().into());
        }
        self.check_back(&reading, bounds, &mut asked)?;
        Ok((reading.written(), asked))
    }

    /// Looks at what is not rewritten. What only a volume is beyond goes into `asked`; all else is refused.
    fn check(&self, reading: &Reading<'_>, bounds: &Bounds, asked: &mut EventAsked) -> Result<(), Overreach> {
        let found = [
            self.format.as_ref().and_then(|ask| ask.check(reading, bounds.formats)),
            self.columns.as_ref().and_then(|ask| ask.check(reading)),
            self.destination.as_ref().and_then(|ask| ask.check(reading)),
            self.span.as_ref().and_then(|ask| ask.check(reading, bounds.today)),
            self.search.as_ref().and_then(|ask| ask.check(reading)),
            self.ids.as_ref().and_then(|ask| ask.check(reading)),
        ];
        for overreach in found.into_iter().flatten() {
            if !is_volume(overreach.reason) {
                return Err(overreach);
            }
            asked.beyond.push(overreach);
        }
        Ok(())
    }

    fn check_back(
        &self,
        reading: &Reading<'_>,
        bounds: &Bounds,
        asked: &mut EventAsked,
    ) -> Result<(), Overreach> {
        let (Some(span), Some(days)) = (&self.span, bounds.days_back) else { return Ok(()) };
        let Some(overreach) = span.check_back(reading, bounds.today, days) else { return Ok(()) };
        if bounds.may_deny && !bounds.advises {
            return Err(overreach);
        }
        asked.beyond.push(overreach);
        Ok(())
    }

    fn has_json(&self) -> bool {
        self.places().any(|place| matches!(place, Place::Json(_)))
    }
}

/// Reads the body of a request in which places are looked for; `json` says that some stand in JSON. A form is always
/// read: what stands in the query could stand there too.
pub(super) fn read_body(asking: &Asking<'_>, json: bool, limits: BodyLimits) -> Result<Body, BodyFault> {
    let (headers, query) = (asking.view.headers, asking.view.query);
    let needs = BodyNeeds { form: may_be_form(headers), json, rpc: false, graphql: false };
    if asking.bytes.is_empty() || !(needs.form || needs.json) {
        return Ok(Body::none());
    }
    if needs.json && asking.quirks.has(Quirk::JsonOfAnyType) {
        let mut headers = headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Body::read(&headers, query, asking.bytes, BodyNeeds { form: false, ..needs }, limits);
    }
    Body::read(headers, query, asking.bytes, needs, limits)
}

/// Whether it is how much is asked for, and not what.
const fn is_volume(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::PageSizeRejected | Reason::SearchTooWide | Reason::SpanTooWide | Reason::TooManyIds
    )
}
