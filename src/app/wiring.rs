//! Makes rules from settings: the one place where features meet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::settings::Settings;
use crate::config::{Loaded, Locations, Place, Problem, Problems, Severity};
use crate::domain::application::ProviderName;
use crate::domain::device::DeviceClass;
use crate::domain::field::Field;
use crate::domain::told::FactWords;
use crate::features::authn::settings::ProviderSettings;
use crate::features::browser::script;
use crate::features::browser::settings::{BrowserSettings, ScriptUse};
use crate::features::client::Clients;
use crate::features::directory::settings::kept_attributes;
use crate::features::facts::Feeds;
use crate::features::facts::settings::words;
use crate::features::policy::bundle::Rules as PolicyRules;
use crate::features::policy::catalog::{Catalog, CatalogApplication, CatalogField, CatalogRoute};
use crate::features::policy::problem::{PolicyProblem, PolicySource};
use crate::features::rewrite::Rewrite;
use crate::features::rewrite::location::Origin;
use crate::features::rewrite::settings::RewriteSettings;
use crate::features::route::settings::Access;
use crate::features::route::table::{RouteProblem, RouteTable};
use crate::features::upstream::servers::Upstream;
use crate::features::upstream::settings::{Server, UpstreamSettings};
use crate::gateway::chooser::{Face, Faces};
use crate::gateway::devices::{DeviceSettings, Devices};
use crate::gateway::rules::{Assurances, Rules};
use crate::platform::tls::certificates::{ByName, Certificate};
use crate::platform::tls::front::{Front, Vouchers};

/// Everything of a configuration that a reload replaces, or all that is wrong with it.
pub fn rules(loaded: &Loaded) -> Result<Rules, Problems> {
    let settings = &loaded.settings;
    let mut problems = Vec::new();
    let mut note = |problem: Problem| problems.push(problem);

    let upstreams: Vec<_> = settings
        .upstreams
        .iter()
        .filter_map(|upstream| {
            let key = Locations::application(&upstream.application);
            Upstream::new(upstream.clone())
                .map(Arc::new)
                .map_err(|error| note(loaded.problem(&key, error.to_string(), "certificates in PEM")))
                .ok()
        })
        .collect();
    let (routes, found) = RouteTable::settle(&settings.applications);
    for problem in &found {
        note(route_problem(loaded, problem));
    }
    let policy = policy(settings, &catalog(&routes, settings));
    let policy = policy.map_err(|(found, whose)| {
        for problem in found {
            note(policy_problem(loaded, problem, whose));
        }
    });
    let feeds = Feeds::new(&settings.feeds);
    match policy {
        Ok(policy) if problems.is_empty() => Ok(Rules {
            routes,
            policy,
            upstreams,
            rewrites: settings
                .rewrites
                .iter()
                .zip(&settings.upstreams)
                .zip(&settings.browsers)
                .map(rewrite)
                .collect(),
            holds: settings.holds.clone(),
            browsers: settings.browsers.clone(),
            faces: faces(&settings.providers),
            assurances: assurances(&settings.providers),
            purposes: settings.purposes.clone(),
            clients: Clients::new(settings.clients.iter().cloned()),
            guard: settings.guard.clone(),
            spill: settings.spill.clone(),
            help: settings.help.clone(),
            break_glass: settings.break_glass.clone(),
            trusted_proxies: settings.gateway.trusted_proxies.clone(),
            devices: Devices::new(settings.devices.clone(), feeds.headers()),
            risks: settings.risks.clone(),
            detections: settings.detections.clone().into(),
            feeds,
            exports: settings.exports.clone().into(),
            limits: settings.gateway.limits.clone(),
            version: settings.version.short().into(),
        }),
        Ok(_) | Err(()) => Err(Problems(problems)),
    }
}

/// The rules that are enforced and, beside them, those that are tried; or what is wrong, and with which.
fn policy(settings: &Settings, catalog: &Catalog) -> Result<PolicyRules, (Vec<PolicyProblem>, Whose)> {
    let (zone, version) = (&settings.time_zone, settings.version);
    let furnished = |policy: PolicyRules| {
        policy.with_risks(settings.raises.clone()).with_proof_ages(proof_ages(&settings.devices))
    };
    let enforced = PolicyRules::compile(&settings.roles, &settings.policies, catalog.clone(), zone, version)
        .map_err(|found| (found, Whose::Enforced))?;
    if settings.shadow.is_none() && !enforced.leaves_out() {
        return Ok(furnished(enforced));
    }
    let shadow = settings.shadow.clone().unwrap_or_default();
    let roles = shadow.roles.as_ref().unwrap_or(&settings.roles);
    let files = shadow.policies.as_ref().unwrap_or(&settings.policies);
    let tried = PolicyRules::compile_tried(roles, files, catalog.clone(), zone, version);
    let whose = if shadow.roles.is_some() { Whose::Tried } else { Whose::Enforced };
    Ok(furnished(enforced).with_shadow(furnished(tried.map_err(|found| (found, whose))?)))
}

/// Where roles are written that have a problem.
#[derive(Clone, Copy, Debug)]
enum Whose {
    /// Among those in force.
    Enforced,
    /// Among those that are tried in their place.
    Tried,
}

fn rewrite(
    ((settings, upstream), browser): ((&RewriteSettings, &UpstreamSettings), &BrowserSettings),
) -> Rewrite {
    let origin = |server: &Server| Origin {
        host: server.host.trim_matches(['[', ']']).to_ascii_lowercase(),
        port: server.port,
    };
    let tag = (browser.script == ScriptUse::Inject).then(|| script::tag().into());
    Rewrite::new(settings.clone(), upstream.servers.iter().map(origin).collect(), tag)
}

