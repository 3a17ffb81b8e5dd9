//! What changes of the roles: who holds them, what each may do, and how much.

use std::collections::BTreeSet;

use super::may::listed;
use super::{Change, Direction, How, On, Reaches, limits, may};
use crate::domain::application::RoleName;
use crate::domain::limit::LimitName;
use crate::features::policy::bundle::Rules;
use crate::features::policy::emergency;
use crate::features::policy::settings::{MaySettings, RoleSettings};

/// What changes of all roles. `reaches` is which routes the rules of each have a say on.
pub(super) fn changes(old: &Rules, new: &Rules, reaches: (&Reaches, &Reaches)) -> Vec<Change> {
    let names: BTreeSet<&RoleName> = old.roles.iter().chain(&new.roles).map(|role| &role.name).collect();
    let mut changes = Vec::new();
    for name in names {
        match (old.role(name), new.role(name)) {
            (Some(old), Some(new)) => {
                changes.extend(holders(old, new));
                changes.extend(limits::changes(name.as_str(), &old.limits, &new.limits));
                changes.extend(mays(old, new, reaches));
            }
            (None, Some(role)) => changes.extend(whole(role, How::Added, Direction::Wider)),
            (Some(role), None) => changes.extend(whole(role, How::Removed, Direction::Narrower)),
            (None, None) => {}
        }
    }
    changes
}

/// A role that comes or goes, with all that it may do.
fn whole(role: &RoleSettings, how: How, direction: Direction) -> Vec<Change> {
    let number = |name: &LimitName| Some(format!("{name} {}", role.limits.number(*name)?));
    let numbers: Vec<_> = LimitName::ALL.iter().filter_map(number).collect();
    let what = format!(
        "groups {}; purposes {}; {}, then {}",
        listed(&role.groups, "none"),
        listed(&role.purposes, "none"),
        listed(&numbers, "no limit"),
        role.limits.on_exceed,
    );
    let itself = Change { on: On::Role, id: role.name.to_string(), how, direction, what };
    let mays = role
        .may
        .iter()
        .enumerate()
        .map(|(index, it)| change(&id(role, index), how, direction, may::told(it)));
    std::iter::once(itself).chain(mays).collect()
}

fn change(id: &str, how: How, direction: Direction, what: String) -> Change {
    Change { on: On::May, id: id.to_owned(), how, direction, what }
}

fn id(role: &RoleSettings, index: usize) -> String {
    format!("{}/{}", role.name, index + 1)
}

/// Who holds the role, and why they work.
fn holders(old: &RoleSettings, new: &RoleSettings) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |key: &str, direction, (was, now): (String, String)| {
        let (id, what) = (old.name.to_string(), format!("{key}: {was} → {now}"));
        changes.push(Change { on: On::Role, id, how: How::Changed, direction, what });
    };
    let groups = sets(&old.groups, &new.groups);
    if groups != Direction::Same {
        note("groups", groups, (listed(&old.groups, "none"), listed(&new.groups, "none")));
    }
    let providers = sets(&old.providers, &new.providers);
    if providers != Direction::Same {
        note("providers", providers, (listed(&old.providers, "none"), listed(&new.providers, "none")));
    }
    if old.purposes != new.purposes {
        // Another first one is another default.
        let direction = match sets(&old.purposes, &new.purposes) {
            Direction::Same => Direction::Otherwise,
            other if old.purposes.first() == new.purposes.first() => other,
            Direction::Wider | Direction::Narrower | Direction::Otherwise => Direction::Otherwise,
        };
        note("purposes", direction, (listed(&old.purposes, "none"), listed(&new.purposes, "none")));
    }
    if old.break_glass != new.break_glass {
        let direction = match (&old.break_glass, &new.break_glass) {
            (None, _) => Direction::Wider,
            (_, None) => Direction::Narrower,
            (Some(_), Some(_)) => Direction::Otherwise,
        };
        let told = |role| emergency::told(role).unwrap_or_else(|| "no".to_owned());
        note("break_glass", direction, (told(old), told(new)));
    }
    changes
}

fn sets<T: Ord>(old: &[T], new: &[T]) -> Direction {
    Direction::of_sets(&old.iter().collect(), &new.iter().collect())
}

fn mays(old: &RoleSettings, new: &RoleSettings, reaches: (&Reaches, &Reaches)) -> Vec<Change> {
    let mut changes = Vec::new();
    for pair in paired(&old.may, &new.may) {
        match pair {
            (Some((was, before)), Some((now, after))) if before == after => {
                if was != now {
                    let what = format!("was {}", id(old, was));
                    changes.push(change(&id(new, now), How::Moved, Direction::Same, what));
                }
            }
            (Some((was, before)), Some((now, after))) => {
                let (mut what, conditions) = may::changes(before, after);
                if was != now {
                    what.insert(0, format!("was {}", id(old, was)));
                }
                let reached = (reaches.0.rule(&id(old, was)), reaches.1.rule(&id(new, now)));
                let direction = Direction::of_sets(&reached.0, &reached.1).and(conditions);
                changes.push(change(&id(new, now), How::Changed, direction, what.join("; ")));
            }
            (None, Some((now, after))) => {
                changes.push(change(&id(new, now), How::Added, Direction::Wider, may::told(after)));
            }
            (Some((was, before)), None) => {
                changes.push(change(&id(old, was), How::Removed, Direction::Narrower, may::told(before)));
            }
            (None, None) => {}
        }
    }
    changes
}

type Placed<'m> = (usize, &'m MaySettings);
type Fits<'f> = &'f dyn Fn(&Placed<'_>, &Placed<'_>) -> bool;

/// Which of the old ones each of the new ones is: first those that are alike, then those at the same place, then those that
/// share an application and an action.
fn paired<'m>(
    old: &'m [MaySettings],
    new: &'m [MaySettings],
) -> Vec<(Option<Placed<'m>>, Option<Placed<'m>>)> {
    let mut old: Vec<Placed<'m>> = old.iter().enumerate().collect();
    let mut new: Vec<Placed<'m>> = new.iter().enumerate().collect();
    let mut pairs = Vec::new();
    let alike = |one: &Placed<'_>, other: &Placed<'_>| one.1 == other.1;
    let unmoved = |one: &Placed<'_>, other: &Placed<'_>| one.0 == other.0 && alike(one, other);
    let related = |one: &Placed<'_>, other: &Placed<'_>| {
        one.1.application == other.1.application
            && one.1.actions.iter().any(|action| other.1.actions.contains(action))
    };
    let in_place = |one: &Placed<'_>, other: &Placed<'_>| one.0 == other.0 && related(one, other);
    let passes: [Fits<'_>; 4] = [&unmoved, &alike, &in_place, &related];
    for fits in passes {
        let mut left = Vec::new();
        for now in std::mem::take(&mut new) {
            match old.iter().position(|was| fits(was, &now)) {
                Some(position) => pairs.push((Some(old.remove(position)), Some(now))),
                None => left.push(now),
            }
        }
        new = left;
    }
    pairs.extend(new.into_iter().map(|now| (None, Some(now))));
    pairs.extend(old.into_iter().map(|was| (Some(was), None)));
    pairs
}
