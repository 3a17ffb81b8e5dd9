//! The bounds within which a program may come.

use std::net::IpAddr;

use jiff::tz::TimeZone;

use super::settings::ClientSettings;
use crate::domain::application::{ApplicationName, RouteName};
use crate::foundation::clock::Timestamp;

/// What a program comes to, from where and when.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The application.
    pub application: &'a ApplicationName,
    /// The route; none where none matched.
    pub route: Option<&'a RouteName>,
    /// The program's address.
    pub client_ip: IpAddr,
    /// When.
    pub now: Timestamp,
    /// The time zone in which hours and days are meant.
    pub zone: &'a TimeZone,
}

/// Which bound a program has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// Its last day is over.
    #[error("the program's last day is over")]
    Expired,
    /// It comes to a route that is none of its own.
    #[error("the route is none of the program's")]
    Route,
    /// It comes from another network.
    #[error("the program comes from a network that is none of its own")]
    Network,
    /// It comes at another time of the day.
    #[error("the program comes outside its hours")]
    Hours,
}

impl ClientSettings {
    /// Which bound it passes, the most telling first.
    pub fn outside(&self, visit: &Visit<'_>) -> Option<Outside> {
        // A moment outside the calendar is within nobody's bounds.
        let Ok(moment) = jiff::Timestamp::from_millisecond(visit.now.as_millis()) else {
            return Some(Outside::Expired);
        };
        let there = visit.zone.to_datetime(moment);
        let minute = i16::from(there.hour()) * 60 + i16::from(there.minute());
        let minute = u16::try_from(minute).unwrap_or_default();
        let address = visit.client_ip.to_canonical();
        let is_reached = self.routes.iter().any(|reach| reach.holds(visit.application, visit.route));
        let is_near = self.networks.is_empty() || self.networks.iter().any(|net| net.contains(&address));
        if there.date() > self.expires {
            Some(Outside::Expired)
        } else if !is_reached {
            Some(Outside::Route)
        } else if !is_near {
            Some(Outside::Network)
        } else if self.hours.is_some_and(|hours| !hours.contain(minute)) {
            Some(Outside::Hours)
        } else {
            None
        }
    }
}
