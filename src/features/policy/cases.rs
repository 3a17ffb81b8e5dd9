//! Cases: what the rules must answer, as data. `leastway policy test` runs them.
//!
//! ```toml
//! now = "2026-03-02T09:30:00Z"          # without it, time-dependent rules could not be tested
//!
//! [person.analyst]
//! groups = ["clinic-quality"]
//!
//! [[case]]
//! name = "an export takes a second factor"
//! person = "analyst"                    # or { like = "analyst", assurance = { mfa = "5m ago" } }
//! request = { application = "ehr", route = "report.csv" }   # or { method = "GET", url = "https://…" }
//! expect = { decision = "challenge", step_up = "mfa" }      # and: reasons, rules
//! ```
//!
//! What feeds tell is stated, too: `facts = { relationship = ["treatment_team"], on_shift = true, own_chart = false,
//! flags = [], department = ["cardiology"], device_department = ["cardiology"] }`, `stale = true` for feeds that are too old, and
//! `directory_stale = true` for a provider's directory that is. What is not stated is unknown.
//!
//! A case without a person is asked by nobody who signed in.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::bundle::Rules;
use super::decide::Question;
use super::memory::Memory;
use super::person::{FROM, Person, PersonOrName, Resolve, ResolvedRoute};
use super::stated::Stated;
use super::statement::position;
use crate::domain::application::{ApplicationName, RouteName};
use crate::domain::assurance::AssuranceClass;
use crate::domain::decision::{Challenge, Decision};
use crate::domain::device::DeviceClass;
use crate::domain::event::Verdict;
use crate::domain::field::FieldName;
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::domain::risk::RiskName;
use crate::foundation::clock::Timestamp;

/// A file of cases, read.
#[derive(Clone, Debug)]
pub struct CaseSource {
    /// Its path, for messages.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What came of the cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaseReport {
    /// How many cases there are.
    pub cases: usize,
    /// What failed, in order: cases that came out otherwise, and what could not be understood.
    pub failures: Vec<CaseFailure>,
}

/// A case that failed, or a place that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseFailure {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The case; absent if the file could not be understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What is wrong, line by line.
    pub what: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    now: Option<Timestamp>,
    #[serde(default)]
    person: BTreeMap<String, Person>,
    #[serde(default)]
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: Spanned<String>,
    now: Option<Timestamp>,
    person: Option<PersonOrName>,
    request: Request,
    /// What feeds tell; absent: nothing.
    #[serde(default)]
    facts: Stated,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    application: Option<ApplicationName>,
    route: Option<RouteName>,
    method: Option<String>,
    url: Option<String>,
    /// Whether the request names one patient, where the route is given instead of a URL.
    #[serde(default)]
    one_patient: bool,
    client_ip: Option<IpAddr>,
    /// The class of the device; absent: of none.
    device: Option<DeviceClass>,
    /// The risks that stand, by name.
    #[serde(default)]
    risks: Vec<RiskName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    decision: Verdict,
    reasons: Option<Vec<Reason>>,
    rules: Option<Vec<String>>,
    step_up: Option<AssuranceClass>,
    /// The fields of the reply that are withheld, by name, in order.
    withheld: Option<Vec<FieldName>>,
}

/// Runs the cases of all files; `now` is the time of cases that pin none.
pub fn run(rules: &Rules, files: &[CaseSource], resolve: Resolve<'_>, now: Timestamp) -> CaseReport {
    let mut report = CaseReport::default();
    for file in files {
        let parsed: CaseFile = match toml::from_str(&file.text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                report.failures.push(failure(file, offset, None, vec![error.message().to_owned()]));
                continue;
            }
        };
        for case in &parsed.case {
            report.cases += 1;
            let now = case.now.or(parsed.now).unwrap_or(now);
            let what = case.run(rules, &parsed.person, resolve, now).unwrap_or_else(|wrong| vec![wrong]);
            if !what.is_empty() {
                let name = case.name.get_ref().clone();
                report.failures.push(failure(file, case.name.span().start, Some(name), what));
            }
        }
    }
    report
}

fn failure(file: &CaseSource, offset: usize, case: Option<String>, what: Vec<String>) -> CaseFailure {
    CaseFailure { file: file.path.clone(), line: position(&file.text, offset).0, case, what }
}

