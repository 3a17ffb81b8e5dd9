//! The schema against which every rule is validated: the published text with the configuration's
//! attributes, assurance classes, relationships and the closed list of actions filled in.

use std::collections::BTreeSet;

use cedar_policy::Schema;

use super::catalog::Catalog;
use super::wording::quoted;
use crate::domain::action::Action;

/// The published schema, with marks where the configuration's own words go.
const PUBLISHED: &str = include_str!("schema.cedarschema");

/// The schema of a configuration, as text.
pub(super) fn text(catalog: &Catalog) -> String {
    let attributes: Vec<_> =
        catalog.further_attributes().map(|name| format!("{}?: Set<String>,", quoted(name))).collect();
    let classes: BTreeSet<_> = catalog.classes.values().flatten().collect();
    let classes: Vec<_> = classes.iter().map(|class| format!("{}?: Long,", quoted(class.as_str()))).collect();
    let relationships: Vec<_> =
        catalog.facts.relationships.iter().map(|word| format!("{}?: Bool,", quoted(word))).collect();
    let actions: Vec<_> = Action::ALL.iter().map(|action| quoted(action.as_str())).collect();
    PUBLISHED
        .replace("//@attributes", &attributes.join("\n  "))
        .replace("//@assurance", &classes.join("\n  "))
        .replace("//@relationships", &relationships.join("\n  "))
        .replace("//@actions", &actions.join(", "))
}

/// The schema of a configuration.
pub(super) fn schema(catalog: &Catalog) -> Result<Schema, String> {
    Schema::from_cedarschema_str(&text(catalog)).map(|(schema, _)| schema).map_err(|error| error.to_string())
}
