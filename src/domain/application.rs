//! What is protected, and the recognizable things to do there.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A name that operators give: letters, digits, `-`, `_` and `.`, at most 64 characters.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
                if text.is_empty() || text.len() > 64 || !text.bytes().all(known) {
                    return Err(NameError { text: text.chars().take(80).collect() });
                }
                Ok(Self(text.into()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::foundation::parsed::parsed(deserializer)
            }
        }
    };
}
pub(crate) use name;

/// A text that cannot be a name.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits, `-`, `_` or `.`, not `{text}`")]
pub struct NameError {
    pub(crate) text: String,
}

name! {
    /// What is protected.
    ApplicationName
}
name! {
    /// A recognizable thing to do in one application.
    RouteName
}
name! {
    /// A kind of data, such as `demographics` or `psychotherapy`.
    Category
}
name! {
    /// A class of persons, 45 CFR 164.514(d)(2)(i)(A).
    RoleName
}
name! {
    /// An account at an application.
    CredentialName
}
name! {
    /// A program that has an account of its own at a provider.
    ClientName
}
name! {
    /// An OpenID provider, as the configuration calls it.
    ProviderName
}
