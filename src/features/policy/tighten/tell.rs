//! What would have sufficed as a difference to the roles as they are written.

use std::fmt;

use super::{Sufficient, SufficientLimit, SufficientMay, SufficientRole};
use crate::domain::limit::Measure;
use crate::features::policy::settings::MaySettings;

impl fmt::Display for Sufficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            (None, _) | (_, None) => String::new(),
        };
        writeln!(
            f,
            "--- roles as they are\n+++ roles that would have sufficed for {} requests{span}",
            self.events
        )?;
        self.roles.iter().filter(|role| !role.is_as_it_is()).try_for_each(|role| write!(f, "{role}"))?;
        for (why, number) in &self.undecidable {
            writeln!(f, "# {number} requests are not in this: {why}")?;
        }
        if self.is_as_it_is() {
            writeln!(f, "# All that is permitted was used, and no number is far above what was met.")?;
        }
        Ok(())
    }
}

impl fmt::Display for SufficientRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = &self.role;
        writeln!(f, "@@ [role.{role}] @@")?;
        for SufficientMay { id, times, now, then, .. } in &self.may {
            let used = if *times == 0 { "not once".to_owned() } else { format!("{times} times") };
            writeln!(f, " # {id}: {used}")?;
            let then = (*times > 0).then_some(then);
            line(f, Some(format!("[[role.{role}.may]]")), then.map(|_| format!("[[role.{role}.may]]")))?;
            for ((key, now), (_, then)) in written(now).into_iter().zip(then.map_or_else(none, written)) {
                let value = |value: Option<String>| value.map(|value| format!("{key} = {value}"));
                line(f, value(now), value(then))?;
            }
        }
        for limit in &self.limits {
            let SufficientLimit { limit, now, then: Some(then), percentile: Some(met), samples } = limit
            else {
                continue;
            };
            writeln!(f, " # {limit}: 99 of 100 were at most {met}, of {samples}")?;
            let is_bytes = matches!(limit.window(), Some((Measure::Bytes, _)));
            let written = |number: u64| {
                if is_bytes { format!("{limit} = \"{number}B\"") } else { format!("{limit} = {number}") }
            };
            line(f, now.map(written), Some(written(*then)))?;
        }
        Ok(())
    }
}

/// A line that stays, or goes and comes.
fn line(f: &mut fmt::Formatter<'_>, now: Option<String>, then: Option<String>) -> fmt::Result {
    if now == then {
        return now.map_or(Ok(()), |now| writeln!(f, " {now}"));
    }
    now.map_or(Ok(()), |now| writeln!(f, "-{now}"))?;
    then.map_or(Ok(()), |then| writeln!(f, "+{then}"))
}

type Lines = [(&'static str, Option<String>); 4];

fn written(may: &MaySettings) -> Lines {
    [
        ("application", Some(format!("\"{}\"", may.application))),
        ("actions", listed(&may.actions)),
        ("routes", listed(&may.routes)),
        ("categories", listed(&may.categories)),
    ]
}

const fn none() -> Lines {
    [("application", None), ("actions", None), ("routes", None), ("categories", None)]
}

/// As TOML; nothing where nothing is listed.
fn listed<T: fmt::Display>(all: &[T]) -> Option<String> {
    let all: Vec<_> = all.iter().map(|it| format!("\"{it}\"")).collect();
    (!all.is_empty()).then(|| format!("[{}]", all.join(", ")))
}
