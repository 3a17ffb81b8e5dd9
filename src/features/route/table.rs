//! All routes of all applications, settled: built at load, immutable, swapped whole.
//!
//! Which route is the more specific, in this order:
//!
//! 1. Its path, segment by segment from the left: text (one or several), then `{name}`, then `*`, then `**`.
//! 2. With the same path: its conditions (method, query, form, JSON, calls, headers), if they are all that
//!    the other asks for, and more. Counting conditions would not do: adding two harmless parameters to an
//!    export would make it something else.
//!
//! Two routes with the same path of which neither asks for more, and whose conditions can hold
//! together, tie: a problem at load. `format = "csv"` and `format = "pdf"` do not tie, because a
//! parameter has one value; a request that gives it both is ambiguous and is refused.
//!
//! A trailing slash tells no routes apart, and a route for GET is one for HEAD too.

use std::collections::HashMap;
use std::sync::Arc;

use super::ask::settings::Asks;
use super::condition::Relation;
use super::given::settings::{GivenSettings, PatientSource, RouteGiven};
use super::pattern::{PathPattern, Segment};
use super::quirks::Quirks;
use super::settings::{Access, ApplicationSettings, Condition, Downtime, Entries, RouteSettings, Unmatched};
use super::tree::{self, Tree, significant};
use super::view::{PathView, Segments};
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, ProviderName, RouteName};
use crate::domain::field::Field;
use crate::domain::given::{GivenName, WhenUnknown};
use crate::domain::patience::Patience;
use crate::domain::reply_shape::ReplyShape;
use crate::domain::websocket::WebSocketBounds;

/// The capture that names a patient.
pub const PATIENT_CAPTURE: &str = "patient";

/// The field by which several frameworks let a POST be something else.
pub(super) const OVERRIDE_FIELD: &str = "_method";

/// All routes of all applications.
#[derive(Debug)]
pub struct RouteTable {
    hosts: HashMap<Box<str>, Host>,
    applications: Vec<Arc<Application>>,
    routes: Vec<Arc<Route>>,
    /// The routes of each application by their paths.
    pub(super) trees: Vec<Tree>,
}

/// An application, settled.
#[derive(Debug)]
pub struct Application {
    /// Its position in the table, for whoever keeps something per application.
    pub index: usize,
    /// Its name.
    pub name: ApplicationName,
    /// The providers at which its people sign in; never empty.
    pub providers: Vec<ProviderName>,
    /// What happens to a request that no route matches.
    pub unmatched: Unmatched,
    /// How it reads paths.
    pub quirks: Quirks,
    /// What is done about a request for the patient whose record is open, where that is not known.
    pub patient_unknown: WhenUnknown,
    /// What people do while it is down.
    pub downtime: Option<Arc<Downtime>>,
    given: Vec<GivenSettings>,
    idle_ignore: Vec<PathPattern>,
}

/// A route, settled.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none a state")]
pub struct Route {
    /// Its position in the table over all applications, for whoever keeps something per route.
    pub index: usize,
    /// Its name.
    pub name: RouteName,
    /// The position of its application.
    pub application: usize,
    /// What is done.
    pub action: Action,
    /// Whether it is no sign of a person.
    pub background: bool,
    /// Whether a form that could not be sent through it is kept for its person.
    pub hold: bool,
    /// Whether its reply may be cut after the last record that is allowed.
    pub truncate: bool,
    /// Fields of its form that are taken anew from the page where a form was kept.
    pub fresh_fields: Arc<[String]>,
    /// To which kinds of data.
    pub categories: Arc<[Category]>,
    /// How its reply is counted.
    pub reply: Option<ReplyShape>,
    /// Fields of its reply that may be withheld.
    pub fields: Arc<[Field]>,
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
    /// What its path captures: names, and which segment each takes.
    pub captures: Box<[(Box<str>, usize)]>,
    /// Its path pattern, as events show it.
    pub pattern: Arc<str>,
    /// Which segment of the path names a patient.
    pub(super) patient_position: Option<usize>,
    /// Whether it asks about [`OVERRIDE_FIELD`] itself.
    pub(super) settles_override: bool,
}

impl Route {
    /// Whether its requests, or the entries of its batches, may be about a patient who is known.
    pub fn concerns_patient(&self) -> bool {
        let names = |given: &Arc<RouteGiven>| given.patient != PatientSource::Path;
        self.patient_position.is_some() || self.entries.is_some() || self.given.as_ref().is_some_and(names)
    }
}

