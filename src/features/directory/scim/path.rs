//! Paths to attributes: `userName`, `name.givenName`, `emails[type eq "work"].value`, each with a URN before it or
//! without (RFC 7644 3.5.2, figure 7).

use super::error::{Kind, ScimError};
use super::filter::{self, Filter};
use super::schema::{Attribute, Mutability, ResourceType, Schema};

/// A path as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path<'t> {
    /// The attribute, with the URN before it if there is one.
    pub(super) attribute: &'t str,
    /// Which of its values.
    pub(super) filter: Option<Filter>,
    /// Which part of them.
    pub(super) part: Option<&'t str>,
}

/// What a path leads to in a resource of some type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// An attribute of the resource itself.
    Own(&'static Attribute),
    /// An attribute of an extension.
    OfExtension(&'static Schema, &'static Attribute),
    /// An extension as a whole.
    Extension(&'static Schema),
}

/// A place, and the part of the attribute there that is meant.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) filter: Option<Filter>,
    pub(super) part: Option<&'static Attribute>,
}

impl<'t> Path<'t> {
    /// Reads a path.
    pub(super) fn read(text: &'t str) -> Result<Self, ScimError> {
        let odd = || ScimError::new(Kind::InvalidPath, "the path of an operation cannot be read");
        let text = text.trim();
        if text.len() > PATH_BYTES_MAX {
            return Err(odd());
        }
        let Some((attribute, rest)) = text.split_once('[') else {
            let (attribute, part) = split(text);
            return is_name(attribute, part)
                .then_some(Self { attribute, filter: None, part })
                .ok_or_else(odd);
        };
        let (inside, after) = rest.rsplit_once(']').ok_or_else(odd)?;
        let part = match after {
            "" => None,
            after => Some(after.strip_prefix('.').ok_or_else(odd)?),
        };
        if !is_name(attribute, part) {
            return Err(odd());
        }
        let filter = filter::read(inside).map_err(|error| {
            ScimError::new(Kind::InvalidPath, format!("in the path of an operation, {error}"))
        })?;
        Ok(Self { attribute, filter: Some(filter), part })
    }

    /// Where it leads; nowhere where the attribute, or that part of it, is not kept.
    pub(super) fn resolve(self, kind: &ResourceType) -> Option<Target> {
        let place = place(self.attribute, kind)?;
        let part = match (self.part, place) {
            (None, _) => None,
            (Some(name), Place::Own(attribute) | Place::OfExtension(_, attribute)) => {
                Some(attribute.part(name)?)
            }
            (Some(_), Place::Extension(_)) => return None,
        };
        Some(Target { place, filter: self.filter, part })
    }
}

impl Target {
    /// Whether nobody but us changes it.
    pub(super) fn is_read_only(&self) -> bool {
        match self.place {
            Place::Own(attribute) | Place::OfExtension(_, attribute) => {
                attribute.mutability == Mutability::ReadOnly
            }
            Place::Extension(_) => false,
        }
    }
}

/// Where the name of an attribute leads, with the URN before it or without.
fn place(name: &str, kind: &ResourceType) -> Option<Place> {
    if let Some(schema) = kind.extension(name) {
        return Some(Place::Extension(schema));
    }
    let Some((urn, name)) = name.rsplit_once(':') else { return kind.attribute(name).map(Place::Own) };
    if urn.eq_ignore_ascii_case(kind.schema.id) {
        return kind.attribute(name).map(Place::Own);
    }
    let schema = kind.extension(urn)?;
    schema.attribute(name).map(|attribute| Place::OfExtension(schema, attribute))
}

/// The attribute and its part: the last point, unless it stands within a URN (`…:2.0:User`).
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('.') {
        Some((attribute, part)) if !part.contains(':') => (attribute, Some(part)),
        Some(_) | None => (text, None),
    }
}

fn is_name(attribute: &str, part: Option<&str>) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'-' | b'_');
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(known);
    let is_urn = |byte: u8| known(byte) || matches!(byte, b':' | b'.');
    let (urn, name) = attribute.rsplit_once(':').unwrap_or(("", attribute));
    is_word(name) && urn.bytes().all(is_urn) && part.is_none_or(is_word)
}

const PATH_BYTES_MAX: usize = 4 * 1024;
