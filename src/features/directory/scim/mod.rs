//! SCIM 2.0, the protocol by which a provider keeps its people here (RFC 7643, RFC 7644): a service provider for users
//! and groups, with PATCH, filters and search. No Bulk, no sorting, no passwords; what is kept of a person is
//! `schema.rs`, which is little.
//!
//! It knows nothing of HTTP but method, path and body, and asks nobody who asks: that is done before.

mod discovery;
mod error;
mod filter;
mod json;
mod members;
mod patch;
mod path;
mod query;
mod schema;
mod value;
mod view;
mod writing;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

pub use error::{Kind as ErrorKind, ScimError, message};
use query::Query;
pub(super) use schema::ENTERPRISE_USER;
use schema::{GROUP, RESOURCE_TYPES, ResourceType, USER};
use view::Selection;
pub(super) use writing::{Before, Plan, plan};

use super::realm::Realm;
use crate::foundation::id::ResourceId;

static USERS: &[&ResourceType] = &[&USER];
static GROUPS: &[&ResourceType] = &[&GROUP];

/// What a provider asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path below the address of the service, with its slash: `/Users`.
    pub path: String,
    /// The query, without its mark.
    pub query: String,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// The address of the service, for what is shown: `https://ehr.example/.leastway/scim/v2`.
    pub base: String,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// Where what was made is.
    pub location: Option<String>,
    /// The methods that there are instead.
    pub allow: Option<&'static str>,
}

impl Reply {
    pub(super) const fn of(status: u16, body: Option<Value>) -> Self {
        Self { status, body, location: None, allow: None }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    Read(Read),
    Write(Write),
}

/// What is only looked at.
#[derive(Clone, Debug)]
pub(super) enum Read {
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    List(&'static [&'static ResourceType], Query),
    One(&'static ResourceType, String, Selection),
}

/// What changes something.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) kind: &'static ResourceType,
    pub(super) act: Act,
    pub(super) selection: Selection,
}

/// How it is changed.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Create,
    Replace(String),
    Patch(String),
    Delete(String),
}

/// What is asked, by method and path; or what is answered at once.
pub(super) fn errand(asked: &Asked) -> Result<Errand, Reply> {
    let path = asked.path.replace("%3A", ":").replace("%3a", ":");
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        ["ServiceProviderConfig"] => only_get(asked, Read::ServiceProviderConfig),
        ["ResourceTypes"] => only_get(asked, Read::ResourceTypes(None)),
        ["ResourceTypes", name] => only_get(asked, Read::ResourceTypes(Some((*name).to_owned()))),
        ["Schemas"] => only_get(asked, Read::Schemas(None)),
        ["Schemas", id] => only_get(asked, Read::Schemas(Some((*id).to_owned()))),
        [".search"] => search(asked, &RESOURCE_TYPES),
        ["Users", ".search"] => search(asked, USERS),
        ["Groups", ".search"] => search(asked, GROUPS),
        ["Users"] => all(asked, USERS, &USER),
        ["Groups"] => all(asked, GROUPS, &GROUP),
        ["Users", id] => one(asked, &USER, id),
        ["Groups", id] => one(asked, &GROUP, id),
        ["Bulk" | "Me", ..] => {
            Err(ScimError::new(ErrorKind::NotImplemented, "that is not offered here").reply())
        }
        _ => Err(ScimError::not_found().reply()),
    }
}

fn only_get(asked: &Asked, read: Read) -> Result<Errand, Reply> {
    match asked.method {
        Method::GET | Method::HEAD => Ok(Errand::Read(read)),
        _ => Err(not_allowed("GET, HEAD")),
    }
}

fn search(asked: &Asked, kinds: &'static [&'static ResourceType]) -> Result<Errand, Reply> {
    if asked.method != Method::POST {
        return Err(not_allowed("POST"));
    }
    let query = body(asked).and_then(|body| Query::asked(&body));
    query.map(|query| Errand::Read(Read::List(kinds, query))).map_err(|error| error.reply())
}

fn all(
    asked: &Asked,
    kinds: &'static [&'static ResourceType],
    kind: &'static ResourceType,
) -> Result<Errand, Reply> {
    let query = Query::read(&asked.query).map_err(|error| error.reply())?;
    match asked.method {
        Method::GET | Method::HEAD => Ok(Errand::Read(Read::List(kinds, query))),
        Method::POST => Ok(Errand::Write(Write { kind, act: Act::Create, selection: query.selection })),
        _ => Err(not_allowed("GET, HEAD, POST")),
    }
}

fn one(asked: &Asked, kind: &'static ResourceType, id: &str) -> Result<Errand, Reply> {
    let selection = Query::read(&asked.query).map_err(|error| error.reply())?.selection;
    let id = id.to_owned();
    let act = match asked.method {
        Method::GET | Method::HEAD => return Ok(Errand::Read(Read::One(kind, id, selection))),
        Method::PUT => Act::Replace(id),
        Method::PATCH => Act::Patch(id),
        Method::DELETE => Act::Delete(id),
        _ => return Err(not_allowed("GET, HEAD, PUT, PATCH, DELETE")),
    };
    Ok(Errand::Write(Write { kind, act, selection }))
}

fn not_allowed(instead: &'static str) -> Reply {
    let error = ScimError::new(ErrorKind::MethodNotAllowed, format!("there is {instead} instead"));
    Reply { allow: Some(instead), ..error.reply() }
}

/// What is found.
pub(super) fn read(realm: &Realm, read: &Read, base: &str) -> Reply {
    let found = match read {
        Read::ServiceProviderConfig => Some(discovery::service_provider_config(base)),
        Read::ResourceTypes(None) => Some(discovery::resource_types(base)),
        Read::ResourceTypes(Some(name)) => discovery::resource_type(name, base),
        Read::Schemas(None) => Some(discovery::schemas(base)),
        Read::Schemas(Some(id)) => discovery::schema(id, base),
        Read::List(kinds, query) => Some(query.answer(realm, kinds, base)),
        Read::One(kind, id, selection) => {
            id.parse().ok().and_then(|id| shown(realm, kind, id, selection, base))
        }
    };
    match found {
        Some(found) => Reply::of(200, Some(found)),
        None => ScimError::not_found().reply(),
    }
}

/// One resource as it is now.
pub(super) fn shown(
    realm: &Realm,
    kind: &ResourceType,
    id: ResourceId,
    selection: &Selection,
    base: &str,
) -> Option<Value> {
    if kind.name == USER.name {
        let user = realm.table().user(id).cloned()?;
        return Some(query::shown_user(&user, selection, realm, base));
    }
    let group = realm.table().group(id).cloned()?;
    Some(query::shown_group(&group, selection, base))
}

impl Write {
    /// Where what was made is found.
    pub(super) fn location(&self, base: &str, id: ResourceId) -> String {
        format!("{base}{}/{id}", self.kind.endpoint)
    }
}

/// The body, which says that it is SCIM, or JSON as many send it.
fn body(asked: &Asked) -> Result<serde_json::Map<String, Value>, ScimError> {
    let kind = asked.content_type.as_deref().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_json =
        ["application/scim+json", "application/json"].iter().any(|known| known.eq_ignore_ascii_case(kind));
    if !is_json {
        return Err(ScimError::new(ErrorKind::MediaType, "the body is `application/scim+json`"));
    }
    json::read(&asked.body)
}

/// For whoever tries what is read of a provider's words: whether a filter, a path and a body with operations are read,
/// and what comes of them on a user who has every attribute. Panics where they do not keep what they promise.
pub fn try_out(bytes: &[u8]) {
    writing::try_out(bytes);
}
