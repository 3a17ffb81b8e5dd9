//! Objects in a bucket of S3, or of what speaks its language.
//!
//! `object_store` knows the protocol; every request goes out by our own client, which follows no redirect and believes only
//! those authorities that were named. Objects are put under lock where that is asked for (S3 Object Lock): whoever has the
//! account cannot remove them before their time. Bounded memory, whatever the size of an object.

mod bucket;
#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
mod wire;

pub use bucket::{Bucket, Examined};

use std::sync::Arc;

use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;

/// Where a bucket is and as whom it is used.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// The server: `https`, or plain on this machine. The bucket stands in the path.
    pub endpoint: String,
    /// Its name.
    pub bucket: String,
    /// The region that signatures name.
    pub region: String,
    /// What stands before each name, such as `gateway-1`; nothing if it is empty.
    pub prefix: String,
    /// The account.
    pub access_key: Secret,
    /// What it signs with.
    pub secret_key: Secret,
    /// Certificates in PEM of the authorities that vouch for the server; the system's if absent.
    pub authorities: Option<Arc<[u8]>>,
    /// How objects are locked; not at all if absent.
    pub lock: Option<LockMode>,
}

/// How S3 Object Lock keeps an object until its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// From everybody, the account's owner too.
    Compliance,
    /// From all who may not bypass governance.
    Governance,
}

impl LockMode {
    /// As S3 spells it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Compliance => "COMPLIANCE",
            Self::Governance => "GOVERNANCE",
        }
    }
}

/// How long an object is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Until then.
    pub until: Timestamp,
    /// And beyond, for as long as there is a legal hold.
    pub is_held: bool,
}

/// Why a bucket does not do what it is asked. Never holds a key or a body of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectsError {
    /// It cannot be asked by its settings.
    #[error("the bucket cannot be used: {0}")]
    Settings(String),
    /// There is no such object.
    #[error("`{0}` is not in the bucket")]
    Absent(String),
    /// It refuses.
    #[error("the bucket has answered with status {status}{code}")]
    Refused {
        /// Its status.
        status: u16,
        /// Its own word for that, with a blank before it; empty where it has none.
        code: String,
    },
    /// It does not answer, or not as it should.
    #[error("{0}")]
    Failed(String),
    /// It has taken an object and does not keep it as it was asked to.
    #[error(
        "`{object}` is not locked until {until}, or the bucket does not tell: see that it was made with object lock, and that the account may \
             read retention and legal hold"
    )]
    Unlocked {
        /// The object.
        object: String,
        /// Until when it should be.
        until: Timestamp,
    },
    /// Our own file cannot be read.
    #[error("what is to be put there cannot be read: {0}")]
    File(String),
}
