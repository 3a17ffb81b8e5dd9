//! The difference as people read it: text, and Markdown for a change ticket.

use std::fmt;

use super::{Change, Diff, Direction, How};

impl How {
    const fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
            Self::Moved => '=',
        }
    }
}

impl Diff {
    /// How many changes there are, in one line.
    fn summary(&self) -> String {
        if self.changes.is_empty() && self.reach.is_empty() {
            let files = if self.old == self.new { "" } else { "; what else is in the files differs" };
            return format!("The rules are the same{files}.");
        }
        let wider = self.count(Direction::Wider);
        let narrower = self.count(Direction::Narrower);
        let otherwise = self.count(Direction::Otherwise);
        let same = if self.permits_the_same() { "; what is permitted is the same" } else { "" };
        let changes = if self.changes.len() == 1 { "change" } else { "changes" };
        format!(
            "{} {changes}: {wider} wider, {narrower} narrower, {otherwise} otherwise{same}.",
            self.changes.len()
        )
    }

    /// As Markdown: a heading, a table of what changes, and who reaches what.
    pub fn markdown(&self) -> impl fmt::Display + '_ {
        Markdown(self)
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} → {}", self.old, self.new)?;
        let width = self.changes.iter().map(|change| change.id.chars().count()).max().unwrap_or(0);
        for Change { on, id, how, direction, what } in &self.changes {
            writeln!(f, "{} {on:<7} {id:<width$}  {direction:<9}  {what}", how.sign())?;
        }
        for reach in &self.reach {
            writeln!(f, "\n{}", reach.role)?;
            reach.gained.iter().try_for_each(|route| writeln!(f, "  now reaches      {route}"))?;
            reach.lost.iter().try_for_each(|route| writeln!(f, "  reaches no more  {route}"))?;
        }
        writeln!(f, "\n{}", self.summary())
    }
}

struct Markdown<'d>(&'d Diff);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let diff = self.0;
        writeln!(f, "## Rules: `{}` → `{}`\n\n{}", diff.old, diff.new, diff.summary())?;
        if !diff.changes.is_empty() {
            writeln!(f, "\n| | on | id | permits | what |\n|---|---|---|---|---|")?;
        }
        for Change { on, id, how, direction, what } in &diff.changes {
            writeln!(f, "| {how} | {on} | `{id}` | {direction} | {} |", cell(what))?;
        }
        for reach in &diff.reach {
            writeln!(f, "\n`{}`", reach.role)?;
            writeln!(f)?;
            reach.gained.iter().try_for_each(|route| writeln!(f, "- now reaches {}", cell(route)))?;
            reach.lost.iter().try_for_each(|route| writeln!(f, "- reaches no more: {}", cell(route)))?;
        }
        Ok(())
    }
}

/// Text that ends no cell and begins no markup.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for symbol in text.chars() {
        if matches!(symbol, '|' | '\\' | '*' | '_' | '<' | '[' | ']') {
            safe.push('\\');
        }
        safe.push(if symbol.is_control() { ' ' } else { symbol });
    }
    safe
}
