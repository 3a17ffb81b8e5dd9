//! What is sent is within the bounds, or nothing is sent.

mod bounds;
mod caps;
mod searches;

use http::{HeaderMap, HeaderValue, Method};

use super::settings::{Asks, Cap, Missing, Place, Zero};
use super::{Asking, Bounds, NotAsked};
use crate::domain::asked::{Allowed, EventAsked, Lowered};
use crate::domain::reason::Reason;
use crate::features::route::body::{BodyFault, BodyLimits};
use crate::features::route::fields::Fields;
use crate::features::route::quirks::Quirks;
use crate::features::route::settings::Quirk;
use crate::features::route::view::{PathView, RequestView, Segments, Span};

/// What is asked with which words, and under which terms.
struct Ask<'a> {
    target: &'a str,
    media_type: &'a str,
    coding: Option<&'static str>,
    body: &'a str,
    quirks: &'a [Quirk],
    bounds: Bounds,
}

const BOUNDS: Bounds = Bounds {
    page_size: None,
    days_back: None,
    formats: None,
    may_deny: true,
    advises: false,
    today: jiff::civil::date(2026, 11, 28),
    limits: BodyLimits { bytes_max: 64 * 1024, ratio_max: 200 },
};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl<'a> Ask<'a> {
    const fn get(target: &'a str) -> Self {
        Self { target, media_type: "", coding: None, body: "", quirks: &[], bounds: BOUNDS }
    }

    const fn post(media_type: &'a str, body: &'a str) -> Self {
        Self { media_type, body, ..Self::get("/do") }
    }

    /// What is sent, query and body, and what was done; or why nothing is.
    fn of(&self, asks: &Asks) -> Result<(String, String, EventAsked), NotAsked> {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let mut spans = Vec::new();
        let mut start = 1;
        for part in path.split('/').skip(1) {
            spans.push(Span::new(start, start + part.len()));
            start += part.len() + 1;
        }
        let segments = Segments::new(path, &spans);
        let mut headers = HeaderMap::new();
        if !self.media_type.is_empty() {
            headers.insert("content-type", HeaderValue::from_str(self.media_type).unwrap());
        }
        if let Some(coding) = self.coding {
            headers.insert("content-encoding", HeaderValue::from_static(coding));
        }
        let fields = Fields::parse(query.as_bytes()).unwrap();
        let method = if self.body.is_empty() { Method::GET } else { Method::POST };
        let view = RequestView {
            path: PathView { matched: segments, decoded: segments },
            method: &method,
            query: &fields,
            headers: &headers,
        };
        let asking = Asking {
            target: &self.target.parse().unwrap(),
            view: &view,
            bytes: self.body.as_bytes(),
            quirks: self.quirks.iter().copied().collect::<Quirks>(),
            captures: &[("place".into(), 1)],
        };
        let (rewritten, asked) = asks.admit(&asking, &self.bounds)?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ok((
            rewritten.query.map_or_else(|| query.to_owned(), text),
            rewritten.body.map_or_else(|| self.body.to_owned(), text),
            asked,
        ))
    }

    /// The query that is sent, or the reason.
    fn query(&self, asks: &Asks) -> Result<String, Reason> {
        self.of(asks).map(|(query, _, _)| query).map_err(|not| reason(&not))
    }

    /// The body that is sent, or the reason.
    fn sent(&self, asks: &Asks) -> Result<String, Reason> {
        self.of(asks).map(|(_, body, _)| body).map_err(|not| reason(&not))
    }
}

fn reason(not: &NotAsked) -> Reason {
    match not {
        NotAsked::Beyond(overreach) => overreach.reason,
        NotAsked::Unreadable(_) => Reason::BodyUnreadable,
    }
}

fn cap(place: Place, max: u64) -> Cap {
    Cap { place, max, missing: Missing::Add, zero: Zero::All, also: Vec::new() }
}

fn caps(cap: Cap) -> Asks {
    Asks { caps: vec![cap], ..Asks::default() }
}

fn in_query(name: &str) -> Place {
    Place::Query(name.to_owned())
}

fn in_json(pointer: &str) -> Place {
    Place::Json(pointer.to_owned())
}
