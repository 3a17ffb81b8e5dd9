//! What stands around the rules and is not theirs to know: how a route is recognized, what happens to what none
//! matches. Whoever has the whole configuration says it in plain words.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Direction, How, On};

/// Something that stands around the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// What kind of thing.
    pub on: On,
    /// Of what: `ehr`, `ehr/report.csv`.
    pub id: String,
    /// Which key of it.
    pub key: &'static str,
    /// What it says.
    pub value: String,
    /// How much it lets through, where that can be told: more is wider.
    pub width: Option<u8>,
}

/// What changes of what both have. What comes and goes with its route or application is told with that.
pub(super) fn changes(old: &[Around], new: &[Around]) -> Vec<Change> {
    let by_key = |all: &'_ [Around]| -> BTreeMap<(On, String, &'static str), Around> {
        all.iter().map(|it| ((it.on, it.id.clone(), it.key), it.clone())).collect()
    };
    let (old, new) = (by_key(old), by_key(new));
    let known: BTreeSet<(On, &str)> = old.keys().map(|(on, id, _)| (*on, id.as_str())).collect();
    let kept = new.iter().filter(|((on, id, _), _)| known.contains(&(*on, id.as_str())));
    let mut changes: Vec<_> = kept
        .filter_map(|(key, now)| match old.get(key) {
            Some(was) if was.value == now.value => None,
            was => Some(change(was, now)),
        })
        .collect();
    let remain: BTreeSet<(On, &str)> = new.keys().map(|(on, id, _)| (*on, id.as_str())).collect();
    let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
    changes.extend(gone.filter(|((on, id, _), _)| remain.contains(&(*on, id.as_str()))).map(|(_, was)| {
        Change {
            on: was.on,
            id: was.id.clone(),
            how: How::Changed,
            direction: Direction::Otherwise,
            what: format!("{}: {} → nothing", was.key, was.value),
        }
    }));
    changes
}

fn change(was: Option<&Around>, now: &Around) -> Change {
    let direction = match (was.and_then(|was| was.width), now.width) {
        (Some(was), Some(now)) if was < now => Direction::Wider,
        (Some(was), Some(now)) if was > now => Direction::Narrower,
        (Some(_) | None, Some(_) | None) => Direction::Otherwise,
    };
    let before = was.map_or("nothing", |was| was.value.as_str());
    let what = format!("{}: {before} → {}", now.key, now.value);
    Change { on: now.on, id: now.id.clone(), how: How::Changed, direction, what }
}
