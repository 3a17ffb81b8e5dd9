//! Directories that providers keep here.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::features::authn::settings::ProviderSettings;
use crate::features::directory::settings::{DirectorySettings, Told};
use crate::foundation::secret::Secret;

/// The directory of a provider that is written down in `reader`; none where the provider could not be settled.
pub(in crate::config) fn directory(
    reader: &Reader<'_>,
    provider: Option<&ProviderSettings>,
) -> Option<DirectorySettings> {
    let token = reader.secret("token").and_then(|token| long(reader, token));
    let networks = reader.list_with("networks", network);
    let match_by = reader.parsed("match");
    let claim = reader.text("claim");
    let required = reader.yes_no("required");
    let groups = reader.parsed("groups");
    let group_name = reader.parsed("group_name");
    let attributes = attributes(reader);
    let max_age = reader.duration("max_age");
    let provider = provider?;
    let claim = claim.and_then(|word| claim_of(reader, word, provider));
    Some(DirectorySettings {
        provider: provider.name.clone(),
        issuer: provider.issuer.clone(),
        token: token?,
        networks: networks?,
        match_by: match_by?,
        claim: claim?,
        required: required?,
        groups: groups?,
        group_name: group_name?,
        attributes: attributes?,
        max_age: max_age?,
    })
}

/// Our words for what it tells of a person.
fn attributes(reader: &Reader<'_>) -> Option<Vec<(String, Told)>> {
    let written = if reader.has("attributes") { reader.map("attributes")? } else { Vec::new() };
    let settled = written.into_iter().map(|(word, text)| {
        let told = text.parse().ok().filter(|_| !["groups", "name", "sub"].contains(&word.as_str()));
        if told.is_none() {
            let words: Vec<_> = Told::ALL.iter().map(|it| it.as_str()).collect();
            let what = format!("`{word} = \"{text}\"` is nothing that a directory tells");
            let right = format!("a word other than groups, name and sub, and one of {}", words.join(", "));
            reader.error("attributes", what, right);
        }
        told.map(|told| (word, told))
    });
    collect_all(settled)
}

/// Whoever guesses it can let in and keep out whom they like.
pub(super) fn long(reader: &Reader<'_>, token: Secret) -> Option<Secret> {
    if token.reveal().chars().count() >= TOKEN_CHARACTERS_MIN {
        return Some(token);
    }
    let right = format!("{TOKEN_CHARACTERS_MIN} characters at least, such as from `openssl rand -hex 32`");
    reader.error("token", "the token is so short that it could be guessed", right);
    None
}

/// The attribute that is compared; none is `sub`.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn claim_of(reader: &Reader<'_>, word: String, provider: &ProviderSettings) -> Option<Option<String>> {
    if word == "sub" {
        return Some(None);
    }
    if provider.claims.contains_key(&word) && !["groups", "name"].contains(&word.as_str()) {
        return Some(Some(word));
    }
    let what = format!("`{word}` is no attribute by which the provider tells one person from another");
    reader.error("claim", what, "`\"sub\"`, or a word of `provider.claims` other than `groups` and `name`");
    None
}

fn network(text: &str) -> Result<IpNet, Mistake> {
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| one()).map_err(|_| {
        Mistake::new(
            format!("`{text}` is not a network"),
            "networks such as `\"192.0.2.0/24\"`, or addresses",
        )
    })
}

const TOKEN_CHARACTERS_MIN: usize = 32;
