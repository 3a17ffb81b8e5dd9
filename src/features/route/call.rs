//! What a body calls by name: methods of JSON-RPC and XML-RPC, root fields of GraphQL.
//!
//! One request may call several things: a batch, a document with several operations or fields. Each
//! call is recognized by itself, and all have to be the same route; so nothing rides along under
//! another's name.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::body::{BodyFault, BodyNeeds};
use super::graphql;
use super::settings::OperationKind;

/// How many different calls one request may make.
pub const CALLS_MAX: usize = 1000;

/// The key of a condition on the method of a remote procedure call.
pub const RPC_METHOD: &str = "rpc_method";
/// The key of a condition on the kind of a GraphQL operation.
pub const OPERATION: &str = "operation";
/// The key of a condition on the name of a GraphQL operation.
pub const OPERATION_NAME: &str = "name";
/// The key of a condition on a root field of GraphQL.
pub const ROOT_FIELD: &str = "field";
/// The key of the condition that a GraphQL request names a persisted query.
pub const PERSISTED: &str = "persisted";

/// One thing that a request calls. Prints none of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A method of JSON-RPC 2.0 or XML-RPC.
    Method(String),
    /// A root field of a GraphQL operation, under the name that the schema gives it.
    Root {
        /// The kind of the operation.
        operation: OperationKind,
        /// The operation's own name.
        name: Option<String>,
        /// The field.
        field: String,
    },
    /// A GraphQL query that the application knows and we do not: it is named by a digest.
    Persisted,
    /// Nothing that has a name.
    Other,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Method(_) => "Method(..)",
            Self::Root { .. } => "Root(..)",
            Self::Persisted => "Persisted",
            Self::Other => "Other",
        })
    }
}

impl Call {
    /// What a condition with this key is about.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        match self {
            Self::Method(method) => (key == RPC_METHOD).then_some(method),
            Self::Root { operation, name, field } => match key {
                OPERATION => Some(operation.as_str()),
                OPERATION_NAME => name.as_deref(),
                ROOT_FIELD => Some(field),
                _ => None,
            },
            Self::Persisted => (key == PERSISTED).then_some(""),
            Self::Other => None,
        }
    }
}

/// The calls that a request makes, each once.
#[derive(Default)]
pub(super) struct Calls(BTreeSet<Call>);

impl Calls {
    pub(super) fn add(&mut self, call: Call) -> Result<(), BodyFault> {
        self.0.insert(call);
        if self.0.len() > CALLS_MAX { Err(BodyFault::Calls) } else { Ok(()) }
    }

    pub(super) fn into_vec(self) -> Vec<Call> {
        self.0.into_iter().collect()
    }

    /// The calls of a JSON document: one object, or a batch of them.
    pub(super) fn add_document(&mut self, document: &Value, needs: BodyNeeds) -> Result<(), BodyFault> {
        match document {
            Value::Object(entry) => self.add_entry(entry, needs),
            // A batch of nothing calls nothing, and servers disagree about what that is.
            Value::Array(entries) if entries.is_empty() => Err(BodyFault::Calls),
            Value::Array(entries) => entries
                .iter()
                .try_for_each(|entry| self.add_entry(entry.as_object().ok_or(BodyFault::Calls)?, needs)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(BodyFault::Calls),
        }
    }

    fn add_entry(&mut self, entry: &Map<String, Value>, needs: BodyNeeds) -> Result<(), BodyFault> {
        let method = if needs.rpc { method(entry)? } else { None };
        let is_method = method.is_some();
        if let Some(method) = method {
            self.add(method)?;
        }
        if needs.graphql && (!is_method || member(entry, "query").is_some()) {
            return graphql::add_entry(entry, self);
        }
        if is_method { Ok(()) } else { self.add(Call::Other) }
    }
}

/// A member of an object. Some applications do not mind letter case, and two that differ in it alone
/// were refused with the document.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The method that one JSON-RPC entry calls, if it calls any (an answer to the server's own call does not).
fn method(entry: &Map<String, Value>) -> Result<Option<Call>, BodyFault> {
    match member(entry, "method") {
        None => Ok(None),
        Some(Value::String(name)) => method_named(name).map(Some),
        Some(_) => Err(BodyFault::Calls),
    }
}

/// A method's name, if all readers take it for the same.
pub(super) fn method_named(name: &str) -> Result<Call, BodyFault> {
    let plain = !name.is_empty() && name.trim() == name && !name.chars().any(char::is_control);
    // A method that calls methods would carry them past the conditions.
    if !plain || name.eq_ignore_ascii_case("system.multicall") {
        return Err(BodyFault::Calls);
    }
    Ok(Call::Method(name.to_owned()))
}
