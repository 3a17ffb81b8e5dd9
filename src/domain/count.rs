//! How many: a number, a lower bound, or honestly unknown.

use serde::{Deserialize, Serialize};

/// How many records or patients a reply carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Counted to the end.
    Exactly(u64),
    /// Counting stopped there, because the rest did not matter or did not come.
    AtLeast(u64),
    /// It could not be counted. For an export this means block.
    Unknown(WhyUnknown),
    /// Nobody asked.
    NotCounted,
}

/// Why a reply could not be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyUnknown {
    /// The route says that its reply cannot be counted.
    Opaque,
    /// The route's reply has no declared shape.
    Undeclared,
    /// A content coding that we do not decode, or several one inside the other.
    Coding,
    /// The body does not decompress, or to an absurd size.
    Undecodable,
    /// The body is not what its shape says: broken JSON, a CSV quote that never closes.
    Unparsable,
    /// The body is not of the declared media type or begins as something else.
    Mismatch,
    /// A character encoding that we do not read.
    Charset,
    /// A partial reply (206) that nobody asked for.
    Partial,
    /// The body ended before it was complete.
    Incomplete,
}

impl Count {
    /// The number that is certain.
    pub const fn at_least(self) -> u64 {
        match self {
            Self::Exactly(number) | Self::AtLeast(number) => number,
            Self::Unknown(_) | Self::NotCounted => 0,
        }
    }
}
