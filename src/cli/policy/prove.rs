//! `leastway policy prove`: that the rules can never permit what must not be, or a request that they do permit.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cedar_policy_symcc::solver::LocalSolver;
use serde::Serialize;

use super::candidate;
use crate::cli::Exit;
use crate::features::policy::Rules;
use crate::features::policy::prove::{Counterexample, Invariant, Prover};
use crate::features::policy::settings::CedarFile;

/// Arguments of `policy prove`.
#[derive(Debug, clap::Args)]
pub struct ProveArguments {
    /// A folder of invariants (`*.cedar`), or one file: what it forbids must never be permitted.
    #[arg(default_value = "tests/invariants")]
    place: PathBuf,
    /// Prove instead that nothing is permitted that this configuration does not permit: a main file, or a folder with a
    /// `leastway.toml`.
    #[arg(long, value_name = "OLD")]
    narrower_than: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// What was found of one claim.
#[derive(Debug, Serialize)]
struct Found {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<String>,
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterexample: Option<Counterexample>,
}

/// Proves. The answer is no where something is permitted that must not be.
pub(in crate::cli) fn run(
    arguments: &ProveArguments,
    main: &Path,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(in_force) = candidate::read(main, problems)? else { return Ok(Exit::No) };
    let rules = &in_force.rules.policy;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = if let Some(old) = &arguments.narrower_than {
        let Some(old) = candidate::read(old, problems)? else { return Ok(Exit::No) };
        runtime.block_on(compare(rules, &old.rules.policy))?
    } else {
        match rules.invariants(&read(&arguments.place)?) {
            Ok(invariants) => runtime.block_on(prove(rules, invariants))?,
            Err(wrong) => {
                for problem in wrong {
                    writeln!(problems, "{problem}")?;
                }
                return Ok(Exit::No);
            }
        }
    };
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?;
    } else {
        found.iter().try_for_each(|found| tell(found, out))?;
    }
    Ok(if found.iter().all(|found| found.holds) { Exit::Ok } else { Exit::No })
}

async fn prove(rules: &Rules, invariants: Vec<Invariant>) -> anyhow::Result<Vec<Found>> {
    let mut prover = Prover::new(rules, solver()?)?;
    let mut found = Vec::new();
    for invariant in invariants {
        let counterexample =
            prover.refute(&invariant).await.with_context(|| format!("invariant `{}`", invariant.id))?;
        let holds = counterexample.is_none();
        found.push(Found { id: invariant.id, says: invariant.says, holds, counterexample });
    }
    Ok(found)
}

async fn compare(rules: &Rules, old: &Rules) -> anyhow::Result<Vec<Found>> {
    let counterexample = Prover::new(rules, solver()?)?.beyond(old).await?;
    let holds = counterexample.is_none();
    let says = Some("nothing is permitted that was not permitted before".to_owned());
    Ok(vec![Found { id: "narrower-than".to_owned(), says, holds, counterexample }])
}

/// Whether rules permit nothing that others do not.
#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(super) enum Narrower {
    /// It is proven.
    Proven,
    /// They permit this, and must not.
    Refuted {
        /// The request.
        counterexample: Counterexample,
    },
    /// There is no solver here, so nobody knows.
    NoSolver {
        /// Why.
        why: String,
    },
    /// The solver, or the rules, do not let it be decided.
    Undecided {
        /// Why.
        why: String,
    },
}

impl Narrower {
    /// Whether `rules` permit nothing that `old` do not, by the same proof as `policy prove --narrower-than`.
    pub(super) fn of(rules: &Rules, old: &Rules) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async { Self::by(solver(), rules, old).await }))
    }

    async fn by(solver: anyhow::Result<LocalSolver>, rules: &Rules, old: &Rules) -> Self {
        let solver = match solver {
            Ok(solver) => solver,
            Err(error) => return Self::NoSolver { why: format!("{error:#}") },
        };
        let proof = async { Prover::new(rules, solver)?.beyond(old).await };
        match proof.await {
            Ok(None) => Self::Proven,
            Ok(Some(counterexample)) => Self::Refuted { counterexample },
            Err(error) => Self::Undecided { why: error.to_string() },
        }
    }
}

fn solver() -> anyhow::Result<LocalSolver> {
    let started = LocalSolver::cvc5_with_args([format!("--tlimit={SOLVED_WITHIN_MS}")]);
    started.context("cvc5 cannot be started: install it (Debian: `apt install cvc5`), or say where it is by the variable CVC5")
}

/// One question takes milliseconds; beyond this the solver gives up.
const SOLVED_WITHIN_MS: u32 = 60_000;

fn read(place: &Path) -> anyhow::Result<Vec<CedarFile>> {
    let unreadable = || format!("`{}` cannot be read", place.display());
    let mut paths = vec![place.to_owned()];
    if place.is_dir() {
        let entries = std::fs::read_dir(place).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        paths = entries.with_context(unreadable)?.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "cedar"));
        paths.sort_unstable();
    }
    anyhow::ensure!(!paths.is_empty(), "`{}` holds no file `*.cedar`", place.display());
    let file = |path: PathBuf| {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        Ok(CedarFile { path: path.display().to_string(), text })
    };
    paths.into_iter().map(file).collect()
}

fn tell(found: &Found, out: &mut dyn Write) -> std::io::Result<()> {
    let says = found.says.as_ref().map(|says| format!(": {says}")).unwrap_or_default();
    let Some(counterexample) = &found.counterexample else {
        return writeln!(out, "proven  {}{says}", found.id);
    };
    writeln!(out, "FAILS   {}{says}", found.id)?;
    writeln!(out, "  permitted by {}:", counterexample.permitted_by.join(", "))?;
    counterexample.request.lines().try_for_each(|line| writeln!(out, "    {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::policy::settings::RoleSettings;
    use crate::foundation::digest::Digest;

    /// The shipped rules, with these roles.
    fn rules(change: impl Fn(&mut Vec<RoleSettings>)) -> Rules {
        let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/leastway.toml");
        let shipped = candidate::read(&main, &mut Vec::new()).unwrap().expect("the shipped configuration");
        let mut roles = shipped.settings.roles.clone();
        change(&mut roles);
        let catalog = shipped.rules.policy.catalog().clone();
        Rules::compile(&roles, &shipped.settings.policies, catalog, "UTC", Digest::ZERO).unwrap()
    }

    #[test]
    fn less_is_proven_to_be_less_and_more_is_shown_where_there_is_a_solver() {
        let (all, fewer) = (rules(|_| {}), rules(|roles| roles[0].may.truncate(1)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let is_there = runtime.block_on(async { solver().is_ok() });
        let (less, more) = (Narrower::of(&fewer, &all).unwrap(), Narrower::of(&all, &fewer).unwrap());
        if is_there {
            assert!(matches!(less, Narrower::Proven), "{less:?}");
            let Narrower::Refuted { counterexample } = more else { panic!("{more:?}") };
            assert!(counterexample.permitted_by.iter().any(|rule| rule.starts_with("registrar/")));
        } else {
            assert!(matches!((less, more), (Narrower::NoSolver { .. }, Narrower::NoSolver { .. })));
        }
    }

    #[test]
    fn without_a_solver_nothing_is_claimed() {
        let rules = rules(|_| {});
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(Narrower::by(Err(anyhow::anyhow!("not installed")), &rules, &rules));
        assert!(matches!(found, Narrower::NoSolver { why } if why == "not installed"));
    }
}
