//! What is offered, for whoever asks (RFC 7644 4, RFC 7643 5 to 7).

use serde_json::{Map, Value, json};

use super::query::{COUNT_MAX, list_response};
use super::schema::{Attribute, Kind, Mutability, RESOURCE_TYPES, ResourceType, SCHEMAS, Schema, Uniqueness};

/// What of the standard is offered.
pub(super) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": COUNT_MAX },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": false },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token that `provider.scim.token` refers to",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", &format!("{base}/ServiceProviderConfig")),
    })
}

/// All types of resources.
pub(super) fn resource_types(base: &str) -> Value {
    let all: Vec<_> = RESOURCE_TYPES.iter().map(|kind| of_type(kind, base)).collect();
    list_response(all.len(), 1, &all)
}

/// The type of that name.
pub(super) fn resource_type(name: &str, base: &str) -> Option<Value> {
    RESOURCE_TYPES.iter().find(|kind| kind.name == name).map(|kind| of_type(kind, base))
}

fn of_type(kind: &ResourceType, base: &str) -> Value {
    let extensions: Vec<_> =
        kind.extensions.iter().map(|schema| json!({ "schema": schema.id, "required": false })).collect();
    let mut found = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "endpoint": kind.endpoint,
        "description": kind.description,
        "schema": kind.schema.id,
        "meta": meta("ResourceType", &format!("{base}/ResourceTypes/{}", kind.name)),
    });
    if let (false, Some(members)) = (extensions.is_empty(), found.as_object_mut()) {
        members.insert("schemaExtensions".to_owned(), extensions.into());
    }
    found
}

/// All schemas.
pub(super) fn schemas(base: &str) -> Value {
    let all: Vec<_> = SCHEMAS.iter().map(|schema| of_schema(schema, base)).collect();
    list_response(all.len(), 1, &all)
}

/// The schema with that URN.
pub(super) fn schema(id: &str, base: &str) -> Option<Value> {
    SCHEMAS.iter().find(|schema| schema.id == id).map(|schema| of_schema(schema, base))
}

fn of_schema(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(of_attribute).collect::<Vec<_>>(),
        "meta": meta("Schema", &format!("{base}/Schemas/{}", schema.id)),
    })
}

fn of_attribute(attribute: &Attribute) -> Value {
    let mut found = Map::new();
    let mut put = |name: &str, value: Value| drop(found.insert(name.to_owned(), value));
    put("name", attribute.name.into());
    put("type", type_name(attribute.kind).into());
    put("multiValued", attribute.is_multiple.into());
    put("description", attribute.description.into());
    put("required", attribute.is_required.into());
    match attribute.kind {
        Kind::Complex(parts) => {
            put("subAttributes", parts.iter().map(of_attribute).collect::<Vec<_>>().into());
        }
        Kind::Reference(to) => put("referenceTypes", json!([to])),
        Kind::Text | Kind::Boolean => {}
    }
    if !attribute.canonical.is_empty() {
        put("canonicalValues", json!(attribute.canonical));
    }
    put("caseExact", attribute.is_case_exact.into());
    put("mutability", mutability(attribute.mutability).into());
    put("returned", "default".into());
    put("uniqueness", uniqueness(attribute.uniqueness).into());
    found.into()
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Boolean => "boolean",
        Kind::Reference(_) => "reference",
        Kind::Complex(_) => "complex",
    }
}

const fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}

const fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadWrite => "readWrite",
        Mutability::ReadOnly => "readOnly",
        Mutability::Immutable => "immutable",
    }
}

fn meta(kind: &str, location: &str) -> Value {
    json!({ "resourceType": kind, "location": location })
}