/// Why a table cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteProblem {
    /// Some request matches both routes, and neither is the more specific.
    #[error("routes `{route_a}` and `{route_b}` of `{application}` tie: {why}")]
    Tie {
        /// In which application.
        application: ApplicationName,
        /// The first as written.
        route_a: RouteName,
        /// The second.
        route_b: RouteName,
        /// In which way.
        why: &'static str,
    },
    /// The route's path is not below the application's, so it can never be asked for.
    #[error("route `{route}` of `{application}` can never match: its path is not below `{path}`")]
    Outside {
        /// In which application.
        application: ApplicationName,
        /// Which.
        route: RouteName,
        /// The application's path.
        path: String,
    },
    /// Two applications have the same host and path.
    #[error("applications `{application_a}` and `{application_b}` are both at `{host}{path}`")]
    SameAddress {
        /// The first as written.
        application_a: ApplicationName,
        /// The second.
        application_b: ApplicationName,
        /// Where.
        host: String,
        /// Below which path.
        path: String,
    },
}

#[derive(Debug, Default)]
struct Host {
    /// The quirks of all its applications together.
    quirks: Quirks,
    /// Longest path first.
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    prefix: Vec<String>,
    application: usize,
}

impl RouteTable {
    /// Settles all applications, or tells everything that is wrong.
    pub fn build(settings: &[ApplicationSettings]) -> Result<Self, Vec<RouteProblem>> {
        let (table, problems) = Self::settle(settings);
        if problems.is_empty() { Ok(table) } else { Err(problems) }
    }

    /// Settles all applications, and tells everything that is wrong: a table with problems is there to be looked at.
    pub fn settle(settings: &[ApplicationSettings]) -> (Self, Vec<RouteProblem>) {
        let mut table =
            Self { hosts: HashMap::new(), applications: Vec::new(), routes: Vec::new(), trees: Vec::new() };
        let mut problems = Vec::new();
        for application in settings {
            table.add_application(application, &mut problems);
        }
        table.place_applications(settings, &mut problems);
        (table, problems)
    }

    /// How the applications of a host may read a path, all together; `None` if there is none.
    pub fn quirks(&self, host: &str) -> Option<Quirks> {
        self.hosts.get(host).map(|host| host.quirks)
    }

    /// The application at a host and path, where the path was read with [`RouteTable::quirks`].
    pub fn application(&self, host: &str, path: Segments<'_>) -> Option<&Arc<Application>> {
        let places = &self.hosts.get(host)?.places;
        let place = places.iter().find(|place| begins_with(path, &place.prefix))?;
        self.applications.get(place.application)
    }

    /// The applications at a host.
    pub fn at(&self, host: &str) -> impl Iterator<Item = &Arc<Application>> {
        let places = self.hosts.get(host).into_iter().flat_map(|host| &host.places);
        places.filter_map(|place| self.applications.get(place.application))
    }

    /// All applications, by their index.
    pub fn applications(&self) -> &[Arc<Application>] {
        &self.applications
    }

    /// All routes of all applications, by their index.
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    fn add_application(&mut self, settings: &ApplicationSettings, problems: &mut Vec<RouteProblem>) {
        let quirks: Quirks = settings.quirks.iter().copied().collect();
        let index = self.applications.len();
        let mut tree = Tree::default();
        for route in &settings.routes {
            if !lies_below(route, &prefix(&settings.path, quirks), quirks) {
                problems.push(RouteProblem::Outside {
                    application: settings.name.clone(),
                    route: route.name.clone(),
                    path: settings.path.clone(),
                });
            }
            tree.insert(self.routes.len(), route, quirks);
            self.routes.push(Arc::new(Route::settle(self.routes.len(), index, route)));
        }
        tree.settle(quirks, &mut |a, b, relation| {
            let name = |at: usize| self.routes.get(at).map(|route| route.name.clone());
            if let (Some(route_a), Some(route_b)) = (name(a), name(b)) {
                let (application, why) = (settings.name.clone(), why(relation));
                problems.push(RouteProblem::Tie { application, route_a, route_b, why });
            }
        });
        self.trees.push(tree);
        self.applications.push(Arc::new(Application {
            index,
            name: settings.name.clone(),
            providers: settings.providers.clone(),
            unmatched: settings.unmatched,
            quirks,
            patient_unknown: settings.patient_unknown,
            downtime: settings.downtime.clone(),
            given: settings.given.clone(),
            idle_ignore: settings.idle_ignore.iter().map(|pattern| comparable(pattern, quirks)).collect(),
        }));
    }

