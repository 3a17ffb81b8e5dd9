//! GraphQL over HTTP: the root fields that a request asks for, behind whatever alias or fragment.
//!
//! Every operation of a document counts, whichever is to be run: which one that is, is the server's
//! reading of `operationName`. A query that is only named (persisted) says nothing of what it does.

use std::collections::{HashMap, HashSet};

use apollo_parser::Parser;
use apollo_parser::cst::{Definition, OperationDefinition, Selection, SelectionSet};
use serde_json::{Map, Value};

use super::body::BodyFault;
use super::call::{Call, Calls, member};
use super::fields::Fields;
use super::json;
use super::settings::OperationKind;

/// How deep selections, lists and objects may stand in each other.
const DEPTH_MAX: usize = 64;

/// How many tokens a document may have.
const TOKENS_MAX: usize = 50_000;

/// Members by which servers know a query that they keep.
const NAMES_OF_PERSISTED: [&str; 6] = ["documentId", "doc_id", "queryId", "query_id", "id", "hash"];

/// A request in JSON: `query`, `operationName`, `extensions`.
pub(super) fn add_entry(entry: &Map<String, Value>, calls: &mut Calls) -> Result<(), BodyFault> {
    let text = |name: &str| match member(entry, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(BodyFault::Graphql),
    };
    let names_persisted = NAMES_OF_PERSISTED.iter().any(|name| member(entry, name).is_some());
    add_request(text("query")?, text("operationName")?, names_persisted, calls)
}

/// A request in the parameters of a query or the fields of a form, if they are one.
pub(super) fn add_fields(fields: &Fields, calls: &mut Calls) -> Result<bool, BodyFault> {
    let the_one = |name: &str| {
        let mut values =
            fields.iter().filter(|(key, _)| super::fields::is_key(key, name, true)).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(BodyFault::Graphql),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    };
    // A file with its query beside it, in JSON (GraphQL multipart request specification).
    if let Some(operations) = the_one("operations")? {
        let document = json::parse(operations.as_bytes()).ok_or(BodyFault::Graphql)?;
        let needs = super::body::BodyNeeds { graphql: true, ..super::body::BodyNeeds::default() };
        calls.add_document(&document, needs)?;
        return Ok(true);
    }
    let (query, name, extensions) = (the_one("query")?, the_one("operationName")?, the_one("extensions")?);
    let is_named = |known: &&str| fields.iter().any(|(key, _)| super::fields::is_key(key, known, true));
    let names_persisted = NAMES_OF_PERSISTED.iter().filter(|name| **name != "id").any(is_named);
    // A name alone asks for nothing: it tells which operation of a body is to be run, and all of them count.
    if query.is_none() && extensions.is_none() && !names_persisted {
        return Ok(false);
    }
    add_request(query, name, names_persisted, calls)?;
    Ok(true)
}

/// A document as a body of its own, `application/graphql`.
pub(super) fn add_text(bytes: &[u8], calls: &mut Calls) -> Result<(), BodyFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| BodyFault::Graphql)?;
    add_request(Some(text), None, false, calls)
}

fn add_request(
    query: Option<&str>,
    operation_name: Option<&str>,
    names_persisted: bool,
    calls: &mut Calls,
) -> Result<(), BodyFault> {
    let Some(query) = query else { return calls.add(Call::Persisted) };
    // Of a text and a name for another, servers take the one or the other.
    if names_persisted {
        return Err(BodyFault::Graphql);
    }
    add_document(query, operation_name, calls)
}

fn add_document(text: &str, operation_name: Option<&str>, calls: &mut Calls) -> Result<(), BodyFault> {
    if text.contains(['\0', '\u{feff}']) {
        return Err(BodyFault::Graphql);
    }
    let tree = Parser::new(text).recursion_limit(DEPTH_MAX).token_limit(TOKENS_MAX).parse();
    if tree.errors().next().is_some() {
        return Err(BodyFault::Graphql);
    }
    let document = Document::read(tree.document().definitions())?;
    document.check_name(operation_name)?;
    for operation in &document.operations {
        document.add_operation(operation, calls)?;
    }
    Ok(())
}

