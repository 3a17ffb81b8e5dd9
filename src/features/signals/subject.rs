//! Whom a signal is about: subject identifiers (RFC 9493) and the complex subjects of the Shared Signals Framework.
//!
//! What is not understood names nobody: neither everybody, nor somebody who happens to be called the same.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::subject::identifier;

/// Whom a signal is about, as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// The person, by every name under which the signal knows them.
    pub people: Vec<Name>,
    /// One session of theirs, by every name under which the signal knows it.
    pub sessions: Vec<Name>,
    /// Whether it names a `user`, be it in words that are not understood: then no session is meant but theirs.
    pub has_user: bool,
}

/// A name of a person or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `sub` at an issuer.
    Sub {
        /// Whose word it is.
        issuer: Arc<str>,
        /// How that calls them.
        sub: Arc<str>,
    },
    /// An e-mail address, in lower case.
    Email(Box<str>),
    /// A name that both sides know, whatever it is: `sub`.
    Opaque(Arc<str>),
}

impl Whom {
    /// Reads a subject. What is not understood of it is left out.
    pub fn read(subject: &Value) -> Self {
        let Some(subject) = subject.as_object() else { return Self::default() };
        match format(subject) {
            // Drafts of the framework gave complex subjects no format.
            Some("complex") | None => Self::complex(subject),
            Some(_) => Self { people: names(subject), ..Self::default() },
        }
    }

    fn complex(subject: &Map<String, Value>) -> Self {
        let member = |name: &str| subject.get(name).and_then(Value::as_object);
        Self {
            people: member("user").map(names).unwrap_or_default(),
            sessions: member("session").map(names).unwrap_or_default(),
            has_user: subject.contains_key("user"),
        }
    }

    /// The same where the signal is about one session: one name alone that does not say whose it is may be that session's
    /// as well as the person's.
    pub(super) fn of_session(mut self) -> Self {
        if let ([only @ Name::Opaque(_)], [], false) = (&*self.people, &*self.sessions, self.has_user) {
            self.sessions = vec![only.clone()];
        }
        self
    }
}

/// The names of a subject that is no complex one: one, or several of one person.
fn names(subject: &Map<String, Value>) -> Vec<Name> {
    if format(subject) != Some("aliases") {
        return name(subject).into_iter().collect();
    }
    let identifiers = subject.get("identifiers").and_then(Value::as_array);
    // Aliases of aliases are not allowed (RFC 9493 section 3.2.8).
    identifiers.into_iter().flatten().take(ALIASES_MAX).filter_map(|one| name(one.as_object()?)).collect()
}

fn name(subject: &Map<String, Value>) -> Option<Name> {
    let text = |member: &str| subject.get(member).and_then(Value::as_str).and_then(identifier);
    match format(subject)? {
        "iss_sub" | "iss-sub" => Some(Name::Sub { issuer: text("iss")?, sub: text("sub")? }),
        "email" => text("email").filter(|email| email.contains('@')).map(|email| Name::Email(folded(&email))),
        "opaque" => text("id").map(Name::Opaque),
        _ => None,
    }
}

fn format(subject: &Map<String, Value>) -> Option<&str> {
    let named = |member: &str| subject.get(member).and_then(Value::as_str);
    // The name that it had in drafts.
    named("format").or_else(|| named("subject_type"))
}

/// Nobody sees a difference between addresses that differ in case, and no provider gives both to different people.
pub(super) fn folded(email: &str) -> Box<str> {
    email.to_lowercase().into()
}

/// More names than one person has.
const ALIASES_MAX: usize = 16;
