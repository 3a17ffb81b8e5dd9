//! What changes from one set of rules to another, in words: what is added, removed or changed, by its id, and
//! whether that permits more or less; and for each role, which routes it reaches now and did not before.
//!
//! Ids of rules are positions. A `may` that only moved is the same `may`: it is told with both ids, and is no
//! difference in what is permitted.

mod around;
mod limits;
mod may;
mod role;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use around::Around;

use super::bundle::Rules;
use super::catalog::CatalogRoute;
use super::rule::Rule;
use crate::domain::closed_list;

closed_list! {
    /// Whether a change permits more or less.
    Direction {
        /// It permits nothing else.
        Same = "same",
        /// It permits more.
        Wider = "wider",
        /// It permits less.
        Narrower = "narrower",
        /// It permits other things, or it depends.
        Otherwise = "otherwise",
    }
}

closed_list! {
    /// What kind of thing changes.
    On {
        /// A role: its groups, providers or purposes.
        Role = "role",
        /// One `may` of a role.
        May = "may",
        /// A number of a role.
        Limit = "limit",
        /// A rule written in Cedar.
        Cedar = "cedar",
        /// A risk that raises what is asked.
        Risk = "risk",
        /// A route of an application.
        Route = "route",
        /// What stands around the rules.
        Setting = "setting",
    }
}

closed_list! {
    /// What became of it.
    How {
        /// It is new.
        Added = "added",
        /// It is gone.
        Removed = "removed",
        /// It is not as it was.
        Changed = "changed",
        /// It has another id.
        Moved = "moved",
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What kind of thing changes.
    pub on: On,
    /// Which: `registrar`, `registrar/2`, `ehr/report.csv`, the id of a rule.
    pub id: String,
    /// What became of it.
    pub how: How,
    /// Whether that permits more or less.
    pub direction: Direction,
    /// In words.
    pub what: String,
}

/// The routes that a role reaches under some condition, now and not before, or before and not now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The role; `everybody` for rules that are for no single role.
    pub role: String,
    /// `ehr/report.csv (export)`.
    pub gained: Vec<String>,
    /// The same.
    pub lost: Vec<String>,
}

/// All that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The digest of the old configuration, first 16 digits.
    pub old: String,
    /// The digest of the new one.
    pub new: String,
    /// What changes, in the order of [`On`], then by id.
    pub changes: Vec<Change>,
    /// Who reaches what, where that differs.
    pub reach: Vec<Reach>,
}

impl Diff {
    /// Whether both permit the same to the same people.
    pub fn permits_the_same(&self) -> bool {
        self.reach.is_empty() && self.changes.iter().all(|change| change.direction == Direction::Same)
    }

    /// How many changes go this way.
    pub fn count(&self, direction: Direction) -> usize {
        self.changes.iter().filter(|change| change.direction == direction).count()
    }
}

/// What changes from `old` to `new`; `around` is what stands around the rules of each.
pub fn diff(old: &Rules, new: &Rules, around: (&[Around], &[Around])) -> Diff {
    let reaches = (Reaches::of(old), Reaches::of(new));
    let mut changes = role::changes(old, new, (&reaches.0, &reaches.1));
    changes.extend(cedar(old, new));
    changes.extend(risks(old, new));
    changes.extend(routes(old, new));
    changes.extend(zone(old, new));
    changes.extend(around::changes(around.0, around.1));
    changes.sort_by(|one, other| (one.on, &one.id).cmp(&(other.on, &other.id)));
    Diff {
        old: old.version().short(),
        new: new.version().short(),
        changes,
        reach: reach(&reaches.0, &reaches.1),
    }
}

/// Which routes rules have a say on.
pub(super) struct Reaches {
    /// By the id of a rule.
    by_rule: BTreeMap<String, BTreeSet<String>>,
    /// Of what permits, by role.
    by_role: BTreeMap<String, BTreeSet<String>>,
}

impl Reaches {
    fn of(rules: &Rules) -> Self {
        let (mut by_rule, mut by_role) = (BTreeMap::new(), BTreeMap::new());
        for (route, slice) in rules.catalog.routes.iter().zip(&rules.routes) {
            let positions = slice.slice.iter().flat_map(|slice| &slice.rules);
            for rule in positions.filter_map(|position| rules.engine.rule(*position)) {
                let add = |to: &mut BTreeMap<_, BTreeSet<_>>, key: String| {
                    to.entry(key).or_default().insert(spelled(route));
                };
                add(&mut by_rule, rule.id.to_string());
                if rule.permits() {
                    add(&mut by_role, role_of(rule));
                }
            }
        }
        Self { by_rule, by_role }
    }

    /// The routes of one rule.
    fn rule(&self, id: &str) -> BTreeSet<String> {
        self.by_rule.get(id).cloned().unwrap_or_default()
    }
}

fn role_of(rule: &Rule) -> String {
    rule.role.as_ref().map_or_else(|| EVERYBODY.to_owned(), ToString::to_string)
}

fn spelled(route: &CatalogRoute) -> String {
    format!("{}/{} ({})", route.application, route.route, route.action)
}

