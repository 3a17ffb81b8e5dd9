//! What routes hand out and need, settled.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;

use crate::domain::given::{GivenName, GivenTo, WhenUnknown};
use crate::domain::reply_shape::RecordsPointer;
use crate::features::route::ask::settings::Place;

/// A kind of thing that an application hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenSettings {
    /// Its name.
    pub name: GivenName,
    /// Whose it is. Default: the session's.
    pub to: GivenTo,
    /// How long it is remembered, from when it was handed out last. 1 minute to 30 days, default 12 hours.
    pub lifetime: Duration,
    /// What is done about a request that brings one that is not known. Default: it is refused.
    pub unknown: WhenUnknown,
}

impl GivenSettings {
    /// A kind of which only the name is said.
    pub const fn named(name: GivenName) -> Self {
        Self {
            name,
            to: GivenTo::Session,
            lifetime: Duration::from_secs(12 * 60 * 60),
            unknown: WhenUnknown::Deny,
        }
    }
}

/// What a route hands out, needs, and has to do with the patient of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteGiven {
    /// Where its requests name their patient.
    pub patient: PatientSource,
    /// Whether they open that patient's record for those that follow.
    pub sets_patient: bool,
    /// What its replies hand out.
    pub gives: Vec<Give>,
    /// What its requests need to have been given.
    pub needs: Vec<Need>,
}

impl RouteGiven {
    /// Whether there is nothing of all this.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a request names its patient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PatientSource {
    /// Where the path has `{patient}`, or nowhere.
    #[default]
    Path,
    /// There.
    At(Place),
    /// Nowhere: it is about the patient whose record its session has open.
    Session,
}

/// What a reply hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Give {
    /// What kind of thing it is.
    pub name: GivenName,
    /// Where it stands.
    pub at: ReplyPlace,
    /// Whether it is the address of a request that brings the thing, and not the thing itself.
    pub is_address: bool,
    /// What is done about an address that leads to somebody else.
    pub elsewhere: Elsewhere,
}

crate::domain::closed_list! {
    /// What is done about a reply that hands out an address which is not the application's: what is behind it is not
    /// guarded.
    Elsewhere {
        /// The reply is withheld.
        Refuse = "refuse",
        /// It passes.
        Pass = "pass",
    }
}

/// Where in a reply something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyPlace {
    /// In a header.
    Header(HeaderName),
    /// The target of a link of this relation, in `Link` (RFC 8288).
    Link(String),
    /// In a JSON body, by pointer; `*` stands for every element.
    Json(RecordsPointer),
    /// Behind this text, wherever that stands in a body of text: as far as unreserved characters reach (RFC 3986 2.3).
    Text(Arc<str>),
}

/// What a request needs to have been given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What kind of thing it is.
    pub name: GivenName,
    /// Where it stands.
    pub at: Place,
}
