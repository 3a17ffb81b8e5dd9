//! What there is to decide about: the applications, their routes, and what can be known of a person.
//!
//! Whoever puts the house together fills it from the settled configuration.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, ProviderName, RouteName};
use crate::domain::assurance::AssuranceClass;
use crate::domain::category::{Categories, Protection};
use crate::domain::field::FieldName;
use crate::domain::told::FactWords;

/// What there is to decide about.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The applications.
    pub applications: Vec<CatalogApplication>,
    /// The routes of all applications. A question names its route by the position in this list.
    pub routes: Vec<CatalogRoute>,
    /// Which classes of assurance each provider can prove.
    pub classes: BTreeMap<ProviderName, BTreeSet<AssuranceClass>>,
    /// Our words for the attributes that providers tell of a person, or feeds do in their place.
    pub attributes: BTreeSet<String>,
    /// What feeds tell.
    pub facts: FactWords,
    /// The kinds of data, with their law.
    pub categories: Categories,
}

/// An application, as far as rules are concerned.
#[derive(Clone, Debug)]
pub struct CatalogApplication {
    /// Its name.
    pub name: ApplicationName,
    /// The providers at which its people sign in; never empty.
    pub providers: Vec<ProviderName>,
}

/// A route, as far as rules are concerned.
#[derive(Clone, Debug)]
pub struct CatalogRoute {
    /// Its application.
    pub application: ApplicationName,
    /// Its name, unique within the application.
    pub route: RouteName,
    /// What is done.
    pub action: Action,
    /// To which kinds of data.
    pub categories: Vec<Category>,
    /// How these are protected beyond all others.
    pub protection: Protection,
    /// Whether everybody may pass, so that no rule is asked.
    pub public: bool,
    /// Whether its requests may be about a patient who is known.
    pub concerns_patient: bool,
    /// What it asks for besides once a rule permits it, in words: what has to have been given to whoever asks.
    pub besides: Vec<String>,
    /// Fields of its reply that rules may withhold.
    pub fields: Vec<CatalogField>,
}

/// A field of a reply, as far as rules are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogField {
    /// Its name, unique within the route.
    pub name: FieldName,
    /// To which kinds of data it belongs beyond those of the route.
    pub categories: Vec<Category>,
}

impl Catalog {
    /// The position of a route.
    pub fn position(&self, application: &ApplicationName, route: &RouteName) -> Option<usize> {
        self.routes.iter().position(|known| known.application == *application && known.route == *route)
    }

    /// The application of this name.
    pub(super) fn application(&self, name: &ApplicationName) -> Option<&CatalogApplication> {
        self.applications.iter().find(|application| application.name == *name)
    }

    /// Whether `provider` can prove `class`.
    pub(super) fn proves(&self, provider: &ProviderName, class: &AssuranceClass) -> bool {
        self.classes.get(provider).is_some_and(|classes| classes.contains(class))
    }

    /// The attributes that a rule may read, beside those that every user has.
    pub(super) fn further_attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .map(String::as_str)
            .filter(|name| !ALWAYS_KNOWN.contains(name) && *name != "name")
    }
}

/// The attributes of a user that are never unknown.
pub(super) const ALWAYS_KNOWN: [&str; 4] = ["issuer", "sub", "provider", "groups"];
