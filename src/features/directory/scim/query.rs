//! Looking for users and groups (RFC 7644 3.4.2), by a query or by a posted search (3.4.3).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::account::{Group, User};
use super::super::realm::Realm;
use super::error::ScimError;
use super::filter::{self, Filter, Subject};
use super::schema::{GROUP, MEMBERS, ResourceType, USER};
use super::view::{self, Selection};

/// What is asked for.
#[derive(Clone, Debug)]
pub(in super::super) struct Query {
    filter: Option<Filter>,
    /// From 1.
    start: usize,
    count: usize,
    pub(super) selection: Selection,
}

/// A user or a group that may be what is looked for.
enum Candidate {
    User(Arc<User>),
    Group(Arc<Group>),
}

impl Query {
    /// What a query asks for.
    pub(super) fn read(query: &str) -> Result<Self, ScimError> {
        let mut asked = Map::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            asked.insert(name.into_owned(), value.into_owned().into());
        }
        Self::asked(&asked)
    }

    /// What a query or a posted search asks for. What is no parameter of the standard is passed over.
    pub(super) fn asked(asked: &Map<String, Value>) -> Result<Self, ScimError> {
        let of = |name: &str| {
            asked.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let filter = match of("filter") {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(filter::read(text)?),
            Some(Value::String(_) | Value::Null) | None => None,
            Some(_) => return Err(ScimError::value("`filter` is a text")),
        };
        let only = of("attributes").map(names).transpose()?.filter(|names| !names.is_empty());
        let without = of("excludedAttributes").map(names).transpose()?.unwrap_or_default();
        Ok(Self {
            filter,
            // Less than the first is the first (RFC 7644 3.4.2.4).
            start: number(of("startIndex"), 1)?.max(1),
            count: number(of("count"), COUNT_MAX)?.min(COUNT_MAX),
            selection: Selection { only, without },
        })
    }

    /// What is found of these types.
    pub(super) fn answer(&self, realm: &Realm, kinds: &[&'static ResourceType], base: &str) -> Value {
        let mut candidates = Vec::new();
        for kind in kinds {
            candidates.extend(self.candidates(realm, kind));
        }
        if let Some(filter) = &self.filter {
            candidates.retain(|candidate| candidate.is_meant(filter, realm, base));
        }
        let total = candidates.len();
        let (mut shown, mut members) = (Vec::new(), 0);
        for candidate in candidates.iter().skip(self.start - 1).take(self.count) {
            // A page may be shorter than was asked for.
            if members > MEMBERS_OF_PAGE_MAX {
                break;
            }
            shown.push(candidate.shown(&self.selection, realm, base));
            members += candidate.members(&self.selection);
        }
        list_response(total, self.start, &shown)
    }

    /// Of whom the filter has to be asked: where it names one, that one.
    fn candidates(&self, realm: &Realm, kind: &ResourceType) -> Vec<Candidate> {
        let required = |attribute| self.filter.as_ref().and_then(|filter| filter.required(attribute));
        let (id, external_id) = (required("id"), required("externalId"));
        let table = realm.table();
        if kind.name == USER.name {
            let one = match (id, required("userName"), external_id) {
                (Some(id), ..) => Some(id.parse().ok().and_then(|id| table.user(id))),
                (None, Some(name), _) => Some(table.user_named(name)),
                (None, None, Some(external_id)) => Some(table.user_called(external_id)),
                (None, None, None) => None,
            };
            return match one {
                Some(found) => found.cloned().map(Candidate::User).into_iter().collect(),
                None => table.users().cloned().map(Candidate::User).collect(),
            };
        }
        let one = match (id, external_id) {
            (Some(id), _) => Some(id.parse().ok().and_then(|id| table.group(id))),
            (None, Some(external_id)) => Some(table.group_called(external_id)),
            (None, None) => None,
        };
        match one {
            Some(found) => found.cloned().map(Candidate::Group).into_iter().collect(),
            None => table.groups().cloned().map(Candidate::Group).collect(),
        }
    }
}

impl Candidate {
    fn is_meant(&self, filter: &Filter, realm: &Realm, base: &str) -> bool {
        match self {
            Self::User(user) => {
                let groups = if filter.mentions("groups") { realm.groups_of(user.id) } else { Vec::new() };
                filter.holds(Subject::Resource(&USER, &view::user(user, &groups, base)))
            }
            Self::Group(group) => {
                let whole = view::group(group, filter.mentions(MEMBERS), base);
                filter.holds(Subject::Resource(&GROUP, &whole))
            }
        }
    }

    fn shown(&self, selection: &Selection, realm: &Realm, base: &str) -> Value {
        match self {
            Self::User(user) => shown_user(user, selection, realm, base),
            Self::Group(group) => shown_group(group, selection, base),
        }
    }

    fn members(&self, selection: &Selection) -> usize {
        match self {
            Self::Group(group) if selection.shows(MEMBERS) => group.members.len(),
            Self::User(_) | Self::Group(_) => 0,
        }
    }
}

/// A user, as far as is asked for.
pub(super) fn shown_user(user: &User, selection: &Selection, realm: &Realm, base: &str) -> Value {
    let groups = if selection.shows("groups") { realm.groups_of(user.id) } else { Vec::new() };
    selection.of(&USER, view::user(user, &groups, base))
}

/// A group, as far as is asked for.
pub(super) fn shown_group(group: &Group, selection: &Selection, base: &str) -> Value {
    selection.of(&GROUP, view::group(group, selection.shows(MEMBERS), base))
}

/// What was found.
pub(super) fn list_response(total: usize, start: usize, found: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": found.len(),
        "Resources": found,
    })
}

/// Names with commas between, or a list of them.
fn names(value: &Value) -> Result<Vec<String>, ScimError> {
    let texts: Vec<&str> = match value {
        Value::String(text) => text.split(',').collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(ScimError::value("`attributes` and `excludedAttributes` are names of attributes"));
        }
    };
    if texts.len() > NAMES_MAX {
        return Err(ScimError::value("too many attributes are named"));
    }
    let names = texts.into_iter().map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

/// A number, as text or as such. Less than none is none.
fn number(value: Option<&Value>, default: usize) -> Result<usize, ScimError> {
    let odd = || ScimError::value("`startIndex` and `count` are whole numbers");
    let number = match value {
        None | Some(Value::Null) => return Ok(default),
        Some(Value::Number(number)) => number.as_i64().ok_or_else(odd)?,
        Some(Value::String(text)) => text.trim().parse().map_err(|_| odd())?,
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(odd()),
    };
    Ok(usize::try_from(number).unwrap_or(0))
}

/// The most that one reply lists.
pub(super) const COUNT_MAX: usize = 1_000;
const MEMBERS_OF_PAGE_MAX: usize = 100_000;
const NAMES_MAX: usize = 64;
