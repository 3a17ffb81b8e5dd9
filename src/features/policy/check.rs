//! What can be wrong with rules that can be read: a rule that can never fire, a role that nobody can
//! hold, a word that the schema does not know.

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::bundle::used_roles;
use super::catalog::{ALWAYS_KNOWN, Catalog, CatalogApplication};
use super::emergency;
use super::law;
use super::problem::{PolicyProblem, PolicySource};
use super::reads::Fact;
use super::rule::Rule;
use super::settings::{MaySettings, RoleSettings, WhenSettings};
use super::slice::{Engine, RouteRules};
use super::wording;
use super::world::Vocabulary;
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceClass;
use crate::domain::told::FactWords;

/// What is wrong with the roles as written.
pub(super) fn roles(roles: &[RoleSettings], catalog: &Catalog) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for role in roles {
        let source = || PolicySource::Role(role.name.clone());
        if !seen.insert(&role.name) {
            problems.push(PolicyProblem::new(source(), "the role is written twice", "write it once"));
        }
        if role.groups.is_empty() {
            problems.push(PolicyProblem::new(
                source(),
                "no group gives this role, so nobody can hold it",
                "name at least one group of the provider in `groups`",
            ));
        }
        if role.providers.is_empty() {
            problems.push(PolicyProblem::new(
                source(),
                "no provider's groups give this role, so nobody can hold it",
                "name at least one provider in `providers`",
            ));
        }
        for (index, may) in role.may.iter().enumerate() {
            let source = PolicySource::May(role.name.clone(), index + 1);
            let found = self::may(role, may, catalog).into_iter();
            problems.extend(found.map(|(what, right)| PolicyProblem::new(source.clone(), what, right)));
        }
    }
    problems.extend(emergency::problems(roles, catalog));
    problems
}

/// Why a `may` can never fire, and what would be right.
fn may(role: &RoleSettings, may: &MaySettings, catalog: &Catalog) -> Vec<(String, String)> {
    let Some(application) = catalog.application(&may.application) else {
        let names = catalog.applications.iter().map(|application| application.name.as_str());
        return vec![(format!("there is no application `{}`", may.application), one_of(names))];
    };
    let mut found = Vec::new();
    if !catalog.routes.iter().any(|route| {
        route.application == may.application
            && !route.public
            && may.actions.contains(&route.action)
            && (may.routes.is_empty()
                || may.routes.iter().any(|pattern| is_like(route.route.as_str(), pattern)))
            && (may.categories.is_empty() || route.categories.iter().all(|has| may.categories.contains(has)))
    }) {
        found.push((
            format!("it can never fire: no route of `{}` has these actions, names and categories", may.application),
            "a route needs one of the `actions`, one of the `routes`, and all its categories among `categories`"
                .to_owned(),
        ));
    }
    found.extend(providers(role, may, application, catalog));
    if !wording::purposes(role, may).iter().any(|purpose| role.purposes.contains(purpose)) {
        found.push((
            "it can never fire: none of its purposes is one of the role".to_owned(),
            one_of(role.purposes.iter().map(|purpose| purpose.as_str())),
        ));
    }
    found.extend(places(&may.when, catalog));
    found.extend(feeds(role, &may.when, &catalog.facts));
    found.extend(law::problems(role, may, catalog));
    found
}

/// Which places nobody tells, and what would be right.
fn places(when: &WhenSettings, catalog: &Catalog) -> Vec<(String, String)> {
    let asked =
        [("location", &when.location), ("department", &when.department), ("facility", &when.facility)];
    let untold =
        asked.into_iter().filter(|(name, places)| !places.is_empty() && !catalog.attributes.contains(*name));
    untold
        .map(|(name, _)| {
            let what = format!("it can never fire: no provider and no feed tells the {name}");
            (
                what,
                format!("map `{name}` in the provider's `claims`, or in the `columns` of a feed of people"),
            )
        })
        .collect()
}