impl Case {
    /// What came otherwise than expected; nothing if all is well.
    fn run(
        &self,
        rules: &Rules,
        people: &BTreeMap<String, Person>,
        resolve: Resolve<'_>,
        now: Timestamp,
    ) -> Result<Vec<String>, String> {
        let route = self.request.resolved(rules, resolve)?;
        let person = self.person.as_ref().map(|person| named(&person.0, people)).transpose()?;
        let identity = person.map(|person| person.identity(rules, &route.application, now)).transpose()?;
        let told = self.facts.told(rules)?;
        let question = Question {
            identity: identity.as_ref(),
            application: &route.application,
            route: route.route,
            patient: route.patient.as_ref(),
            client_ip: self.request.client_ip.unwrap_or(FROM),
            device: self.request.device.as_ref(),
            risks: rules.supposing(&self.request.risks)?,
            told: &told,
            now,
        };
        let decision = match rules.catalog().routes.get(route.route) {
            Some(known) if known.public => rules.public(),
            Some(_) | None => rules.decide(&Memory::default(), &question),
        };
        let mut what = self.expect.compared(&decision);
        if !what.is_empty()
            && let Some(explanation) = rules.explain(&question)
        {
            what.extend(
                explanation.to_string().lines().map(|line| format!("  {line}").trim_end().to_owned()),
            );
        }
        Ok(what)
    }
}

/// The person with what they take from the one they are like; one step, so that nobody is like themselves.
fn named(person: &Person, people: &BTreeMap<String, Person>) -> Result<Person, String> {
    let Some(like) = &person.like else { return Ok(person.clone()) };
    match people.get(like) {
        Some(Person { like: Some(_), .. }) => Err(format!("person `{like}` is like somebody else")),
        Some(other) => Ok(person.clone().or(other)),
        None => Err(format!("there is no person `{like}` in this file")),
    }
}

impl Request {
    fn resolved(&self, rules: &Rules, resolve: Resolve<'_>) -> Result<ResolvedRoute, String> {
        match (&self.application, &self.route, &self.url) {
            (Some(application), Some(route), None) if self.method.is_none() => {
                let position = rules.catalog().position(application, route);
                let position = position.ok_or_else(|| format!("`{application}` has no route `{route}`"))?;
                let patient = self.one_patient.then(|| PatientRef::new(application.clone(), "1".to_owned()));
                Ok(ResolvedRoute { application: application.clone(), route: position, patient })
            }
            (None, None, Some(url)) => {
                let method = self.method.as_deref().unwrap_or("GET");
                let method = method.parse().map_err(|_| format!("`{method}` is no method"))?;
                resolve(&method, url)
            }
            _ => Err("a request has either `application` and `route`, or `method` and `url`".to_owned()),
        }
    }
}

impl Expect {
    fn compared(&self, decision: &Decision) -> Vec<String> {
        let (verdict, reasons, grounds) = match decision {
            Decision::Permit(_, grounds) => (Verdict::Permit, vec![Reason::RuleMatched], grounds),
            Decision::Challenge(challenge, grounds) => {
                (Verdict::Challenge, vec![challenge.reason()], grounds)
            }
            Decision::Deny(denial, grounds) => (Verdict::Deny, denial.reasons.clone(), grounds),
        };
        let step_up = match decision {
            Decision::Challenge(Challenge::StepUp(need, _), _) => Some(&need.class),
            Decision::Challenge(
                Challenge::SignIn | Challenge::Justify | Challenge::Purpose(_) | Challenge::BreakGlass,
                _,
            )
            | Decision::Permit(..)
            | Decision::Deny(..) => None,
        };
        let rules: Vec<String> = grounds.rules.iter().map(ToString::to_string).collect();
        let mut what = Vec::new();
        let mut compare = |name: &str, expected: String, came: String| {
            if expected != came {
                what.push(format!("{name}: expected {expected}, came {came}"));
            }
        };
        compare("decision", self.decision.to_string(), verdict.to_string());
        if let Some(expected) = &self.reasons {
            compare("reasons", listed(expected), listed(&reasons));
        }
        if let Some(expected) = &self.rules {
            compare("rules", listed(expected), listed(&rules));
        }
        if let Some(expected) = &self.step_up {
            let came = step_up.map_or_else(|| "none".to_owned(), ToString::to_string);
            compare("step_up", expected.to_string(), came);
        }
        if let Some(expected) = &self.withheld {
            compare("withheld", listed(expected), listed(&grounds.obligations.withheld));
        }
        what
    }
}

fn listed<T: fmt::Display>(things: &[T]) -> String {
    let things: Vec<_> = things.iter().map(ToString::to_string).collect();
    format!("[{}]", things.join(", "))
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            let case = failure.case.as_deref().unwrap_or("the file is not understood");
            writeln!(f, "{}:{}: {case}", failure.file, failure.line)?;
            for line in &failure.what {
                writeln!(f, "  {line}")?;
            }
        }
        let failed = self.failures.len();
        writeln!(
            f,
            "{} cases, {}",
            self.cases,
            if failed == 0 { "all as expected".to_owned() } else { format!("{failed} failed") }
        )
    }
}
