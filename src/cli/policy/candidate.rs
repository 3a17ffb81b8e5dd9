//! A configuration that is not in force: to be compared with, or tried on what was recorded. Its secrets and
//! certificates need not be there.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::app::wiring::rules;
use crate::config::settings::Settings;
use crate::config::{load_kept, load_to_look_at};
use crate::domain::rulebook::Rulebook;
use crate::features::policy::diff::{Around, On};
use crate::features::route::settings::{ApplicationSettings, RouteSettings, Unmatched};
use crate::gateway::rules::Rules;

/// A configuration that is not in force.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) settings: Settings,
    pub(super) rules: Rules,
}

/// Reads the configuration whose main file this is, or is `leastway.toml` in this folder; what is wrong with it
/// goes to `problems`.
pub(super) fn read(place: &Path, problems: &mut dyn Write) -> anyhow::Result<Option<Candidate>> {
    let main = if place.is_dir() { place.join("leastway.toml") } else { PathBuf::from(place) };
    let read = load_to_look_at(&main).and_then(|loaded| {
        let rules = rules(&loaded)?;
        Ok(Candidate { settings: loaded.settings, rules })
    });
    match read {
        Ok(candidate) => Ok(Some(candidate)),
        Err(found) => {
            write!(problems, "{found}")?;
            Ok(None)
        }
    }
}

/// Reads the configuration whose texts were kept; what is wrong with it goes to `problems`.
pub(super) fn kept(book: &Rulebook, problems: &mut dyn Write) -> anyhow::Result<Option<Candidate>> {
    let Some(loaded) = load_kept(book) else { return Ok(None) };
    let read = loaded.and_then(|loaded| {
        let rules = rules(&loaded)?;
        Ok(Candidate { settings: loaded.settings, rules })
    });
    match read {
        Ok(candidate) => Ok(Some(candidate)),
        Err(found) => {
            write!(problems, "{found}")?;
            Ok(None)
        }
    }
}

impl Candidate {
    /// What stands around the rules, in words.
    pub(super) fn around(&self) -> Vec<Around> {
        let settings = &self.settings;
        let applications = settings.applications.iter().flat_map(|application| {
            let routes = application.routes.iter().flat_map(|route| of_route(application, route));
            of_application(application).into_iter().chain(routes)
        });
        let accounts = settings.upstreams.iter().flat_map(|upstream| {
            upstream.credentials.by_rule.iter().map(|(rule, account)| Around {
                on: On::May,
                id: rule.clone(),
                key: "credential",
                value: account.to_string(),
                width: None,
            })
        });
        applications.chain(accounts).collect()
    }
}

fn of_application(application: &ApplicationSettings) -> [Around; 2] {
    let (word, width) = match application.unmatched {
        Unmatched::Deny => ("deny", 0),
        Unmatched::Observe => ("observe", 1),
    };
    let providers: Vec<_> = application.providers.iter().map(ToString::to_string).collect();
    let of =
        |key, value, width| Around { on: On::Setting, id: application.name.to_string(), key, value, width };
    [of("unmatched", word.to_owned(), Some(width)), of("providers", providers.join(", "), None)]
}

fn of_route(application: &ApplicationSettings, route: &RouteSettings) -> [Around; 2] {
    let id = format!("{}/{}", application.name, route.name);
    let of = |key, value| Around { on: On::Route, id: id.clone(), key, value, width: None };
    let counted = route.reply.as_ref().map_or_else(|| "no".to_owned(), |shape| format!("{shape:?}"));
    [of("match", route.matching.to_string()), of("counted", counted)]
}
