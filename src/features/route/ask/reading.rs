//! A request as the bounds read it, place by place; and as it is sent once something in it was written anew.

use http::uri::PathAndQuery;
use serde_json::Value;

use super::document::Document;
use super::parameters::{Found, Parameters};
use super::settings::Place;
use crate::features::route::body::{Body, BodyFault, Content};
use crate::features::route::media_type::MediaType;
use crate::features::route::quirks::Quirks;
use crate::features::route::settings::Quirk;
use crate::features::route::view::RequestView;
use crate::platform::http::coding::Coding;

/// A request, of which places can be asked.
pub(in crate::features::route) struct Reading<'a> {
    query: Parameters,
    body: Told,
    /// Query and form are one list of parameters: a search of FHIR by POST.
    is_joined: bool,
    folds: bool,
    captures: &'a [(Box<str>, usize)],
    view: &'a RequestView<'a>,
}

/// What the body tells.
enum Told {
    /// There is none, or none that the bounds are about.
    Nothing,
    /// A form.
    Form(Parameters),
    /// JSON.
    Json(Document),
    /// JSON that came coded: it can be read, and not written anew.
    Coded(Document),
}

/// What a request became.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// Its query, if that changed.
    pub query: Option<Vec<u8>>,
    /// Its body, if that changed.
    pub body: Option<Vec<u8>>,
}

impl<'a> Reading<'a> {
    /// Reads a request whose target and body have one reading. `body` is what the body was read as.
    pub(in crate::features::route) fn of(
        target: &PathAndQuery,
        view: &'a RequestView<'a>,
        (body, bytes): (&Body, &[u8]),
        captures: &'a [(Box<str>, usize)],
        (quirks, is_joined): (Quirks, bool),
    ) -> Result<Self, BodyFault> {
        let told = match body.content() {
            Content::Empty | Content::Calls => Told::Nothing,
            Content::Form(fields) => {
                let is_written = MediaType::of(view.headers).is_some_and(|kind| kind.is_url_encoded());
                Told::Form(if is_written { Parameters::read(bytes)? } else { Parameters::of(fields)? })
            }
            Content::Json(value) => {
                let is_coded = Coding::read(view.headers) != Coding::Identity;
                match std::str::from_utf8(bytes).ok().filter(|_| !is_coded) {
                    Some(text) => Told::Json(Document::new(text.to_owned(), value.clone())),
                    None => Told::Coded(Document::new(String::new(), value.clone())),
                }
            }
        };
        Ok(Self {
            query: Parameters::read(target.query().unwrap_or_default().as_bytes())?,
            body: told,
            is_joined,
            folds: quirks.has(Quirk::FoldsCase),
            captures,
            view,
        })
    }

    /// What stands in a place, as text. A number of JSON is its digits; a list or an object is no text.
    pub(in crate::features::route) fn text(&self, place: &Place) -> Found<Option<String>> {
        match place {
            Place::Json(pointer) => match self.document().map_or(Found::Absent, |it| it.find(pointer)) {
                Found::Absent => Found::Absent,
                Found::Unclear => Found::Unclear,
                Found::One(Value::String(text)) => Found::One(Some(text.clone())),
                Found::One(Value::Number(number)) => Found::One(Some(number.to_string())),
                Found::One(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                    Found::One(None)
                }
            },
            Place::Path(name) => match self.capture(name) {
                Some(text) => Found::One(Some(text.to_owned())),
                None => Found::Absent,
            },
            Place::Query(_) | Place::Form(_) => match self.located(place) {
                Found::Absent => Found::Absent,
                Found::Unclear => Found::Unclear,
                Found::One((_, text)) => Found::One(Some(text)),
            },
        }
    }

    /// Every text that any reader could find in a place, as often as it is there. `None`: what is there is
    /// no text, nor a list of such.
    pub(in crate::features::route) fn texts(&self, place: &Place) -> Option<Vec<String>> {
        match place {
            Place::Json(pointer) => match self.document().map_or(Found::Absent, |it| it.find(pointer)) {
                Found::Absent => Some(Vec::new()),
                Found::Unclear => None,
                Found::One(Value::Array(elements)) => elements.iter().map(scalar).collect(),
                Found::One(value) => scalar(value).map(|text| vec![text]),
            },
            Place::Path(name) => Some(self.capture(name).map(str::to_owned).into_iter().collect()),
            // Whichever of the two an application looks into first, all that stands there is looked at.
            Place::Query(name) | Place::Form(name) => {
                let form = self.form().into_iter().flat_map(|form| form.values(name));
                Some(self.query.values(name).chain(form).map(str::to_owned).collect())
            }
        }
    }

    /// Every pair of the query, and of the form where the two are one list.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let form = self.form().filter(|_| self.is_joined);
        self.query.pairs().chain(form.into_iter().flat_map(Parameters::pairs))
    }

    /// Writes a number in a place, in place of what stands there. `None` where that cannot be done.
    pub(super) fn put(&mut self, place: &Place, value: &str) -> Option<()> {
        let folds = self.folds;
        let located = match place {
            Place::Json(pointer) => {
                let Told::Json(document) = &mut self.body else { return None };
                return document.put(pointer, &Value::from(value.parse::<u64>().ok()?));
            }
            Place::Path(_) => return None,
            Place::Query(_) | Place::Form(_) => self.located(place),
        };
        let in_form = match located {
            Found::Unclear => return None,
            Found::One((in_form, _)) => in_form,
            // A server that is searched by POST may look at the form alone.
            Found::Absent => matches!(place, Place::Form(_)) || self.is_joined && self.form().is_some(),
        };
        if in_form {
            let Told::Form(form) = &mut self.body else { return None };
            form.put(place.name(), value, folds)
        } else {
            self.query.put(place.name(), value, folds)
        }
    }

    /// What is sent.
    pub(super) fn written(self) -> Rewritten {
        let body = match self.body {
            Told::Form(form) => form.changed(),
            Told::Json(document) => document.changed(),
            Told::Nothing | Told::Coded(_) => None,
        };
        Rewritten { query: self.query.changed(), body }
    }

    /// What stands in a place of query or form, and whether in the form. What is declared for the one and
    /// stands in the other is unclear: PHP's `$_REQUEST` and servlets look into both.
    fn located(&self, place: &Place) -> Found<(bool, String)> {
        let name = place.name();
        let query = self.query.find(name, self.folds);
        let form = self.form().map_or(Found::Absent, |form| form.find(name, self.folds));
        match (query, form, place) {
            (Found::Absent, Found::Absent, _) => Found::Absent,
            (Found::One(value), Found::Absent, Place::Query(_)) => Found::One((false, value)),
            (Found::Absent, Found::One(value), Place::Form(_)) => Found::One((true, value)),
            (Found::Absent, Found::One(value), Place::Query(_)) if self.is_joined => {
                Found::One((true, value))
            }
            (
                Found::Absent | Found::One(_) | Found::Unclear,
                Found::Absent | Found::One(_) | Found::Unclear,
                Place::Query(_) | Place::Form(_) | Place::Json(_) | Place::Path(_),
            ) => Found::Unclear,
        }
    }

    fn form(&self) -> Option<&Parameters> {
        if let Told::Form(form) = &self.body { Some(form) } else { None }
    }

    fn document(&self) -> Option<&Document> {
        match &self.body {
            Told::Json(document) | Told::Coded(document) => Some(document),
            Told::Nothing | Told::Form(_) => None,
        }
    }

    fn capture(&self, name: &str) -> Option<&str> {
        let (_, position) = self.captures.iter().find(|(known, _)| **known == *name)?;
        self.view.path.decoded.get(*position)
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