struct Document {
    operations: Vec<OperationDefinition>,
    fragments: HashMap<String, SelectionSet>,
}

impl Document {
    fn read(definitions: impl Iterator<Item = Definition>) -> Result<Self, BodyFault> {
        let mut document = Self { operations: Vec::new(), fragments: HashMap::new() };
        for definition in definitions {
            if let Definition::OperationDefinition(operation) = definition {
                document.operations.push(operation);
                continue;
            }
            // A schema is nothing to be run.
            let Definition::FragmentDefinition(fragment) = definition else { return Err(BodyFault::Graphql) };
            let name = fragment.fragment_name().and_then(|name| name.name());
            let name = name.ok_or(BodyFault::Graphql)?.text().to_string();
            let selections = fragment.selection_set().ok_or(BodyFault::Graphql)?;
            // Of two fragments with one name, each may be somebody's.
            if document.fragments.insert(name, selections).is_some() {
                return Err(BodyFault::Graphql);
            }
        }
        Ok(document)
    }

    /// One operation without a name, or several that all have one; and the one that is to be run is there.
    fn check_name(&self, wanted: Option<&str>) -> Result<(), BodyFault> {
        let names: Vec<Option<String>> = self.operations.iter().map(name).collect();
        let known = |wanted: &str| names.iter().any(|name| name.as_deref() == Some(wanted));
        let different: HashSet<&Option<String>> = names.iter().collect();
        let is_told_apart =
            names.len() == 1 || different.len() == names.len() && names.iter().all(Option::is_some);
        if is_told_apart && wanted.is_none_or(known) { Ok(()) } else { Err(BodyFault::Graphql) }
    }

    fn add_operation(&self, operation: &OperationDefinition, calls: &mut Calls) -> Result<(), BodyFault> {
        let kind = match operation.operation_type() {
            Some(kind) if kind.mutation_token().is_some() => OperationKind::Mutation,
            Some(kind) if kind.subscription_token().is_some() => OperationKind::Subscription,
            Some(_) | None => OperationKind::Query,
        };
        let selections = operation.selection_set().ok_or(BodyFault::Graphql)?;
        let mut roots = Roots { document: self, expanded: HashSet::new(), fields: HashSet::new() };
        roots.collect(&selections)?;
        // `__typename` reads nothing, and clients add it by themselves.
        if roots.fields.len() > 1 {
            roots.fields.remove("__typename");
        }
        if roots.fields.is_empty() {
            return Err(BodyFault::Graphql);
        }
        let name = name(operation);
        for field in roots.fields {
            calls.add(Call::Root { operation: kind, name: name.clone(), field })?;
        }
        Ok(())
    }
}

fn name(operation: &OperationDefinition) -> Option<String> {
    operation.name().map(|name| name.text().to_string())
}

/// The root fields of one operation. Each fragment is looked into once, so circles end.
struct Roots<'d> {
    document: &'d Document,
    expanded: HashSet<String>,
    fields: HashSet<String>,
}

impl Roots<'_> {
    fn collect(&mut self, selections: &SelectionSet) -> Result<(), BodyFault> {
        // Circles of fragments aside, what stands in each other was bounded by the parser; a chain of
        // fragments is followed one by one.
        let mut waiting = vec![selections.clone()];
        while let Some(selections) = waiting.pop() {
            for selection in selections.selections() {
                match selection {
                    Selection::Field(field) => {
                        let name = field.name().ok_or(BodyFault::Graphql)?;
                        self.fields.insert(name.text().to_string());
                    }
                    Selection::InlineFragment(fragment) => {
                        waiting.push(fragment.selection_set().ok_or(BodyFault::Graphql)?);
                    }
                    Selection::FragmentSpread(spread) => {
                        let name = spread.fragment_name().and_then(|name| name.name());
                        let name = name.ok_or(BodyFault::Graphql)?.text().to_string();
                        let fragment = self.document.fragments.get(&name).ok_or(BodyFault::Graphql)?;
                        if self.expanded.insert(name) {
                            waiting.push(fragment.clone());
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