fn reach(old: &Reaches, new: &Reaches) -> Vec<Reach> {
    let roles: BTreeSet<_> = old.by_role.keys().chain(new.by_role.keys()).collect();
    let none = BTreeSet::new();
    roles
        .into_iter()
        .filter_map(|role| {
            let of = |reaches: &Reaches| reaches.by_role.get(role).unwrap_or(&none).clone();
            let (old, new) = (of(old), of(new));
            let lost: Vec<_> = old.difference(&new).cloned().collect();
            let gained: Vec<_> = new.difference(&old).cloned().collect();
            let differs = !(lost.is_empty() && gained.is_empty());
            differs.then(|| Reach { role: role.clone(), gained, lost })
        })
        .collect()
}

fn cedar(old: &Rules, new: &Rules) -> Vec<Change> {
    let told = |rule: &Rule| one_line(&rule.text);
    let of = |rules: &Rules| -> BTreeMap<String, (bool, Option<serde_json::Value>, String)> {
        let written = rules.engine.rules.iter().filter(|rule| rule.is_hand_written());
        // Spaces and comments are no difference.
        let read = |rule: &Rule| (rule.permits(), rule.policy.to_json().ok(), told(rule));
        written.map(|rule| (rule.id.to_string(), read(rule))).collect()
    };
    let change =
        |id: &String, how, direction, what| Change { on: On::Cedar, id: id.clone(), how, direction, what };
    let mut changes = Vec::new();
    let (old, new) = (of(old), of(new));
    for (id, (permits, read, text)) in &new {
        match old.get(id) {
            None => changes.push(change(id, How::Added, way(*permits), text.clone())),
            Some((_, before, was)) if before != read => {
                changes.push(change(id, How::Changed, Direction::Otherwise, format!("{was} → {text}")));
            }
            Some(_) => {}
        }
    }
    for (id, (permits, _, text)) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
        changes.push(change(id, How::Removed, way(!*permits), text.clone()));
    }
    changes
}

/// What it means that something is new which permits, or does not.
const fn way(permits: bool) -> Direction {
    if permits { Direction::Wider } else { Direction::Narrower }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn risks(old: &Rules, new: &Rules) -> Vec<Change> {
    let of = |rules: &Rules| -> BTreeMap<String, String> {
        rules.risks().iter().map(|risk| (risk.id(), risk.told())).collect()
    };
    let (old, new) = (of(old), of(new));
    compared(On::Risk, &old, &new, |how| match how {
        How::Added => Direction::Narrower,
        How::Removed => Direction::Wider,
        How::Changed | How::Moved => Direction::Otherwise,
    })
}

fn routes(old: &Rules, new: &Rules) -> Vec<Change> {
    let of = |rules: &Rules| -> BTreeMap<String, String> {
        let told = |route: &CatalogRoute| {
            let categories: Vec<_> = route.categories.iter().map(ToString::to_string).collect();
            let categories =
                if categories.is_empty() { "no category".to_owned() } else { categories.join(", ") };
            let public = if route.public { "; public" } else { "" };
            (
                format!("{}/{}", route.application, route.route),
                format!("{}; {categories}{public}", route.action),
            )
        };
        rules.catalog.routes.iter().map(told).collect()
    };
    let mut changes = compared(On::Route, &of(old), &of(new), |_| Direction::Otherwise);
    let public = |rules: &Rules, id: &str| {
        let is_it = |route: &&CatalogRoute| id == format!("{}/{}", route.application, route.route);
        rules.catalog.routes.iter().find(is_it).is_some_and(|route| route.public)
    };
    for change in &mut changes {
        match (public(old, &change.id), public(new, &change.id)) {
            (false, true) => change.direction = Direction::Wider,
            (true, false) => change.direction = Direction::Narrower,
            (false, false) | (true, true) => {}
        }
    }
    changes
}

fn zone(old: &Rules, new: &Rules) -> Option<Change> {
    let name = |rules: &Rules| rules.zone().iana_name().unwrap_or("of no name").to_owned();
    let (old, new) = (name(old), name(new));
    (old != new).then(|| Change {
        on: On::Setting,
        id: "time_zone".to_owned(),
        how: How::Changed,
        direction: Direction::Otherwise,
        what: format!("{old} → {new}"),
    })
}

/// What is in one of two lists alone, or differs.
fn compared(
    on: On,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    direction: impl Fn(How) -> Direction,
) -> Vec<Change> {
    let ids: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let change = |id: &String| {
        let (how, what) = match (old.get(id), new.get(id)) {
            (None, Some(now)) => (How::Added, now.clone()),
            (Some(was), None) => (How::Removed, was.clone()),
            (Some(was), Some(now)) if was != now => (How::Changed, format!("{was} → {now}")),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(Change { on, id: id.clone(), how, direction: direction(how), what })
    };
    ids.into_iter().filter_map(change).collect()
}

impl Direction {
    /// Two changes of one thing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, it) | (it, Self::Same) => it,
            (Self::Wider, Self::Wider) => Self::Wider,
            (Self::Narrower, Self::Narrower) => Self::Narrower,
            (Self::Wider | Self::Narrower | Self::Otherwise, _) => Self::Otherwise,
        }
    }

    /// From one set to another.
    pub(super) fn of_sets<T: Ord>(old: &BTreeSet<T>, new: &BTreeSet<T>) -> Self {
        match (old.is_subset(new), new.is_subset(old)) {
            (true, true) => Self::Same,
            (true, false) => Self::Wider,
            (false, true) => Self::Narrower,
            (false, false) => Self::Otherwise,
        }
    }
}

/// Whom rules are for that are for no single role.
const EVERYBODY: &str = "everybody";
