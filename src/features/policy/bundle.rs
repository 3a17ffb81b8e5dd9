//! Puts the rules together: roles and Cedar files become one validated, sliced whole, or every problem
//! is told at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::catalog::Catalog;
use super::check;
use super::draft::{Draft, Tried};
use super::problem::{PolicyProblem, PolicySource};
use super::raise::Raises;
use super::rule::Rule;
use super::settings::{CedarFile, RoleSettings};
use super::shadow::Shadow;
use super::slice::{Engine, RouteRules, slices};
use super::world::Vocabulary;
use super::{schema, withhold};
use crate::domain::application::{ProviderName, RoleName};
use crate::domain::category::Protection;
use crate::domain::device::DeviceClass;
use crate::domain::purpose::Purpose;
use crate::foundation::digest::Digest;

/// The rules in force: immutable, swapped whole.
#[derive(Debug)]
pub struct Rules {
    pub(super) engine: Engine,
    pub(super) routes: Vec<RouteRules>,
    pub(super) roles: Vec<RoleSettings>,
    pub(super) catalog: Catalog,
    pub(super) raises: Raises,
    /// How long a proof counts on devices of some classes.
    pub(super) proof_ages: BTreeMap<DeviceClass, Duration>,
    pub(super) zone: TimeZone,
    pub(super) schema: String,
    /// Tells these rules from any others that this process has held.
    pub(super) generation: u64,
    version: Digest,
    /// Rules that are not enforced here, since they are only tried.
    left_out: usize,
    /// What is decided beside these rules.
    shadow: Option<Box<Shadow>>,
}

/// Numbers the rules that this process has held: two compilations of the same files may still differ,
/// since the default time zone is the system's.
static GENERATION: AtomicU64 = AtomicU64::new(0);

impl Rules {
    /// Compiles the rules that are enforced. `version` names the configuration that they come from.
    pub fn compile(
        roles: &[RoleSettings],
        files: &[CedarFile],
        catalog: Catalog,
        time_zone: &str,
        version: Digest,
    ) -> Result<Self, Vec<PolicyProblem>> {
        Self::put_together((roles, files), Tried::LeftOut, catalog, time_zone, version)
    }

    /// Compiles the rules that are tried beside those that are enforced: the same, and those that are only tried.
    pub fn compile_tried(
        roles: &[RoleSettings],
        files: &[CedarFile],
        catalog: Catalog,
        time_zone: &str,
        version: Digest,
    ) -> Result<Self, Vec<PolicyProblem>> {
        Self::put_together((roles, files), Tried::Taken, catalog, time_zone, version)
    }

