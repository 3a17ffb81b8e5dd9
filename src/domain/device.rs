//! What kind of workstation somebody is at, and how they come back to a session that was locked there.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use super::closed_list;

name! {
    /// A class of devices, such as `ward` or `kiosk`: told by the caller's network, or by a header of a trusted proxy.
    DeviceClass
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
