//! `leastway policy`: what the rules are, what they answer, and whether that is what was meant.
//!
//! The verbs are given rules that are loaded already, and a way to find the route of a URL.

mod candidate;
pub(super) mod diff;
pub(super) mod learn;
pub(super) mod prove;
pub(super) mod recorded;
pub(super) mod replay;
pub(super) mod tighten;

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::Exit;
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceClass;
use crate::domain::device::{DeviceClass, DeviceFacts};
use crate::domain::purpose::Purpose;
use crate::domain::risk::RiskName;
use crate::features::facts::Feeds;
use crate::features::policy::bundle::Rules;
use crate::features::policy::cases::{self, CaseSource};
use crate::features::policy::decide::Question;
use crate::features::policy::person::{Ago, FROM, Person, Resolve};
use crate::features::policy::stated::Stated;
use crate::foundation::clock::Timestamp;

/// What to do with the rules.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Print every rule as the Cedar that is enforced.
    Show(ShowArguments),
    /// Explain what would be decided: each rule as hit, miss or unknown, and what would unlock it.
    Explain(Box<ExplainArguments>),
    /// Run cases: what the rules must answer, as data.
    Test(TestArguments),
    /// Compare two configurations: what changes, and whether that permits more or less.
    Diff(diff::DiffArguments),
    /// Decide what was recorded again under a candidate, and list what would have been otherwise.
    Replay(replay::ReplayArguments),
    /// Propose routes for what was observed and none matched: to be read, corrected and put into the application's file.
    Learn(learn::LearnArguments),
    /// Prove that the rules never permit what must not be, for anybody and on any route; or show what they permit. Needs cvc5.
    Prove(prove::ProveArguments),
    /// Propose the least privilege that would have sufficed for what was recorded.
    Tighten(tighten::TightenArguments),
}

/// Arguments of `policy show`.
#[derive(Debug, clap::Args)]
pub struct ShowArguments {
    /// Print the schema that Cedar rules are validated against instead.
    #[arg(long)]
    schema: bool,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `policy explain`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, clap::Args)]
pub struct ExplainArguments {
    /// The method, such as `GET`.
    method: String,
    /// The URL, such as `https://ehr.clinic.example/patients/7`.
    url: String,
    /// A field of the form that is posted: `NAME=VALUE`.
    #[arg(long, value_name = "NAME=VALUE")]
    form: Vec<String>,
    /// At which provider they sign in, if the application admits several.
    #[arg(long, value_name = "NAME")]
    provider: Option<ProviderName>,
    /// The groups that the provider tells.
    #[arg(long = "groups", value_name = "GROUP", value_delimiter = ',', conflicts_with = "nobody")]
    groups: Vec<String>,
    /// Nobody is signed in.
    #[arg(long)]
    nobody: bool,
    /// The provider's identifier of the person.
    #[arg(long, value_name = "SUB")]
    person: Option<String>,
    /// Another attribute that the provider tells.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    attribute: Vec<(String, String)>,
    /// A class of assurance that was proven just now, or `CLASS=5m ago`.
    #[arg(long, value_name = "CLASS", value_parser = assurance)]
    with: Vec<(AssuranceClass, Ago)>,
    /// Why the person works.
    #[arg(long)]
    purpose: Option<Purpose>,
    /// The person has just given a reason.
    #[arg(long)]
    justified: bool,
    /// The number of a request, protocol, document or authorization that they gave with the reason.
    #[arg(long, requires = "justified")]
    number: Option<String>,
    /// To whom it goes, as they said with the reason.
    #[arg(long, requires = "justified")]
    recipient: Option<String>,
    /// Where the person works.
    #[arg(long, value_name = "PLACE")]
    location: Vec<String>,
    /// The caller's address.
    #[arg(long, value_name = "ADDRESS", default_value_t = FROM)]
    from: IpAddr,
    /// The class of the caller's device; by default of none.
    #[arg(long, value_name = "CLASS")]
    device: Option<DeviceClass>,
    /// The device, by what feeds of devices name it by: they are asked for its class and place.
    #[arg(long, value_name = "NAME")]
    device_name: Option<String>,
    /// A risk that stands, by its name.
    #[arg(long, value_name = "NAME")]
    risk: Vec<RiskName>,
    /// What the person has to do with the patient; with this or the next ones no feed is asked.
    #[arg(long, value_name = "WORD")]
    relationship: Vec<String>,
    /// The person is at work.
    #[arg(long)]
    on_shift: bool,
    /// The patient is the person, or of their household.
    #[arg(long)]
    own_chart: bool,
    /// The patient is marked with this.
    #[arg(long, value_name = "WORD")]
    flag: Vec<String>,
    /// What feeds tell is too old.
    #[arg(long)]
    stale: bool,
    /// The provider that keeps a directory here was not heard of for too long.
    #[arg(long)]
    directory_stale: bool,
    /// When, such as `2026-03-02T09:30:00Z`; by default now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `policy test`.
#[derive(Debug, clap::Args)]
pub struct TestArguments {
    /// A folder of case files (`*.toml`), or one case file.
    #[arg(default_value = "tests/policies")]
    place: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl PolicyCommand {
    /// The fields of the form that a request carries, as `NAME=VALUE`.
    pub fn form(&self) -> &[String] {
        match self {
            Self::Explain(arguments) => &arguments.form,
            Self::Show(_)
            | Self::Test(_)
            | Self::Diff(_)
            | Self::Replay(_)
            | Self::Learn(_)
            | Self::Prove(_)
            | Self::Tighten(_) => &[],
        }
    }
}

/// Does what `command` says with the rules in force; what is about other rules or a journal as well has a file of its own.
pub fn run(
    command: &PolicyCommand,
    (rules, feeds): (&Rules, &Feeds),
    resolve: Resolve<'_>,
    now: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Show(arguments) => show(arguments, rules, out),
        PolicyCommand::Explain(arguments) => explain(arguments, (rules, feeds), resolve, now, out),
        PolicyCommand::Test(arguments) => test(arguments, rules, resolve, now, out),
        PolicyCommand::Diff(_)
        | PolicyCommand::Replay(_)
        | PolicyCommand::Learn(_)
        | PolicyCommand::Prove(_)
        | PolicyCommand::Tighten(_) => Ok(Exit::Usage),
    }
}

fn show(arguments: &ShowArguments, rules: &Rules, out: &mut dyn Write) -> anyhow::Result<Exit> {
    #[derive(Serialize)]
    struct Shown<'r> {
        id: &'r str,
        source: String,
        permits: bool,
        cedar: &'r str,
    }

