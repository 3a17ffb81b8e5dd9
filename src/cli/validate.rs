//! `leastway validate`: whether a configuration can be used, and every problem of every file.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Serialize;

use super::{Exit, MainFile};
use crate::app::wiring::rules;
use crate::config::{Loaded, Problem, Severity, look_through};

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
    let answer = Answer::of(look_through(&arguments.main.file));
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
    fn of((loaded, mut problems): (Option<Loaded>, Vec<Problem>)) -> Self {
        // What only shows when everything is put together: routes that tie, rules that do not hold.
        let whole = loaded.as_ref().map(rules);
        if let Some(Err(found)) = whole {
            add(&mut problems, found.0);
        }
        let valid = loaded.filter(|_| !problems.iter().any(is_error));
        Self { valid: valid.is_some(), summary: valid.as_ref().map(Summary::of), problems }
    }

    fn print(&self, out: &mut dyn Write, problems: &mut dyn Write) -> anyhow::Result<()> {
        for problem in &self.problems {
            writeln!(problems, "{problem}")?;
        }
        let errors = self.problems.iter().filter(|problem| is_error(problem)).count();
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

/// Adds what was found later. What is known to be wrong is not told once more by what comes of it; what is only warned of may be
/// wrong besides.
fn add(problems: &mut Vec<Problem>, found: Vec<Problem>) {
    let wrong: BTreeSet<_> = problems.iter().filter(|it| is_error(it)).map(|it| it.key.clone()).collect();
    problems.extend(found.into_iter().filter(|problem| !wrong.contains(&problem.key)));
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

fn with_warnings(warnings: usize) -> String {
    if warnings == 0 { String::new() } else { format!(", {}", counted(warnings, "warning")) }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::{Problem, Severity, add, is_error};
    use crate::cli::{Exit, run};
    use crate::config::Place;
    use crate::demo::WorkDirectory;
    use crate::foundation::clock::SystemClock;
    use crate::foundation::entropy::SystemEntropy;

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
        assert!(problems.trim_end().ends_with("5 errors, 1 warning"), "{problems}");
    }

    /// The shipped configuration with something more at the end of some of its files, and what `validate` says.
    fn shipped_with(more: &[(&str, &str)]) -> (Exit, String) {
        let folder = tempfile::tempdir().unwrap();
        let directory = WorkDirectory::prepare(folder.path(), &SystemClock, &SystemEntropy).unwrap();
        let main = directory.configuration();
        for (file, text) in more {
            let path = main.parent().unwrap().join(file);
            let before = std::fs::read_to_string(&path).unwrap_or_default();
            std::fs::write(path, format!("{before}\n{text}\n")).unwrap();
        }
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let typed = ["leastway", "validate", "--config"].iter().map(Into::into);
        let exit = run(typed.chain([main.into_os_string()]), &mut out, &mut problems);
        (exit, String::from_utf8(problems).unwrap())
    }

    const TIE: (&str, &str) = (
        "applications/ehr.toml",
        "[[application.ehr.route]]\nname = \"home.again\"\nmatch = { method = [\"GET\"], path = \"/\" }\naction = \"view\"",
    );
    const IDLE: (&str, &str) =
        ("roles.toml", "[role.idle]\ngroups = [\"clinic-idle\"]\npurposes = [\"operations\"]");
    const DEAD: (&str, &str) = (
        "roles.toml",
        "[[role.registrar.may]]\napplication = \"ehr\"\nactions = [\"delete\"]\ncategories = [\"schedule\"]",
    );
    const CEDAR: (&str, &str) = (
        "policies/wrong.cedar",
        "@id(\"wrong\")\nforbid (principal, action, resource) when { principal.shoe == 1 };",
    );

    #[test]
    fn problems_that_show_at_different_stages_are_told_at_once() {
        assert_eq!(shipped_with(&[]).0, Exit::Ok);
        let told = |more: &[(&str, &str)]| {
            let (exit, problems) = shipped_with(more);
            assert_eq!(exit, Exit::No);
            [
                "`home` and `home.again` of `ehr` tie",
                "no rule uses the role `idle`",
                "can never fire",
                "wrong.cedar",
            ]
            .map(|what| problems.contains(what))
        };
        assert_eq!(told(&[TIE, IDLE]), [true, true, false, false]);
        assert_eq!(told(&[TIE, DEAD]), [true, false, true, false]);
        assert_eq!(told(&[TIE, CEDAR]), [true, false, false, true]);
        assert_eq!(told(&[TIE, IDLE, CEDAR]), [true, true, false, true]);
    }

    #[test]
    fn a_rule_about_a_patient_needs_a_route_that_names_one() {
        let asks = "[[role.registrar.may]]\napplication = \"ehr\"\nactions = [\"export\"]\n\
                    when = { relationship = [\"treatment_team\"] }";
        let (exit, problems) = shipped_with(&[("roles.toml", asks)]);
        assert_eq!(exit, Exit::No);
        assert!(problems.contains("none of its routes names one"), "{problems}");
    }

    #[test]
    fn a_feed_whose_file_is_not_there_yet_is_worth_a_look() {
        let more = "[feed.later]\nkind = \"relationship\"\nfile = \"feeds/later.csv\"\nmax_age = \"1d\"";
        let (_, problems) = shipped_with(&[("leastway.toml", more)]);
        assert!(
            problems.contains("warning: feed.later.file: `") && problems.contains("is not there"),
            "{problems}"
        );
    }

    #[test]
    fn a_pattern_of_policies_that_fits_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let directory = WorkDirectory::prepare(folder.path(), &SystemClock, &SystemEntropy).unwrap();
        let main = directory.configuration();
        std::fs::rename(main.parent().unwrap().join("policies"), folder.path().join("renamed")).unwrap();
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let typed = ["leastway", "validate", "--config"].iter().map(Into::into);
        assert_eq!(run(typed.chain([main.into_os_string()]), &mut out, &mut problems), Exit::No);
        let problems = String::from_utf8(problems).unwrap();
        assert!(problems.contains("error: policies: no file fits `policies/*.cedar`"), "{problems}");
    }

    #[test]
    fn what_is_warned_of_at_a_place_hides_nothing_that_is_wrong_there() {
        let problem = |severity, what: &str| Problem {
            severity,
            place: Place::file("roles.toml"),
            key: "role.nurse.may[1]".to_owned(),
            what: what.to_owned(),
            right: String::new(),
        };
        let told = |known| {
            let (mut problems, found) =
                (vec![problem(known, "known")], vec![problem(Severity::Error, "found")]);
            add(&mut problems, found);
            (problems.iter().any(is_error), problems.len())
        };
        assert_eq!(told(Severity::Warning), (true, 2));
        assert_eq!(told(Severity::Error), (true, 1));
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