/// What no feed tells, and what would be right.
fn feeds(role: &RoleSettings, when: &WhenSettings, words: &FactWords) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for word in when.relationship.iter().filter(|word| words.relationship(word).is_none()) {
        let what = format!("it can never fire: no feed tells of the relationship `{word}`");
        found.push((what, one_of(words.relationships.iter().map(String::as_str))));
    }
    for word in when.not_flagged.iter().filter(|word| words.flag(word).is_none()) {
        let what = format!("it can never fire: no feed tells of the flag `{word}`");
        found.push((what, one_of(words.flags.iter().map(String::as_str))));
    }
    if when.on_shift && !words.shifts {
        let what = "it can never fire: no feed tells when people work".to_owned();
        found.push((what, "a feed with `kind = \"shift\"`".to_owned()));
    }
    for place in when.device_places.keys().filter(|place| !words.device_places.contains(place)) {
        let what = format!("it can never fire: no feed tells the {place} of devices");
        found.push((what, format!("a feed with `kind = \"device\"` and a column `{place}`")));
    }
    if role.not_self && !words.own_charts {
        let what = "it can never fire: no feed tells which patients people are themselves".to_owned();
        let right = "a feed with `kind = \"person\"` and a column `own_patient` or `household`";
        found.push((what, right.to_owned()));
    }
    found
}

/// Why nobody of the application's providers can meet a `may`, and what would be right.
fn providers(
    role: &RoleSettings,
    may: &MaySettings,
    application: &CatalogApplication,
    catalog: &Catalog,
) -> Option<(String, String)> {
    let theirs = || application.providers.iter().filter(|provider| role.providers.contains(provider));
    if theirs().next().is_none() {
        return Some((
            format!("it can never fire: `{}` admits none of the providers of this role", may.application),
            one_of(application.providers.iter().map(ProviderName::as_str)),
        ));
    }
    let need = may.when.assurance.as_ref()?;
    if theirs().any(|provider| catalog.proves(provider, &need.class)) {
        return None;
    }
    let known = theirs().filter_map(|provider| catalog.classes.get(provider)).flatten();
    let names: Vec<_> = theirs().map(|provider| format!("`{provider}`")).collect();
    Some((
        format!("it can never fire: provider {} cannot prove `{}`", names.join(", "), need.class),
        one_of(known.map(AssuranceClass::as_str)),
    ))
}

/// Whether a route's name is one of those that a pattern means.
pub(super) fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    if words.is_empty() { "there is none".to_owned() } else { format!("one of {}", words.join(", ")) }
}

/// Two rules with one id: an event could not tell which of them decided.
pub(super) fn ids(rules: &[Rule]) -> Vec<PolicyProblem> {
    let mut seen: HashMap<&str, &PolicySource> = HashMap::new();
    let mut problems = Vec::new();
    for rule in rules {
        if let Some(first) = seen.insert(&rule.id, &rule.source) {
            let what = format!("the id `{}` is taken by {first}", rule.id);
            problems.push(PolicyProblem::new(
                rule.source.clone(),
                what,
                "give each rule an `@id` of its own",
            ));
        }
    }
    problems
}

/// Whether a text can be a rule's id.
pub(super) fn id(id: &str) -> Result<(), String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./#".contains(&byte);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(known) {
        let shown: String = id.chars().take(80).collect();
        return Err(format!("`{}` cannot be the id of a rule", shown.escape_debug()));
    }
    Ok(())
}

/// What the schema and the catalog have against the rules.
pub(super) fn rules(
    rules: &[Rule],
    roles: &[RoleSettings],
    catalog: &Catalog,
    schema: &Schema,
    vocabulary: &Vocabulary,
) -> Vec<PolicyProblem> {
    let mut problems = validated(rules, schema);
    for rule in rules.iter().filter(|rule| matches!(rule.source, PolicySource::File { .. })) {
        problems.extend(unknown_names(rule, roles, catalog, vocabulary));
        problems.extend(for_anybodys_people(rule, catalog));
        // Cedar takes `has` with a word that nobody knows for `false`; what else is unknown it tells.
        if problems.is_empty() {
            problems.extend(unknown_facts(rule, catalog));
        }
    }
    let used = used_roles(rules);
    // One whose rules are only tried may have none yet.
    let is_tried = |role: &RoleSettings| role.may.iter().any(|may| may.shadow);
    for role in roles.iter().filter(|role| !used.contains(role.name.as_str()) && !is_tried(role)) {
        problems.push(PolicyProblem::new(
            PolicySource::Role(role.name.clone()),
            "no rule uses this role",
            "give it a `may`, or take it out",
        ));
    }
    problems
}

