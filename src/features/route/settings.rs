//! Applications and their routes, settled.

use std::sync::Arc;

use super::ask::settings::Asks;
use super::given::settings::{GivenSettings, RouteGiven};
use super::pattern::PathPattern;
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, ProviderName, RouteName};
use crate::domain::field::Field;
use crate::domain::given::WhenUnknown;
use crate::domain::patience::Patience;
use crate::domain::reply_shape::ReplyShape;
use crate::domain::websocket::WebSocketBounds;

/// An application: what is protected.
#[derive(Clone, Debug)]
pub struct ApplicationSettings {
    /// Its name, in events and rules.
    pub name: ApplicationName,
    /// The host names under which callers reach it, lower case, without a port.
    pub hosts: Vec<String>,
    /// The path below which it lives, beginning and ending in `/`. Default: `/`.
    pub path: String,
    /// The providers at which its people sign in; never empty.
    pub providers: Vec<ProviderName>,
    /// What happens to a request that no route matches.
    pub unmatched: Unmatched,
    /// Paths whose requests are no sign of a person: they do not keep a session alive.
    pub idle_ignore: Vec<PathPattern>,
    /// How this application reads paths where others read them differently.
    pub quirks: Vec<Quirk>,
    /// The kinds of things that it hands out, where more is said of them than by its routes.
    pub given: Vec<GivenSettings>,
    /// What is done about a request for the patient whose record is open, where that is not known.
    pub patient_unknown: WhenUnknown,
    /// What people do while it is down.
    pub downtime: Option<Arc<Downtime>>,
    /// Its routes.
    pub routes: Vec<RouteSettings>,
}

/// What people do while an application is down, in the words of the house. One of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// What to do: at most 1000 characters, in one paragraph.
    pub instructions: Option<String>,
    /// Where what was known last can be looked up: an `https` address.
    pub read_only: Option<String>,
}

/// What happens to a request that no route matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// It is refused with 404 `route-not-found`.
    Deny,
    /// Whoever is signed in may pass; it is recorded as `unmatched-observed`. For learning weeks.
    Observe,
}

crate::domain::closed_list! {
    /// A way in which an application reads requests.
    Quirk {
        /// Letter case does not matter (IIS).
        FoldsCase = "folds_case",
        /// `%2F` within a segment is wanted.
        EncodedSlash = "encoded_slash",
        /// `;name=value` parameters within a segment are wanted (Java servlets).
        PathParameters = "path_parameters",
        /// A POST to `…/_search` is the search that a GET would be, its form the parameters (FHIR).
        FhirSearch = "fhir_search",
        /// A field `_method` makes a posted form another request (Rails, Laravel, Spring).
        MethodOverride = "method_override",
        /// A body is read as JSON whatever its media type says, where `cap` or `ask` look into it (Orthanc).
        JsonOfAnyType = "json_of_any_type",
    }
}

crate::domain::closed_list! {
    /// What kind of GraphQL operation.
    OperationKind {
        /// It reads.
        Query = "query",
        /// It changes something.
        Mutation = "mutation",
        /// It waits for events.
        Subscription = "subscription",
    }
}

crate::domain::closed_list! {
    /// What the body of a route holds, each a request of its own and decided on its own.
    Entries {
        /// The entries of a FHIR `batch` or `transaction`.
        Fhir = "fhir",
    }
}

/// A route: a recognizable thing to do.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// Its name, unique within the application.
    pub name: RouteName,
    /// What it looks like.
    pub matching: Match,
    /// What is done.
    pub action: Action,
    /// Whether a page does it by itself, so that it is no sign of a person.
    pub background: bool,
    /// Whether a form that could not be sent through it is kept for its person.
    pub hold: bool,
    /// Whether its reply may be cut after the last record that is allowed.
    pub truncate: bool,
    /// Fields of its form that are taken anew from the page where a form was kept.
    pub fresh_fields: Vec<String>,
    /// To which kinds of data.
    pub categories: Vec<Category>,
    /// How its reply is counted.
    pub reply: Option<ReplyShape>,
    /// Fields of its reply that may be withheld.
    pub fields: Vec<Field>,
    /// Who may pass.
    pub access: Access,
    /// Bounds of each WebSocket that is opened through it.
    pub websocket: WebSocketBounds,
    /// How long the application is waited for.
    pub patience: Patience,
    /// The requests that its body holds.
    pub entries: Option<Entries>,
    /// What it may be asked for.
    pub asks: Option<Arc<Asks>>,
    /// What it hands out, needs, and has to do with the patient of a session.
    pub given: Option<Arc<RouteGiven>>,
}

impl RouteSettings {
    /// A route of which only this is said: for whom the policy permits, by any method, not counted.
    pub fn new(name: RouteName, action: Action, path: PathPattern) -> Self {
        Self {
            name,
            matching: Match::at(path),
            action,
            background: false,
            hold: true,
            truncate: false,
            fresh_fields: Vec::new(),
            categories: Vec::new(),
            reply: None,
            fields: Vec::new(),
            access: Access::Policy,
            websocket: WebSocketBounds::default(),
            patience: Patience::default(),
            entries: None,
            asks: None,
            given: None,
        }
    }
}

/// Who may pass a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whom the policy permits.
    Policy,
    /// Everybody, without sign-in; still recorded.
    Public,
}

/// What a route looks like: everything that is given must hold.
#[derive(Clone, Debug)]
pub struct Match {
    /// The methods; empty: any.
    pub methods: Vec<http::Method>,
    /// The path.
    pub path: PathPattern,
    /// Conditions on the query's parameters.
    pub query: Vec<Condition>,
    /// Conditions on the fields of a form body (URL-encoded or multipart).
    pub form: Vec<Condition>,
    /// Conditions on a JSON body; the key is a pointer (RFC 6901).
    pub json: Vec<Condition>,
    /// Conditions on what a request calls by name; the key is one of those in [`super::call`].
    pub calls: Vec<Condition>,
    /// Conditions on headers; the key is a lower-case name.
    pub header: Vec<Condition>,
}

impl Match {
    /// Whatever has this path.
    pub const fn at(path: PathPattern) -> Self {
        Self {
            methods: Vec::new(),
            path,
            query: Vec::new(),
            form: Vec::new(),
            json: Vec::new(),
            calls: Vec::new(),
            header: Vec::new(),
        }
    }
}

/// A condition on one parameter, field, member or header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which.
    pub key: String,
    /// What must hold. Where a key comes more than once, any of its values that matches counts.
    pub test: Test,
}

/// What must hold for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there, with whatever value; a bare key counts.
    Present,
    /// It is not there.
    Absent,
    /// It has exactly this value.
    Equals(String),
    /// It has one of these values.
    OneOf(Vec<String>),
}
