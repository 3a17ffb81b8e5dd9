//! Days as applications write them.

use jiff::civil::Date;
use jiff::fmt::strtime;

/// The day that a text says: ISO 8601 (with a time or without), or as one of the declared formats.
///
/// Only whole texts in ASCII are days: an application that reads further than we do would find another.
pub(super) fn day(text: &str, formats: &[String]) -> Option<Date> {
    if text.len() > TEXT_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let declared = formats.iter().find_map(|format| {
        let day = strtime::parse(format, text).ok()?.to_date().ok()?;
        // `%d` takes one digit or two; written back it has to be the same day again, and no year of the
        // first century that was meant to be one of ours.
        (day.year() >= YEAR_MIN).then_some(day)
    });
    declared.or_else(|| iso(text))
}

/// `2026-11-28`, `20261128`, or either with a `T` and a time.
fn iso(text: &str) -> Option<Date> {
    let day = match text.find(['T', 't', ' ']) {
        None => text,
        Some(at) => {
            let (day, time) = text.split_at_checked(at)?;
            let plain =
                |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'Z' | b'z' | b'+' | b'-');
            let time = time.get(1..)?;
            if time.is_empty() || !time.bytes().all(plain) {
                return None;
            }
            day
        }
    };
    let digits: Vec<&str> = day.split('-').collect();
    let (year, month, of_month) = match digits.as_slice() {
        [year, month, day] => (*year, *month, *day),
        [whole] if whole.len() == 8 => (whole.get(..4)?, whole.get(4..6)?, whole.get(6..)?),
        _ => return None,
    };
    let plain =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(year, 4) || !plain(month, 2) || !plain(of_month, 2) {
        return None;
    }
    let day = Date::new(year.parse().ok()?, month.parse().ok()?, of_month.parse().ok()?).ok()?;
    (day.year() >= YEAR_MIN).then_some(day)
}

/// Whether a declared format says a whole day, in one way.
pub fn is_format(format: &str) -> bool {
    let once = |what: &str| format.matches(what).count() == 1;
    once("%Y") && once("%m") && once("%d") && format.matches('%').count() == 3 && format.is_ascii()
}

/// How long a text may be that says a day.
const TEXT_BYTES_MAX: usize = 40;
/// Days before are no days of a patient that anybody searches for by span; `26` is not 2026.
const YEAR_MIN: i16 = 1000;
