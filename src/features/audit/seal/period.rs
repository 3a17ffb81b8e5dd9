//! The month whose key seals.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::foundation::clock::Timestamp;

/// A month of the calendar, in UTC: `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    year: u16,
    month: u8,
}

/// A text that names no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period is a month such as `2026-11`")]
pub struct PeriodError;

impl Period {
    /// The month in which `time` lies. Before 1970 and from 9999-12-30 on it is none that ever is: then the first.
    pub fn of(time: Timestamp) -> Self {
        let first = Self { year: 1970, month: 1 };
        let Some(text) = time.rfc3339() else { return first };
        let Some(Ok(month)) = text.first_chunk::<7>().map(|month| std::str::from_utf8(month)) else {
            return first;
        };
        month.parse().unwrap_or(first)
    }

    /// Its first moment.
    pub fn begins(self) -> Timestamp {
        // Of a year that no moment has, the last that one has.
        format!("{self}-01T00:00:00Z").parse().unwrap_or(Timestamp::from_millis(i64::MAX))
    }

    /// The month after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.month < 12 {
            Self { year: self.year, month: self.month + 1 }
        } else {
            Self { year: self.year.saturating_add(1), month: 1 }
        }
    }

    /// The month before this one.
    #[must_use]
    pub const fn before(self) -> Self {
        if self.month > 1 {
            Self { year: self.year, month: self.month - 1 }
        } else {
            Self { year: self.year.saturating_sub(1), month: 12 }
        }
    }

    /// The same month so many years later.
    #[must_use]
    pub const fn years_later(self, years: u16) -> Self {
        Self { year: self.year.saturating_add(years), month: self.month }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (year, month) = text.split_once('-').ok_or(PeriodError)?;
        let number = |text: &str, length| {
            let is_one = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            if is_one { text.parse::<u16>().ok() } else { None }
        };
        let (year, month) = number(year, 4).zip(number(month, 2)).ok_or(PeriodError)?;
        match u8::try_from(month) {
            Ok(month @ 1..=12) => Ok(Self { year, month }),
            Ok(_) | Err(_) => Err(PeriodError),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