    fn place_applications(&mut self, settings: &[ApplicationSettings], problems: &mut Vec<RouteProblem>) {
        for (application, quirks) in settings.iter().zip(self.applications.iter().map(|known| known.quirks)) {
            for name in &application.hosts {
                let host = self.hosts.entry(name.as_str().into()).or_default();
                host.quirks = host.quirks.and(quirks);
            }
        }
        for (index, application) in settings.iter().enumerate() {
            for name in &application.hosts {
                let Some(host) = self.hosts.get_mut(name.as_str()) else { continue };
                let prefix = prefix(&application.path, host.quirks);
                if let Some(other) = host.places.iter().find(|place| place.prefix == prefix)
                    && let Some(other) = self.applications.get(other.application)
                {
                    problems.push(RouteProblem::SameAddress {
                        application_a: other.name.clone(),
                        application_b: application.name.clone(),
                        host: name.clone(),
                        path: application.path.clone(),
                    });
                }
                host.places.push(Place { prefix, application: index });
                host.places.sort_by_key(|place| std::cmp::Reverse(place.prefix.len()));
            }
        }
    }
}

impl Application {
    /// Whether people of this provider may sign in.
    pub fn admits(&self, provider: &ProviderName) -> bool {
        self.providers.contains(provider)
    }

    /// What is said of a kind of thing that it hands out.
    pub fn given(&self, name: &GivenName) -> GivenSettings {
        let said = self.given.iter().find(|said| said.name == *name);
        said.cloned().unwrap_or_else(|| GivenSettings::named(name.clone()))
    }

    /// Whether a request to this path is no sign of a person.
    pub fn is_background(&self, path: PathView<'_>) -> bool {
        self.idle_ignore.iter().any(|pattern| tree::matches(pattern, path.matched))
    }
}

impl Route {
    fn settle(index: usize, application: usize, settings: &RouteSettings) -> Self {
        let is_patient =
            |segment: &Segment| matches!(segment, Segment::Capture(name) if name == PATIENT_CAPTURE);
        let matching = &settings.matching;
        let asks =
            |conditions: &[Condition]| conditions.iter().any(|condition| condition.key == OVERRIDE_FIELD);
        Self {
            index,
            name: settings.name.clone(),
            application,
            action: settings.action,
            background: settings.background,
            hold: settings.hold,
            truncate: settings.truncate,
            fresh_fields: settings.fresh_fields.as_slice().into(),
            categories: settings.categories.as_slice().into(),
            reply: settings.reply.clone(),
            fields: settings.fields.clone().into(),
            access: settings.access,
            websocket: settings.websocket.clone(),
            patience: settings.patience,
            entries: settings.entries,
            asks: settings.asks.clone(),
            given: settings.given.clone(),
            captures: captures(&matching.path),
            pattern: matching.path.as_str().into(),
            patient_position: significant(&matching.path).position(is_patient),
            settles_override: asks(&matching.query) || asks(&matching.form),
        }
    }
}

/// The names that a path captures, and which segment each takes.
fn captures(path: &PathPattern) -> Box<[(Box<str>, usize)]> {
    let named = |(position, segment): (usize, &Segment)| match segment {
        Segment::Capture(name) => Some((name.as_str().into(), position)),
        Segment::Literal(_) | Segment::OneOf(_) | Segment::One | Segment::Rest => None,
    };
    significant(path).enumerate().filter_map(named).collect()
}

/// The segments of an application's path, as they are compared.
fn prefix(path: &str, quirks: Quirks) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| quirks.comparable(segment)).collect()
}

/// A pattern whose text is as it is compared.
fn comparable(pattern: &PathPattern, quirks: Quirks) -> PathPattern {
    quirks.comparable(pattern.as_str()).parse().unwrap_or_else(|_| pattern.clone())
}

fn begins_with(path: Segments<'_>, prefix: &[String]) -> bool {
    prefix.len() <= path.len() && path.iter().zip(prefix).all(|(found, wanted)| found == wanted)
}

fn lies_below(route: &RouteSettings, prefix: &[String], quirks: Quirks) -> bool {
    let mut segments = significant(&route.matching.path);
    for wanted in prefix {
        match segments.next() {
            Some(Segment::Rest) => return true,
            Some(Segment::Literal(text)) if quirks.comparable(text) == *wanted => {}
            Some(Segment::OneOf(texts)) if texts.iter().any(|text| quirks.comparable(text) == *wanted) => {}
            Some(Segment::Capture(_) | Segment::One) => {}
            Some(Segment::Literal(_) | Segment::OneOf(_)) | None => return false,
        }
    }
    true
}

const fn why(relation: Relation) -> &'static str {
    match relation {
        Relation::Same => {
            "they look the same; a trailing slash and the names of captures do not tell them apart"
        }
        Relation::Ordered(_) | Relation::Apart | Relation::Crossing => {
            "a request can meet the conditions of both; give one of them all that the other asks for, or what the other excludes"
        }
    }
}
