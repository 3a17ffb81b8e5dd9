//! Accounts of ours at applications.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, TRANSFER_ENCODING};
use http::uri::PathAndQuery;

use super::client::owner;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::{CredentialName, RouteName};
use crate::features::upstream::credential::{Credential, Credentials};
use crate::features::upstream::form_login::FormLogin;
use crate::features::upstream::settings::StatusSet;
use crate::foundation::secret::Secret;

/// Reads the accounts of an application and which is used where; `routes` are its routes' tables. What
/// rules say is added when all files have been read.
pub(super) fn credentials(reader: &Reader<'_>, routes: &[Reader<'_>]) -> Option<Credentials> {
    let written = reader.named("credential");
    let named: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
    let by_name = collect_all(written.iter().map(|(name, table)| {
        let settled = credential(table);
        let name = name.parse::<CredentialName>();
        if let Err(error) = &name {
            reader.reading().error(table.key(), error.to_string(), "a name such as `reader`");
        }
        Some((name.ok()?, settled?))
    }));
    let default = one_of(reader, "default_credential", &named);
    let by_route: BTreeMap<RouteName, CredentialName> = routes
        .iter()
        .filter_map(|table| {
            let chosen = one_of(table, "credential", &named)?;
            if table.peek("access") == Some("public") {
                let what = "on a public route everybody would act under this account";
                table.error("credential", what, "no `credential`, or `access = \"policy\"`");
            }
            Some((table.peek("name")?.parse().ok()?, chosen))
        })
        .collect();
    let tests = written.iter().filter_map(|(name, table)| {
        Some((name.parse::<CredentialName>().ok()?, table.text_with("test", target)?))
    });
    Some(Credentials {
        tests: tests.collect(),
        by_name: by_name?.into_iter().collect(),
        default,
        by_route,
        by_rule: BTreeMap::new(),
    })
}

/// The account that a key names; it has to be among those of the application.
fn one_of(reader: &Reader<'_>, key: &str, known: &[&str]) -> Option<CredentialName> {
    let name: CredentialName = reader.parsed(key)?;
    if !known.contains(&name.as_str()) {
        let what = format!("this application has no credential `{name}`");
        reader.error(key, what, "the name of one of its `credential` tables");
    }
    Some(name)
}

fn credential(reader: &Reader<'_>) -> Option<Credential> {
    let kind = reader.text_with("kind", |text| match text {
        "basic" | "bearer" | "header" | "form" => Ok(text.to_owned()),
        _ => {
            let right = "one of basic, bearer, header, form";
            Err(Mistake::new(format!("`{text}` is not {right}"), right))
        }
    });
    let user = reader.text("user");
    let secret = reader.secret("secret");
    let owner = reader.text_with("owner", owner);
    let header = reader.text_with("header", header);
    let form = reader.optional_table("form").and_then(|reader| form(&reader));
    let kind = kind?;
    refuse_of_other_kinds(reader, &kind);
    let secret = secret?;
    if reader.has("owner") {
        owner?;
    }
    match kind.as_str() {
        "basic" => {
            let user = user?;
            if user.contains(':') {
                let what = "a name with `:` cannot be told apart from the password";
                reader.error("user", what, "another name");
                return None;
            }
            let pair = Secret::new(format!("{user}:{}", secret.reveal()));
            let value = Secret::new(format!("Basic {}", STANDARD.encode(pair.reveal())));
            Some(Credential::Header { name: AUTHORIZATION, value })
        }
        "bearer" => {
            let value = fits(reader, Secret::new(format!("Bearer {}", secret.reveal())))?;
            Some(Credential::Header { name: AUTHORIZATION, value })
        }
        "header" => Some(Credential::Header { name: header?, value: fits(reader, secret)? }),
        _ => {
            let Form { mut login, user_field, secret_field } = form?;
            login.user = (user_field, user?);
            login.secret = (secret_field, secret);
            Some(Credential::Form(Arc::new(login)))
        }
    }
}

/// Each kind has keys of its own: those of others mean nothing, and its own have to be there.
fn refuse_of_other_kinds(reader: &Reader<'_>, kind: &str) {
    let wanted: &[&str] = match kind {
        "basic" => &["user"],
        "header" => &["header"],
        "form" => &["user", "form"],
        _ => &[],
    };
    for name in ["user", "header", "form"] {
        match (wanted.contains(&name), reader.has(name)) {
            (true, false) => {
                let right = format!("`{name}` for `kind = \"{kind}\"`");
                reader.error(name, format!("`{name}` is missing"), right);
            }
            (false, true) => {
                reader.error(name, format!("`{name}` means nothing for `{kind}`"), format!("no `{name}`"));
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// A header of the application's own, which no other part of a request is made of.
fn header(text: &str) -> Result<HeaderName, Mistake> {
    let taken = [CONNECTION, CONTENT_LENGTH, COOKIE, HOST, TRANSFER_ENCODING];
    let name = HeaderName::from_bytes(text.as_bytes()).ok();
    let name = name.filter(|name| !taken.contains(name) && !name.as_str().starts_with("x-leastway-"));
    name.ok_or_else(|| {
        let what = format!("`{text}` is not the name of a header that can carry a secret");
        Mistake::new(what, "such as `\"x-api-key\"`")
    })
}

// The secret is not quoted.
fn fits(reader: &Reader<'_>, value: Secret) -> Option<Secret> {
    if HeaderValue::from_str(value.reveal()).is_err() {
        let what = "the secret has characters that a header cannot carry";
        reader.error("secret", what, "a secret in one line of ASCII");
        return None;
    }
    Some(value)
}

struct Form {
    login: FormLogin,
    user_field: String,
    secret_field: String,
}

fn form(reader: &Reader<'_>) -> Option<Form> {
    let page = reader.text_with("page", target);
    let action = reader.text_with("action", target);
    let user_field = reader.text("user_field");
    let secret_field = reader.text("secret_field");
    let fields = if reader.has("fields") { reader.map("fields") } else { Some(Vec::new()) };
    let expired_status = reader.list("expired_status");
    let expired_location =
        reader.text_with("expired_location", |text| target(text).map(|target| target.path().to_owned()));
    let expired_marker = reader.text("expired_marker");
    let browser_cookies = reader.texts("browser_cookies");
    let action = action?;
    let login = FormLogin {
        page,
        expired_location: expired_location.unwrap_or_else(|| action.path().to_owned()),
        action,
        user: (String::new(), String::new()),
        secret: (String::new(), Secret::new(String::new())),
        fields: fields?,
        expired_status: StatusSet::new(expired_status?),
        expired_marker,
        browser_cookies: browser_cookies?,
    };
    Some(Form { login, user_field: user_field?, secret_field: secret_field? })
}

fn target(text: &str) -> Result<PathAndQuery, Mistake> {
    let begins = text.starts_with('/');
    let target = text.parse::<PathAndQuery>().ok().filter(|_| begins);
    target.ok_or_else(|| Mistake::new(format!("`{text}` is not a path"), "such as `\"/login\"`"))
}
