//! Proofs about the rules: what they can never permit, for anybody, on any route that could be written; or else a
//! request that they permit all the same.
//!
//! Cedar's symbolic compiler turns rules and claim into formulas, and a solver decides them: not a test of examples. What
//! the rules say is proven, of everything they may read; Leastway permits less than that where something is
//! unknown, so that what is never permitted stays so.

use std::fmt;

use cedar_policy::{Authorizer, Policy, PolicySet, RequestEnv, Schema, ValidationMode, Validator};
use cedar_policy_symcc::solver::Solver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicySet, Env};
use serde::Serialize;

use super::bundle::Rules;
use super::problem::{PolicyProblem, PolicySource};
use super::schema;
use super::settings::CedarFile;
use super::statement::{position, statements};

/// What must never be permitted: a `forbid` that is not enforced, but proven.
#[derive(Debug)]
pub struct Invariant {
    /// Its `@id`, or where it stands.
    pub id: String,
    /// Its `@says`: the claim in words.
    pub says: Option<String>,
    /// The requests that it is about, as what permits them.
    about: PolicySet,
}

/// A request that is permitted and must not be.
#[derive(Debug, Serialize)]
pub struct Counterexample {
    /// The action.
    pub action: String,
    /// The rules that permit it.
    pub permitted_by: Vec<String>,
    /// The request and what is known around it, in Cedar's notation.
    pub request: String,
}

/// Why something is neither proven nor refuted.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The other rules speak of what these do not know.
    #[error("the rules to compare with speak of other things: {0}")]
    OtherWords(String),
    /// The solver is not there, gave up or said something else.
    #[error("the solver did not decide it: {0}")]
    Undecided(String),
}

/// Proves things about one set of rules.
pub struct Prover<'r, S: Solver> {
    rules: &'r Rules,
    schema: Schema,
    compiler: CedarSymCompiler<S>,
    /// The rules for each action.
    environments: Vec<(RequestEnv, CompiledPolicySet)>,
}

impl<S: Solver> fmt::Debug for Prover<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prover").field("environments", &self.environments.len()).finish_non_exhaustive()
    }
}

impl Rules {
    /// The invariants of these files, or all that is wrong with them.
    pub fn invariants(&self, files: &[CedarFile]) -> Result<Vec<Invariant>, Vec<PolicyProblem>> {
        let (mut invariants, mut problems) = (Vec::new(), Vec::new());
        let whole = |what| vec![PolicyProblem::new(PolicySource::Rules, what, "")];
        let validator = Validator::new(schema::schema(&self.catalog).map_err(whole)?);
        for file in files {
            for statement in statements(&file.text) {
                let (line, column) = position(&file.text, statement.offset);
                let source = PolicySource::File { path: file.path.clone(), line, column };
                match invariant(statement.text, &source, &validator) {
                    Ok(invariant) => invariants.push(invariant),
                    Err((what, right)) => problems.push(PolicyProblem::new(source, what, right)),
                }
            }
        }
        if problems.is_empty() { Ok(invariants) } else { Err(problems) }
    }
}

fn invariant(
    text: &str,
    source: &PolicySource,
    validator: &Validator,
) -> Result<Invariant, (String, &'static str)> {
    let policy = Policy::parse(None, text).map_err(|errors| (errors.to_string(), ""))?;
    if policy.effect() != cedar_policy::Effect::Forbid {
        return Err((
            "an invariant that permits".to_owned(),
            "`forbid`: what it is about must never be permitted",
        ));
    }
    let annotation = |name| policy.annotation(name).map(str::to_owned);
    let (id, says) = (annotation("id").unwrap_or_else(|| source.to_string()), annotation("says"));
    let about = permitting(&policy).map_err(|what| (what, ""))?;
    let validation = validator.validate(&about, ValidationMode::Strict);
    if let Some(error) = validation.validation_errors().next() {
        return Err((error.to_string(), "the words of `leastway policy show --schema`"));
    }
    Ok(Invariant { id, says, about })
}

/// The same policy, as one that permits.
fn permitting(policy: &Policy) -> Result<PolicySet, String> {
    let mut json = policy.to_json().map_err(|error| error.to_string())?;
    if let Some(effect) = json.get_mut("effect") {
        *effect = "permit".into();
    }
    let permitting = Policy::from_json(None, json).map_err(|error| error.to_string())?;
    PolicySet::from_policies([permitting]).map_err(|error| error.to_string())
}

