//! Collects the rules: of roles, of Cedar files and of the law, each parsed, or what is wrong with it.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::sync::Arc;

use cedar_policy::Policy;

use super::catalog::Catalog;
use super::check;
use super::condition::Condition;
use super::emergency;
use super::law;
use super::problem::{PolicyProblem, PolicySource};
use super::rule::Rule;
use super::settings::{CedarFile, RoleSettings};
use super::statement::{position, statements};
use super::withhold::{LeftOut, Withholds};
use super::wording;
use super::world::Vocabulary;

/// What becomes of rules that are only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    LeftOut,
    Taken,
}

/// The rules while they are being collected.
pub(super) struct Draft<'v> {
    pub(super) vocabulary: &'v Vocabulary,
    pub(super) tried: Tried,
    pub(super) left_out: usize,
    pub(super) rules: Vec<Rule>,
    /// The conditions of generated rules, by their text: rules of many roles say the same.
    pub(super) conditions: HashMap<String, Arc<Condition>>,
    pub(super) problems: Vec<PolicyProblem>,
}

impl Draft<'_> {
    /// The rules of roles.
    pub(super) fn add_roles(&mut self, roles: &[RoleSettings], catalog: &Catalog) {
        let worded = self.worded(roles, catalog);
        let parsed = parse_all(&worded);
        let mut shapes = HashSet::new();
        for (Worded { id, source, wording, left_out }, policy) in worded.into_iter().zip(parsed) {
            let is_repeated = !shapes.insert(wording.shape.clone());
            let rule = policy.map_err(|error| error.what);
            match rule.and_then(|policy| self.generated(&id, &source, policy, wording, left_out)) {
                Ok(mut rule) => {
                    rule.is_repeated = is_repeated;
                    self.rules.push(rule);
                }
                Err(what) => self.problems.push(PolicyProblem::new(source, what, "")),
            }
        }
    }

    /// The rules of roles, in words.
    fn worded<'r>(&mut self, roles: &'r [RoleSettings], catalog: &Catalog) -> Vec<Worded<'r>> {
        let mut unnamed = HashMap::new();
        let mut worded = Vec::new();
        for role in roles {
            for (index, may) in role.may.iter().enumerate() {
                if may.shadow && self.tried == Tried::LeftOut {
                    self.left_out += 1;
                    continue;
                }
                let position = index + 1;
                let application = &may.application;
                let unnamed =
                    unnamed.entry(application).or_insert_with(|| law::to_be_named(catalog, application));
                worded.push(Worded {
                    id: wording::id(role, position).into(),
                    source: PolicySource::May(role.name.clone(), position),
                    wording: wording::of(role, position, may, unnamed),
                    left_out: LeftOut::Unlisted(&may.categories),
                });
                if emergency::overrides(role, may) {
                    worded.push(Worded {
                        id: emergency::id(role, position).into(),
                        source: PolicySource::Emergency(role.name.clone(), position),
                        wording: emergency::wording(role, position, may, unnamed),
                        // What else an emergency may be kept from, the law of each field says.
                        left_out: LeftOut::Closed(emergency::closed(role)),
                    });
                }
            }
        }
        worded
    }

    fn generated(
        &mut self,
        id: &Arc<str>,
        source: &PolicySource,
        policy: Policy,
        wording: wording::Wording,
        left_out: LeftOut<'_>,
    ) -> Result<Rule, String> {
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
        let withholds = Withholds::of_role(policy.annotation("withhold"), left_out)?;
        Ok(Rule::new(id.clone(), source.clone(), text, policy, conditions, withholds, self.vocabulary))
    }

    /// What the law of each category forbids.
    pub(super) fn add_laws(&mut self, catalog: &Catalog) {
        for (category, law, text) in law::rules(catalog) {
            let id: Arc<str> = law::id(&category).into();
            let source = PolicySource::Law(category, law);
            let parts = parse(&id, &text)
                .map_err(|error| error.what)
                .and_then(|policy| conditions_of(&policy).map(|conditions| (policy, conditions)));
            match parts {
                Ok((policy, conditions)) => {
                    let (text, none) = (text.into(), Withholds::default());
                    self.rules.push(Rule::new(id, source, text, policy, conditions, none, self.vocabulary));
                }
                Err(what) => self.problems.push(PolicyProblem::new(source, what, "")),
            }
        }
    }

    /// The rules of a Cedar file.
    pub(super) fn add_file(&mut self, file: &CedarFile) {
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
            let withholds = Withholds::read(policy.annotation("withhold"));
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

/// A rule of a role, in words.
struct Worded<'r> {
    id: Arc<str>,
    source: PolicySource,
    wording: wording::Wording,
    left_out: LeftOut<'r>,
}

/// Parses each text by itself, on as many threads as there are cores: most of the time that a load takes is here.
fn parse_all(worded: &[Worded<'_>]) -> Vec<Result<Policy, ParseProblem>> {
    let parse_part =
        |part: &[Worded<'_>]| part.iter().map(|it| parse(&it.id, &it.wording.text)).collect::<Vec<_>>();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let size = worded.len().div_ceil(threads).max(RULES_PER_THREAD_MIN);
    if worded.len() <= size {
        return parse_part(worded);
    }
    std::thread::scope(|scope| {
        let parts = worded.chunks(size).map(|part| scope.spawn(move || parse_part(part)));
        // All have begun before one is waited for.
        let parts: Vec<_> = parts.collect();
        let joined = parts.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// For fewer rules a thread is not worth its start.
const RULES_PER_THREAD_MIN: usize = 256;

struct ParseProblem {
    what: String,
    right: String,
    offset: usize,
}

fn parse(id: &str, text: &str) -> Result<Policy, ParseProblem> {
    Policy::parse(Some(cedar_policy::PolicyId::new(id)), text).map_err(|errors| ParseProblem {
        what: errors.to_string(),
        right: check::help(&errors, "the language of Cedar (docs.cedarpolicy.com)"),
        offset: check::offset(&errors),
    })
}

fn conditions_of(policy: &Policy) -> Result<Vec<Arc<Condition>>, String> {
    let policy = policy.to_pst().map_err(|error| error.to_string())?;
    policy.body().clauses().iter().map(|clause| Condition::of_clause(clause).map(Arc::new)).collect()
}
