//! What may be asked for and is not rewritten: formats, columns, time, searches, destinations, how many.

use jiff::civil::Date;

use super::dates::day;
use super::parameters::Found;
use super::reading::Reading;
use super::settings::{ColumnsAsk, DestinationAsk, FormatAsk, IdsAsk, Place, SearchAsk, SpanAsk};
use crate::domain::asked::{Allowed, Formats, Overreach};
use crate::domain::reason::Reason;

fn beyond(reason: Reason, place: &Place, allowed: Allowed) -> Overreach {
    Overreach { reason, parameter: place.name().to_owned(), allowed }
}

impl FormatAsk {
    /// What is wrong with the format that is asked for. `formats` are those of the role.
    pub(super) fn check(&self, reading: &Reading<'_>, formats: Option<Formats>) -> Option<Overreach> {
        let allowed = formats.map_or(self.allow, |formats| formats.in_both(self.allow));
        let asked = match reading.text(&self.place) {
            Found::Unclear => {
                return Some(beyond(Reason::FormatNotAllowed, &self.place, Allowed::Once));
            }
            Found::Absent => self.missing,
            Found::One(text) => text.and_then(|text| {
                let named = self.names.iter().find(|(_, name)| name.eq_ignore_ascii_case(&text));
                named.map(|(format, _)| *format)
            }),
        };
        if asked.is_some_and(|format| allowed.has(format)) {
            return None;
        }
        Some(beyond(Reason::FormatNotAllowed, &self.place, Allowed::OneOf(allowed.words())))
    }
}

impl ColumnsAsk {
    pub(super) fn check(&self, reading: &Reading<'_>) -> Option<Overreach> {
        let texts = reading.texts(&self.place);
        let is_allowed = texts.is_some_and(|texts| {
            let mut columns =
                texts.iter().flat_map(|text| text.split(self.separator)).map(str::trim).peekable();
            if columns.peek().is_none() {
                return self.may_miss;
            }
            columns.all(|column| self.allow.iter().any(|allowed| allowed == column))
        });
        if is_allowed {
            return None;
        }
        Some(beyond(Reason::ColumnsNotAllowed, &self.place, Allowed::OneOf(self.allow.clone())))
    }
}

impl IdsAsk {
    pub(super) fn check(&self, reading: &Reading<'_>) -> Option<Overreach> {
        let number = reading.texts(&self.place).map(|texts| {
            let ids = texts.iter().flat_map(|text| text.split(self.separator));
            ids.filter(|id| !id.trim().is_empty()).count() as u64
        });
        if number.is_some_and(|number| number <= self.max) {
            return None;
        }
        Some(beyond(Reason::TooManyIds, &self.place, Allowed::AtMost(self.max)))
    }
}

impl DestinationAsk {
    pub(super) fn check(&self, reading: &Reading<'_>) -> Option<Overreach> {
        let texts = reading.texts(&self.place);
        let is_allowed = texts.is_some_and(|texts| {
            let all = texts.iter().flat_map(|text| text.split([',', ';'])).map(str::trim);
            let mut all = all.peekable();
            // Where none is told, the application chooses one that nobody has allowed.
            all.peek().is_some() && all.all(|one| self.allow.iter().any(|allowed| leads_to(one, allowed)))
        });
        if is_allowed {
            return None;
        }
        Some(beyond(Reason::DestinationNotAllowed, &self.place, Allowed::OneOf(self.allow.clone())))
    }
}

/// Whether a destination is the one that is allowed, or a plain address at its domain. Quoted names, comments
/// and routes of addresses (RFC 5322) lead elsewhere than they seem to.
fn leads_to(destination: &str, allowed: &str) -> bool {
    let Some(domain) = allowed.strip_prefix('@') else { return destination == allowed };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-');
    destination.split_once('@').is_some_and(|(name, at)| {
        !name.is_empty() && name.bytes().all(plain) && at.eq_ignore_ascii_case(domain)
    })
}

impl SearchAsk {
    pub(super) fn check(&self, reading: &Reading<'_>) -> Option<Overreach> {
        let first = self.places.first()?;
        let mut narrows = false;
        for place in &self.places {
            match reading.text(place) {
                Found::Unclear => return Some(beyond(Reason::SearchTooWide, place, Allowed::Once)),
                Found::Absent => {}
                Found::One(text) => {
                    let letters =
                        text.iter().flat_map(|text| text.chars()).filter(|one| one.is_alphanumeric());
                    narrows |= letters.count() as u64 >= self.characters;
                }
            }
        }
        if narrows {
            return None;
        }
        Some(beyond(Reason::SearchTooWide, first, Allowed::Characters(self.characters)))
    }
}

impl SpanAsk {
    /// What is wrong with the time that is asked for.
    pub(super) fn check(&self, reading: &Reading<'_>, today: Date) -> Option<Overreach> {
        let days = self.max.as_secs() / SECONDS_A_DAY;
        let wide = |place: &Place| Some(beyond(Reason::SpanTooWide, place, Allowed::Days(days)));
        let (from, to) = match (self.day(reading, &self.from), self.day(reading, &self.to)) {
            (Err(overreach), _) | (_, Err(overreach)) => return Some(overreach),
            (Ok(Some(from)), Ok(Some(to))) => (from, to),
            (Ok(Some(from)), Ok(None)) if self.ends_today => (from, today),
            (Ok(Some(_)), Ok(None)) => return wide(&self.to),
            (Ok(None), Ok(_)) => return wide(&self.from),
        };
        // An application may take two days in the wrong order for the span between.
        let (first, last) = (from.min(to), from.max(to));
        if between(first, last) > days { wide(&self.from) } else { None }
    }

    /// Whether it begins longer ago than the `days` that the role may look back from `today`.
    pub(super) fn check_back(&self, reading: &Reading<'_>, today: Date, days: u64) -> Option<Overreach> {
        let told = [&self.from, &self.to].map(|place| self.day(reading, place).ok().flatten());
        let first = told.into_iter().flatten().min()?;
        let is_beyond = first < today && between(first, today) > days;
        is_beyond.then(|| beyond(Reason::SpanTooWide, &self.from, Allowed::Days(days)))
    }

    fn day(&self, reading: &Reading<'_>, place: &Place) -> Result<Option<Date>, Overreach> {
        let days = self.max.as_secs() / SECONDS_A_DAY;
        match reading.text(place) {
            Found::Unclear => Err(beyond(Reason::SpanTooWide, place, Allowed::Once)),
            Found::Absent => Ok(None),
            Found::One(Some(text)) if text.is_empty() => Ok(None),
            Found::One(text) => match text.and_then(|text| day(&text, &self.dates)) {
                Some(day) => Ok(Some(day)),
                None => Err(beyond(Reason::SpanTooWide, place, Allowed::Days(days))),
            },
        }
    }
}

/// How many days there are from the one to the other.
fn between(first: Date, last: Date) -> u64 {
    let days = first.until(last).map_or(i32::MAX, |span| span.get_days());
    u64::try_from(days).unwrap_or(0)
}

const SECONDS_A_DAY: u64 = 24 * 60 * 60;
