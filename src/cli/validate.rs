//! `leastway validate`: whether a configuration can be used, and every problem of every file.

use std::io::Write;

use serde::Serialize;

use super::{Exit, MainFile};
use crate::app::wiring::rules;
use crate::config::{Loaded, Problem, Problems, Severity, load};

/// Checks the configuration and reports every problem of every file.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    main: MainFile,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let answer = Answer::of(load(&arguments.main.file));
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
    } else {
        answer.print(out, problems)?;
    }
    Ok(if answer.valid { Exit::Ok } else { Exit::No })
}

#[derive(Debug, Serialize)]
struct Answer {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
    problems: Vec<Problem>,
}

/// What would be in force.
#[derive(Debug, Serialize)]
struct Summary {
    version: String,
    files: usize,
    applications: usize,
    routes: usize,
    roles: usize,
    rules: usize,
    policies: usize,
}

impl Answer {
    fn of(loaded: Result<Loaded, Problems>) -> Self {
        // What only shows when everything is put together: routes that tie, rules that do not hold.
        let whole = loaded.and_then(|loaded| match rules(&loaded) {
            Ok(_) => Ok(loaded),
            Err(problems) => Err(Problems([loaded.warnings, problems.0].concat())),
        });
        match whole {
            Ok(loaded) => {
                Self { valid: true, summary: Some(Summary::of(&loaded)), problems: loaded.warnings }
            }
            Err(Problems(problems)) => Self { valid: false, summary: None, problems },
        }
    }

    fn print(&self, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<()> {
        for problem in &self.problems {
            writeln!(problems, "{problem}")?;
        }
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let warnings = self.problems.len() - errors;
        match &self.summary {
            Some(summary) => writeln!(out, "valid: {summary}{}", with_warnings(warnings))?,
            None => writeln!(problems, "\ninvalid: {}{}", counted(errors, "error"), with_warnings(warnings))?,
        }
        Ok(())
    }
}

impl Summary {
    fn of(loaded: &Loaded) -> Self {
        let settings = &loaded.settings;
        Self {
            version: settings.version.short(),
            files: settings.files.len(),
            applications: settings.applications.len(),
            routes: settings.applications.iter().map(|application| application.routes.len()).sum(),
            roles: settings.roles.len(),
            rules: settings.roles.iter().map(|role| role.may.len()).sum(),
            policies: settings.policies.len(),
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            counted(self.applications, "application"),
            counted(self.routes, "route"),
            counted(self.roles, "role"),
            counted(self.rules, "rule"),
            counted(self.policies, "Cedar file"),
            counted(self.files, "watched file"),
        ];
        write!(f, "{}, version {}", parts.join(", "), self.version)
    }
}

fn with_warnings(warnings: usize) -> String {
    if warnings == 0 { String::new() } else { format!(", {}", counted(warnings, "warning")) }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use crate::cli::{Exit, run};

    fn validate(text: &str, flags: &[&str]) -> (Exit, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leastway.toml");
        std::fs::write(&file, text).unwrap();
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let typed = ["leastway", "validate"].iter().chain(flags).map(Into::into);
        let file = ["--config".into(), file.into_os_string()];
        let exit = run(typed.chain(file), &mut out, &mut problems);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(problems).unwrap())
    }

    #[test]
    fn an_invalid_configuration_ends_with_1_and_every_problem_on_its_own_channel() {
        let (exit, out, problems) = validate("version = 1\nlisten = 2\n", &[]);
        assert_eq!((exit, out.as_str()), (Exit::No, ""));
        assert!(
            problems.contains("leastway.toml:2:1: error: listen: `listen` is not a key here"),
            "{problems}"
        );
        assert!(problems.contains("gateway.listen: `listen` is missing"), "{problems}");
        assert!(problems.trim_end().ends_with("errors"), "{problems}");
    }

    #[test]
    fn programs_get_json() {
        let (exit, out, problems) = validate("version = 3", &["--json"]);
        assert_eq!((exit, problems.as_str()), (Exit::No, ""));
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(answer["valid"], false);
        let version =
            answer["problems"].as_array().unwrap().iter().find(|it| it["key"] == "version").unwrap();
        assert_eq!(version["severity"], "error");
        assert_eq!((&version["line"], &version["column"]), (&1.into(), &11.into()));
        assert_eq!((&version["what"], &version["right"]), (&"3 is out of range".into(), &"`1`".into()));
    }

    #[test]
    fn what_is_not_understood_ends_with_2() {
        assert_eq!(validate("", &["--jason"]).0, Exit::Usage);
    }
}
