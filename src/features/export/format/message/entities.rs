//! What an event is about: the request, what it asked for, the patient, the person who is meant, the decision.

use super::code::{self, Code};
use super::{Entity, Named, ObjectRole, identified, own};
use crate::domain::action::Action;
use crate::domain::application::Category;
use crate::domain::event::{Event, Opening};
use crate::domain::patient::PatientDigest;
use crate::features::export::format::about::Person;
use crate::features::export::format::deed::{Access, Deed};
use crate::features::export::format::facts::Facts;
use crate::features::export::format::text;

/// What `event` is about, with one patient of those whom it names.
pub(super) fn of(event: &Event, deed: Deed, patient: Option<&PatientDigest>) -> Vec<Entity> {
    let opening = &*event.opening;
    let transaction = opening.method.is_some().then(|| Entity {
        what: Some(own("event", &opening.event.to_string())),
        ..Entity::new(code::TRANSACTION)
    });
    [
        transaction,
        object(opening, deed),
        patient.map(named),
        Person::meant(event).map(|it| person(&it)),
        Some(decision(event, patient)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What was asked for: a resource of the application, or a query.
fn object(opening: &Opening, deed: Deed) -> Option<Entity> {
    let path = opening.path.as_deref().and_then(text::line);
    let method = opening.method.as_deref().and_then(text::line);
    let named = |category: &Category| Code::own(code::OWN_CATEGORY, category.to_string().into());
    let labels = opening.sensitivity.iter().copied().map(code::sensitivity);
    let labels = labels.chain(opening.categories.iter().map(named)).collect();
    let entity = Entity { labels, ..Entity::new(code::SYSTEM_OBJECT) };
    if deed == Deed::Access(Access::Search) {
        // Without values: the journal has none.
        let keys: Vec<&str> = opening.query_keys.iter().map(String::as_str).collect();
        let query = format!(
            "{} {}?{}",
            method.as_deref().unwrap_or("GET"),
            path.as_deref().unwrap_or("/"),
            keys.join("&")
        );
        return Some(Entity { role: Some(ObjectRole::Query), named: Named::Query(query), ..entity });
    }
    let role = match opening.action {
        Some(Action::StartJob | Action::PollJob) => ObjectRole::Job,
        Some(_) | None => ObjectRole::DomainResource,
    };
    let route = opening.route.as_ref().map(|route| own("route", route.as_str()));
    let what = route.or_else(|| path.as_deref().map(|path| own("path", path)))?;
    let named = path.map_or(Named::Nothing, Named::Name);
    Some(Entity { role: Some(role), what: Some(what), named, ..entity })
}

/// The patient, whom only the journal's own key can tell: the digest is that of `audit query --patient`.
fn named(patient: &PatientDigest) -> Entity {
    Entity {
        role: Some(ObjectRole::Patient),
        what: Some(own("patient-digest", &patient.digest().to_string())),
        ..Entity::new(code::PERSON)
    }
}

fn person(meant: &Person<'_>) -> Entity {
    Entity {
        role: Some(ObjectRole::User),
        what: Some(identified(meant)),
        named: meant.name.and_then(text::line).map_or(Named::Nothing, Named::Name),
        ..Entity::new(code::PERSON)
    }
}

/// What was decided, on what grounds, and what else there is to say; and whether it was the patient's record that was asked for.
fn decision(event: &Event, patient: Option<&PatientDigest>) -> Entity {
    let facts = Facts::of(event);
    let status = event.closing.as_ref().and_then(|closing| closing.status).map(|status| status.to_string());
    let sequence = ("sequence", event.sequence.to_string());
    let stands = patient.map(|patient| if event.opening.concerns(patient) { "asked for" } else { "listed" });
    let stands = stands.map(|stands| ("patient", stands.to_owned()));
    let told = facts.iter().filter_map(|(name, value)| Some((name, text::line(&value.text())?)));
    let first = [Some(sequence), stands, status.map(|status| ("status", status))];
    let details = first.into_iter().flatten().chain(told);
    Entity {
        role: Some(ObjectRole::SecurityResource),
        named: Named::Name("decision".to_owned()),
        details: details.collect(),
        ..Entity::new(code::OTHER)
    }
}

impl Entity {
    /// Something of which no more is known.
    const fn new(kind: Code) -> Self {
        Self { kind, role: None, what: None, named: Named::Nothing, labels: Vec::new(), details: Vec::new() }
    }
}
