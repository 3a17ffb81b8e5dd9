//! When, as people type it.

use std::str::FromStr;
use std::time::Duration;

use crate::foundation::clock::Timestamp;

/// A moment, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So long before now.
    Ago(Duration),
}

/// A text that is neither.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is neither a moment such as `2026-03-01T08:00:00Z` nor a time ago such as `30m`, `12h` or `7d`"
)]
pub struct MomentError {
    text: String,
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || MomentError { text: text.to_owned() };
        let seconds = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return text.parse().map(Self::At).map_err(|_| refused()),
        };
        let number: u64 = text.trim_end_matches(['s', 'm', 'h', 'd']).parse().map_err(|_| refused())?;
        Ok(Self::Ago(Duration::from_secs(number.saturating_mul(seconds))))
    }
}

impl Moment {
    pub(in crate::cli) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => now.minus(duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_absolute_or_ago() {
        let now = Timestamp::from_seconds(1_000_000);
        let at = |text: &str| text.parse::<Moment>().map(|moment| moment.at(now).as_seconds()).ok();
        assert_eq!(at("90s"), Some(999_910));
        assert_eq!(at("2h"), Some(992_800));
        assert_eq!(at("1d"), Some(913_600));
        assert_eq!(at("1970-01-01T00:00:07Z"), Some(7));
        for text in ["", "h", "-1h", "1w", "é", "1.5h"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
