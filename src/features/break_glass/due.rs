//! By when a review is due: in business days, Monday to Friday, by the house's clocks.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::settings::BreakGlassSettings;
use crate::foundation::clock::Timestamp;

/// By when somebody looks, and by when it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// By when somebody has looked.
    pub triage: Timestamp,
    /// By when it is settled.
    pub close: Timestamp,
}

impl Due {
    /// Of a break that begins at `began`.
    pub fn of(began: Timestamp, settings: &BreakGlassSettings, zone: &TimeZone) -> Self {
        let after = |days| business_days_after(began, days, zone);
        Self { triage: after(settings.triage_days), close: after(settings.close_days) }
    }
}

/// The same time of day so many business days later. What begins on a weekend begins on Monday. A moment outside the calendar
/// is due at once.
fn business_days_after(began: Timestamp, days: u8, zone: &TimeZone) -> Timestamp {
    let Ok(moment) = Moment::from_millisecond(began.as_millis()) else { return began };
    let mut at = moment.to_zoned(zone.clone());
    let mut left = days;
    while left > 0 {
        let Ok(next) = at.checked_add(1.day()) else { return began };
        at = next;
        left -= u8::from(!matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday));
    }
    Timestamp::from_millis(at.timestamp().as_millisecond())
}
