//! OpenID providers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use url::{Host, Url};

use super::application::host;
use crate::config::certificate::{authorities, leaf};
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::config::secrets::warn_if_everyone_reads;
use crate::domain::assurance::AssuranceClass;
use crate::features::authn::client::{
    AssertionAudience, CertificateDigests, ClientCredential, ClientKey, SigningKey,
};
use crate::features::authn::settings::{AccessTokenType, Ask, ClassSettings, Proof, ProviderSettings};

pub(in crate::config) fn provider(reader: &Reader<'_>) -> Option<ProviderSettings> {
    let name = reader.parsed("name");
    let title = title(reader);
    let domains = reader.list_with("domains", host);
    let issuer = reader.text_with("issuer", issuer);
    let client_id = reader.text("client_id");
    let credential = credential(reader);
    let pushed_requests = reader.yes_no("pushed_requests");
    let own_callback = reader.yes_no("own_callback");
    let scopes = scopes(reader);
    let claims = claims(reader);
    let assurance = assurance(reader);
    let login_again = reader.parsed("login_again");
    let access_token_type = reader.text_with("access_token_type", access_token_type);
    let authorities_pem = authorities(reader);
    let clock_skew = reader.duration("clock_skew");
    let timeout = reader.duration("timeout");
    let connect_to = reader.text_with("connect_to", host_and_port);
    Some(ProviderSettings {
        name: name?,
        title: title?,
        domains: domains?,
        issuer: issuer?.into(),
        client_id: client_id?,
        credential: credential?,
        pushed_requests: pushed_requests?,
        own_callback: own_callback?,
        scopes: scopes?,
        claims: claims?,
        assurance: assurance?,
        login_again: login_again?,
        has_directory_groups: false,
        access_token_type: access_token_type?,
        authorities: authorities_pem,
        clock_skew: clock_skew?,
        timeout: timeout?,
        connect_to,
    })
}

/// What people read on a button.
fn title(reader: &Reader<'_>) -> Option<String> {
    if !reader.has("title") {
        return reader.peek("name").map(str::to_owned);
    }
    let title = reader.text("title")?;
    if title.chars().count() > TITLE_CHARACTERS_MAX || title.chars().any(char::is_control) {
        reader.error("title", "it does not fit on a button", "60 characters at most, in one line");
        return None;
    }
    Some(title)
}

/// What shows it that it is us: one of two.
fn credential(reader: &Reader<'_>) -> Option<ClientCredential> {
    match (reader.has("client_secret"), reader.has("client_key")) {
        (true, false) => reader.secret("client_secret").map(ClientCredential::Secret),
        (false, true) => client_key(&reader.optional_table("client_key")?).map(ClientCredential::Key),
        (true, true) => {
            let what = "there is a `client_key` too, and nobody can tell which counts";
            reader.error("client_secret", what, "one of them");
            None
        }
        (false, false) => {
            let right = "`client_secret`, or a table `client_key`";
            reader.reading().error(reader.key(), "nothing shows the provider that it is us", right);
            None
        }
    }
}

/// Our private key, in the file under `key`.
pub(super) fn signing_key(reader: &Reader<'_>) -> Option<SigningKey> {
    let path = reader.file_reference("key")?;
    let pem = reader.reading().secret_file(&reader.key_of("key"), &path)?;
    warn_if_everyone_reads(reader.reading(), &reader.key_of("key"), &path);
    let key = SigningKey::from_pem(&pem);
    if let Err(error) = &key {
        let what = format!("`{}` holds {error}", path.display());
        reader.error("key", what, "a private key in PEM that is not encrypted; EC keys in PKCS#8");
    }
    key.ok()
}

fn client_key(reader: &Reader<'_>) -> Option<ClientKey> {
    let key = signing_key(reader);
    let certificate = leaf(reader, "certificate");
    let audience = reader.text_with("audience", |text| match text {
        "issuer" => Ok(AssertionAudience::Issuer),
        "token_endpoint" => Ok(AssertionAudience::TokenEndpoint),
        _ => Err(Mistake::new(format!("`{text}` is no audience"), "issuer or token_endpoint")),
    });
    let id = reader.text("id");
    Some(ClientKey {
        key: key?,
        id,
        certificate: match certificate {
            Some(certificate) => Some(CertificateDigests::of(&certificate)),
            None if reader.has("certificate") => return None,
            None => None,
        },
        audience: audience?,
    })
}

/// Whether a URL leads to this machine only.
pub(in crate::config) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

