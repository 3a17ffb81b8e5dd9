//! How surely the provider knows who someone is, and since when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use crate::foundation::clock::Timestamp;

name! {
    /// A class of assurance that rules ask for, such as `mfa` or `phishing_resistant`. What proves
    /// it is declared per provider.
    AssuranceClass
}

/// What a sign-in has proven: `acr`, `amr` and `auth_time` as they came back, and for each class the
/// moment at which it was last proven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    /// The authentication context class reference, if the provider sent one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acr: Option<String>,
    /// The authentication methods references.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub amr: Vec<String>,
    /// When the person last authenticated, by the provider's word; the moment of sign-in if it sent none.
    pub auth_time: Timestamp,
    /// When each class was last proven.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub proven: BTreeMap<AssuranceClass, Timestamp>,
}

/// What a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AssuranceNeed {
    /// The class.
    pub class: AssuranceClass,
    /// How long ago it may have been proven at the most; told in whole seconds.
    #[serde(rename = "fresh_seconds", skip_serializing_if = "Option::is_none", default, with = "seconds")]
    pub fresh: Option<Duration>,
}

/// What an answer lacks of a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The class is not proven at all.
    Proof,
    /// It is proven, and too long ago, or nobody says when.
    Freshness,
}

/// A need that was not met, and what was lacking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// What was to be proven.
    pub need: AssuranceNeed,
    /// What was lacking of it.
    pub lack: Lack,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { need: AssuranceNeed { class, fresh }, lack } = self;
        write!(f, "`{class}`")?;
        match (lack, fresh) {
            (Lack::Freshness, Some(fresh)) => write!(f, " within {} s", fresh.as_secs()),
            (Lack::Proof | Lack::Freshness, _) => Ok(()),
        }
    }
}

/// A duration as a number of seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands the field over so")]
    pub(super) fn serialize<S: Serializer>(
        lasts: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        lasts.map(|lasts| lasts.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(told: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(told)?.map(Duration::from_secs))
    }
}

impl Assurance {
    /// Whether `need` is met at `now`.
    pub fn meets(&self, need: &AssuranceNeed, now: Timestamp) -> bool {
        self.lacks(need, now).is_none()
    }

    /// What is lacking of `need` at `now`; nothing where it is met.
    pub fn lacks(&self, need: &AssuranceNeed, now: Timestamp) -> Option<Lack> {
        let Some(proven) = self.proven.get(&need.class) else { return Some(Lack::Proof) };
        let is_fresh = need.fresh.is_none_or(|fresh| now.since(*proven) <= fresh);
        (!is_fresh).then_some(Lack::Freshness)
    }
}
