//! What a route may be asked for, settled.

use std::time::Duration;

use crate::domain::asked::{Format, Formats};

/// Where in a request something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A parameter of the query.
    Query(String),
    /// A field of a form.
    Form(String),
    /// A member of a JSON body, by pointer (RFC 6901).
    Json(String),
    /// What a capture of the path takes.
    Path(String),
}

impl Place {
    /// As it is named to people: the parameter, field, pointer or capture.
    pub fn name(&self) -> &str {
        let (Self::Query(name) | Self::Form(name) | Self::Json(name) | Self::Path(name)) = self;
        name
    }
}

crate::domain::closed_list! {
    /// What is done about a number that is not there.
    Missing {
        /// It is added.
        Add = "add",
        /// The request is refused.
        Refuse = "refuse",
        /// It passes as it is.
        Pass = "pass",
    }
}

crate::domain::closed_list! {
    /// What an application takes the number 0 for.
    Zero {
        /// Everything.
        All = "all",
        /// Nothing.
        Nothing = "nothing",
    }
}

/// The largest number that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Where it stands.
    pub place: Place,
    /// The largest, from 1.
    pub max: u64,
    /// What is done where there is none.
    pub missing: Missing,
    /// What 0 means.
    pub zero: Zero,
    /// Numbers without which the application minds no limit, in the same kind of place, and what they are then.
    pub also: Vec<(String, u64)>,
}

/// Formats that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatAsk {
    /// Where it stands.
    pub place: Place,
    /// The application's words, without letter case.
    pub names: Vec<(Format, String)>,
    /// Which of them are allowed.
    pub allow: Formats,
    /// What the application gives where it is told nothing. `None`: it has to be told.
    pub missing: Option<Format>,
}

/// Columns that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnsAsk {
    /// Where they stand: a text with separators, several, or a JSON array.
    pub place: Place,
    /// What stands between two.
    pub separator: char,
    /// Those that are allowed.
    pub allow: Vec<String>,
    /// Whether none need be named. An application mostly gives all then.
    pub may_miss: bool,
}

/// How much time may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanAsk {
    /// Where the first day stands.
    pub from: Place,
    /// Where the last day stands.
    pub to: Place,
    /// How long it may be from the one to the other.
    pub max: Duration,
    /// Whether no last day means until today.
    pub ends_today: bool,
    /// How the application writes dates, beside ISO 8601: of `%Y`, `%m`, `%d`.
    pub dates: Vec<String>,
}

/// At least one of these has to narrow a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchAsk {
    /// Where the words stand.
    pub places: Vec<Place>,
    /// How many letters or digits one of them has at least.
    pub characters: u64,
}

/// Where something may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationAsk {
    /// Where the destinations stand: a text with commas or semicolons, several, or a JSON array.
    pub place: Place,
    /// Those that are allowed: whole, or `@domain` for addresses there.
    pub allow: Vec<String>,
}

/// How many things may be named at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdsAsk {
    /// Where they stand: a text with separators, several, or a JSON array.
    pub place: Place,
    /// What stands between two.
    pub separator: char,
    /// How many.
    pub max: u64,
}

/// What a search of FHIR may ask for. What joins other resources is refused unless it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FhirAsk {
    /// The largest `_count`; added where there is none.
    pub count: Option<u64>,
    /// The elements that may be asked for; `_elements` is added where there is none. Empty: all.
    pub elements: Vec<String>,
    /// Values of `_include`, such as `Observation:subject`.
    pub include: Vec<String>,
    /// Values of `_revinclude`.
    pub revinclude: Vec<String>,
    /// What follows `_has:`.
    pub has: Vec<String>,
    /// Chained parameters, such as `subject:Patient.name`.
    pub chain: Vec<String>,
    /// Words of `_total`. Empty: all.
    pub total: Vec<String>,
}

/// What a route may be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Numbers.
    pub caps: Vec<Cap>,
    /// The format.
    pub format: Option<FormatAsk>,
    /// Columns.
    pub columns: Option<ColumnsAsk>,
    /// Time.
    pub span: Option<SpanAsk>,
    /// Searches for everything.
    pub search: Option<SearchAsk>,
    /// Where it is sent.
    pub destination: Option<DestinationAsk>,
    /// How many are named.
    pub ids: Option<IdsAsk>,
    /// A search of FHIR.
    pub fhir: Option<FhirAsk>,
}

impl Asks {
    /// Whether anything may be asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every place that is looked at.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let span = self.span.iter().flat_map(|span| [&span.from, &span.to]);
        let caps = self.caps.iter().map(|cap| &cap.place);
        let others = [
            self.format.as_ref().map(|ask| &ask.place),
            self.columns.as_ref().map(|ask| &ask.place),
            self.destination.as_ref().map(|ask| &ask.place),
            self.ids.as_ref().map(|ask| &ask.place),
        ];
        let searches = self.search.iter().flat_map(|ask| &ask.places);
        caps.chain(span).chain(others.into_iter().flatten()).chain(searches)
    }
}
