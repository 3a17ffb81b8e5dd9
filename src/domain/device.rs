//! What kind of workstation somebody is at, what feeds tell of it, and how they come back to a session that was locked there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use super::closed_list;
use super::told::{Attributes, FeedName};

name! {
    /// A class of devices, such as `ward` or `kiosk`: told by a feed, by the caller's network or certificate, or by a header
    /// of a trusted proxy.
    DeviceClass
}

/// What a feed tells of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Which feed.
    pub feed: FeedName,
    /// How old the feed is.
    pub age: Duration,
    /// Whether that is too old.
    pub is_aged: bool,
    /// What it tells.
    pub state: DeviceState,
}

/// What a row of a feed says of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// It is in use.
    InUse {
        /// Its class, if that is told.
        class: Option<DeviceClass>,
        /// Where it stands, as far as that is told.
        places: Attributes,
    },
    /// It is lost, sold or broken: it is of no class, and nothing is known of where it stands.
    Withdrawn,
}

/// What a feed tells of a device, as events tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDeviceFeed {
    /// Which feed.
    pub feed: FeedName,
    /// How old it was, in seconds.
    pub age_seconds: u64,
    /// Whether that is too old.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub stale: bool,
    /// Whether it says that the device is withdrawn.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub withdrawn: bool,
}

impl DeviceFacts {
    /// Whether the device is not to be used any more. It does not come back by the feed's getting old.
    pub const fn is_withdrawn(&self) -> bool {
        match self.state {
            DeviceState::Withdrawn => true,
            DeviceState::InUse { .. } => false,
        }
    }

    /// The class that is told, be the feed too old or not.
    pub const fn class(&self) -> Option<&DeviceClass> {
        match &self.state {
            DeviceState::InUse { class, .. } => class.as_ref(),
            DeviceState::Withdrawn => None,
        }
    }

    /// Where it is told to stand.
    pub const fn places(&self) -> Option<&Attributes> {
        match &self.state {
            DeviceState::InUse { places, .. } => Some(places),
            DeviceState::Withdrawn => None,
        }
    }

    /// As events tell of it.
    pub fn event(&self) -> EventDeviceFeed {
        EventDeviceFeed {
            feed: self.feed.clone(),
            age_seconds: self.age.as_secs(),
            stale: self.is_aged,
            withdrawn: self.is_withdrawn(),
        }
    }
}

closed_list! {
    /// What a session may be bound to beside its cookie.
    BoundTo {
        /// The cookie alone: nothing more is asked for.
        Cookie = "cookie",
        /// A key that the browser keeps in the device and proves to have, where it offers that.
        DeviceKey = "device_key",
        /// The certificate that was shown at sign-in, where one was.
        Certificate = "certificate",
        /// The kind of browser and system at which the person signed in.
        Browser = "browser",
        /// The network from which the person signed in: inside, or a site's on the Internet.
        Network = "network",
    }
}

closed_list! {
    /// What happens when somebody signs in who has as many sessions already as they may.
    WhenFull {
        /// One of theirs ends: one that is locked, else the one that was not used for longest.
        EndOldest = "end_oldest",
        /// They are not signed in, as long as none of the others is locked or over.
        Refuse = "refuse",
    }
}

closed_list! {
    /// What somebody has to do to come back to their locked session.
    Resume {
        /// Authenticate at the provider once more; its own session is not enough.
        Login = "login",
        /// Be known to the provider, by whatever it takes for that.
        Sso = "sso",
    }
}
