//! Applications and their routes, settled.

use super::pattern::PathPattern;
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, ProviderName, RouteName};
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
    /// The provider at which its people sign in.
    pub provider: ProviderName,
    /// What happens to a request that no route matches.
    pub unmatched: Unmatched,
    /// Paths whose requests are no sign of a person: they do not keep a session alive.
    pub idle_ignore: Vec<PathPattern>,
    /// How this application reads paths where others read them differently.
    pub quirks: Vec<Quirk>,
    /// Its routes.
    pub routes: Vec<RouteSettings>,
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
    /// A way in which an application reads paths.
    Quirk {
        /// Letter case does not matter (IIS).
        FoldsCase = "folds_case",
        /// `%2F` within a segment is wanted.
        EncodedSlash = "encoded_slash",
        /// `;name=value` parameters within a segment are wanted (Java servlets).
        PathParameters = "path_parameters",
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
    /// To which kinds of data.
    pub categories: Vec<Category>,
    /// How its reply is counted.
    pub reply: Option<ReplyShape>,
    /// Who may pass.
    pub access: Access,
    /// Bounds of each WebSocket that is opened through it.
    pub websocket: WebSocketBounds,
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
    /// Conditions on headers; the key is a lower-case name.
    pub header: Vec<Condition>,
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
