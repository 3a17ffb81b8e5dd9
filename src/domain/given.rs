//! What replies hand out and later requests bring back: pages of a search, jobs and their files, report sessions. And
//! the patient whose record an application has open in a session, which its later requests do not name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use super::closed_list;

name! {
    /// A kind of thing that an application's replies hand out, such as `page` or `job`.
    GivenName
}

closed_list! {
    /// Whose it is what a reply hands out.
    GivenTo {
        /// The session's that asked: it ends with it. A page of a search.
        Session = "session",
        /// The person's or program's that asked, in whatever session. A job that takes a night.
        Person = "person",
    }
}

closed_list! {
    /// What is done about a request that needs to be remembered and is not, as after a restart.
    WhenUnknown {
        /// It is refused.
        Deny = "deny",
        /// It passes, and its event says so.
        AllowAndFlag = "allow-and-flag",
    }
}

closed_list! {
    /// Whose it is what a request brings.
    Brought {
        /// All of it was handed out to whoever asks.
        Yours = "yours",
        /// Some of it was not: it is another's, too old, forgotten or made up.
        Unknown = "unknown",
        /// There is none, or it can be read in two ways.
        Missing = "missing",
    }
}

closed_list! {
    /// What a request has to do with the patient whose record its session has open.
    PatientContext {
        /// It opens the record of the patient whom it names.
        Set = "set",
        /// It is about the patient whose record is open.
        Session = "session",
        /// It is about the patient whose record is open, and who that is is not known.
        Unknown = "unknown",
    }
}

/// What a request brings and needs to have been given, as its event keeps it: never the thing itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNeeded {
    /// What kind of thing.
    pub name: GivenName,
    /// Whose it is.
    pub brought: Brought,
}

/// How many things of a kind a reply handed out, as its event keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventGiven {
    /// What kind of thing.
    pub name: GivenName,
    /// How many, each once.
    pub number: u32,
}