// A URL may hold a password, so it is quoted only where it is known to hold none.
pub(super) fn issuer(text: &str) -> Result<String, Mistake> {
    let right = "its issuer URL as in its metadata, such as `\"https://id.clinic.example\"`";
    let url = Url::parse(text).map_err(|error| Mistake::new(format!("not a URL: {error}"), right))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Mistake::new("a URL here holds no name and no password", right));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Mistake::new(format!("`{text}`: an issuer URL has no `?` and no `#`"), right));
    }
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if is_loopback(&url) => Ok(text.to_owned()),
        "http" => {
            Err(Mistake::new(format!("`{text}` is not encrypted"), "`https`; `http` only for loopback hosts"))
        }
        _ => Err(Mistake::new(format!("`{text}` is not `https`"), right)),
    }
}

fn access_token_type(text: &str) -> Result<AccessTokenType, Mistake> {
    match text {
        "at+jwt" => Ok(AccessTokenType::AtJwt),
        "jwt" => Ok(AccessTokenType::Jwt),
        _ => Err(Mistake::new(format!("`{text}` is no type of access tokens"), "one of at+jwt, jwt")),
    }
}

fn scopes(reader: &Reader<'_>) -> Option<Vec<String>> {
    let scopes = reader.list_with("scopes", word)?;
    if !scopes.iter().any(|scope| scope == "openid") {
        reader.error("scopes", "without `openid` the provider sends no ID token", "`\"openid\"` among them");
        return None;
    }
    Some(scopes)
}

/// A text that is sent in a list separated by spaces.
fn word(text: &str) -> Result<String, Mistake> {
    let known = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if text.is_empty() || !text.bytes().all(known) {
        return Err(Mistake::new(
            format!("`{text}` is not one word"),
            "one word for each element of the list",
        ));
    }
    Ok(text.to_owned())
}

fn claims(reader: &Reader<'_>) -> Option<BTreeMap<String, String>> {
    let defaults = [("groups", "groups"), ("name", "name")];
    let mut claims: BTreeMap<String, String> =
        defaults.map(|(word, claim)| (word.to_owned(), claim.to_owned())).into();
    if !reader.has("claims") {
        return Some(claims);
    }
    for (attribute, claim) in reader.map("claims")? {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !attribute.bytes().all(known) || attribute.is_empty() {
            let what = format!("`{attribute}` is no word for an attribute");
            reader.error("claims", what, "lower-case letters, digits and `_`");
        }
        claims.insert(attribute, claim);
    }
    Some(claims)
}

fn assurance(reader: &Reader<'_>) -> Option<BTreeMap<AssuranceClass, ClassSettings>> {
    let all = reader.named("assurance").into_iter().map(|(name, table)| {
        let class = name.parse::<AssuranceClass>();
        if let Err(error) = &class {
            reader.reading().error(table.key(), error.to_string(), "a name such as `mfa`");
        }
        let settings = class_settings(&table);
        Some((class.ok()?, settings?))
    });
    collect_all(all).map(BTreeMap::from_iter)
}

fn class_settings(reader: &Reader<'_>) -> Option<ClassSettings> {
    let ask = reader.table("ask").and_then(|reader| ask(&reader));
    let proof = reader.table("proof").and_then(|reader| proof(&reader));
    Some(ClassSettings { ask: ask?, proof: proof? })
}

fn ask(reader: &Reader<'_>) -> Option<Ask> {
    let acr_values = reader.list_with("acr_values", word);
    let scope = reader.list_with("scope", word);
    let prompt = reader.text_with("prompt", |text| match text {
        "login" | "consent" | "select_account" => Ok(text.to_owned()),
        _ => Err(Mistake::new(format!("`{text}` is no prompt"), "one of login, consent, select_account")),
    });
    let max_age = reader.yes_no("max_age");
    Some(Ask { acr_values: acr_values?, scope: scope?, prompt, max_age: max_age? })
}

fn proof(reader: &Reader<'_>) -> Option<Proof> {
    let (acr, amr, scope) =
        (reader.list_with("acr", word), reader.list_with("amr", word), reader.list_with("scope", word));
    let proof = Proof { acr: acr?, amr: amr?, scope: scope? };
    if proof == Proof::default() {
        let right = "`acr`, `amr` or `scope` that come back after the stronger sign-in";
        reader.reading().error(reader.key(), "nothing would ever prove this class", right);
        return None;
    }
    Some(proof)
}

fn host_and_port(text: &str) -> Result<String, Mistake> {
    let fits = text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_fits = match bracketed {
            Some(address) => address.parse::<IpAddr>().is_ok(),
            None => !host.contains(':') && Host::parse(host).is_ok(),
        };
        host_fits && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let mistake =
        || Mistake::new(format!("`{text}` is not a host and a port"), "such as `\"10.0.0.5:8443\"`");
    fits.then(|| text.to_owned()).ok_or_else(mistake)
}

const TITLE_CHARACTERS_MAX: usize = 60;