    if arguments.schema {
        write!(out, "{}", rules.schema())?;
    } else if arguments.json {
        let shown = rules.shown().map(|rule| Shown {
            id: rule.id,
            source: rule.source.to_string(),
            permits: rule.permits,
            cedar: rule.cedar,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&shown.collect::<Vec<_>>())?)?;
    } else {
        for (index, rule) in rules.shown().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            writeln!(out, "{gap}// {}: {}\n{}", rule.id, rule.source, rule.cedar)?;
        }
        for risk in rules.risks() {
            writeln!(out, "\n// {}", risk.told())?;
        }
        for law in rules.laws() {
            writeln!(out, "\n// {law}")?;
        }
    }
    Ok(Exit::Ok)
}

fn explain(
    arguments: &ExplainArguments,
    (rules, feeds): (&Rules, &Feeds),
    resolve: Resolve<'_>,
    now: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let now = arguments.at.unwrap_or(now);
    let method = arguments.method.to_ascii_uppercase();
    let method = method.parse().map_err(|_| anyhow::anyhow!("`{method}` is no method"))?;
    let route = resolve(&method, &arguments.url).map_err(anyhow::Error::msg)?;
    let identity = (!arguments.nobody)
        .then(|| arguments.made_up().identity(rules, &route.application, now))
        .transpose()
        .map_err(anyhow::Error::msg)?;
    let stated = arguments.stated();
    let asks_feeds = stated.is_nothing() && rules.minds_feeds(route.route);
    if asks_feeds || arguments.device_name.is_some() {
        feeds.look(now);
    }
    let device = arguments.device_name.as_ref().map(|name| {
        let known = feeds.device_called(name, now);
        known.ok_or_else(|| anyhow::anyhow!("no feed of devices knows `{name}`"))
    });
    let device = device.transpose()?;
    let class = arguments.device.as_ref().or(device.as_ref().and_then(DeviceFacts::class));
    let told = match identity.as_ref().filter(|_| asks_feeds) {
        Some(identity) => feeds.about(identity, route.patient.as_ref(), device.as_ref(), now),
        None => stated.told(rules).map_err(anyhow::Error::msg)?,
    };
    let question = Question {
        identity: identity.as_ref(),
        application: &route.application,
        route: route.route,
        patient: route.patient.as_ref(),
        client_ip: arguments.from,
        device: class,
        risks: rules.supposing(&arguments.risk).map_err(anyhow::Error::msg)?,
        told: &told,
        now,
    };
    let explanation = rules.explain(&question).context("the rules do not know this route")?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&explanation)?)?;
    } else {
        write!(out, "{explanation}")?;
        if !arguments.nobody && arguments.groups.is_empty() {
            writeln!(
                out,
                "\nno --groups were given: groups make roles, and the provider tells them when somebody signs in"
            )?;
        }
        if asks_feeds {
            writeln!(out, "\nfeeds")?;
            feeds.now(now).iter().try_for_each(|feed| writeln!(out, "  {feed}"))?;
        }
    }
    let permitted = explanation.decision == crate::domain::event::Verdict::Permit;
    Ok(if permitted { Exit::Ok } else { Exit::No })
}

