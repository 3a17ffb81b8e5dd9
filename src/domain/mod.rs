//! The words of the house: pure data, no I/O, no `async`.

pub mod access;
pub mod action;
#[cfg(test)]
pub mod any_event;
pub mod application;
pub mod asked;
pub mod assurance;
pub mod break_glass;
pub mod category;
pub mod confidential;
pub mod count;
pub mod decision;
pub mod degraded;
pub mod detection;
pub mod device;
pub mod entry;
pub mod event;
pub mod field;
pub mod gap;
pub mod given;
pub mod holder;
pub mod hours;
pub mod kept;
pub mod law;
pub mod limit;
pub mod listed;
pub mod measure;
pub mod network;
pub mod note;
pub mod own_path;
pub mod patience;
pub mod patient;
pub mod phi;
pub mod proof;
pub mod provisioning;
pub mod purpose;
pub mod reason;
pub mod reply_shape;
pub mod revocation;
pub mod risk;
pub mod rolling;
pub mod row_selector;
pub mod rulebook;
pub mod signal;
pub mod subject;
pub mod told;
pub mod websocket;

/// Declares a closed list whose members have one frozen spelling each.
macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every member, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its frozen spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::domain::UnknownWord::new(text, &[$($text),+])),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::foundation::parsed::parsed(deserializer)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($text),+] })
            }
        }
    };
}
pub(crate) use closed_list;

/// A word that is not in its closed list.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{word}` is not one of {}", .list.join(", "))]
pub struct UnknownWord {
    word: String,
    list: &'static [&'static str],
}

impl UnknownWord {
    /// `word` was found where one of `list` belongs.
    pub fn new(word: &str, list: &'static [&'static str]) -> Self {
        Self { word: word.to_owned(), list }
    }
}
