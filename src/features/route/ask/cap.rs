//! Numbers that may be asked for: what is beyond is lowered, what is no number is set, what is not there is
//! added. Afterwards the number that is sent is within the cap, or nothing is sent.

use super::parameters::Found;
use super::reading::Reading;
use super::settings::{Cap, Missing, Place, Zero};
use crate::domain::asked::{Allowed, EventAsked, Lowered, Overreach};
use crate::domain::reason::Reason;

/// What a text says as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// A whole number from 0, written in digits as short as it can be.
    Whole(u64),
    /// A whole number that is written in another way, negative or huge. Many applications take a negative one
    /// for everything.
    Other(i64),
    /// No number.
    None,
}

impl Cap {
    /// Brings the number of a request within the cap, or within `page_size` if that is less.
    pub(super) fn apply(
        &self,
        reading: &mut Reading<'_>,
        page_size: Option<u64>,
        asked: &mut EventAsked,
    ) -> Result<(), Overreach> {
        let max = page_size.map_or(self.max, |size| size.min(self.max)).max(1);
        let once = || Overreach {
            reason: Reason::PageSizeRejected,
            parameter: self.place.name().to_owned(),
            allowed: Allowed::Once,
        };
        match reading.text(&self.place) {
            Found::Unclear => return Err(once()),
            Found::Absent => match self.missing {
                Missing::Pass => return Ok(()),
                Missing::Refuse => {
                    let overreach = Overreach { allowed: Allowed::AtMost(max), ..once() };
                    asked.beyond.push(overreach);
                    return Ok(());
                }
                Missing::Add => {
                    reading.put(&self.place, &max.to_string()).ok_or_else(once)?;
                    asked.lowered.push(self.lowered(None, max));
                }
            },
            Found::One(text) => {
                let number = text.as_deref().map_or(Number::None, read);
                if !self.is_within(number, max) {
                    reading.put(&self.place, &max.to_string()).ok_or_else(once)?;
                    asked.lowered.push(self.lowered(number.told(), max));
                }
            }
        }
        self.also.iter().try_for_each(|(name, value)| self.accompany(reading, name, *value, asked))
    }

    fn is_within(&self, number: Number, max: u64) -> bool {
        match number {
            Number::Whole(0) => self.zero == Zero::Nothing,
            Number::Whole(number) => number <= max,
            Number::Other(_) | Number::None => false,
        }
    }

    fn lowered(&self, from: Option<i64>, to: u64) -> Lowered {
        Lowered { parameter: self.place.name().to_owned(), from, to }
    }

    /// A number without which the application does not mind the cap.
    fn accompany(
        &self,
        reading: &mut Reading<'_>,
        name: &str,
        value: u64,
        asked: &mut EventAsked,
    ) -> Result<(), Overreach> {
        let place = self.place.beside(name);
        let once = || Overreach {
            reason: Reason::PageSizeRejected,
            parameter: place.name().to_owned(),
            allowed: Allowed::Once,
        };
        let is_number = match reading.text(&place) {
            Found::Unclear => return Err(once()),
            Found::Absent => false,
            Found::One(text) => text.is_some_and(|text| matches!(read(&text), Number::Whole(_))),
        };
        if !is_number {
            reading.put(&place, &value.to_string()).ok_or_else(once)?;
            asked.added.push(place.name().to_owned());
        }
        Ok(())
    }
}

impl Place {
    /// Another name in the same kind of place.
    fn beside(&self, name: &str) -> Self {
        match self {
            Self::Query(_) => Self::Query(name.to_owned()),
            Self::Form(_) => Self::Form(name.to_owned()),
            Self::Json(_) => Self::Json(name.to_owned()),
            Self::Path(_) => Self::Path(name.to_owned()),
        }
    }
}

impl Number {
    fn told(self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(i64::try_from(number).unwrap_or(i64::MAX)),
            Self::Other(number) => Some(number),
            Self::None => None,
        }
    }
}

/// Reads a number. `007` is written anew: to some it is octal.
fn read(text: &str) -> Number {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Number::None;
    }
    let whole = digits.parse::<i64>().unwrap_or(i64::MAX);
    match u64::try_from(whole) {
        Ok(number) if whole < i64::MAX && number.to_string() == text => Number::Whole(number),
        Ok(_) | Err(_) => Number::Other(whole.saturating_mul(sign)),
    }
}
