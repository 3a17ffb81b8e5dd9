//! How long sessions live, for each class of devices.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::application::ApplicationName;
use crate::domain::device::{BoundTo, DeviceClass, Resume, WhenFull};

/// How long sessions live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// On devices of no class, or of one that is not there any more.
    pub times: Times,
    /// On devices of a class.
    pub devices: BTreeMap<DeviceClass, Times>,
    /// At applications that ask for less.
    pub applications: BTreeMap<ApplicationName, Shorter>,
    /// How many one person may have at once.
    pub concurrent: Concurrent,
    /// What sessions are bound to beside their cookie. Default: a key of the device where the browser offers one, else the
    /// certificate that was shown, and the browser.
    pub bound_to: Vec<BoundTo>,
    /// How long a browser is believed to have a session's key before it proves it again. 5 min to 1 h, default 10 min.
    pub device_proof: Duration,
    /// Whether requests that come like a metronome's beats are told from a person's. Default: they are.
    pub detect_polling: bool,
    /// For how long a session goes on beyond its absolute end while its provider is known to be down, so that nobody can sign
    /// in anew. 0 s to 12 h, default 4 h. What `lock` and `idle` say stays.
    pub outage_extension: Duration,
}

/// How long a session lives at one application, where that is less than elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shorter {
    /// Until it is locked.
    pub lock: Option<Duration>,
    /// Until it ends, without a request by the person.
    pub idle: Option<Duration>,
    /// Until it ends in any case.
    pub absolute: Option<Duration>,
}

/// How many sessions one person may have at once, on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concurrent {
    /// In all; none: as many as they like.
    pub most: Option<usize>,
    /// Of these, on devices of a class.
    pub devices: BTreeMap<DeviceClass, usize>,
    /// What happens beyond that.
    pub when_full: WhenFull,
}

/// How long a session lives on one kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Until it is locked, without a request by the person (45 CFR 164.312(a)(2)(iii)). 1 min to 24 h, default 15 min. It
    /// is never locked where this is not below `idle`.
    pub lock: Duration,
    /// Until it ends, without a request by the person. 1 min to 24 h, default 4 h.
    pub idle: Duration,
    /// Until it ends in any case. 5 min to 7 days, default 12 h; not below `idle`.
    pub absolute: Duration,
    /// What unlocks it. Default: a login.
    pub resume: Resume,
}

impl SessionSettings {
    /// What holds on devices of this class.
    pub fn of(&self, device: Option<&DeviceClass>) -> Times {
        device.and_then(|class| self.devices.get(class)).copied().unwrap_or(self.times)
    }
}

impl Times {
    /// Whether sessions are ever locked.
    pub fn locks(self) -> bool {
        self.lock < self.idle
    }

    /// The stricter of each, of what is written.
    #[must_use]
    pub fn within(self, shorter: Shorter) -> Self {
        Self {
            lock: shorter.lock.map_or(self.lock, |lock| lock.min(self.lock)),
            idle: shorter.idle.map_or(self.idle, |idle| idle.min(self.idle)),
            absolute: shorter.absolute.map_or(self.absolute, |absolute| absolute.min(self.absolute)),
            resume: self.resume,
        }
    }

    /// The stricter of each.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self {
            lock: self.lock.min(other.lock),
            idle: self.idle.min(other.idle),
            absolute: self.absolute.min(other.absolute),
            resume: match (self.resume, other.resume) {
                (Resume::Sso, Resume::Sso) => Resume::Sso,
                (Resume::Login, _) | (_, Resume::Login) => Resume::Login,
            },
        }
    }
}
