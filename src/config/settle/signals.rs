//! What providers signal of their people.

use url::form_urlencoded;

use super::directory::long;
use super::provider::issuer;
use crate::config::certificate::authorities;
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::features::authn::settings::ProviderSettings;
use crate::features::signals::settings::{PollSettings, SignalSettings};

/// The signals of a provider as they are written down in `reader`; none where the provider could not be settled.
pub(in crate::config) fn signals(
    reader: &Reader<'_>,
    provider: Option<&ProviderSettings>,
) -> Option<SignalSettings> {
    let ours = optional(reader, "issuer", |reader| reader.text_with("issuer", issuer));
    let audience = reader.texts("audience");
    let jwks_uri = optional(reader, "jwks_uri", |reader| reader.text_with("jwks_uri", address));
    let token = optional(reader, "token", |reader| reader.secret("token").and_then(|it| long(reader, it)));
    let poll = poll(reader);
    let transmitter_token =
        optional(reader, "transmitter_token", |reader| reader.secret("transmitter_token"));
    let stream = optional(reader, "stream", |reader| reader.text("stream"));
    let email = optional(reader, "email", |reader| reader.text("email"));
    let own_authorities = optional(reader, "authorities", authorities);
    come_somehow(reader)?;
    let provider = provider?;
    let email = match email? {
        Some(word) => Some(email_of(reader, word, provider)?),
        None => None,
    };
    Some(SignalSettings {
        provider: provider.name.clone(),
        people: provider.issuer.clone(),
        issuer: ours?.unwrap_or_else(|| provider.issuer.to_string()),
        audience: audience?,
        jwks_uri: jwks_uri?,
        token: token?,
        poll: poll?,
        transmitter_token: transmitter_token?,
        stream: stream?,
        email,
        authorities: own_authorities?.or_else(|| provider.authorities.clone()),
        clock_skew: provider.clock_skew,
        timeout: provider.timeout,
        connect_to: provider.connect_to.clone(),
    })
}

#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn poll(reader: &Reader<'_>) -> Option<Option<PollSettings>> {
    let endpoint = optional(reader, "poll", |reader| reader.text_with("poll", address));
    let every = reader.duration("poll_every");
    let is_long = reader.yes_no("long_poll");
    let Some(endpoint) = endpoint? else { return Some(None) };
    Some(Some(PollSettings { endpoint, every: every?, is_long: is_long? }))
}

/// What neither comes nor is asked for is a mistake that nobody would notice.
fn come_somehow(reader: &Reader<'_>) -> Option<()> {
    if reader.has("token") || reader.has("poll") {
        return Some(());
    }
    let right = "`token`, so that the transmitter can push, or `poll`, so that it is asked";
    reader.reading().error(reader.key(), "no signal could ever come", right);
    None
}

/// A word of which the provider says what it is, other than what several people share.
fn email_of(reader: &Reader<'_>, word: String, provider: &ProviderSettings) -> Option<String> {
    if provider.claims.contains_key(&word) && !["groups", "name"].contains(&word.as_str()) {
        return Some(word);
    }
    let what = format!("`{word}` is no attribute by which the provider tells one person from another");
    reader.error("email", what, "a word of `provider.claims` other than `groups` and `name`");
    None
}

/// Where something is asked: as an issuer URL is written, and it may have a query, in which nothing stands that opens anything: what is
/// written in a configuration is kept beside the journal, and shown in reports.
pub(super) fn address(text: &str) -> Result<String, Mistake> {
    let right = "a URL such as `\"https://id.clinic.example/ssf/poll\"`";
    let (before, query) = text.split_once('?').map_or((text, ""), |(before, query)| (before, query));
    issuer(before).map_err(|mistake| Mistake::new(mistake.what, right))?;
    if query.contains('#') {
        return Err(Mistake::new("an address has no `#`", right));
    }
    match form_urlencoded::parse(query.as_bytes()).find(|(name, value)| !value.is_empty() && opens(name)) {
        Some((name, _)) => {
            let what =
                format!("`{name}` may open something, and what stands in an address is kept and shown");
            Err(Mistake::new(what, "`token` beside the address, which refers to a secret"))
        }
        None => Ok(text.to_owned()),
    }
}

/// Whether a parameter is called as one whose value opens something.
fn opens(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WHOLE.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// What parameters are called whose value opens something.
const WHOLE: [&str; 3] = ["auth", "code", "sig"];
/// How the names of others end.
const ENDINGS: [&str; 8] = ["credential", "key", "passwd", "password", "pwd", "secret", "signature", "token"];

/// What `read` makes of a key that may be absent.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn optional<'r, T>(
    reader: &Reader<'r>,
    name: &str,
    read: impl FnOnce(&Reader<'r>) -> Option<T>,
) -> Option<Option<T>> {
    if reader.has(name) { read(reader).map(Some) } else { Some(None) }
}
