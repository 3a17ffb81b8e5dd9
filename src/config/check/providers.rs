//! Several providers: names that lead nowhere, and people of one who could be taken for those of another.

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::{ApplicationDraft, Draft, Written};
use crate::domain::application::ProviderName;
use crate::features::authn::settings::ProviderSettings;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for application in &draft.applications {
        let (key, settings) = (&application.key, &application.it.settings);
        all_exist(reading, draft, &format!("{key}.provider"), &settings.providers);
        are_told_apart(reading, draft, application);
    }
    for role in &draft.roles {
        all_exist(reading, draft, &format!("{}.providers", role.key), &role.it.settings.providers);
    }
    for (position, later) in draft.providers.iter().enumerate() {
        for earlier in draft.providers.iter().take(position).filter(|it| it.it.issuer == later.it.issuer) {
            share_an_issuer(reading, draft, &earlier.it, later);
        }
    }
}

fn all_exist(reading: &Reading<'_>, draft: &Draft, key: &str, providers: &[ProviderName]) {
    let known = draft.provider_names.iter().map(|name| name.it.as_str());
    for (position, provider) in providers.iter().enumerate() {
        let name = provider.as_str();
        if !known.clone().any(|known| known == name) {
            reading.error(key, format!("no provider is called `{name}`"), instead(name, known.clone()));
        }
        if providers.iter().take(position).any(|earlier| earlier == provider) {
            reading.error(key, format!("`{name}` is listed twice"), "each provider once");
        }
    }
}

/// Where the people of several providers come, nobody is led or taken for one of another.
fn are_told_apart(reading: &Reading<'_>, draft: &Draft, application: &Written<ApplicationDraft>) {
    let ApplicationDraft { settings, upstream, .. } = &application.it;
    let admitted = |it: &&Written<ProviderSettings>| settings.providers.contains(&it.it.name);
    let providers: Vec<_> = draft.providers.iter().filter(admitted).map(|written| &written.it).collect();
    let key = format!("{}.provider", application.key);
    for (position, later) in providers.iter().enumerate() {
        for earlier in providers.iter().take(position) {
            for domain in later.domains.iter().filter(|domain| earlier.domains.contains(domain)) {
                let what = format!("`{domain}` is a domain of both `{}` and `{}`", earlier.name, later.name);
                reading.error(&key, what, "each domain at one of an application's providers");
            }
            if earlier.title == later.title {
                let what =
                    format!("`{}` and `{}` have one title: nobody can choose", earlier.name, later.name);
                reading.error(&key, what, "a `title` of its own for each");
            }
        }
    }
    // These headers hold the `sub` alone, which is the provider's to give: another may give it to somebody else.
    if settings.providers.len() > 1 && !upstream.identity_headers.is_empty() {
        let what = "by these headers the application cannot tell one provider's people from another's";
        let right = "the assertion, which says whose word it is (`idp`), or one provider";
        reading.error(&format!("{}.identity_headers", application.key), what, right);
    }
}

/// A person is the issuer's: who signs in by either of two entries of one issuer is the same.
fn share_an_issuer(
    reading: &Reading<'_>,
    draft: &Draft,
    earlier: &ProviderSettings,
    later: &Written<ProviderSettings>,
) {
    let (key, name) = (format!("{}.issuer", later.key), &later.it.name);
    let both = |providers: &[ProviderName]| providers.contains(&earlier.name) && providers.contains(name);
    if let Some(application) = draft.applications.iter().find(|it| both(&it.it.settings.providers)) {
        let application = &application.it.settings.name;
        let what = format!("`{application}` admits `{}` already, which is the same issuer", earlier.name);
        reading.error(&key, what, "one of them: its people are the same");
    }
    let of = |name: &ProviderName| draft.directories.iter().any(|directory| directory.it.provider == *name);
    if of(&earlier.name) || of(name) {
        let what = format!(
            "`{}` is the same issuer, and a directory keeps out only who comes by the entry that it is written under",
            earlier.name
        );
        reading.error(&key, what, "one `[[provider]]` for each issuer, where its directory is kept");
    }
    let hears = |name: &ProviderName| draft.signals.iter().any(|signals| signals.it.provider == *name);
    if hears(&earlier.name) || hears(name) {
        let what = format!(
            "`{}` is the same issuer, and a signal bars only who comes by the entry that it is written under",
            earlier.name
        );
        reading.error(&key, what, "one `[[provider]]` for each issuer that signals");
    }
    if let Some(client) =
        draft.clients.iter().find(|it| it.it.provider == earlier.name || it.it.provider == *name)
    {
        let what = format!(
            "`{}` is the same issuer, and by its tokens nobody can tell which is meant for the program `{}`",
            earlier.name, client.it.name
        );
        reading.error(&key, what, "one `[[provider]]` for each issuer from which programs come");
    }
}
