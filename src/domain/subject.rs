//! Who acts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{ApplicationName, ProviderName, RoleName};
use super::assurance::Assurance;
use super::purpose::{Needs, Purpose};
use crate::foundation::clock::Timestamp;

/// The person or system acting, as the provider knows them. `issuer` and `sub` together are the
/// identity; the rest is what the provider said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The provider's issuer URL.
    pub issuer: Arc<str>,
    /// The provider's identifier of the subject.
    pub sub: Arc<str>,
    /// What to call the person; `sub` if the provider sent no name.
    pub name: Arc<str>,
    /// The provider's groups.
    pub groups: Vec<String>,
    /// Further attributes by our word, as the provider's `claims` table maps them. An attribute
    /// that is absent here is unknown, which is not the same as empty.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// Which subject: the key of everything that is kept per person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubjectId {
    /// The provider's issuer URL.
    pub issuer: Arc<str>,
    /// The provider's identifier of the subject.
    pub sub: Arc<str>,
}

/// What a provider calls a person (`sub`) or a session (`sid`), if that is a name: 1 to 255 bytes, as OpenID Connect
/// Core 2 has it for `sub`, and none of them a control character.
pub fn identifier(text: &str) -> Option<Arc<str>> {
    let is_one = (1..=IDENTIFIER_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    is_one.then(|| text.into())
}

const IDENTIFIER_BYTES_MAX: usize = 255;

impl Subject {
    /// The key of everything that is kept for this subject.
    pub fn id(&self) -> SubjectId {
        SubjectId { issuer: self.issuer.clone(), sub: self.sub.clone() }
    }
}

/// A reason that a person gave for one kind of access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Justification {
    /// One of the codes that the page offers, kebab-case.
    pub code: String,
    /// In the person's own words: at most 500 characters, may be empty.
    pub text: String,
    /// Where it was given for.
    pub application: ApplicationName,
    /// When.
    pub given: Timestamp,
    /// The number of the request, protocol, document or authorization by which it is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<String>,
    /// To whom it goes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recipient: Option<String>,
}

impl Justification {
    /// Whether it says all that has to be said.
    pub const fn meets(&self, needs: Needs) -> bool {
        (needs.number.is_none() || self.number.is_some()) && (!needs.recipient || self.recipient.is_some())
    }
}

/// The subject of a request together with what this session has established.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who.
    pub subject: Arc<Subject>,
    /// Which provider vouches for them.
    pub provider: ProviderName,
    /// The roles that the subject's groups give under the present rules.
    pub roles: Vec<RoleName>,
    /// Why they work now.
    pub purpose: Purpose,
    /// How surely the provider knows them.
    pub assurance: Assurance,
    /// The reason given for this application, if one is still valid.
    pub justification: Option<Justification>,
    /// Rises with every change to anything above; part of a cached decision's key.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_a_short_text() {
        assert!(identifier("nurse-7").is_some() && identifier(&"s".repeat(IDENTIFIER_BYTES_MAX)).is_some());
        for odd in ["", "a\nb", &"s".repeat(IDENTIFIER_BYTES_MAX + 1)] {
            assert!(identifier(odd).is_none(), "{odd}");
        }
    }
}
