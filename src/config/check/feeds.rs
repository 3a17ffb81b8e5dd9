//! Feeds that name people or patients of nobody's, or of which two would say the same.

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::{Draft, Written};
use crate::domain::application::ProviderName;
use crate::domain::told::{FeedKind, Marks};
use crate::features::facts::settings::{DeviceBy, FeedSettings, words};

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for (position, feed) in draft.feeds.iter().enumerate() {
        check_names(reading, draft, feed);
        let before = draft.feeds.iter().take(position);
        says_what_no_other_does(reading, before, feed);
    }
    let words = words(draft.feeds.iter().map(|feed| &feed.it));
    for (number, what) in [(words.relationships.len(), "relationships"), (words.flags.len(), "flags")] {
        if number > Marks::MAX {
            let right = format!("at most {} over all feeds", Marks::MAX);
            reading.error("feed", format!("there are {number} {what}"), right);
        }
    }
}

fn check_names(reading: &Reading<'_>, draft: &Draft, feed: &Written<FeedSettings>) {
    let providers = || draft.provider_names.iter().map(|name| name.it.as_str());
    let own = feed.it.provider.as_ref().map(ProviderName::as_str);
    if let Some(own) = own.filter(|own| !providers().any(|name| name == *own)) {
        let what = format!("no provider is called `{own}`");
        reading.error(&format!("{}.provider", feed.key), what, instead(own, providers()));
    }
    let classes = || draft.device_names.iter().map(String::as_str);
    let named = feed.it.devices.iter().flat_map(|devices| &devices.classes).map(|(class, _)| class.as_str());
    for class in named.filter(|class| !classes().any(|known| known == *class)) {
        let what = format!("there is no class of devices `{class}`");
        reading.error(&format!("{}.classes", feed.key), what, instead(class, classes()));
    }
    let applications = || draft.application_names.iter().map(|name| name.it.as_str());
    for name in feed.it.applications.iter().filter(|name| !applications().any(|it| it == name.as_str())) {
        let what = format!("no application is called `{name}`");
        reading.error(&format!("{}.applications", feed.key), what, instead(name.as_str(), applications()));
    }
    let provider = draft.providers.iter().find(|it| Some(&it.it.name) == feed.it.provider.as_ref());
    if let (Some(provider), Some(word)) = (provider, &feed.it.person) {
        let tells_apart = !["groups", "name"].contains(&word.as_str());
        if !provider.it.claims.contains_key(word) || !tells_apart {
            let what =
                format!("`{word}` is no attribute by which the provider tells one person from another");
            let right = "`\"sub\"`, or a word of `provider.claims` other than `groups` and `name`";
            reading.error(&format!("{}.person", feed.key), what, right);
        }
    }
}

fn of_devices(feed: &FeedSettings) -> Option<&DeviceBy> {
    feed.devices.as_ref().map(|devices| &devices.by)
}

/// Of two feeds that tell where somebody is, nobody could say which counts.
fn says_what_no_other_does<'d>(
    reading: &Reading<'_>,
    mut before: impl Iterator<Item = &'d Written<FeedSettings>>,
    feed: &Written<FeedSettings>,
) {
    let it = &feed.it;
    let same = |other: &&Written<FeedSettings>| {
        other.it.kind == it.kind
            && match it.kind {
                FeedKind::Person => other.it.provider == it.provider,
                FeedKind::Patient => other.it.applications.iter().any(|name| it.applications.contains(name)),
                FeedKind::Device => of_devices(&other.it) == of_devices(it),
                FeedKind::Relationship | FeedKind::Shift => false,
            }
    };
    if let Some(other) = before.find(same) {
        let what = format!("`{}` tells the same of the same", other.it.name);
        reading.error(
            &feed.key,
            what,
            "one feed of people for a provider, one of patients for an application, one of devices for what they are known by",
        );
    }
}
