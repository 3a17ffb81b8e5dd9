//! Where things stand in the files, so that later stages can point at them too.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::domain::application::{ApplicationName, Category, CredentialName, RoleName, RouteName};

/// A place in a file; line and column count from 1, and are 0 where the whole file is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl Place {
    /// The whole file.
    pub fn file(file: &str) -> Self {
        Self { file: file.into(), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// Where a secret stands that a key refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In a variable of the environment.
    Variable(String),
    /// In a file of its own.
    File(PathBuf),
}

/// Where each key stands: dotted key → place; and where each secret does.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    keys: BTreeMap<String, Place>,
    routes: BTreeMap<(String, String), String>,
    secrets: BTreeMap<String, SecretPlace>,
}

impl Locations {
    /// Where `key` stands, or else the nearest table around it that is written, or else the main file.
    pub fn nearest(&self, key: &str) -> Option<&Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.keys.get(key) {
                return Some(place);
            }
            let Some(end) = key.rfind(['.', '[']) else { return self.keys.get("") };
            key = key.get(..end)?;
        }
    }

    /// The key of an application.
    pub fn application(application: &ApplicationName) -> String {
        dotted("application", application.as_str())
    }

    /// The key of a route, if there is such a route.
    pub fn route(&self, application: &ApplicationName, route: &RouteName) -> Option<&str> {
        let names = (application.as_str().to_owned(), route.as_str().to_owned());
        self.routes.get(&names).map(String::as_str)
    }

    /// The key of the secret of an account.
    pub fn secret_of(application: &ApplicationName, account: &CredentialName) -> String {
        let accounts = dotted(&Self::application(application), "credential");
        dotted(&dotted(&accounts, account.as_str()), "secret")
    }

    /// Where secrets stand, by their keys.
    pub const fn secrets(&self) -> &BTreeMap<String, SecretPlace> {
        &self.secrets
    }

    /// The key of a role.
    pub fn role(role: &RoleName) -> String {
        dotted("role", role.as_str())
    }

    /// The key of a category.
    pub fn category(category: &Category) -> String {
        dotted("category", category.as_str())
    }

    /// The key of a role's rule; positions count from 1, as in the rule's id `registrar/2`.
    pub fn rule(role: &RoleName, position: usize) -> String {
        format!("{}.may[{position}]", Self::role(role))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    pub(super) fn add(&mut self, key: &str, place: Place) {
        self.keys.entry(key.to_owned()).or_insert(place);
    }

    pub(super) fn add_secret(&mut self, key: &str, place: SecretPlace) {
        self.secrets.insert(key.to_owned(), place);
    }

    pub(super) fn add_route(&mut self, application: &str, route: &str, key: &str) {
        self.routes.entry((application.to_owned(), route.to_owned())).or_insert_with(|| key.to_owned());
    }
}

/// `parent.name`, the name in quotes where a bare key could not be read back.
pub(super) fn dotted(parent: &str, name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_bare = !name.is_empty() && name.bytes().all(bare);
    let name: Cow<'_, str> = if is_bare { name.into() } else { format!("{name:?}").into() };
    if parent.is_empty() { name.into_owned() } else { format!("{parent}.{name}") }
}
