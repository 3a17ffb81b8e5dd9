//! What is known of one person: where and when they were proven, or were at work while nothing was unusual.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::place::{HourSlot, Place};
use crate::domain::network::Network;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// What is known of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Profile {
    /// The latest last; at most [`DEVICES_MAX`].
    #[serde(default)]
    pub(super) devices: Vec<KnownDevice>,
    /// The latest last; at most [`NETWORKS_MAX`].
    #[serde(default)]
    pub(super) networks: Vec<KnownNetwork>,
    /// Hours at which they were at work, by position, and when last.
    #[serde(default)]
    hours: Vec<(u8, Timestamp)>,
}

/// A browser at which somebody was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    /// The digest of its name.
    pub browser: Digest,
    /// Since when.
    pub since: Timestamp,
    /// When they were last there, to the hour.
    pub last: Timestamp,
}

/// A network in which somebody was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNetwork {
    /// Which.
    pub network: Network,
    /// Since when.
    pub since: Timestamp,
    /// When they were last there, to the hour.
    pub last: Timestamp,
}

impl Profile {
    pub(super) fn knows_device(&self, browser: Option<Digest>, now: Timestamp) -> bool {
        let is_it = |known: &KnownDevice| Some(known.browser) == browser && is_fresh(known.last, now);
        self.devices.iter().any(is_it)
    }

    pub(super) fn knows_network(&self, network: Network, now: Timestamp) -> bool {
        self.networks.iter().any(|known| known.network == network && is_fresh(known.last, now))
    }

    /// Whether they were at work at this hour, or the one before or after, on a day of this kind.
    pub(super) fn knows_hour(&self, hour: HourSlot, now: Timestamp) -> bool {
        let around = hour.around().map(HourSlot::index);
        self.hours.iter().any(|(slot, last)| around.contains(&usize::from(*slot)) && is_fresh(*last, now))
    }

    /// The browser is known from now on.
    pub(super) fn learn_device(&mut self, browser: Digest, now: Timestamp) {
        if !self.see_device(browser, now) {
            self.devices.push(KnownDevice { browser, since: now, last: now });
        }
        drop_oldest(&mut self.devices, DEVICES_MAX, |known| known.last);
    }

    /// The network is known from now on.
    pub(super) fn learn_network(&mut self, network: Network, now: Timestamp) {
        if !self.see_network(network, now) {
            self.networks.push(KnownNetwork { network, since: now, last: now });
        }
        drop_oldest(&mut self.networks, NETWORKS_MAX, |known| known.last);
    }

    /// The hour is known from now on. Says whether anything has changed that is worth to be written.
    pub(super) fn learn_hour(&mut self, hour: HourSlot, now: Timestamp) -> bool {
        let Ok(slot) = u8::try_from(hour.index()) else { return false };
        self.see_hour(hour, now).unwrap_or_else(|| {
            self.hours.push((slot, now));
            true
        })
    }

    /// None where the hour is not known.
    fn see_hour(&mut self, hour: HourSlot, now: Timestamp) -> Option<bool> {
        let is_it = |(slot, _): &&mut (u8, Timestamp)| usize::from(*slot) == hour.index();
        self.hours.iter_mut().find(is_it).map(|(_, last)| raise(last, now))
    }

    /// They are at work where nothing is unusual: what is known of it is fresh again. Says whether anything has changed that
    /// is worth to be written.
    pub(super) fn see(&mut self, place: &Place, now: Timestamp) -> bool {
        let before = (self.last(), self.hours.len());
        if let Some(browser) = place.browser {
            self.see_device(browser, now);
        }
        self.see_network(place.network(), now);
        self.see_hour(place.hour, now);
        before != (self.last(), self.hours.len())
    }

    /// What is known elsewhere is known here, too.
    pub(super) fn absorb(&mut self, other: Self) {
        for one in other.devices {
            match self.devices.iter_mut().find(|known| known.browser == one.browser) {
                Some(known) => known.last = known.last.max(one.last),
                None => self.devices.push(one),
            }
        }
        for one in other.networks {
            match self.networks.iter_mut().find(|known| known.network == one.network) {
                Some(known) => known.last = known.last.max(one.last),
                None => self.networks.push(one),
            }
        }
        for (hour, last) in other.hours {
            match self.hours.iter_mut().find(|(slot, _)| *slot == hour) {
                Some((_, known)) => *known = (*known).max(last),
                None => self.hours.push((hour, last)),
            }
        }
        drop_oldest(&mut self.devices, DEVICES_MAX, |known| known.last);
        drop_oldest(&mut self.networks, NETWORKS_MAX, |known| known.last);
    }

    fn see_device(&mut self, browser: Digest, now: Timestamp) -> bool {
        let known = self.devices.iter_mut().find(|known| known.browser == browser);
        let Some(known) = known else { return false };
        // After so long it was new again.
        if !is_fresh(known.last, now) {
            known.since = now;
        }
        raise(&mut known.last, now);
        true
    }

    fn see_network(&mut self, network: Network, now: Timestamp) -> bool {
        let known = self.networks.iter_mut().find(|known| known.network == network);
        let Some(known) = known else { return false };
        if !is_fresh(known.last, now) {
            known.since = now;
        }
        raise(&mut known.last, now);
        true
    }

    /// Forgets what was not used for long.
    pub(super) fn age(&mut self, now: Timestamp) {
        self.devices.retain(|known| is_fresh(known.last, now));
        self.networks.retain(|known| is_fresh(known.last, now));
        self.hours.retain(|(_, last)| is_fresh(*last, now));
    }

    /// When anything of it was last used; none where nothing is known.
    pub(super) fn last(&self) -> Option<Timestamp> {
        let devices = self.devices.iter().map(|known| known.last);
        let networks = self.networks.iter().map(|known| known.last);
        devices.chain(networks).chain(self.hours.iter().map(|(_, last)| *last)).max()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last().is_none()
    }
}

/// To the hour: more often it is not written. A clock that goes back changes nothing.
fn raise(last: &mut Timestamp, now: Timestamp) -> bool {
    let is_later = now.since(*last) >= SEEN_RESOLUTION;
    if is_later {
        *last = now;
    }
    is_later
}

fn is_fresh(last: Timestamp, now: Timestamp) -> bool {
    now.since(last) < REMEMBERED
}

fn drop_oldest<T>(known: &mut Vec<T>, most: usize, last: impl Fn(&T) -> Timestamp) {
    while known.len() > most {
        let oldest = known.iter().enumerate().min_by_key(|(_, one)| last(one)).map(|(position, _)| position);
        let Some(oldest) = oldest else { return };
        known.remove(oldest);
    }
}

/// Browsers that are known of one person.
pub(super) const DEVICES_MAX: usize = 32;
/// Networks that are known of one person.
pub(super) const NETWORKS_MAX: usize = 32;
/// How long something is known without being used.
pub(super) const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const SEEN_RESOLUTION: Duration = Duration::from_secs(60 * 60);
