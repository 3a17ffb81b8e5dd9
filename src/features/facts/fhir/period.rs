//! Periods as FHIR writes them: each end may be a year, a month, a day or a moment, or absent.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::features::facts::moment::{End, moment};
use crate::features::facts::table::Span;
use crate::foundation::clock::Timestamp;

/// From when until when.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Period {
    #[serde(default)]
    pub(super) start: Option<String>,
    #[serde(default)]
    pub(super) end: Option<String>,
}

/// What is no moment.
pub(super) const NO_PERIOD: &str = "has a period that is none";

impl Period {
    /// While it lasts; none if it never does.
    pub(super) fn span(&self, zone: &TimeZone) -> Result<Option<Span>, &'static str> {
        let bound = |text: &Option<String>, end, open| match text {
            Some(text) => bound(text, zone, end).ok_or(NO_PERIOD),
            None => Ok(open),
        };
        let Span { from, until } = Span::ALWAYS;
        let span =
            Span { from: bound(&self.start, End::First, from)?, until: bound(&self.end, End::Last, until)? };
        Ok(span.and(Span::ALWAYS))
    }
}

/// The moment that is meant: of a year, a month or a day its first, or the first after it.
pub(super) fn bound(text: &str, zone: &TimeZone, end: End) -> Option<Timestamp> {
    let first = match text.len() {
        YEAR_BYTES => format!("{text}-01-01"),
        MONTH_BYTES => format!("{text}-01"),
        _ => return moment(text, zone, end),
    };
    let first: Date = first.parse().ok()?;
    let day = match (end, text.len()) {
        (End::First, _) => first,
        (End::Last, YEAR_BYTES) => first.last_of_year(),
        (End::Last, _) => first.last_of_month(),
    };
    moment(&day.to_string(), zone, end)
}

const YEAR_BYTES: usize = "2026".len();
const MONTH_BYTES: usize = "2026-03".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_and_a_month_are_whole() {
        let at = |text, end| bound(text, &TimeZone::UTC, end).map(|it| it.to_string());
        let cases = [
            ("2026", "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"),
            ("2026-02", "2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"),
            ("2026-02-03", "2026-02-03T00:00:00.000Z", "2026-02-04T00:00:00.000Z"),
            ("2026-02-03T04:05:06+01:00", "2026-02-03T03:05:06.000Z", "2026-02-03T03:05:06.000Z"),
        ];
        for (text, first, last) in cases {
            assert_eq!(at(text, End::First).as_deref(), Some(first), "{text}");
            assert_eq!(at(text, End::Last).as_deref(), Some(last), "{text}");
        }
        for text in ["", "26", "202x", "2026-13", "2026-1-1", "soon"] {
            assert_eq!(at(text, End::First), None, "{text}");
        }
    }

    #[test]
    fn a_period_that_ends_before_it_begins_never_is() {
        let period = |start: &str, end: &str| Period { start: Some(start.into()), end: Some(end.into()) };
        assert_eq!(period("2026-03-02", "2026-03-01").span(&TimeZone::UTC), Ok(None));
        assert!(period("2026-03-02", "2026-03-02").span(&TimeZone::UTC).unwrap().is_some());
        assert_eq!(period("soon", "2026-03-02").span(&TimeZone::UTC), Err(NO_PERIOD));
        assert_eq!(Period::default().span(&TimeZone::UTC), Ok(Some(Span::ALWAYS)));
    }
}