impl ExplainArguments {
    fn stated(&self) -> Stated {
        let said = |words: &Vec<String>| (!words.is_empty()).then(|| words.clone());
        Stated {
            relationship: said(&self.relationship),
            on_shift: self.on_shift.then_some(true),
            own_chart: self.own_chart.then_some(true),
            flags: said(&self.flag),
            stale: self.stale,
            directory_stale: self.directory_stale,
            ..Stated::default()
        }
    }

    fn made_up(&self) -> Person {
        let mut person = Person {
            provider: self.provider.clone(),
            sub: self.person.clone(),
            groups: Some(self.groups.clone()),
            assurance: self.with.iter().cloned().collect(),
            purpose: self.purpose,
            justified: self.justified.then_some(Ago(std::time::Duration::ZERO)),
            number: self.number.clone(),
            recipient: self.recipient.clone(),
            ..Person::default()
        };
        for (name, value) in &self.attribute {
            person.attributes.entry(name.clone()).or_default().push(value.clone());
        }
        if !self.location.is_empty() {
            person.attributes.insert("location".to_owned(), self.location.clone());
        }
        person
    }
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn assurance(text: &str) -> Result<(AssuranceClass, Ago), String> {
    let (class, ago) = text.split_once('=').unwrap_or((text, "now"));
    let class = class.parse().map_err(|error: crate::domain::application::NameError| error.to_string())?;
    let ago = ago.parse().map_err(|error: crate::features::policy::person::AgoError| error.to_string())?;
    Ok((class, ago))
}

fn test(
    arguments: &TestArguments,
    rules: &Rules,
    resolve: Resolve<'_>,
    now: Timestamp,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let files = case_files(&arguments.place)?;
    let report = cases::run(rules, &files, resolve, now);
    // A mistyped folder rather than a success.
    anyhow::ensure!(
        report.cases > 0 || !report.failures.is_empty(),
        "no case was found in `{}`: a case is a `[[case]]` in a file `*.toml` there",
        arguments.place.display()
    );
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(if report.failures.is_empty() { Exit::Ok } else { Exit::No })
}

/// The case files of a folder, by name.
fn case_files(place: &Path) -> anyhow::Result<Vec<CaseSource>> {
    let mut paths = Vec::new();
    if place.is_dir() {
        let entries =
            std::fs::read_dir(place).with_context(|| format!("{} cannot be read", place.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("{} cannot be read", place.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
    } else {
        paths.push(place.to_owned());
    }
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            Ok(CaseSource { path: path.display().to_string(), text })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write;

    use super::*;
    use crate::config::{Loaded, load};
    use crate::demo::WorkDirectory;
    use crate::features::directory::settings::kept_attributes;
    use crate::features::facts::settings::words;
    use crate::features::policy::catalog::{Catalog, CatalogApplication, CatalogField, CatalogRoute};
    use crate::features::policy::person::ResolvedRoute;
    use crate::features::route::settings::Access;
    use crate::foundation::clock::{Clock as _, SystemClock};
    use crate::foundation::entropy::SystemEntropy;

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[command(subcommand)]
        command: PolicyCommand,
    }

    fn shipped() -> Rules {
        let folder = tempfile::tempdir().unwrap();
        let directory = WorkDirectory::prepare(folder.path(), &SystemClock, &SystemEntropy).unwrap();
        let Loaded { settings, .. } = load(&directory.configuration()).unwrap();
        let mut catalog = Catalog::default();
        for application in &settings.applications {
            let (name, providers) = (application.name.clone(), application.providers.clone());
            catalog.applications.push(CatalogApplication { name, providers });
            catalog.routes.extend(application.routes.iter().map(|route| {
                CatalogRoute {
                    application: application.name.clone(),
                    route: route.name.clone(),
                    action: route.action,
                    categories: route.categories.clone(),
                    protection: settings.categories.protection(&route.categories),
                    public: route.access == Access::Public,
                    concerns_patient: true,
                    besides: route.given.as_ref().map(|given| given.told()).unwrap_or_default(),
                    fields: route
                        .fields
                        .iter()
                        .map(|field| CatalogField {
                            name: field.name.clone(),
                            categories: field.categories.clone(),
                        })
                        .collect(),
                }
            }));
        }
        catalog.facts = words(settings.feeds.iter());
        catalog.facts.kept_attributes = kept_attributes(&settings.directories);
        catalog.categories = settings.categories.clone();
        for provider in &settings.providers {
            let classes: BTreeSet<_> = provider.assurance.keys().cloned().collect();
            catalog.classes.insert(provider.name.clone(), classes);
            catalog.attributes.extend(provider.claims.keys().cloned());
        }
        Rules::compile(&settings.roles, &settings.policies, catalog, &settings.time_zone, settings.version)
            .unwrap()
    }

    fn typed(rules: &Rules, words: &[&str]) -> (anyhow::Result<Exit>, String) {
        let typed = <Typed as clap::Parser>::try_parse_from([&["policy"], words].concat()).unwrap();
        let resolve = |_: &http::Method, url: &str| match url {
            "https://ehr.localhost/reports/patients?export=csv" => {
                let application: crate::domain::application::ApplicationName = "ehr".parse().unwrap();
                let route = rules.catalog().position(&application, &"report.csv".parse().unwrap()).unwrap();
                Ok(ResolvedRoute { application, route, patient: None })
            }
            _ => Err("no route".to_owned()),
        };
        let mut out = Vec::new();
        let exit = run(&typed.command, (rules, &Feeds::default()), &resolve, SystemClock.now(), &mut out);
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_shipped_rules_answer_as_the_shipped_cases_say() {
        let rules = shipped();
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies");
        let (exit, said) = typed(&rules, &["test", place.to_str().unwrap()]);
        assert_eq!(exit.unwrap(), Exit::Ok, "{said}");
        assert!(said.ends_with("cases, all as expected\n"), "{said}");
    }

    #[test]
    fn a_failing_case_and_a_folder_without_cases_are_a_no() {
        let rules = shipped();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let (exit, said) = typed(&rules, &["test", &path]);
        let error = exit.unwrap_err().to_string();
        assert!(
            said.is_empty() && error.starts_with("no case was found in") && error.contains(&path),
            "{error}"
        );
        let mut file = std::fs::File::create(folder.path().join("a.toml")).unwrap();
        writeln!(file, "[[case]]\nname = \"x\"\nrequest = {{ application = \"ehr\", route = \"home\" }}\nexpect = {{ decision = \"permit\" }}").unwrap();
        let (exit, said) = typed(&rules, &["test", &path, "--json"]);
        assert_eq!(exit.unwrap(), Exit::No);
        let json: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(json["failures"][0]["line"], 2);
    }

    #[test]
    fn every_rule_is_shown_as_cedar_and_as_json() {
        let rules = shipped();
        let (exit, said) = typed(&rules, &["show"]);
        assert_eq!(exit.unwrap(), Exit::Ok);
        assert!(
            said.starts_with(
                "// registrar/1: role `registrar`, `may` number 1\n@id(\"registrar/1\")\npermit ("
            ),
            "{said}"
        );
        assert!(said.contains("@id(\"no-exports-to-public-networks\")\nforbid ("), "{said}");
        let (_, json) = typed(&rules, &["show", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json.as_array().map(Vec::len), Some(rules.len()));
        let (_, schema) = typed(&rules, &["show", "--schema"]);
        assert_eq!(
            schema,
            include_str!("../../../config/policies/leastway.cedarschema"),
            "the shipped one differs"
        );
    }

    #[test]
    fn an_explanation_is_a_yes_or_a_no() {
        let rules = shipped();
        let url = "https://ehr.localhost/reports/patients?export=csv";
        let ask = |words: &[&str]| {
            typed(&rules, &[&["explain", "GET", url, "--groups", "clinic-quality"], words].concat())
        };
        let (exit, said) = ask(&[]);
        assert_eq!(exit.unwrap(), Exit::No);
        assert!(said.starts_with("challenge  acr-insufficient\n"), "{said}");
        assert!(said.contains("1. step up to mfa, at most 900 s ago\n"), "{said}");
        let (exit, said) = ask(&["--with", "mfa", "--at", "2026-03-02T09:30:00Z"]);
        assert_eq!(exit.unwrap(), Exit::Ok, "{said}");
        let (exit, _) = ask(&["--with", "mfa=1h ago"]);
        assert_eq!(exit.unwrap(), Exit::No);
        let (exit, said) = ask(&["--with", "mfa", "--from", "203.0.113.9", "--json"]);
        assert_eq!(exit.unwrap(), Exit::No);
        let json: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(json["decided_by"][0], "no-exports-to-public-networks");
        assert!(typed(&rules, &["explain", "GET", "https://elsewhere/"]).0.is_err());
    }
}
