//! Times of the day between which something is allowed.

/// A span of the day, in minutes since midnight; it may run over midnight (`22:00-06:00`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// From here.
    pub from_minute: u16,
    /// Until just before here.
    pub until_minute: u16,
}

impl Hours {
    /// Whether the minute of the day lies within.
    pub const fn contain(self, minute: u16) -> bool {
        let (after, before) = (minute >= self.from_minute, minute < self.until_minute);
        if self.from_minute < self.until_minute { after && before } else { after || before }
    }
}

/// A text that is not a span of the day.
#[derive(Debug, Clone, thiserror::Error)]
#[error("hours look like `06:00-20:00`, not `{text}`")]
pub struct HoursError {
    text: String,
}

impl std::str::FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minute = |text: &str| -> Option<u16> {
            let (hour, minute) = text.split_once(':')?;
            let (two, two_too) = (hour.len() == 2, minute.len() == 2);
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            let ends_the_day = hour == 24 && minute == 0;
            (two && two_too && (hour < 24 && minute < 60 || ends_the_day)).then_some(hour * 60 + minute)
        };
        text.split_once('-')
            .and_then(|(from, until)| Some((minute(from)?, minute(until)?)))
            .filter(|(from, until)| from != until && *from < 24 * 60)
            .map(|(from_minute, until_minute)| Self { from_minute, until_minute })
            .ok_or_else(|| HoursError { text: text.to_owned() })
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, until) = (self.from_minute, self.until_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}
