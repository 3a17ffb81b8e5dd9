//! Puts the rules together: roles and Cedar files become one validated, sliced whole, or every problem
//! is told at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::catalog::Catalog;
use super::check;
use super::condition::Condition;
use super::problem::{PolicyProblem, PolicySource};
use super::raise::Raises;
use super::rule::Rule;
use super::settings::{CedarFile, RoleSettings};
use super::shadow::Shadow;
use super::slice::{Engine, RouteRules, slices};
use super::statement::{position, statements};
use super::withhold::{self, Withholds};
use super::world::Vocabulary;
use super::{schema, wording};
use crate::domain::application::{Category, ProviderName, RoleName};
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
        draft.add_roles(roles);
        for file in files {
            draft.add_file(file);
        }
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
        problems.extend(withhold::problems(&engine, &routes, &catalog));
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

/// What becomes of rules that are only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    LeftOut,
    Taken,
}

/// The rules while they are being collected.
struct Draft<'v> {
    vocabulary: &'v Vocabulary,
    tried: Tried,
    left_out: usize,
    rules: Vec<Rule>,
    /// The conditions of generated rules, by their text: rules of many roles say the same.
    conditions: HashMap<String, Arc<Condition>>,
    problems: Vec<PolicyProblem>,
}

impl Draft<'_> {
    fn add_roles(&mut self, roles: &[RoleSettings]) {
        for role in roles {
            for (index, may) in role.may.iter().enumerate() {
                if may.shadow && self.tried == Tried::LeftOut {
                    self.left_out += 1;
                    continue;
                }
                let position = index + 1;
                let source = PolicySource::May(role.name.clone(), position);
                let wording = wording::of(role, position, may);
                let id: Arc<str> = wording::id(role, position).into();
                match self.generated(&id, &source, wording, &may.categories) {
                    Ok(rule) => self.rules.push(rule),
                    Err(what) => self.problems.push(PolicyProblem::new(source, what, "")),
                }
            }
        }
    }

    fn generated(
        &mut self,
        id: &Arc<str>,
        source: &PolicySource,
        wording: wording::Wording,
        categories: &[Category],
    ) -> Result<Rule, String> {
        let policy = parse(id, &wording.text).map_err(|error| error.what)?;
        let mut conditions = Vec::new();
        for clause in wording.clauses {
            if let Some(known) = self.conditions.get(&clause) {
                conditions.push(known.clone());
                continue;
            }
            let alone =
                parse("clause", &format!("permit (principal, action, resource) when {{ {clause} }};"))
                    .map_err(|error| error.what)?;
            let parsed = conditions_of(&alone)?;
            self.conditions.extend(parsed.first().map(|condition| (clause, condition.clone())));
            conditions.extend(parsed);
        }
        let text = wording.text.into();
        let withholds = Withholds::read(policy.annotation("withhold"), categories)?;
        Ok(Rule::new(id.clone(), source.clone(), text, policy, conditions, withholds, self.vocabulary))
    }

    fn add_file(&mut self, file: &CedarFile) {
        for (index, statement) in statements(&file.text).into_iter().enumerate() {
            let at = |offset: usize| {
                let (line, column) = position(&file.text, statement.offset + offset);
                PolicySource::File { path: file.path.clone(), line, column }
            };
            let policy = match parse("statement", statement.text) {
                Ok(policy) => policy,
                Err(error) => {
                    self.problems.push(PolicyProblem::new(at(error.offset), error.what, error.right));
                    continue;
                }
            };
            match is_tried(policy.annotation("shadow")) {
                Ok(true) if self.tried == Tried::LeftOut => {
                    self.left_out += 1;
                    continue;
                }
                Ok(_) => {}
                Err(what) => {
                    self.problems.push(PolicyProblem::new(at(0), what, "`@shadow`, or nothing"));
                    continue;
                }
            }
            let given = policy.annotation("id");
            if let Some(Err(what)) = given.map(check::id) {
                self.problems.push(PolicyProblem::new(
                    at(0),
                    what,
                    "letters, digits and `-_./#`, at most 128",
                ));
                continue;
            }
            let id: Arc<str> = match given {
                Some(id) => id.into(),
                None => format!("{}#{}", file.path, index + 1).into(),
            };
            let policy = policy.new_id(cedar_policy::PolicyId::new(&id));
            let withholds = Withholds::read(policy.annotation("withhold"), &[]);
            let parts = conditions_of(&policy).and_then(|conditions| Ok((conditions, withholds?)));
            match parts {
                Ok((conditions, withholds)) => self.rules.push(Rule::new(
                    id,
                    at(0),
                    statement.text.into(),
                    policy,
                    conditions,
                    withholds,
                    self.vocabulary,
                )),
                Err(what) => self.problems.push(PolicyProblem::new(at(0), what, "")),
            }
        }
    }
}

/// Whether a rule is only tried, by its annotation `@shadow`.
fn is_tried(annotation: Option<&str>) -> Result<bool, String> {
    match annotation {
        None => Ok(false),
        Some("" | "true") => Ok(true),
        Some(other) => Err(format!("`@shadow(\"{}\")` says neither yes nor no", other.escape_debug())),
    }
}

struct ParseProblem {
    what: String,
    right: String,
    offset: usize,
}

fn parse(id: &str, text: &str) -> Result<cedar_policy::Policy, ParseProblem> {
    cedar_policy::Policy::parse(Some(cedar_policy::PolicyId::new(id)), text).map_err(|errors| ParseProblem {
        what: errors.to_string(),
        right: check::help(&errors),
        offset: check::offset(&errors),
    })
}

fn conditions_of(policy: &cedar_policy::Policy) -> Result<Vec<Arc<Condition>>, String> {
    let policy = policy.to_pst().map_err(|error| error.to_string())?;
    policy.body().clauses().iter().map(|clause| Condition::of_clause(clause).map(Arc::new)).collect()
}

/// The roles that some rule is for.
pub(super) fn used_roles(rules: &[Rule]) -> BTreeSet<&str> {
    rules.iter().filter_map(|rule| rule.role.as_ref()).map(RoleName::as_str).collect()
}
