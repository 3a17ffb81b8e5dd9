//! How a `may` reads in Cedar. The text is what is parsed, what is enforced and what
//! `leastway policy show` prints: there is no second form of a rule.

use std::fmt::Write as _;

use super::settings::{MaySettings, RoleSettings};
use crate::domain::application::Category;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::device::DeviceClass;
use crate::domain::field::FieldName;
use crate::domain::hours::Hours;
use crate::domain::purpose::Purpose;

/// A rule in words.
pub(super) struct Wording {
    /// The whole rule.
    pub(super) text: String,
    /// The expressions of its `when` clauses, in order.
    pub(super) clauses: Vec<String>,
    /// The rule but for its id and role, which are names that the schema takes whatever they are: rules of one shape are
    /// valid together or not at all.
    pub(super) shape: String,
}

/// The rule of one `may`. `unnamed` are the categories that it leaves out where it lists none.
pub(super) fn of(role: &RoleSettings, position: usize, may: &MaySettings, unnamed: &[Category]) -> Wording {
    with(&id(role, position), role, may, clauses(role, may, unnamed))
}

/// The rule that gives what a `may` gives, under an id and conditions of its own.
pub(super) fn with(id: &str, role: &RoleSettings, may: &MaySettings, clauses: Vec<String>) -> Wording {
    let actions: Vec<_> =
        may.actions.iter().map(|action| format!("Action::{}", quoted(action.as_str()))).collect();
    let action = match actions.as_slice() {
        [one] => format!("action == {one}"),
        several => format!("action in [{}]", several.join(", ")),
    };
    let names: Vec<_> = may.withhold.iter().map(FieldName::as_str).collect();
    let withhold =
        if names.is_empty() { String::new() } else { format!("@withhold({})\n", quoted(&names.join(", "))) };
    let mut scope = format!("{action},\n  resource in Application::{}\n)", quoted(may.application.as_str()));
    for clause in &clauses {
        // Writing to a string cannot fail.
        let _written = write!(scope, "\nwhen {{ {clause} }}");
    }
    scope.push(';');
    let (id, role) = (quoted(id), quoted(role.name.as_str()));
    let text = format!("@id({id})\n{withhold}permit (\n  principal in Role::{role},\n  {scope}");
    Wording { text, clauses, shape: withhold + &scope }
}

/// The stable id of a `may`.
pub(super) fn id(role: &RoleSettings, position: usize) -> String {
    format!("{}/{position}", role.name)
}

/// What the purpose of a session may be for this rule to apply.
pub(super) fn purposes<'a>(role: &'a RoleSettings, may: &'a MaySettings) -> &'a [Purpose] {
    if may.when.purpose.is_empty() { &role.purposes } else { &may.when.purpose }
}

/// The conditions of a `may`, in order.
pub(super) fn clauses(role: &RoleSettings, may: &MaySettings, unnamed: &[Category]) -> Vec<String> {
    let when = &may.when;
    let mut clauses = Vec::new();
    if !may.routes.is_empty() {
        let routes: Vec<_> = may.routes.iter().map(|pattern| route_named(pattern)).collect();
        clauses.push(routes.join(" || "));
    }
    if !may.categories.is_empty() {
        let categories = may.categories.iter().map(Category::as_str);
        clauses.push(format!("{}.containsAll(resource.categories)", set(categories)));
    } else if !unnamed.is_empty() {
        let unnamed = set(unnamed.iter().map(Category::as_str));
        clauses.push(format!("!resource.categories.containsAny({unnamed})"));
    }
    let purposes = purposes(role, may).iter().map(|purpose| purpose.as_str());
    clauses.push(format!("{}.contains(context.purpose)", set(purposes)));
    clauses.extend(when.assurance.as_ref().map(proven));
    if when.justification {
        clauses.push("context.justified".to_owned());
    }
    clauses.extend(when.hours.map(within));
    for (name, places) in
        [("location", &when.location), ("department", &when.department), ("facility", &when.facility)]
    {
        if !places.is_empty() {
            let places = set(places.iter().map(String::as_str));
            clauses.push(format!("principal has {name} && principal.{name}.containsAny({places})"));
        }
    }
    if !when.device.is_empty() {
        let devices = set(when.device.iter().map(DeviceClass::as_str));
        clauses.push(format!("{devices}.contains(context.device)"));
    }
    for (place, places) in &when.device_places {
        let (name, places) = (place.of_device(), set(places.iter().map(String::as_str)));
        clauses.push(format!("context has {name} && context.{name}.containsAny({places})"));
    }
    if !when.relationship.is_empty() {
        let any: Vec<_> = when.relationship.iter().map(|word| related(word)).collect();
        clauses.push(any.join(" || "));
    }
    if when.on_shift {
        clauses.push("context has on_shift && context.on_shift".to_owned());
    }
    if !when.not_flagged.is_empty() {
        let flags = set(when.not_flagged.iter().map(String::as_str));
        clauses.push(format!("context has patient_flags && !context.patient_flags.containsAny({flags})"));
    }
    if role.not_self {
        clauses.push("context has own_chart && !context.own_chart".to_owned());
    }
    clauses
}

/// Whether that is what the person has to do with the patient.
pub(super) fn related(word: &str) -> String {
    let word = quoted(word);
    format!("(context.relationship has {word} && context.relationship[{word}])")
}

fn route_named(pattern: &str) -> String {
    match pattern.strip_suffix('*') {
        Some(start) => format!("resource.name like \"{}*\"", escaped(start).replace('*', "\\*")),
        None => format!("resource.name == {}", quoted(pattern)),
    }
}

fn proven(need: &AssuranceNeed) -> String {
    let class = quoted(need.class.as_str());
    match need.fresh {
        None => format!("context.assurance has {class}"),
        Some(fresh) => format!(
            "context.assurance has {class} && context.assurance[{class}] <= {}",
            i64::try_from(fresh.as_secs()).unwrap_or(i64::MAX)
        ),
    }
}

fn within(hours: Hours) -> String {
    let (from, until) = (hours.from_minute, hours.until_minute);
    let join = if from < until { "&&" } else { "||" };
    format!("context.minute_of_day >= {from} {join} context.minute_of_day < {until}")
}

/// A set of strings.
pub(super) fn set<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(quoted).collect();
    format!("[{}]", words.join(", "))
}

/// A Cedar string literal.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Cedar reads the escapes that Rust writes, `\'` and `\u{..}` among them.
fn escaped(text: &str) -> String {
    text.escape_debug().to_string()
}