    fn put_together(
        (roles, files): (&[RoleSettings], &[CedarFile]),
        tried: Tried,
        catalog: Catalog,
        time_zone: &str,
        version: Digest,
    ) -> Result<Self, Vec<PolicyProblem>> {
        let mut problems = Vec::new();
        let zone = TimeZone::get(time_zone).unwrap_or_else(|_| {
            let what = format!("`{time_zone}` is no time zone");
            problems.push(PolicyProblem::new(
                PolicySource::TimeZone,
                what,
                "write an IANA name such as `Europe/Madrid` or `UTC`",
            ));
            TimeZone::UTC
        });
        let whole = |what| vec![PolicyProblem::new(PolicySource::Rules, what, "")];
        let schema = schema::schema(&catalog).map_err(whole)?;
        let vocabulary = Vocabulary::new().map_err(whole)?;

        problems.extend(check::roles(roles, &catalog));
        let (rules, conditions) = (Vec::new(), HashMap::new());
        let mut draft = Draft { vocabulary: &vocabulary, tried, left_out: 0, rules, conditions, problems };
        draft.add_roles(roles, &catalog);
        for file in files {
            draft.add_file(file);
        }
        draft.add_laws(&catalog);
        let Draft { rules, mut problems, left_out, .. } = draft;
        problems.extend(check::ids(&rules));
        if problems.is_empty() {
            problems.extend(check::rules(&rules, roles, &catalog, &schema, &vocabulary));
        }
        if !problems.is_empty() {
            return Err(problems);
        }

        let engine = Engine::new(rules, vocabulary);
        let routes = slices(&engine, &catalog).map_err(whole)?;
        let mut problems = check::reach(&engine, &routes);
        problems.extend(check::without_patient(roles, &catalog));
        problems.extend(withhold::problems(&engine, &routes, roles, &catalog));
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            engine,
            routes,
            roles: roles.to_vec(),
            schema: schema::text(&catalog),
            catalog,
            raises: Raises::default(),
            proof_ages: BTreeMap::new(),
            zone,
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
            version,
            left_out,
            shadow: None,
        })
    }

    /// Whether there are rules that are only tried, and so left out here.
    pub const fn leaves_out(&self) -> bool {
        self.left_out > 0
    }

    /// Whether rules are decided beside them.
    pub const fn tries(&self) -> bool {
        self.shadow.is_some()
    }

    /// The same, with rules that are decided beside them.
    #[must_use]
    pub fn with_shadow(mut self, tried: Self) -> Self {
        self.shadow = Some(Box::new(Shadow::new(&self, tried)));
        self
    }

    /// What is decided beside these rules.
    pub(super) fn shadowed(&self) -> Option<&Shadow> {
        self.shadow.as_deref()
    }

    /// The rules that are decided beside these.
    pub fn shadow(&self) -> Option<&Self> {
        self.shadow.as_deref().map(|shadow| &shadow.rules)
    }

    /// The time zone in which hours are meant.
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The roles that `groups` of a provider give, in the order of the configuration. A group of the same name at another
    /// provider is another group.
    pub fn roles_of(&self, provider: &ProviderName, groups: &[String]) -> Vec<RoleName> {
        let gives = |role: &&RoleSettings| {
            role.providers.contains(provider) && role.groups.iter().any(|group| groups.contains(group))
        };
        self.roles.iter().filter(gives).map(|role| role.name.clone()).collect()
    }

    /// Why someone with `roles` works unless they say otherwise: the first purpose of the first role.
    pub fn default_purpose(&self, roles: &[RoleName]) -> Option<Purpose> {
        self.role(roles.first()?)?.purposes.first().copied()
    }

    /// The purposes that someone with `roles` may choose from, in order.
    pub fn purposes_of(&self, roles: &[RoleName]) -> Vec<Purpose> {
        let mut purposes = Vec::new();
        for purpose in roles.iter().filter_map(|role| self.role(role)).flat_map(|role| &role.purposes) {
            if !purposes.contains(purpose) {
                purposes.push(*purpose);
            }
        }
        purposes
    }

    /// What there is to decide about.
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How the data of a route are protected beyond all others.
    pub fn protection(&self, route: usize) -> Option<&Protection> {
        self.catalog.routes.get(route).map(|route| &route.protection)
    }

    /// The configuration that the rules come from.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// How many rules there are.
    pub const fn len(&self) -> usize {
        self.engine.rules.len()
    }

    /// Whether there is no rule at all, so that everything is denied.
    pub const fn is_empty(&self) -> bool {
        self.engine.rules.is_empty()
    }

    /// The schema that Cedar rules are validated against.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Every rule as `policy show` prints it, in order.
    pub fn shown(&self) -> impl Iterator<Item = ShownRule<'_>> {
        self.engine.rules.iter().map(|rule| ShownRule {
            id: &rule.id,
            source: &rule.source,
            permits: rule.permits(),
            cedar: &rule.text,
        })
    }

    pub(super) fn role(&self, name: &RoleName) -> Option<&RoleSettings> {
        self.roles.iter().find(|role| role.name == *name)
    }
}

/// A rule as `policy show` prints it.
#[derive(Clone, Copy, Debug)]
pub struct ShownRule<'r> {
    /// Its stable id.
    pub id: &'r str,
    /// Where it stands.
    pub source: &'r PolicySource,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// The Cedar that is enforced.
    pub cedar: &'r str,
}

/// The roles that some rule is for.
pub(super) fn used_roles(rules: &[Rule]) -> BTreeSet<&str> {
    rules.iter().filter_map(|rule| rule.role.as_ref()).map(RoleName::as_str).collect()
}