/// What the schema has against the rules. Rules that say the same of several roles are looked at once, and each of them only
/// where something is wrong, so that each is told where it stands.
fn validated(rules: &[Rule], schema: &Schema) -> Vec<PolicyProblem> {
    let once = invalid(rules.iter().filter(|rule| !rule.is_repeated), schema);
    if once.is_empty() { once } else { invalid(rules.iter(), schema) }
}

fn invalid<'r>(rules: impl Iterator<Item = &'r Rule> + Clone, schema: &Schema) -> Vec<PolicyProblem> {
    let set = match PolicySet::from_policies(rules.clone().map(|rule| rule.policy.clone())) {
        Ok(set) => set,
        Err(error) => return vec![PolicyProblem::new(PolicySource::Rules, error.to_string(), "")],
    };
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let by_id: HashMap<_, _> = rules.map(|rule| (rule.policy.id(), rule)).collect();
    let problem = |id: &cedar_policy::PolicyId, found: &dyn Diagnostic, right: &str| {
        let source = match by_id.get(id) {
            Some(rule) => within(rule, offset(found)),
            None => PolicySource::Rules,
        };
        PolicyProblem::new(source, found.to_string(), help(found, right))
    };
    let wrong: BTreeSet<_> = result.validation_errors().map(|error| error.policy_id().to_string()).collect();
    let errors = result.validation_errors().map(|error| problem(error.policy_id(), error, FITTING));
    // What is wrong is often also impossible; once is enough.
    let warnings =
        result.validation_warnings().filter(|warning| !wrong.contains(&warning.policy_id().to_string()));
    let mut problems: Vec<_> =
        errors.chain(warnings.map(|warning| problem(warning.policy_id(), warning, POSSIBLE))).collect();
    // Cedar tells a mistake once for every action, in no particular order.
    problems.sort_by_cached_key(|problem| (problem.source.to_string(), problem.what.clone()));
    problems.dedup_by(|one, other| one.source == other.source && one.right == other.right);
    problems
}

/// A place within a rule.
fn within(rule: &Rule, offset: usize) -> PolicySource {
    match &rule.source {
        PolicySource::File { path, line, column } => {
            let (down, right) = super::statement::position(&rule.text, offset);
            let column = if down == 1 { column + right - 1 } else { right };
            PolicySource::File { path: path.clone(), line: line + down - 1, column }
        }
        other @ (PolicySource::Role(_)
        | PolicySource::May(..)
        | PolicySource::Emergency(..)
        | PolicySource::Law(..)
        | PolicySource::TimeZone
        | PolicySource::Rules) => other.clone(),
    }
}

/// The roles, applications and routes that a rule names and the configuration does not have.
fn unknown_names(
    rule: &Rule,
    roles: &[RoleSettings],
    catalog: &Catalog,
    vocabulary: &Vocabulary,
) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    for uid in rule.policy.entity_literals() {
        let name = uid.id().unescaped();
        let kind = uid.type_name();
        let known = if vocabulary.role_of(&uid).is_some() {
            roles.iter().any(|role| role.name.as_str() == name)
        } else if vocabulary.is_application(kind) {
            catalog.applications.iter().any(|application| application.name.as_str() == name)
        } else if vocabulary.is_route(kind) {
            catalog
                .routes
                .iter()
                .any(|route| name.split_once('/') == Some((route.application.as_str(), route.route.as_str())))
        } else {
            true
        };
        if !known {
            let what = format!("the configuration has no `{uid}`");
            problems.push(PolicyProblem::new(rule.source.clone(), what, "name one that it has"));
        }
    }
    problems
}

