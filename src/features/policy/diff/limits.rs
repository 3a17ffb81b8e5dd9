//! Numbers: both are said, and which of them lets more pass.

use super::{Change, Direction, How, On};
use crate::domain::limit::{LimitName, Limits, OnExceed};

/// What changes of the numbers of a role.
pub(super) fn changes(role: &str, old: &Limits, new: &Limits) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |key: &str, direction, what: String| {
        let id = format!("{role}/{key}");
        changes.push(Change { on: On::Limit, id, how: How::Changed, direction, what });
    };
    for name in LimitName::ALL {
        let (was, now) = (old.number(*name), new.number(*name));
        if was != now {
            note(name.as_str(), of_numbers(was, now), format!("{} → {}", told(was), told(now)));
        }
    }
    let outcomes = [
        ("on_exceed", old.on_exceed, new.on_exceed),
        ("on_unknown_count", old.on_unknown_count, new.on_unknown_count),
    ];
    for (key, was, now) in outcomes.into_iter().filter(|(_, was, now)| was != now) {
        note(key, of_outcomes(was, now), format!("{was} → {now}"));
    }
    changes
}

/// No limit is wider than any.
fn of_numbers(was: Option<u64>, now: Option<u64>) -> Direction {
    let width = |limit: Option<u64>| limit.map_or(u128::MAX, u128::from);
    match width(was).cmp(&width(now)) {
        std::cmp::Ordering::Less => Direction::Wider,
        std::cmp::Ordering::Greater => Direction::Narrower,
        std::cmp::Ordering::Equal => Direction::Same,
    }
}

fn of_outcomes(was: OnExceed, now: OnExceed) -> Direction {
    match was.cmp(&now) {
        std::cmp::Ordering::Less => Direction::Narrower,
        std::cmp::Ordering::Greater => Direction::Wider,
        std::cmp::Ordering::Equal => Direction::Same,
    }
}

pub(super) fn told(limit: Option<u64>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |number| number.to_string())
}
