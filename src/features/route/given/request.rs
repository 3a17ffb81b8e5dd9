//! What a request brings that was handed out before, and the patient whom it names outside of its path.

use http::HeaderMap;

use super::settings::{Need, PatientSource, RouteGiven};
use crate::features::route::ask::parameters::Found;
use crate::features::route::ask::reading::Reading;
use crate::features::route::ask::settings::Place;
use crate::features::route::ask::{Asking, read_body};
use crate::features::route::body::{BodyFault, BodyLimits};
use crate::features::route::media_type::may_be_form;
use crate::features::route::recognize::is_search;

/// What a request brings. Prints none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Brings {
    /// Whom it names, where its route says that it is not in the path.
    pub patient: NamedPatient,
    /// What it brings for each of the route's needs, in their order: every text that any reader could find there.
    /// `None`: what is there is no text, nor a list of such.
    pub needed: Vec<Option<Vec<String>>>,
}

/// Whom a request names.
#[derive(Clone, PartialEq, Eq)]
pub enum NamedPatient {
    /// Nobody.
    Nobody,
    /// This patient.
    One(String),
    /// One reader would find another patient than the next.
    Unclear,
}

impl std::fmt::Debug for Brings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Brings({})", self.needed.len())
    }
}

impl std::fmt::Debug for NamedPatient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::One(_) => "One(..)",
            Self::Unclear => "Unclear",
        })
    }
}

impl RouteGiven {
    /// Whether the body has to be there: it tells what is brought, or could tell it once more.
    pub fn minds_body(&self, headers: &HeaderMap) -> bool {
        self.reads() && (self.has_json() || may_be_form(headers))
    }

    /// Reads what a request to the route brings.
    pub fn read(&self, asking: &Asking<'_>, limits: BodyLimits) -> Result<Brings, BodyFault> {
        if !self.reads() {
            return Ok(Brings { patient: NamedPatient::Nobody, needed: Vec::new() });
        }
        let body = read_body(asking, self.has_json(), limits)?;
        let is_joined = is_search(asking.quirks, asking.view);
        let whole = (&body, asking.bytes);
        let reading =
            Reading::of(asking.target, asking.view, whole, asking.captures, (asking.quirks, is_joined))?;
        let patient = match &self.patient {
            PatientSource::Path | PatientSource::Session => NamedPatient::Nobody,
            PatientSource::At(place) => named(reading.text(place)),
        };
        let needed = self.needs.iter().map(|need| reading.texts(&need.at)).collect();
        Ok(Brings { patient, needed })
    }

    fn reads(&self) -> bool {
        self.places().next().is_some()
    }

    fn has_json(&self) -> bool {
        self.places().any(|place| matches!(place, Place::Json(_)))
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        let patient = if let PatientSource::At(place) = &self.patient { Some(place) } else { None };
        patient.into_iter().chain(self.needs.iter().map(|need: &Need| &need.at))
    }
}

fn named(found: Found<Option<String>>) -> NamedPatient {
    match found {
        Found::Absent => NamedPatient::Nobody,
        Found::One(Some(text)) if text.is_empty() => NamedPatient::Nobody,
        Found::One(Some(text)) => NamedPatient::One(text),
        Found::One(None) | Found::Unclear => NamedPatient::Unclear,
    }
}
