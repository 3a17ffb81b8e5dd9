//! Programs that may do nothing, whose tokens could be taken for others, or whose last day is near.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::names::instead;
use crate::config::paths::fits;
use crate::config::reading::Reading;
use crate::config::settle::{Draft, Written};
use crate::domain::action::Action;
use crate::domain::purpose::Purpose;
use crate::features::client::settings::{ClientSettings, Reach};

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for (position, client) in draft.clients.iter().enumerate() {
        if has_provider(reading, draft, client) {
            has_roles(reading, draft, client);
        }
        for reach in &client.it.routes {
            leads_somewhere(reading, draft, client, reach);
        }
        is_told_from_people(reading, draft, client);
        let earlier = draft.clients.iter().take(position);
        earlier.for_each(|earlier| are_apart(reading, &earlier.it, client));
        warn_of_end(reading, client);
    }
}

fn has_provider(reading: &Reading<'_>, draft: &Draft, client: &Written<ClientSettings>) -> bool {
    let known = draft.provider_names.iter().map(|name| name.it.as_str());
    let name = client.it.provider.as_str();
    let is_known = known.clone().any(|known| known == name);
    if !is_known {
        let what = format!("no provider is called `{name}`");
        reading.error(&format!("{}.provider", client.key), what, instead(name, known));
    }
    is_known
}

fn has_roles(reading: &Reading<'_>, draft: &Draft, client: &Written<ClientSettings>) {
    let roles = draft.roles.iter().map(|role| &role.it.settings);
    let roles = roles.filter(|role| role.providers.contains(&client.it.provider));
    let theirs =
        roles.clone().filter(|role| role.groups.iter().any(|group| client.it.groups.contains(group)));
    let groups = roles.flat_map(|role| &role.groups).map(String::as_str);
    let mut purposes: Vec<Purpose> = Vec::new();
    for purpose in theirs.clone().flat_map(|role| &role.purposes) {
        if !purposes.contains(purpose) {
            purposes.push(*purpose);
        }
    }
    let known = purposes.iter().map(|purpose| purpose.as_str());
    let key = format!("{}.purpose", client.key);
    match (client.it.purpose, purposes.as_slice()) {
        (_, []) => {
            let what = "none of its groups gives a role, so it may do nothing";
            let first = client.it.groups.first().map(String::as_str).unwrap_or_default();
            reading.error(&format!("{}.groups", client.key), what, instead(first, groups));
        }
        (None, [only]) => has_what_it_needs(reading, *only, client),
        (None, _) => {
            let what = "its roles are for several purposes, and a program cannot be asked for which it works";
            reading.error(&key, what, format!("one of {}", known.collect::<Vec<_>>().join(", ")));
        }
        (Some(purpose), purposes) if !purposes.contains(&purpose) => {
            let what = format!("none of its roles is for `{purpose}`");
            reading.error(&key, what, instead(purpose.as_str(), known));
        }
        (Some(purpose), _) => has_what_it_needs(reading, purpose, client),
    }
}

/// The number and the recipient that the law asks for under a purpose.
fn has_what_it_needs(reading: &Reading<'_>, purpose: Purpose, client: &Written<ClientSettings>) {
    let (needs, reference) = (purpose.needs(Action::Disclose), purpose.basis().reference());
    let standing = &client.it.standing;
    for (name, needed, is_there) in [
        ("number", needs.number.is_some(), standing.number.is_some()),
        ("recipient", needs.recipient, standing.recipient.is_some()),
    ] {
        let key = format!("{}.{name}", client.key);
        if needed && !is_there {
            let what = format!(
                "under {purpose} nothing is disclosed without a {name} ({reference}), and a program cannot be asked for one"
            );
            reading.error(&key, what, format!("`{name} = \"…\"`"));
        } else if is_there && !needed {
            let what = format!("under {purpose} nobody asks for a {name}");
            reading.error(&key, what, format!("no `{name}`, or another `purpose`"));
        }
    }
}

fn leads_somewhere(reading: &Reading<'_>, draft: &Draft, client: &Written<ClientSettings>, reach: &Reach) {
    let (key, name) = (format!("{}.routes", client.key), reach.application.as_str());
    let known = draft.application_names.iter().map(|name| name.it.as_str());
    if !known.clone().any(|known| known == name) {
        return reading.error(&key, format!("no application is called `{name}`"), instead(name, known));
    }
    let application = draft.applications.iter().find(|it| it.it.settings.name == reach.application);
    // What could not be settled has problems of its own.
    let Some(application) = application else { return };
    let routes = application.it.settings.routes.iter().map(|route| route.name.as_str());
    let pattern = format!("{}{}", reach.route, if reach.begins { "*" } else { "" });
    if pattern != "*" && !routes.clone().any(|route| fits(&pattern, route)) {
        reading.error(&key, format!("`{name}` has no route `{pattern}`"), instead(&pattern, routes));
    }
}

/// A token whose audience is ourselves as a client of people's sign-ins is an ID token.
fn is_told_from_people(reading: &Reading<'_>, draft: &Draft, client: &Written<ClientSettings>) {
    for provider in &draft.providers {
        let ours = &provider.it.client_id;
        if client.it.proof.audience().contains(ours) {
            let what = format!("`{ours}` is whom the ID tokens of `{}` are for", provider.it.name);
            let right = "the identifier of the resource, which is another than that of the sign-in";
            reading.error(&format!("{}.audience", client.key), what, right);
        }
        if client.it.provider == provider.it.name && *client.it.client_id == **ours {
            let what = "the provider knows Leastway itself by this identifier";
            reading.error(&format!("{}.client_id", client.key), what, "the program's own `client_id`");
        }
    }
}

fn are_apart(reading: &Reading<'_>, earlier: &ClientSettings, client: &Written<ClientSettings>) {
    let it = &client.it;
    if earlier.provider == it.provider && (earlier.client_id == it.client_id || earlier.subject == it.subject)
    {
        let what = format!("the provider `{}` has one program of this name: `{}`", it.provider, earlier.name);
        reading.error(&format!("{}.client_id", client.key), what, "one `[client.NAME]` for each");
    }
    let is_asked = |client: &ClientSettings| client.proof.lasts().is_some();
    let meet = |reach: &&Reach| earlier.comes_to(&reach.application);
    // A token that says nothing itself is shown to one provider only: it would be given away to another.
    if is_asked(earlier)
        && is_asked(it)
        && earlier.provider != it.provider
        && let Some(reach) = it.routes.iter().find(meet)
    {
        let (application, theirs) = (&reach.application, &earlier.provider);
        let what =
            format!("tokens that come to `{application}` are shown to the provider `{theirs}` already");
        reading.error(&format!("{}.token", client.key), what, "one provider for each application, or `jwt`");
    }
}

fn warn_of_end(reading: &Reading<'_>, client: &Written<ClientSettings>) {
    let (key, last) = (format!("{}.expires", client.key), client.it.expires);
    let Ok(now) = jiff::Timestamp::from_millisecond(reading.surroundings.now.as_millis()) else { return };
    let today: Date = TimeZone::UTC.to_datetime(now).date();
    let right = "a later day, if its owner still needs it, or no such client";
    if last < today {
        reading.warning(&key, format!("its last day was {last}: it is refused"), right);
    } else if today.checked_add(30.days()).is_ok_and(|soon| last <= soon) {
        reading.warning(&key, format!("its last day is {last}: after that it is refused"), right);
    }
}
