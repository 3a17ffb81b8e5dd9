//! Locks that a sign-in from before them would open, times that have no effect, and rules for devices that there are not.

use std::time::Duration;

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::Draft;
use crate::domain::device::{DeviceClass, Resume};
use crate::features::session::settings::{SessionSettings, Shorter, Times};

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    check_devices(reading, draft);
    check_told(reading, draft);
    let Some(session) = &draft.session else { return };
    check_lock(reading, draft, "session", session.times);
    for application in &draft.applications {
        let it = &application.it;
        let table = format!("application.{}.session", it.settings.name);
        check_lock(reading, draft, &table, {
            let times = session.times.within(it.session);
            Times { lock: it.session.lock.unwrap_or(Duration::MAX), ..times }
        });
        check_shorter(reading, &table, it.session, session);
    }
    for (class, times) in &session.devices {
        check_lock(reading, draft, &format!("device.{class}"), *times);
    }
}

/// What the provider says of when somebody authenticated may be late by what the clocks differ, and is believed to be
/// early by as much. So the sign-in after which nobody was active has to be further back from the lock.
fn check_lock(reading: &Reading<'_>, draft: &Draft, table: &str, times: Times) {
    let skew = draft.providers.iter().map(|provider| provider.it.clock_skew).max().unwrap_or_default();
    if times.locks() && times.resume == Resume::Login && times.lock < skew * 2 {
        let what =
            "a sign-in from before the lock could pass for one after it: the clocks may differ by as much";
        let right = "at least twice the `clock_skew` of every provider, or a smaller `clock_skew`";
        reading.error(&format!("{table}.lock"), what, right);
    }
}

/// An application asks for less, never for more.
fn check_shorter(reading: &Reading<'_>, table: &str, shorter: Shorter, session: &SessionSettings) {
    let all = || std::iter::once(&session.times).chain(session.devices.values());
    let longest = |of: fn(&Times) -> Duration| all().map(of).max();
    for (name, written, longest) in [
        ("lock", shorter.lock, longest(|times| times.lock)),
        ("idle", shorter.idle, longest(|times| times.idle)),
        ("absolute", shorter.absolute, longest(|times| times.absolute)),
    ] {
        if written > longest {
            let what = "it is longer than what holds everywhere, so it has no effect";
            reading.error(&format!("{table}.{name}"), what, "less than in `[session]` and `[device.NAME]`");
        }
    }
}

/// A class that nothing tells a device of. Which feeds there are is known only where all of them could be read.
fn check_told(reading: &Reading<'_>, draft: &Draft) {
    if draft.feeds.len() < draft.feed_names.len() {
        return;
    }
    let feeds = || draft.feeds.iter().filter_map(|feed| feed.it.devices.as_ref());
    let is_told = |class: &DeviceClass| feeds().any(|it| it.classes.iter().any(|(told, _)| told == class));
    for class in draft.bare_devices.iter().filter(|class| !is_told(class)) {
        let right = "`networks`, `header` or `certificate`, or a feed of devices with `classes`";
        reading.error(&format!("device.{class}"), "nothing tells a device of this class", right);
    }
}

fn check_devices(reading: &Reading<'_>, draft: &Draft) {
    let known = || draft.device_names.iter().map(String::as_str);
    for role in &draft.roles {
        for (key, may) in role.it.rule_keys.iter().zip(&role.it.settings.may) {
            let is_unknown = |class: &&DeviceClass| !known().any(|name| name == class.as_str());
            for class in may.when.device.iter().filter(is_unknown) {
                let what = format!("there is no class of devices `{class}`, so this rule can never fire");
                reading.error(&format!("{key}.when.device"), what, instead(class.as_str(), known()));
            }
        }
    }
}
