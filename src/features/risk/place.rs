//! Where and when somebody is, as coarsely as it is remembered: a network rather than an address, an hour rather than a moment.

use std::net::IpAddr;

use jiff::tz::TimeZone;

use crate::domain::hours::Hours;
use crate::domain::network::Network;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// Where and when somebody is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The browser; none where it has no name yet.
    pub(super) browser: Option<Digest>,
    pub(super) client: IpAddr,
    pub(super) hour: HourSlot,
    /// The minute of the day.
    pub(super) minute: u16,
}

impl Place {
    pub(super) fn of(browser: Option<Digest>, client: IpAddr, now: Timestamp, zone: &TimeZone) -> Self {
        let (hour, minute) = HourSlot::of(now, zone);
        Self { browser, client, hour, minute }
    }

    pub(super) fn network(&self) -> Network {
        Network::of(self.client)
    }

    pub(super) fn is_within(&self, hours: Hours) -> bool {
        hours.contain(self.minute)
    }
}

/// An hour of the day on a working day or at a weekend: 48 in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourSlot(u8);

impl HourSlot {
    /// How many there are.
    pub const ALL: usize = 48;

    /// The hour of a moment, and the minute of the day. A moment outside the calendar is midnight on a working day.
    fn of(now: Timestamp, zone: &TimeZone) -> (Self, u16) {
        let Ok(moment) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return (Self(0), 0) };
        let there = zone.to_datetime(moment);
        let hour = u8::try_from(there.hour()).unwrap_or(0);
        let is_weekend = there.weekday().to_monday_one_offset() > 5;
        let minute = u16::from(hour) * 60 + u16::try_from(there.minute()).unwrap_or(0);
        (Self(hour + if is_weekend { 24 } else { 0 }), minute)
    }

    /// Its position among all.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// This hour, the one before and the one after, on the same kind of day.
    pub(super) fn around(self) -> [Self; 3] {
        let (kind, hour) = (self.0 / 24 * 24, self.0 % 24);
        [hour, (hour + 23) % 24, (hour + 1) % 24].map(|hour| Self(kind + hour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_one_of_a_working_day_or_a_weekend() {
        let slot = |text: &str| {
            let zone = TimeZone::get("Europe/Madrid").unwrap();
            let (slot, minute) = HourSlot::of(text.parse().unwrap(), &zone);
            (slot.index(), minute)
        };
        assert_eq!(slot("2026-03-02T09:30:00Z"), (10, 10 * 60 + 30), "a Monday, an hour ahead");
        assert_eq!(slot("2026-03-01T22:59:00Z"), (24 + 23, 23 * 60 + 59), "a Sunday");
        assert_eq!(slot("2026-03-01T23:00:00Z"), (0, 0), "Monday there");
        let around = |slot: u8| HourSlot(slot).around().map(HourSlot::index);
        assert_eq!([around(0), around(23), around(24)], [[0, 23, 1], [23, 22, 0], [24, 47, 25]]);
    }
}
