//! Collects the rules: of roles, of Cedar files and of the law, each parsed, or what is wrong with it.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalog::Catalog;
use super::check;
use super::condition::Condition;
use super::emergency;
use super::law;
use super::problem::{PolicyProblem, PolicySource};
use super::rule::Rule;
use super::settings::{CedarFile, RoleSettings};
use super::statement::{position, statements};
use super::withhold::Withholds;
use super::wording;
use super::world::Vocabulary;
use crate::domain::application::Category;

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
        for role in roles {
            for (index, may) in role.may.iter().enumerate() {
                if may.shadow && self.tried == Tried::LeftOut {
                    self.left_out += 1;
                    continue;
                }
                let position = index + 1;
                let source = PolicySource::May(role.name.clone(), position);
                let unnamed = law::to_be_named(catalog, &may.application);
                let wording = wording::of(role, position, may, &unnamed);
                let id: Arc<str> = wording::id(role, position).into();
                self.add_generated(&id, source, wording, &may.categories);
                if emergency::overrides(role, may) {
                    let source = PolicySource::Emergency(role.name.clone(), position);
                    let wording = emergency::wording(role, position, may, &unnamed);
                    // What an emergency may be kept from, the law of each field says.
                    self.add_generated(&emergency::id(role, position).into(), source, wording, &[]);
                }
            }
        }
    }

    fn add_generated(
        &mut self,
        id: &Arc<str>,
        source: PolicySource,
        wording: wording::Wording,
        categories: &[Category],
    ) {
        match self.generated(id, &source, wording, categories) {
            Ok(rule) => self.rules.push(rule),
            Err(what) => self.problems.push(PolicyProblem::new(source, what, "")),
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
        let withholds = Withholds::of_role(policy.annotation("withhold"), categories)?;
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