/// How callers are met in TLS.
pub fn tls(loaded: &Loaded) -> anyhow::Result<Arc<Front>> {
    let mut certificates = Vec::new();
    for files in &loaded.settings.gateway.certificates {
        certificates.push(Certificate::read(&files.chain, &files.key)?);
    }
    let (first, others) = certificates.split_first().context("there is no certificate")?;
    let certificates = Arc::new(ByName::new(first, others));
    let front = match &loaded.settings.gateway.client_certificate {
        None => Front::new(certificates)?,
        Some(callers) => {
            let vouchers = Vouchers::new(&callers.authorities, callers.revoked.as_deref())?;
            Front::asking(certificates, vouchers, callers.hosts.iter().cloned())?
        }
    };
    Ok(Arc::new(front))
}

/// What the policy may speak of.
pub fn catalog(routes: &RouteTable, settings: &Settings) -> Catalog {
    let Settings { providers, feeds, categories, directories, .. } = settings;
    let applications = routes
        .applications()
        .iter()
        .map(|application| CatalogApplication {
            name: application.name.clone(),
            providers: application.providers.clone(),
        })
        .collect();
    let routes = routes
        .routes()
        .iter()
        .filter_map(|route| {
            Some(CatalogRoute {
                application: routes.applications().get(route.application)?.name.clone(),
                route: route.name.clone(),
                action: route.action,
                categories: route.categories.to_vec(),
                // A field that is withheld is told as if it were not: too much is told rather than too little.
                protection: categories.protection(
                    route.categories.iter().chain(route.fields.iter().flat_map(|field| &field.categories)),
                ),
                public: route.access == Access::Public,
                concerns_patient: route.concerns_patient(),
                fields: route.fields.iter().map(catalog_field).collect(),
                besides: route.given.as_ref().map(|given| given.told()).unwrap_or_default(),
            })
        })
        .collect();
    let classes = providers
        .iter()
        .map(|provider| (provider.name.clone(), provider.assurance.keys().cloned().collect()))
        .collect();
    let facts = FactWords { kept_attributes: kept_attributes(directories), ..words(feeds.iter()) };
    let claims = providers.iter().flat_map(|provider| provider.claims.keys().cloned());
    let attributes = claims
        .chain(facts.kept_attributes.iter().cloned())
        .chain(facts.places.iter().map(ToString::to_string))
        .collect();
    Catalog { applications, routes, classes, attributes, facts, categories: categories.clone() }
}

fn catalog_field(field: &Field) -> CatalogField {
    CatalogField { name: field.name.clone(), categories: field.categories.clone() }
}

fn proof_ages(devices: &[DeviceSettings]) -> BTreeMap<DeviceClass, Duration> {
    devices.iter().filter_map(|device| Some((device.class.clone(), device.proof_lasts?))).collect()
}

fn faces(providers: &[ProviderSettings]) -> Faces {
    let face = |it: &ProviderSettings| Face {
        title: it.title.clone(),
        domains: it.domains.clone(),
        own_callback: it.own_callback,
    };
    providers.iter().map(|provider| (provider.name.clone(), face(provider))).collect()
}

fn assurances(providers: &[ProviderSettings]) -> BTreeMap<ProviderName, Assurances> {
    providers
        .iter()
        .map(|provider| {
            let asked = provider
                .assurance
                .iter()
                .map(|(class, settings)| (class.clone(), settings.ask.acr_values.clone()));
            (provider.name.clone(), asked.collect())
        })
        .collect()
}

fn route_problem(loaded: &Loaded, problem: &RouteProblem) -> Problem {
    let what = problem.to_string();
    match problem {
        RouteProblem::Tie { application, route_b, .. } => {
            let key = loaded.locations.route(application, route_b).map(str::to_owned);
            let key = key.unwrap_or_else(|| Locations::application(application));
            loaded.problem(&key, what, "a condition that only one of them has")
        }
        RouteProblem::Outside { application, route, path } => {
            let key = loaded.locations.route(application, route).map(str::to_owned);
            let key = key.unwrap_or_else(|| Locations::application(application));
            loaded.problem(&key, what, format!("a path below `{path}`"))
        }
        RouteProblem::SameAddress { application_b, .. } => {
            loaded.problem(&Locations::application(application_b), what, "a host or path of its own")
        }
    }
}

fn policy_problem(loaded: &Loaded, problem: PolicyProblem, whose: Whose) -> Problem {
    let PolicyProblem { source, what, right } = problem;
    let key = |key: String| match whose {
        Whose::Enforced => key,
        Whose::Tried => format!("shadow.{key}"),
    };
    match source {
        PolicySource::Role(role) => loaded.problem(&key(Locations::role(&role)), what, right),
        PolicySource::May(role, position) | PolicySource::Emergency(role, position) => {
            loaded.problem(&key(Locations::rule(&role, position)), what, right)
        }
        PolicySource::Law(category, _) => loaded.problem(&Locations::category(&category), what, right),
        PolicySource::TimeZone => loaded.problem("time_zone", what, right),
        PolicySource::Rules => loaded.problem("policies", what, right),
        PolicySource::File { path, line, column } => {
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            Problem {
                severity: Severity::Error,
                place: Place { file: path.into(), line: number(line), column: number(column) },
                key: "policies".to_owned(),
                what,
                right,
            }
        }
    }
}
