//! One `may` in words, and what changes from one to another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::Direction;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::hours::Hours;
use crate::domain::told::Place;
use crate::features::policy::settings::{MaySettings, WhenSettings};

/// What it permits, in one line.
pub(super) fn told(may: &MaySettings) -> String {
    let mut parts = vec![format!("{} in {}", listed(&may.actions, ""), may.application)];
    if !may.routes.is_empty() {
        parts.push(format!("routes {}", listed(&may.routes, "")));
    }
    if !may.categories.is_empty() {
        parts.push(format!("categories {}", listed(&may.categories, "")));
    }
    if !may.withhold.is_empty() {
        parts.push(format!("without {}", listed(&may.withhold, "")));
    }
    parts.extend(fields(&may.when).into_iter().filter(|field| !field.is_open).map(|field| field.told()));
    parts.join("; ")
}

/// What differs, in words, and which way the conditions and the fields go. What is said of actions, routes and categories has its way by what
/// is reached.
pub(super) fn changes(old: &MaySettings, new: &MaySettings) -> (Vec<String>, Direction) {
    let mut what = Vec::new();
    let mut compare = |key: &str, was: String, now: String| {
        if was != now {
            what.push(format!("{key}: {was} → {now}"));
        }
    };
    compare("application", old.application.to_string(), new.application.to_string());
    compare("actions", listed(&old.actions, ""), listed(&new.actions, ""));
    compare("routes", listed(&old.routes, "all"), listed(&new.routes, "all"));
    compare("categories", listed(&old.categories, "all"), listed(&new.categories, "all"));
    compare("withhold", listed(&old.withhold, "nothing"), listed(&new.withhold, "nothing"));
    for (was, now) in fields(&old.when).into_iter().zip(fields(&new.when)) {
        compare(was.key, was.value, now.value);
    }
    // Whoever is shown more fields is permitted more.
    let fields = Direction::of_sets(&new.withhold.iter().collect(), &old.withhold.iter().collect());
    (what, conditions(&old.when, &new.when).and(fields))
}

struct Field {
    key: &'static str,
    value: String,
    is_open: bool,
}

impl Field {
    fn told(&self) -> String {
        format!("{} {}", self.key, self.value)
    }
}

fn fields(when: &WhenSettings) -> [Field; 14] {
    let field = |key, value: Option<String>| {
        let is_open = value.is_none();
        Field { key, value: value.unwrap_or_else(|| "any".to_owned()), is_open }
    };
    let set = |values: &dyn Fn() -> String, is_empty: bool| (!is_empty).then(values);
    let of_device = |place: Place| {
        field(place.of_device(), when.device_places.get(&place).map(|places| listed(places, "")))
    };
    [
        field("assurance", when.assurance.as_ref().map(assurance)),
        field("justification", when.justification.then(|| "needed".to_owned())),
        field("hours", when.hours.map(|hours| hours.to_string())),
        field("location", set(&|| listed(&when.location, ""), when.location.is_empty())),
        field("device", set(&|| listed(&when.device, ""), when.device.is_empty())),
        of_device(Place::Location),
        of_device(Place::Department),
        of_device(Place::Facility),
        field("purpose", set(&|| listed(&when.purpose, ""), when.purpose.is_empty())),
        field("relationship", set(&|| listed(&when.relationship, ""), when.relationship.is_empty())),
        field("on_shift", when.on_shift.then(|| "needed".to_owned())),
        field("department", set(&|| listed(&when.department, ""), when.department.is_empty())),
        field("facility", set(&|| listed(&when.facility, ""), when.facility.is_empty())),
        field("not_flagged", set(&|| listed(&when.not_flagged, ""), when.not_flagged.is_empty())),
    ]
}

fn assurance(need: &AssuranceNeed) -> String {
    match need.fresh {
        None => need.class.to_string(),
        Some(fresh) => format!("{} at most {} s ago", need.class, fresh.as_secs()),
    }
}

/// Taken apart, so that a condition that is added cannot be forgotten here.
fn conditions(old: &WhenSettings, new: &WhenSettings) -> Direction {
    let WhenSettings {
        assurance,
        justification,
        hours,
        location,
        device,
        device_places,
        purpose,
        relationship,
        on_shift,
        department,
        facility,
        not_flagged,
    } = old;
    of_needs(assurance.as_ref(), new.assurance.as_ref())
        .and(of_flags(*justification, new.justification))
        .and(of_hours(*hours, new.hours))
        .and(of_choices(location, &new.location))
        .and(of_choices(device, &new.device))
        .and(of_device_places(device_places, &new.device_places))
        .and(of_choices(purpose, &new.purpose))
        .and(of_choices(relationship, &new.relationship))
        .and(of_flags(*on_shift, new.on_shift))
        .and(of_choices(department, &new.department))
        .and(of_choices(facility, &new.facility))
        // What is marked with more of these is refused.
        .and(Direction::of_sets(&new.not_flagged.iter().collect(), &not_flagged.iter().collect()))
}

fn of_device_places(old: &BTreeMap<Place, Vec<String>>, new: &BTreeMap<Place, Vec<String>>) -> Direction {
    let at = |all: &BTreeMap<Place, Vec<String>>, place| all.get(place).cloned().unwrap_or_default();
    let each = Place::ALL.iter().map(|place| of_choices(&at(old, place), &at(new, place)));
    each.fold(Direction::Same, Direction::and)
}

fn of_needs(old: Option<&AssuranceNeed>, new: Option<&AssuranceNeed>) -> Direction {
    match (old, new) {
        (Some(old), Some(new)) if old.class == new.class => {
            let age = |need: &AssuranceNeed| need.fresh.unwrap_or(std::time::Duration::MAX);
            match age(old).cmp(&age(new)) {
                std::cmp::Ordering::Less => Direction::Wider,
                std::cmp::Ordering::Greater => Direction::Narrower,
                std::cmp::Ordering::Equal => Direction::Same,
            }
        }
        (old, new) => of_options(old, new),
    }
}

const fn of_flags(old: bool, new: bool) -> Direction {
    match (old, new) {
        (false, true) => Direction::Narrower,
        (true, false) => Direction::Wider,
        (true, true) | (false, false) => Direction::Same,
    }
}

fn of_hours(old: Option<Hours>, new: Option<Hours>) -> Direction {
    let minutes = |hours: Option<Hours>| -> BTreeSet<u16> {
        (0..24 * 60).filter(|minute| hours.is_none_or(|hours| hours.contain(*minute))).collect()
    };
    Direction::of_sets(&minutes(old), &minutes(new))
}

/// Where nothing is chosen, everything is.
fn of_choices<T: Ord>(old: &[T], new: &[T]) -> Direction {
    match (old.is_empty(), new.is_empty()) {
        (true, true) => Direction::Same,
        (true, false) => Direction::Narrower,
        (false, true) => Direction::Wider,
        (false, false) => Direction::of_sets(&old.iter().collect(), &new.iter().collect()),
    }
}

fn of_options<T: PartialEq>(old: Option<T>, new: Option<T>) -> Direction {
    match (old, new) {
        (None, None) => Direction::Same,
        (None, Some(_)) => Direction::Narrower,
        (Some(_), None) => Direction::Wider,
        (Some(old), Some(new)) if old == new => Direction::Same,
        (Some(_), Some(_)) => Direction::Otherwise,
    }
}

/// Separated by commas; `none` where there is nothing.
pub(super) fn listed<T: Display>(all: &[T], none: &str) -> String {
    if all.is_empty() {
        return none.to_owned();
    }
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
