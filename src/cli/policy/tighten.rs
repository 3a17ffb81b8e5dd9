//! `leastway policy tighten`: the least privilege that would have sufficed for what was recorded, with the proof that it
//! permits no more than what is in force.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::candidate::{self, Candidate};
use super::prove::Narrower;
use super::recorded::Recorded;
use crate::cli::Exit;
use crate::features::policy::Rules;
use crate::features::policy::settings::RoleSettings;
use crate::features::policy::tighten::{Sufficient, Tightening};

/// Arguments of `policy tighten`.
#[derive(Debug, clap::Args)]
pub struct TightenArguments {
    #[command(flatten)]
    recorded: Recorded,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// What is proposed, and whether it is proven to permit no more; that is not asked where nothing is proposed.
#[derive(Debug, Serialize)]
struct Proposal<'s> {
    #[serde(flatten)]
    sufficient: &'s Sufficient,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Narrower>,
}

/// Proposes, and changes nothing. The answer is no where less would have sufficed.
pub(in crate::cli) fn run(
    arguments: &TightenArguments,
    main: &Path,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(in_force) = candidate::read(main, problems)? else { return Ok(Exit::No) };
    let mut used = Tightening::of(&in_force.rules.policy);
    let stopped = arguments.recorded.each(main, |event| used.add(&event.opening, event.closing.as_ref()))?;
    let sufficient = used.sufficient();
    let proof = (!sufficient.is_as_it_is()).then(|| prove(&sufficient, &in_force)).transpose()?;
    let proposal = Proposal { sufficient: &sufficient, proof };
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&proposal)?)?;
    } else {
        write!(out, "{sufficient}")?;
        proposal.proof.iter().try_for_each(|proof| tell(proof, out))?;
    }
    stopped?;
    Ok(if sufficient.is_as_it_is() { Exit::Ok } else { Exit::No })
}

/// Whether the roles as they could be permit nothing that those in force do not.
fn prove(sufficient: &Sufficient, in_force: &Candidate) -> anyhow::Result<Narrower> {
    let (settings, old) = (&in_force.settings, &in_force.rules.policy);
    let mut roles = sufficient.applied_to(&settings.roles);
    // A role that was never needed may still be spoken of in Cedar: it stays, and may do nothing.
    let is_spoken_of = |role: &&RoleSettings| {
        let quoted = format!("\"{}\"", role.name);
        settings.policies.iter().any(|file| file.text.contains(&quoted))
    };
    let kept: BTreeSet<_> = roles.iter().map(|role| role.name.clone()).collect();
    let gone = settings.roles.iter().filter(|role| !kept.contains(&role.name)).filter(is_spoken_of);
    roles.extend(gone.map(|role| RoleSettings { may: Vec::new(), ..role.clone() }));
    let catalog = old.catalog().clone();
    match Rules::compile(&roles, &settings.policies, catalog, &settings.time_zone, settings.version) {
        Ok(narrower) => Narrower::of(&narrower, old),
        Err(found) => {
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            Ok(Narrower::Undecided { why: format!("the roles alone do not fit: {}", found.join("; ")) })
        }
    }
}

fn tell(proof: &Narrower, out: &mut dyn Write) -> std::io::Result<()> {
    match proof {
        Narrower::Proven => writeln!(out, "# proven: nothing is permitted that was not permitted before"),
        Narrower::NoSolver { why } => writeln!(out, "# not proven, since there is no solver here: {why}"),
        Narrower::Undecided { why } => writeln!(out, "# not proven: {why}"),
        Narrower::Refuted { counterexample } => {
            let by = counterexample.permitted_by.join(", ");
            writeln!(out, "# FAILS: this was not permitted before, and would be by {by}:")?;
            counterexample.request.lines().try_for_each(|line| writeln!(out, "#   {line}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::policy::prove::Counterexample;

    #[test]
    fn each_result_of_the_proof_is_told_as_text_and_as_json() {
        let counterexample = Counterexample {
            action: "export".to_owned(),
            permitted_by: vec!["clerk/1".to_owned()],
            request: "a\nb".to_owned(),
        };
        for (proof, text, result) in [
            (Narrower::Proven, "# proven: nothing is permitted that was not permitted before\n", "proven"),
            (
                Narrower::NoSolver { why: "install it".to_owned() },
                "# not proven, since there is no solver here: install it\n",
                "no_solver",
            ),
            (Narrower::Undecided { why: "it gave up".to_owned() }, "# not proven: it gave up\n", "undecided"),
            (
                Narrower::Refuted { counterexample },
                "# FAILS: this was not permitted before, and would be by clerk/1:\n#   a\n#   b\n",
                "refuted",
            ),
        ] {
            let mut out = Vec::new();
            tell(&proof, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!(serde_json::to_value(&proof).unwrap()["result"], result);
        }
    }
}