/// A permit that does not say whose people it is for, where there are those of several providers: it would give the people
/// of each what was meant for one's.
fn for_anybodys_people(rule: &Rule, catalog: &Catalog) -> Option<PolicyProblem> {
    let reads = |name: &str| rule.reads.facts.contains(&Fact::Attribute(name.into()));
    let shared = catalog.applications.iter().find(|application| application.providers.len() > 1)?;
    if !rule.permits() || rule.names_people() || reads("provider") || reads("issuer") {
        return None;
    }
    let what =
        format!("`{}` admits the people of several providers, and this permits whoever comes", shared.name);
    let right = "`principal in Role::\"…\"`, or a condition on `principal.provider` or `principal.issuer`";
    Some(PolicyProblem::new(rule.source.clone(), what, right))
}

/// The classes and attributes that a rule asks about and nobody proves or tells.
fn unknown_facts(rule: &Rule, catalog: &Catalog) -> Vec<PolicyProblem> {
    let classes: BTreeSet<_> = catalog.classes.values().flatten().map(AssuranceClass::as_str).collect();
    let attributes: BTreeSet<_> = ALWAYS_KNOWN.into_iter().chain(catalog.further_attributes()).collect();
    let mut problems = Vec::new();
    for fact in &rule.reads.facts {
        let (known, name) = match fact {
            Fact::Assurance(class) => (&classes, class),
            Fact::Attribute(attribute) => (&attributes, attribute),
            Fact::Person
            | Fact::Purpose
            | Fact::Justified
            | Fact::Minute
            | Fact::Weekday
            | Fact::Networks
            | Fact::Device
            | Fact::DevicePlace(_)
            | Fact::OnePatient
            | Fact::Relationship(_)
            | Fact::OnShift
            | Fact::OwnChart
            | Fact::PatientFlags
            | Fact::Action
            | Fact::Everything => continue,
        };
        if !known.contains(name.as_ref()) {
            let what = format!("no provider tells the {}", fact.name());
            problems.push(PolicyProblem::new(rule.source.clone(), what, one_of(known.iter().copied())));
        }
    }
    problems
}

/// Rules that ask what somebody has to do with the patient, on routes that are about none.
pub(super) fn without_patient(roles: &[RoleSettings], catalog: &Catalog) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    for role in roles {
        for (position, may) in (1..).zip(&role.may).filter(|(_, may)| !may.when.relationship.is_empty()) {
            let mut about = catalog.routes.iter().filter(|route| {
                !route.public && may.is_about(&route.application, &route.route, route.action)
            });
            // What is about no route at all is told as that.
            if about.clone().next().is_some() && about.all(|route| !route.concerns_patient) {
                problems.push(PolicyProblem::new(
                    PolicySource::May(role.name.clone(), position),
                    "it can never fire: it asks for a `relationship` to the patient, and none of its routes names one",
                    "no `relationship`, or on one of its routes `{patient}` in the path, or `patient`",
                ));
            }
        }
    }
    problems
}

/// The rules that have a say nowhere.
pub(super) fn reach(engine: &Engine, routes: &[RouteRules]) -> Vec<PolicyProblem> {
    let mut reached = vec![false; engine.rules.len()];
    for position in routes.iter().filter_map(|route| route.slice.as_ref()).flat_map(|slice| &slice.rules) {
        if let Some(reached) = reached.get_mut(*position) {
            *reached = true;
        }
    }
    let dead = engine.rules.iter().zip(reached).filter(|(_, reached)| !reached);
    dead.map(|(rule, _)| {
        PolicyProblem::new(
            rule.source.clone(),
            format!("`{}` can never fire: it fits no route that is not public", rule.id),
            "compare its actions, routes and categories with those of the application",
        )
    })
    .collect()
}

/// What Cedar advises; `right`, where it has nothing to say.
pub(super) fn help(found: &dyn Diagnostic, right: &str) -> String {
    found.help().map_or_else(|| right.to_owned(), |help| help.to_string())
}

/// Where in the text Cedar points to.
pub(super) fn offset(found: &dyn Diagnostic) -> usize {
    found.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset())
}

/// What would be right where Cedar has nothing to say.
const FITTING: &str = "what the rules of `leastway policy show` ask for, and as they do";
const POSSIBLE: &str = "a condition that some request can meet";
