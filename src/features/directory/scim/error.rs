//! What is answered in place of what was asked for (RFC 7644 3.12).

use serde_json::{Value, json};

use super::Reply;

/// Why something is not done, in the words of RFC 7644.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    kind: Kind,
    detail: String,
}

/// What kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The filter cannot be read.
    InvalidFilter,
    /// As many as there may be are there, or would be found.
    TooMany,
    /// Another resource has this name.
    Uniqueness,
    /// The attribute cannot be changed.
    Mutability,
    /// The body is not what it has to be.
    InvalidSyntax,
    /// The path of an operation cannot be read.
    InvalidPath,
    /// An operation that needs a target names none.
    NoTarget,
    /// A value is not what its attribute takes.
    InvalidValue,
    /// There is no such resource.
    NotFound,
    /// The resource has no such method.
    MethodNotAllowed,
    /// The body is larger than what is read.
    TooLarge,
    /// The body is of another media type.
    MediaType,
    /// It is not offered here.
    NotImplemented,
    /// The store does not answer.
    Unavailable,
    /// A mistake of ours.
    Internal,
}

impl Kind {
    /// The status, and the `scimType` where RFC 7644 table 9 has one.
    const fn table(self) -> (u16, Option<&'static str>) {
        match self {
            Self::InvalidFilter => (400, Some("invalidFilter")),
            Self::TooMany => (400, Some("tooMany")),
            Self::Uniqueness => (409, Some("uniqueness")),
            Self::Mutability => (400, Some("mutability")),
            Self::InvalidSyntax => (400, Some("invalidSyntax")),
            Self::InvalidPath => (400, Some("invalidPath")),
            Self::NoTarget => (400, Some("noTarget")),
            Self::InvalidValue => (400, Some("invalidValue")),
            Self::NotFound => (404, None),
            Self::MethodNotAllowed => (405, None),
            Self::TooLarge => (413, None),
            Self::MediaType => (415, None),
            Self::NotImplemented => (501, None),
            Self::Unavailable => (503, None),
            Self::Internal => (500, None),
        }
    }
}

impl ScimError {
    /// An error with what a person reads of it. Never a value that came.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// What kind it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The status of the reply.
    pub const fn status(&self) -> u16 {
        self.kind.table().0
    }

    /// The body of the reply.
    pub fn body(&self) -> Value {
        message(self.status(), self.kind.table().1, &self.detail)
    }

    /// The reply.
    pub fn reply(&self) -> Reply {
        Reply::of(self.status(), Some(self.body()))
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::new(Kind::InvalidValue, detail)
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(Kind::InvalidSyntax, detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(Kind::NotFound, "there is no such resource")
    }
}

/// An error as SCIM says it, for what is refused before SCIM begins too.
pub fn message(status: u16, kind: Option<&str>, detail: &str) -> Value {
    let mut body = json!({ "schemas": [ERROR], "status": status.to_string(), "detail": detail });
    if let (Some(kind), Some(members)) = (kind, body.as_object_mut()) {
        members.insert("scimType".to_owned(), kind.into());
    }
    body
}

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
