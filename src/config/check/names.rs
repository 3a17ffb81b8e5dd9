//! Names that lead nowhere or are used twice, and hosts that two applications claim.

use crate::config::certificate::serves;
use crate::config::reading::Reading;
use crate::config::settle::{ApplicationDraft, Draft, Written};
use crate::config::spelling::nearest;
use crate::features::directory::settings::DirectorySettings;
use crate::features::route::settings::ApplicationSettings;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    ask_for_one(
        reading,
        &draft.provider_names,
        "provider",
        "`[[provider]]`: without it nobody could sign in",
    );
    ask_for_one(
        reading,
        &draft.application_names,
        "application",
        "`[application.NAME]`: without it nothing is protected",
    );
    refuse_twice(reading, "provider", &draft.provider_names);
    refuse_twice(reading, "application", &draft.application_names);
    refuse_twice(reading, "role", &draft.role_names);
    refuse_twice(reading, "risk", &draft.risk_names);
    refuse_twice(reading, "feed", &draft.feed_names);
    refuse_twice(reading, "export", &draft.export_names);
    refuse_twice(reading, "client", &draft.client_names);
    tokens_are_apart(reading, &draft.directories);
    signal_tokens_are_apart(reading, draft);
    hosts_are_apart(reading, &draft.applications);
    warn_of_hosts_without_certificate(reading, draft);
    asking_hosts_are_ours(reading, draft);
}

fn asking_hosts_are_ours(reading: &Reading<'_>, draft: &Draft) {
    let known = || draft.applications.iter().flat_map(|application| &application.it.settings.hosts);
    for host in
        draft.asking_hosts.iter().filter(|host| !known().any(|known| known.eq_ignore_ascii_case(host)))
    {
        let what =
            format!("`{host}` is the host of no application, so nobody there is asked for a certificate");
        reading.error("gateway.client_certificate.hosts", what, instead(host, known().map(String::as_str)));
    }
}

/// What would be right instead of a name that leads nowhere.
pub(super) fn instead<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    match (nearest(name, known.clone()), known.clone().next()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(_)) => format!("one of {}", known.collect::<Vec<_>>().join(", ")),
        (None, None) => "a name that is declared".to_owned(),
    }
}

fn ask_for_one(reading: &Reading<'_>, names: &[Written<String>], key: &str, right: &str) {
    if names.is_empty() {
        reading.error(key, format!("no {key} is declared in any file"), format!("at least one {right}"));
    }
}

fn refuse_twice(reading: &Reading<'_>, kind: &str, names: &[Written<String>]) {
    for (position, name) in names.iter().enumerate() {
        if names.iter().take(position).any(|earlier| earlier.it == name.it) {
            reading.error(
                &name.key,
                format!("there is another {kind} `{}`", name.it),
                "a name of its own for each",
            );
        }
    }
}

/// A token says whose people it is about.
fn tokens_are_apart(reading: &Reading<'_>, directories: &[Written<DirectorySettings>]) {
    for (position, later) in directories.iter().enumerate() {
        let earlier = directories.iter().take(position);
        if earlier.into_iter().any(|earlier| earlier.it.token.is(later.it.token.reveal())) {
            reading.error(&later.key, "another provider brings this token", "a token of its own for each");
        }
    }
}

/// So does the token of a transmitter; and whoever may keep a directory is not thereby one.
fn signal_tokens_are_apart(reading: &Reading<'_>, draft: &Draft) {
    for (position, later) in draft.signals.iter().enumerate() {
        let Some(token) = &later.it.token else { continue };
        let earlier = draft.signals.iter().take(position).filter_map(|earlier| earlier.it.token.as_ref());
        let others = earlier.chain(draft.directories.iter().map(|directory| &directory.it.token));
        if others.into_iter().any(|other| other.is(token.reveal())) {
            reading.error(&later.key, "something else is done by this token", "a token of its own");
        }
    }
}

fn hosts_are_apart(reading: &Reading<'_>, applications: &[Written<ApplicationDraft>]) {
    for (position, later) in applications.iter().enumerate() {
        for earlier in applications.iter().take(position) {
            let (one, other) = (&later.it.settings, &earlier.it.settings);
            if one.name == other.name {
                continue;
            }
            for host in one.hosts.iter().filter(|host| other.hosts.contains(host)) {
                tell_of_shared_host(reading, &later.key, host, one, other);
            }
        }
    }
}

/// One address is one application's. Where paths lie within each other the longer one wins, but a
/// browser takes both for one site: scripts of either can act in the other.
fn tell_of_shared_host(
    reading: &Reading<'_>,
    key: &str,
    host: &str,
    one: &ApplicationSettings,
    other: &ApplicationSettings,
) {
    if one.path == other.path {
        let what = format!("`{host}` with `{}` is where `{}` lives already", one.path, other.name);
        reading.error(&format!("{key}.host"), what, "a host of its own, or a `path` that is apart");
    } else if one.path.starts_with(&other.path) || other.path.starts_with(&one.path) {
        let what = format!(
            "at `{host}`, `{}` and `{}` of `{}` lie within each other: scripts of one can act in the other",
            one.path, other.path, other.name
        );
        reading.warning(&format!("{key}.host"), what, "a host of its own for each application");
    }
}

fn warn_of_hosts_without_certificate(reading: &Reading<'_>, draft: &Draft) {
    if draft.certificates.is_empty() {
        return;
    }
    let names = draft.certificates.iter().flat_map(|certificate| &certificate.names);
    for Written { key, it: ApplicationDraft { settings, .. } } in &draft.applications {
        for host in settings.hosts.iter().filter(|host| !names.clone().any(|name| serves(name, host))) {
            let what = format!("no certificate is for `{host}`");
            reading.warning(&format!("{key}.host"), what, "a `[[gateway.certificate]]` that names it");
        }
    }
}