impl<'r, S: Solver> Prover<'r, S> {
    /// Gets the rules ready for `solver`.
    pub fn new(rules: &'r Rules, solver: S) -> Result<Self, ProveError> {
        let schema = schema::schema(&rules.catalog).map_err(ProveError::Undecided)?;
        let compiler = CedarSymCompiler::new(solver).map_err(undecided)?;
        let environments = schema
            .request_envs()
            .map(|environment| compile(rules, environment, &schema))
            .collect::<Result<_, _>>()?;
        Ok(Self { rules, schema, compiler, environments })
    }

    /// A request that the rules permit and the invariant is about; none where that is proven not to exist.
    pub async fn refute(&mut self, invariant: &Invariant) -> Result<Option<Counterexample>, ProveError> {
        for (environment, rules) in &self.environments {
            let about =
                CompiledPolicySet::compile(&invariant.about, environment, &self.schema).map_err(undecided)?;
            let found = self.compiler.check_disjoint_with_counterexample_opt(rules, &about).await;
            if let Some(found) = found.map_err(undecided)? {
                return Ok(Some(told(self.rules, &found)));
            }
        }
        Ok(None)
    }

    /// A request that these rules permit and `others` do not; none where that is proven not to exist.
    pub async fn beyond(&mut self, others: &Rules) -> Result<Option<Counterexample>, ProveError> {
        for (environment, rules) in &self.environments {
            let others = of_action(others, environment)?;
            let others = CompiledPolicySet::compile(&others, environment, &self.schema)
                .map_err(|error| ProveError::OtherWords(error.to_string()))?;
            let found = self.compiler.check_implies_with_counterexample_opt(rules, &others).await;
            if let Some(found) = found.map_err(undecided)? {
                return Ok(Some(told(self.rules, &found)));
            }
        }
        Ok(None)
    }
}

fn compile(
    rules: &Rules,
    environment: RequestEnv,
    schema: &Schema,
) -> Result<(RequestEnv, CompiledPolicySet), ProveError> {
    let compiled = CompiledPolicySet::compile(&of_action(rules, &environment)?, &environment, schema)
        .map_err(undecided)?;
    Ok((environment, compiled))
}

/// The rules that have a say on the action of `environment`.
fn of_action(rules: &Rules, environment: &RequestEnv) -> Result<PolicySet, ProveError> {
    let concerned = rules.engine.rules.iter().filter(|rule| rule.is_for_action(environment.action()));
    PolicySet::from_policies(concerned.map(|rule| rule.policy.clone())).map_err(undecided)
}

fn undecided(error: impl fmt::Display) -> ProveError {
    ProveError::Undecided(error.to_string())
}

fn told(rules: &Rules, found: &Env) -> Counterexample {
    let policies = PolicySet::from_policies(rules.engine.rules.iter().map(|rule| rule.policy.clone()));
    let permitted_by = policies.map_or_else(
        |_| Vec::new(),
        |policies| {
            let answer = Authorizer::new().is_authorized(&found.request, &policies, &found.entities);
            let mut ids: Vec<_> = answer.diagnostics().reason().map(ToString::to_string).collect();
            ids.sort_unstable();
            ids
        },
    );
    let action = found.request.action().map(|action| action.id().unescaped().to_owned());
    Counterexample { action: action.unwrap_or_default(), permitted_by, request: found.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::policy::settings::WhenSettings;
    use crate::features::policy::tests::{clerk, compile};

    fn read(text: &str) -> Result<Vec<Invariant>, Vec<String>> {
        let file = CedarFile { path: "never.cedar".to_owned(), text: text.to_owned() };
        compile(&clerk(WhenSettings::default()), "")
            .invariants(&[file])
            .map_err(|found| found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_invariant_forbids_and_speaks_of_what_there_is() {
        let good = "@id(\"a\") @says(\"never\") forbid (principal, action, resource) when { context.purpose == \"x\" };\n\
                    forbid (principal, action == Action::\"export\", resource);";
        let found = read(good).unwrap();
        let told: Vec<_> = found.iter().map(|it| (it.id.as_str(), it.says.as_deref())).collect();
        assert_eq!(told, [("a", Some("never")), ("never.cedar:2:1", None)]);
        let bad = "permit (principal, action, resource);\n\
                   forbid (principal, action, resource) when { context.porpoise };\nforbid (";
        let problems = read(bad).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[0].starts_with("never.cedar:1:1: an invariant that permits; `forbid`"),
            "{}",
            problems[0]
        );
        assert!(
            problems[1].starts_with("never.cedar:2:1: ") && problems[1].contains("porpoise"),
            "{}",
            problems[1]
        );
        assert!(problems[2].starts_with("never.cedar:3:1: "), "{}", problems[2]);
    }
}
