//! The report as people read it.

use std::fmt;

use super::{Change, ChangeKey, LimitChange, LimitKey, Report, Told};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            (None, _) | (_, None) => String::new(),
        };
        writeln!(f, "{} events under {}{span}", self.events, self.rules)?;
        self.changes.iter().try_for_each(|change| write!(f, "{change}"))?;
        self.limits.iter().try_for_each(|change| write!(f, "{change}"))?;
        let same = self.decided.saturating_sub(self.changed);
        writeln!(f, "\n{} decided again: {} otherwise, {same} as before", self.decided, self.changed)?;
        if self.by_roles_of_then > 0 {
            writeln!(
                f,
                "  {} of them by the roles of then: their groups are not recorded",
                self.by_roles_of_then
            )?;
        }
        if self.unlisted > 0 {
            writeln!(f, "  {} changes are of kinds beyond those that are listed", self.unlisted)?;
        }
        let undecidable: u64 = self.undecidable.values().sum();
        writeln!(f, "undecidable: {undecidable}")?;
        for (why, number) in &self.undecidable {
            writeln!(f, "  {number} {why}")?;
        }
        if self.uncounted > 0 {
            writeln!(
                f,
                "{} replies were not counted far enough to tell whether they were beyond",
                self.uncounted
            )?;
        }
        writeln!(f, "{} were not decided by rules", self.not_by_rules)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChangeKey { application, route, roles, from, to, reason, rules_then, rules } = &self.kind;
        writeln!(f, "\n{from} → {to}  {reason}  {application}/{route}  {}", listed(roles, "no role"))?;
        writeln!(f, "  then by {}; now by {}", listed(rules_then, "no rule"), listed(rules, "no rule"))?;
        write!(f, "{}", self.seen)
    }
}

impl fmt::Display for LimitChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitKey { application, route, roles, limit, allowed, beyond, then } = &self.kind;
        let what = match (limit, beyond) {
            (Some(limit), true) => format!("now beyond {limit}"),
            (Some(limit), false) => format!("no longer beyond {limit}"),
            (None, true) => "not counted: no longer let through".to_owned(),
            (None, false) => "not counted: now let through".to_owned(),
        };
        writeln!(f, "\n{what}  {application}/{route}  {}", listed(roles, "no role"))?;
        if limit.is_some() {
            let allowed = allowed.map_or_else(|| "no limit".to_owned(), |number| number.to_string());
            writeln!(f, "  allowed {allowed}, largest {}; {then}", self.largest)?;
        }
        write!(f, "{}", self.seen)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.and_more_people { " or more" } else { "" };
        let examples: Vec<_> = self.examples.iter().map(ToString::to_string).collect();
        let (times, people) =
            (counted(self.times, "time", "times"), counted(self.people, "person", "people"));
        writeln!(f, "  {times}, {people}{more}; such as {}", examples.join(" "))
    }
}

fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

fn listed(all: &[String], none: &str) -> String {
    if all.is_empty() { none.to_owned() } else { all.join(", ") }
}
